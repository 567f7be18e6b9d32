// Every page of the portal: the practice's name, one card with one question, the language below.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Practice } from "../api/portal";
import { t } from "../messages/portal";
import { Button } from "../ui/button";
import { Form, TextField, type Invalid } from "../ui/form";
import { Heading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { addressOf, token } from "./door";
import { Language } from "./language";
import { tokenIn } from "./link";

export function Frame(props: {
  brand: string;
  title: string;
  /** A new title of the same page (the next step) is a new heading. */
  step?: string;
  wide?: boolean;
  /** Something is still to come: what stands below the card would only be pushed down by it. */
  waiting?: boolean;
  children: ComponentChildren;
}) {
  return (
    // A click beside everything, such as the second of a double click, leaves the focus in here.
    <main class={`gate${props.wide ? " wide" : ""}`} tabIndex={-1}>
      <p class="brand">
        <Anchor /> {props.brand}
      </p>
      <section class="card gate-card">
        <Heading key={props.step} title={props.title}>
          {props.title}
        </Heading>
        {props.children}
      </section>
      {!props.waiting && <Language />}
    </main>
  );
}

export const ToSignIn = ({ practice }: { practice: Practice }) => (
  <p class="below">
    <a href={addressOf(practice, "sign-in")}>{t("link.toSignIn")}</a>
  </p>
);

export const Forgot = ({ practice }: { practice: Practice }) => (
  <p class="below">
    <a href={addressOf(practice, "reset")}>{t("signIn.forgot")}</a>
  </p>
);

/** A page that a mail's link leads to, without the link: it was loaded anew, or lost it on its way. */
export const NoLink = ({ practice }: { practice: Practice }) => (
  <Frame brand={practice.name} title={t("link.goneTitle")} step="gone">
    <p>{t("link.gone")}</p>
    <PasteLink practice={practice} />
    <ToSignIn practice={practice} />
  </Frame>
);

/** For links that do not open as they are: everything is taken in which the token is. */
export function PasteLink({ practice }: { practice: Practice }) {
  const [text, setText] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const submit = () => {
    const found = tokenIn(text);
    if (found && found !== token.peek()) token.value = found;
    else
      setInvalid([
        { field: "link", message: t(found ? "link.same" : "link.none", { practice: practice.name }) },
      ]);
  };
  return (
    <Form invalid={invalid} failure={null} onSubmit={submit}>
      <TextField
        name="link"
        label={t("link.paste")}
        hint={t("link.pasteHint")}
        verbatim
        value={text}
        onInput={setText}
      />
      <Button type="submit" kind="primary" wide>
        {t("enroll.next")}
      </Button>
    </Form>
  );
}
