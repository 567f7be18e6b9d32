// Every page of the portal: the practice's name, one card with one question, the language below.
import type { ComponentChildren } from "preact";
import { Heading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { Language } from "./language";

export function Frame(props: {
  brand: string;
  title: string;
  /** A new title of the same page (the next step) is a new heading. */
  step?: string;
  wide?: boolean;
  children: ComponentChildren;
}) {
  return (
    <>
      <main class={`gate${props.wide ? " wide" : ""}`}>
        <p class="brand">
          <Anchor /> {props.brand}
        </p>
        <section class="card gate-card">
          <Heading key={props.step} title={props.title}>
            {props.title}
          </Heading>
          {props.children}
        </section>
        <Language />
      </main>
    </>
  );
}
