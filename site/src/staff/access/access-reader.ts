// A list of access, read page by page as far as somebody wants it: shown a page at a time, read whole to
// export and to print.
import { accessPage, type AccessQuery, type AccessRow } from "../../api/staff";
import { signal } from "../../ui/signal";

/** What is listed: a view, and in it those who are found by words and are of a professional. */
export interface Filter {
  view: AccessQuery["view"];
  query: string;
  professional: string;
}

const PAGE = 50;
/** The most the API gives at once. */
const LARGEST = 100;

export const keyOf = ({ client, portalUser }: AccessRow): string =>
  `${client.clientId} ${portalUser?.portalUserId ?? ""}`;

export class AccessReader {
  /** What is shown; null before the first page. */
  readonly shown = signal<readonly AccessRow[] | null>(null);
  /** How many were read so far, shown or not. */
  readonly count = signal(0);
  /** Nothing is left to show. */
  readonly complete = signal(false);
  #rows: AccessRow[] = [];
  readonly #known = new Set<string>();
  #cursor: string | null = null;
  #begun = false;
  #reading: Promise<void> | null = null;
  readonly #closed = new AbortController();

  constructor(
    readonly filter: Filter,
    private readonly ask: typeof accessPage = accessPage,
  ) {}

  /** Shows a page more. */
  async next(): Promise<void> {
    const shown = this.shown.peek()?.length ?? 0;
    if (this.#rows.length === shown && !this.#isRead()) await this.#read(PAGE);
    this.#show(shown + PAGE);
  }

  /** Reads all that is left without showing it: of a long list that takes a while. After a failure what was
   *  read stays, and asking again goes on from there. */
  async all(): Promise<readonly AccessRow[]> {
    while (!this.#isRead() && !this.#closed.signal.aborted) await this.#read(LARGEST);
    return this.#rows;
  }

  showAll(): void {
    this.#show(this.#rows.length);
  }

  /** Nobody is looking any more: the rest is not read. */
  close(): void {
    this.#closed.abort();
  }

  #isRead(): boolean {
    return this.#begun && this.#cursor === null;
  }

  /** Whoever asks while a page is on its way waits for that one. */
  #read(limit: number): Promise<void> {
    this.#reading ??= this.#readNext(limit).finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readNext(limit: number): Promise<void> {
    const { view, query, professional } = this.filter;
    const body: AccessQuery = {
      view,
      limit,
      ...(query && { query }),
      ...(professional && { professional }),
      ...(this.#cursor !== null && { cursor: this.#cursor }),
    };
    const { signal } = this.#closed;
    const page = await this.ask(body, signal).catch((thrown: unknown) => {
      if (signal.aborted) return null;
      throw thrown;
    });
    if (!page) return;
    this.#begun = true;
    this.#cursor = page.nextCursor;
    for (const row of page.rows) {
      // The list moves while it is read: who was renamed may come twice.
      const key = keyOf(row);
      if (!this.#known.has(key)) this.#rows.push(row);
      this.#known.add(key);
    }
    this.count.value = this.#rows.length;
  }

  #show(most: number): void {
    this.shown.value = this.#rows.slice(0, most);
    this.complete.value = this.#isRead() && most >= this.#rows.length;
  }
}
