// An edit that came too late. Nothing anybody wrote is lost: what the other person changed and we did
// not touch is taken over, what we typed stays, and every difference is named before saving again.

/** A field the other person changed; `clash` when we typed something else there. */
export interface Change<D> {
  field: keyof D & string;
  clash: boolean;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** `base` is what both started from, `mine` what is on the page, `theirs` what the server has now. */
export function merge<D extends object>(base: D, mine: D, theirs: D): { draft: D; changes: Change<D>[] } {
  const draft = { ...theirs };
  const changes: Change<D>[] = [];
  for (const field of Object.keys(theirs) as (keyof D & string)[]) {
    const touched = !same(mine[field], base[field]);
    if (touched) draft[field] = mine[field];
    if (same(base[field], theirs[field])) continue;
    changes.push({ field, clash: touched && !same(mine[field], theirs[field]) });
  }
  return { draft, changes };
}

/** The fields of `now` that differ from `base`. */
export function touched<D extends object>(base: D, now: D): Set<keyof D & string> {
  return new Set(
    (Object.keys(now) as (keyof D & string)[]).filter((field) => !same(base[field], now[field])),
  );
}
