// Where an edit goes on that the end of the session cut off.
import { kept } from "./typed";

/** A record as read, and as the form has it. */
export interface Base<D> {
  version: number;
  draft: D;
}

/** The base of a form whose record is `now`. What was kept for it was typed upon an earlier version: saved as an edit of
 *  that one, it is found to be stale when somebody has changed the record since. */
export function asLeft<D extends object>(now: Base<D>): Base<D> {
  const left = kept.peek();
  if (left?.path !== location.pathname || left.version === undefined) return now;
  return { version: left.version, draft: { ...now.draft, ...left.was } };
}
