// How far a long work is, for the eye at once and for the ear now and then.
import { useEffect, useRef, useState } from "preact/hooks";

/** Between two times that it is read out. */
const PAUSE_MS = 5000;

export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  const [heard, hear] = useState("");
  const last = useRef(0);
  useEffect(() => {
    const now = Date.now();
    if (done < total && now - last.current < PAUSE_MS) return;
    last.current = now;
    hear(label);
  }, [done, total, label]);
  return (
    <>
      <progress value={done} max={Math.max(total, 1)} aria-label={label} />
      <p aria-hidden="true">{label}</p>
      <p class="sr-only" aria-live="polite">
        {heard}
      </p>
    </>
  );
}
