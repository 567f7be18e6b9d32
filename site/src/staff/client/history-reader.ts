// A history, read page by page as far as somebody wants it: the first page to look at, all of it
// to filter, to export and to print.
import { signal } from "../../ui/signal";
import type { HistoryEvent } from "../../api/staff";

/** A page of what is read, and where the next begins. */
export interface Page<E> {
  events: readonly E[];
  nextCursor: string | null;
}

export class HistoryReader<E = HistoryEvent> {
  /** What was read, newest first; null before the first page. */
  readonly events = signal<readonly E[] | null>(null);
  /** Nothing is left to read. */
  readonly complete = signal(false);
  #cursor: string | undefined;
  #reading: Promise<void> | null = null;
  #closed = false;

  constructor(private readonly readPage: (cursor?: string) => Promise<Page<E>>) {}

  /** Reads a page; whoever asks while one is on its way waits for that one. */
  next(): Promise<void> {
    this.#reading ??= this.#readNext().finally(() => (this.#reading = null));
    return this.#reading;
  }

  /** Reads all that is left. After a failure all that was read stays, and asking again goes on from there. */
  async all(): Promise<void> {
    while (!this.complete.peek() && !this.#closed) await this.next();
  }

  /** Nobody is looking any more: the rest is not read. */
  close(): void {
    this.#closed = true;
  }

  async #readNext(): Promise<void> {
    const page = await this.readPage(this.#cursor);
    this.#cursor = page.nextCursor ?? undefined;
    this.events.value = [...(this.events.peek() ?? []), ...page.events];
    this.complete.value = !page.nextCursor;
  }
}
