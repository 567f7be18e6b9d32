// Lets the browser draw and hear what is pressed, between two pieces of long work.

export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** Pieces of so many rows take some milliseconds. */
const PIECE = 500;

/** `work` for each item, with breath in between. */
export async function each<T, R>(items: readonly T[], work: (item: T, at: number) => R): Promise<R[]> {
  const done: R[] = [];
  for (const [at, item] of items.entries()) {
    if (at % PIECE === PIECE - 1) await breathe();
    done.push(work(item, at));
  }
  return done;
}
