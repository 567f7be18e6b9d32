// What was done, said once: one region that is always on the page, so that screen readers watch it.
import { signal } from "./signal";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../messages/shared";
import { focusHeading } from "./heading";
import { Cross } from "./icons";

const SHOWN_MS = 10_000;

/** Words, or what finds them: then they follow what it reads. */
export type Said = string | (() => string);

const toast = signal<{ said: Said } | null>(null);

let coming: ReturnType<typeof setTimeout> | undefined;

/** Say it after the focus has settled: a screen reader would otherwise cut it off. */
export function say(said: Said): void {
  hush();
  coming = setTimeout(() => (toast.value = { said }), 100);
}

/** Take it back: the next to look is another person. */
export function hush(): void {
  clearTimeout(coming);
  toast.value = null;
}

export function Toasts() {
  const shown = toast.value;
  const text = typeof shown?.said === "function" ? shown.said() : shown?.said;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const held = useRef(new Set<"pointer" | "focus">()).current;
  const before = useRef<HTMLElement | null>(null);

  // A slow reader rests the pointer or the focus on it, and it stays, also when its words change.
  const wait = () => {
    clearTimeout(timer.current);
    if (!held.size) timer.current = setTimeout(() => (toast.value = null), SHOWN_MS);
  };
  const hold = (by: "pointer" | "focus") => {
    held.add(by);
    wait();
  };
  const release = (by: "pointer" | "focus") => {
    held.delete(by);
    wait();
  };
  useEffect(() => {
    if (shown) wait();
    // What is taken off the page is left by nothing.
    else held.clear();
    return () => clearTimeout(timer.current);
  }, [shown, text]);

  const dismiss = () => {
    toast.value = null;
    if (before.current?.isConnected) before.current.focus();
    else focusHeading();
  };

  return (
    <div class="toasts" role="status">
      {shown && (
        <div
          class="toast"
          onPointerEnter={() => hold("pointer")}
          onPointerLeave={() => release("pointer")}
          onFocusIn={(event) => {
            before.current = event.relatedTarget as HTMLElement | null;
            hold("focus");
          }}
          onFocusOut={() => release("focus")}
        >
          <p>{text}</p>
          <button type="button" aria-label={t("toast.dismiss")} onClick={dismiss}>
            <Cross />
          </button>
        </div>
      )}
    </div>
  );
}
