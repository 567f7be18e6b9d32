// Asks the API about many rows: in calls of 25, a few at a time, in their order. It can be stopped and goes on
// where it was; a call that failed is sent again then.
import type { Candidate, Client } from "./judge";

/** What became of a row, or would: the API's words. */
export interface Outcome {
  outcome: "created" | "updated" | "unchanged" | "possible_duplicate" | "invalid";
  clientId?: string;
  fields?: { field: string; code: string; message: string }[];
}

export type Ask = (rows: Client[]) => Promise<Outcome[]>;

/** Rows of one call, as many as the API takes. */
export const MOST_ROWS = 25;
/** Calls under way at a time. */
const AT_ONCE = 3;

export class Run {
  /** By the number of the candidate. */
  readonly outcomes = new Map<number, Outcome>();
  /** Numbers of candidates that no call was answered for. */
  readonly #left: number[];
  readonly total: number;
  #stopped = true;
  #running: Promise<void> | undefined;

  constructor(
    private readonly candidates: readonly Candidate[],
    rows: readonly number[],
    private readonly ask: Ask,
    private readonly onProgress: () => void,
  ) {
    this.#left = [...rows];
    this.total = rows.length;
  }

  get done(): number {
    return this.outcomes.size;
  }

  get finished(): boolean {
    return this.done === this.total;
  }

  /** Goes on until all is done or it is stopped. Rejects with what a call failed with, after the others that
   *  were under way. */
  start(): Promise<void> {
    if (this.#running) return this.#running;
    this.#stopped = false;
    this.#running = this.#work().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Sends nothing more. What is under way is still heard of. */
  stop(): void {
    this.#stopped = true;
  }

  async #work(): Promise<void> {
    const failures: unknown[] = [];
    const lane = async (): Promise<void> => {
      while (!this.#stopped && this.#left.length) {
        const numbers = this.#left.splice(0, MOST_ROWS);
        try {
          const answers = await this.ask(numbers.map((number) => this.candidates[number]!.client!));
          numbers.forEach((number, at) => this.outcomes.set(number, answers[at]!));
          this.onProgress();
        } catch (thrown) {
          this.#left.unshift(...numbers);
          this.#stopped = true;
          failures.push(thrown);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    if (failures.length) throw failures[0];
  }
}
