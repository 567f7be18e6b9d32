// What stands at the end of a dialog that asks: the way out of it, and the button that does it.
import type { ComponentChildren, Ref } from "preact";
import { useId } from "preact/hooks";
import { sayIfKnown } from "../messages/language";
import { t } from "../messages/staff";
import { Button } from "../ui/button";

/** "Cancel" and the button that does it; where much ends, the focus starts on "Cancel". */
export function Decision(props: {
  close: () => void;
  autoFocusCancel?: boolean;
  children: ComponentChildren;
}) {
  return (
    <div class="actions">
      <Button autoFocus={props.autoFocusCancel} onClick={props.close}>
        {t("cancel")}
      </Button>
      {props.children}
    </div>
  );
}

export const isTheWord = (typed: string, word: Word = "delete"): boolean =>
  typed.trim().toLowerCase() === word;

/** What is typed to confirm: a deletion, the end of all sessions, or that many lose their access. */
type Word = "delete" | "end" | "revoke";

/** Asks for the word that confirms. */
export function TheWord(props: {
  word?: Word;
  value: string;
  onInput: (typed: string) => void;
  /** Whether it was sent without the word. */
  refused: boolean;
  inner: Ref<HTMLInputElement>;
}) {
  const id = useId();
  const { word = "delete" } = props;
  const wrong = props.refused && !isTheWord(props.value, word);
  const say = (key: string) => sayIfKnown(`${word}.${key}`);
  return (
    <div class={`field${wrong ? " wrong" : ""}`}>
      <label for={id}>{say("type")}</label>
      <input
        ref={props.inner}
        id={id}
        type="text"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        autofocus
        value={props.value}
        aria-invalid={wrong ? "true" : undefined}
        aria-describedby={wrong ? `${id}-error` : undefined}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <p class="error" id={`${id}-error`} role="alert">
        {wrong && say("notTheWord")}
      </p>
    </div>
  );
}
