// A page's heading names the document and takes the focus when one arrives, so that a keyboard or a
// screen reader starts at the new page and not at the link that led there.
import { signal } from "./signal";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../messages/shared";

/** Whose pages these are (the practice), for the end of every document title. */
export const place = signal("");

let current: HTMLHeadingElement | null = null;
let arrivedBefore = false;

/** Where the focus goes when what had it is gone. */
export function focusHeading(): void {
  if (current?.isConnected) current.focus();
}

/** After something was redrawn that may have had it. */
export function keepFocus(): void {
  setTimeout(() => document.activeElement === document.body && focusHeading());
}

export function Heading(props: {
  /** What the document is called; without it the heading leaves the name as it is. */
  title?: string;
  level?: 1 | 2;
  /** For pages whose place is plain to see: the heading is there, but not drawn. */
  hidden?: boolean;
  /** False for a heading beside which another one takes the focus. */
  takesFocus?: boolean;
  children: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const takesFocus = props.takesFocus ?? true;
  const { title } = props;
  const where = place.value;

  useEffect(() => {
    if (title) document.title = where ? t("page.title", { page: title, place: where }) : title;
  }, [title, where]);

  useLayoutEffect(() => {
    current = heading.current;
    if (!takesFocus) return;
    // On the very first page, whoever was quicker than the page keeps the focus.
    if (arrivedBefore || document.activeElement === document.body) heading.current?.focus();
    arrivedBefore = true;
  }, []);

  const Tag = props.level === 2 ? "h2" : "h1";
  return (
    <Tag ref={heading} tabIndex={-1} class={props.hidden ? "sr-only" : undefined}>
      {props.children}
    </Tag>
  );
}
