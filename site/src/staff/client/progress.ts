// What becomes of a mail that is on its way: asked again by itself, at growing distances, until it has
// arrived or come back. No work, so it keeps no session; not asked where nobody looks.
import { useEffect } from "preact/hooks";
import { Failure } from "../../api/http";
import { progress, type PortalUser } from "../../api/staff";
import type { Chart } from "./chart";

const FIRST_MS = 2_000;
const LONGEST_MS = 60_000;
/** Asked for no longer than that after a change. A mail that takes hours is looked up when somebody comes back. */
const AT_MOST_MS = 300_000;

const UNDER_WAY = new Set(["queued", "sent"]);

export class ProgressWatch {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;
  #pause = FIRST_MS;
  #waited = 0;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<{ mail?: PortalUser["mail"] }>,
    private readonly onMail: (mail: NonNullable<PortalUser["mail"]>) => void,
    private state: string,
  ) {}

  /** Begins, or begins anew: somebody looks. */
  start(): void {
    this.stop();
    this.#pause = FIRST_MS;
    this.#waited = 0;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#request?.abort();
  }

  #wait(): void {
    if (!UNDER_WAY.has(this.state) || this.#waited >= AT_MOST_MS) return;
    this.#timer = setTimeout(() => void this.#look(), this.#pause);
    this.#waited += this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_MS);
  }

  async #look(): Promise<void> {
    const { signal } = (this.#request = new AbortController());
    try {
      const { mail } = await this.ask(signal);
      if (signal.aborted) return;
      if (mail && mail.state !== this.state) {
        this.state = mail.state;
        this.onMail(mail);
      }
      this.#wait();
    } catch (thrown) {
      if (signal.aborted) return;
      if (!(thrown instanceof Failure)) throw thrown;
      // Refused is refused; a line that broke, or a server that is busy, is tried again.
      if (thrown.status === 0 || thrown.status >= 500) this.#wait();
    }
  }
}

/** Follows the mail of a portal user who is shown. */
export function useProgress(chart: Chart, user: PortalUser): void {
  const { portalUserId, mail } = user;
  const mailing = mail && UNDER_WAY.has(mail.state) ? `${mail.kind} ${mail.state} ${mail.at}` : "";
  useEffect(() => {
    if (!mail || !mailing) return;
    const watch = new ProgressWatch(
      (signal) => progress(chart.clientId, portalUserId, signal),
      (now) => chart.mailed(portalUserId, now),
      mail.state,
    );
    const look = () => (document.visibilityState === "visible" ? watch.start() : watch.stop());
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      watch.stop();
    };
  }, [portalUserId, mailing]);
}
