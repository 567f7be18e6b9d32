// The platform's modal dialog: it makes the rest inert, keeps the focus inside, closes on Escape and
// gives the focus back to where it was.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { focusHeading } from "./heading";

export function Dialog(props: {
  title: string;
  /** While true, Escape does not close: the answer of what was started is still to come. */
  busy?: boolean;
  /** While true, Escape does not close either: what was typed would go with it. */
  typed?: boolean;
  /** For forms: more than a question and its answer. */
  wide?: boolean;
  /** After the dialog has closed, however that came about. */
  onClose: () => void;
  /** `close` closes at once: what runs after it may move the focus on into the page. */
  children: (close: () => void) => ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const heading = useId();
  const held = useRef(false);
  held.current = (props.busy ?? false) || (props.typed ?? false);
  const ended = useRef(false);

  // Not when the browser's own `close` comes: that is a task of its own, and a quick hand is faster. What
  // it opens meanwhile would be taken for this one, and closed by that.
  const end = (element: HTMLDialogElement) => {
    if (ended.current) return;
    ended.current = true;
    element.close();
    // Opened by its address, it has no place to give the focus back to; or that place went meanwhile, and
    // the focus is still in here, where nobody sees it.
    const focused = document.activeElement;
    if (focused === document.body || element.contains(focused)) focusHeading();
    props.onClose();
  };

  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    if (element) beginAtTheBeginning(element, title.current);
    // Closing before the element leaves the page: only then does the focus go back.
    return () => element?.close();
  }, []);

  return (
    <dialog
      ref={dialog}
      class={props.wide ? "wide" : undefined}
      aria-labelledby={heading}
      onCancel={(event) => {
        if (held.current) event.preventDefault();
        else end(event.currentTarget);
      }}
      onClose={(event) => end(event.currentTarget)}
    >
      <h2 ref={title} id={heading}>
        {props.title}
      </h2>
      {props.children(() => dialog.current && end(dialog.current))}
    </dialog>
  );
}

/** On a small screen what takes the focus may lie far below, and whoever decides reads from the top. */
function beginAtTheBeginning(dialog: HTMLDialogElement, title: HTMLElement | null): void {
  if (dialog.scrollTop === 0) return;
  dialog.scrollTop = 0;
  const focused = document.activeElement?.getBoundingClientRect();
  if (!title || !focused || focused.bottom <= dialog.getBoundingClientRect().bottom) return;
  // Not before: whatever can have the focus when a dialog opens, the browser may choose.
  title.tabIndex = -1;
  title.focus();
}
