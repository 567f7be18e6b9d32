// What was typed into a form, kept when the session ends under it: the client's data leaves the page, and
// what the person wrote stays to be copied. Whoever signs in again in another tab finds it in its form; for
// anybody else it is gone. In memory only: nothing of it is left in the browser.
import { useEffect, useRef, useState } from "preact/hooks";
import { signal } from "../ui/signal";
import { touched } from "./stale";

/** One field of a form, as the form calls it. */
export interface TypedField {
  label: string;
  text: string;
}

interface Typed {
  /** The form's address. */
  path: string;
  fields: readonly TypedField[];
  /** The changed fields of the form's draft. */
  draft: object;
  /** The same fields as the form began with, and the version that they were of. */
  was: object;
  version: number | undefined;
}

/** What stays while nobody is signed in. */
export const kept = signal<Typed | null>(null);
/** Answers what the open form holds. */
let open: (() => Typed) | null = null;

/** The session is over: called before the forms go. */
export function keepTyped(): void {
  const typed = open?.();
  kept.value = typed?.fields.length ? typed : null;
}

export function forgetTyped(): void {
  kept.value = null;
}

/** A form's draft, which begins as `base` with what was kept for this form. */
export function useTyped<D extends object>(form: {
  base: D;
  /** Of the record that `base` was read from; with it the form begins through `asLeft`. */
  version?: number;
  label: (field: keyof D & string) => string;
  say: (draft: D, field: keyof D & string) => string;
}): [D, (draft: D) => void] {
  const [draft, setDraft] = useState(() => ({ ...form.base, ...takeBack() }));
  const now = useRef({ ...form, draft });
  now.current = { ...form, draft };

  useEffect(() => {
    const path = location.pathname;
    const own = (): Typed => {
      const { base, draft, label, say, version } = now.current;
      const changed = [...touched(base, draft)];
      const only = (of: D) => Object.fromEntries(changed.map((field) => [field, of[field]]));
      return {
        path,
        fields: changed
          .map((field) => ({ label: label(field), text: say(draft, field) }))
          .filter(({ text }) => text),
        draft: only(draft),
        was: only(base),
        version,
      };
    };
    open = own;
    return () => {
      if (open === own) open = null;
    };
  }, []);

  return [draft, setDraft];
}

function takeBack(): object {
  const typed = kept.peek();
  if (typed?.path !== location.pathname) return {};
  forgetTyped();
  return typed.draft;
}
