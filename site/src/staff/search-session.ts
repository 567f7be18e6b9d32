// One search box's conversation with the server: waits until the typing pauses, gives up what newer
// typing has overtaken, and pages on. The answers of an abandoned question never show.
import { computed, signal } from "../ui/signal";
import { Failure } from "../api/http";
import * as api from "../api/staff";

const PAUSE_MS = 120;
const PAGE = 20;
/** The API searches for words of two characters and up. */
const SHORTEST = 2;

export class SearchSession {
  readonly text = signal("");
  readonly hits = signal<readonly api.Hit[]>([]);
  /** The question that `hits` answers; null before the first answer. */
  readonly answered = signal<string | null>(null);
  /** Words of the question that nobody found has. */
  readonly ignored = signal<readonly string[]>([]);
  readonly cursor = signal<string | null>(null);
  readonly failure = signal<Failure | null>(null);
  readonly busy = signal(false);
  readonly question = computed(() => this.text.value.trim());
  readonly tooShort = computed(
    () => !this.question.value.split(/\s+/).some((word) => [...word].length >= SHORTEST),
  );

  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;

  constructor(private readonly ask: typeof api.search = api.search) {}

  type(text: string): void {
    this.text.value = text;
    this.#giveUp();
    if (this.tooShort.value) return this.#forget();
    if (this.question.value === this.answered.value) return;
    this.#timer = setTimeout(() => void this.now(), PAUSE_MS);
  }

  /** Ask at once: Enter, or a retry. */
  async now(): Promise<void> {
    this.#giveUp();
    const query = this.question.value;
    if (this.tooShort.value) return;
    await this.#fetch({ query, limit: PAGE }, (page) => {
      this.hits.value = page.clients;
      this.ignored.value = page.ignored ?? [];
      this.answered.value = query;
    });
  }

  async more(): Promise<void> {
    const cursor = this.cursor.value;
    const query = this.answered.value;
    if (!cursor || query === null || this.busy.value) return;
    await this.#fetch({ query, limit: PAGE, cursor }, (page) => {
      this.hits.value = [...this.hits.value, ...page.clients];
    });
  }

  clear(): void {
    this.type("");
  }

  async #fetch(
    body: Parameters<typeof api.search>[0],
    take: (page: Awaited<ReturnType<typeof api.search>>) => void,
  ) {
    const request = (this.#request = new AbortController());
    this.busy.value = true;
    this.failure.value = null;
    try {
      const page = await this.ask(body, request.signal);
      if (request.signal.aborted) return;
      take(page);
      this.cursor.value = page.nextCursor ?? null;
    } catch (thrown) {
      if (request.signal.aborted) return;
      if (!(thrown instanceof Failure)) throw thrown;
      this.failure.value = thrown;
    } finally {
      if (!request.signal.aborted) this.busy.value = false;
    }
  }

  #giveUp(): void {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.busy.value = false;
  }

  #forget(): void {
    this.hits.value = [];
    this.ignored.value = [];
    this.answered.value = null;
    this.cursor.value = null;
    this.failure.value = null;
  }
}
