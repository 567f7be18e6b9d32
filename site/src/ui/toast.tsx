// What was done, said once: one region that is always on the page, so that screen readers watch it.
import { signal } from "./signal";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../messages/shared";
import { focusHeading } from "./heading";
import { Cross } from "./icons";

const SHOWN_MS = 10_000;
const toast = signal<{ text: string } | null>(null);

let coming: ReturnType<typeof setTimeout> | undefined;

/** Say it after the focus has settled: a screen reader would otherwise cut it off. */
export function say(text: string): void {
  hush();
  coming = setTimeout(() => (toast.value = { text }), 100);
}

/** Take it back: whoever looks next is somebody else. */
export function hush(): void {
  clearTimeout(coming);
  toast.value = null;
}

export function Toasts() {
  const shown = toast.value;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const before = useRef<HTMLElement | null>(null);

  // Whoever reads slowly rests the pointer or the focus on it, and it stays.
  const hold = () => clearTimeout(timer.current);
  const release = () => {
    hold();
    timer.current = setTimeout(() => (toast.value = null), SHOWN_MS);
  };
  useEffect(() => {
    if (shown) release();
    return hold;
  }, [shown]);

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
          onPointerEnter={hold}
          onPointerLeave={release}
          onFocusIn={(event) => {
            before.current = event.relatedTarget as HTMLElement | null;
            hold();
          }}
          onFocusOut={release}
        >
          <p>{shown.text}</p>
          <button type="button" aria-label={t("toast.dismiss")} onClick={dismiss}>
            <Cross />
          </button>
        </div>
      )}
    </div>
  );
}
