// Asks again at a calm pace, and when somebody comes back to the page: a page that stands still tells what is over.
import { useEffect } from "preact/hooks";
import { Failure } from "../../api/http";

export const PACE_MS = 60_000;

export class Watch<T> {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;
  #asked = Date.now();

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<T>,
    private readonly onAnswer: (answer: T) => void,
  ) {}

  /** Somebody looks: asks at once if it is time. */
  start(): void {
    this.stop();
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, this.#asked + PACE_MS - Date.now()));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#request?.abort();
  }

  async #look(): Promise<void> {
    const { signal } = (this.#request = new AbortController());
    this.#asked = Date.now();
    try {
      const answer = await this.ask(signal);
      if (signal.aborted) return;
      this.onAnswer(answer);
    } catch (thrown) {
      if (signal.aborted) return;
      if (!(thrown instanceof Failure)) throw thrown;
      // Refused is refused; a line that broke, or a server that is busy, is tried again.
      if (thrown.status !== 0 && thrown.status < 500) return;
    }
    this.start();
  }
}

/** Keeps asking as long as the page is seen. */
export function useWatch<T>(ask: (signal: AbortSignal) => Promise<T>, onAnswer: (answer: T) => void): void {
  useEffect(() => {
    const watch = new Watch(ask, onAnswer);
    const look = () => (document.visibilityState === "visible" ? watch.start() : watch.stop());
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      watch.stop();
    };
  }, []);
}
