// What becomes of a mail that is on its way, and of word to apps: asked again by itself, at growing distances,
// until all of it has arrived or come back. No work, so it keeps no session; not asked where nobody looks.
import { useEffect } from "preact/hooks";
import { Failure } from "../../api/http";
import { progress, type PortalUser, type Progress } from "../../api/staff";
import type { Chart } from "./chart";

const FIRST_MS = 2_000;
const LONGEST_MS = 60_000;
/** Asked for no longer than that after a change. What takes hours is looked up when somebody comes back. */
const AT_MOST_MS = 300_000;

const UNDER_WAY = new Set(["queued", "sent", "telling"]);
const statesOf = ({ mail, apps = [] }: Progress) => [...(mail ? [mail] : []), ...apps].map(({ state }) => state);
const isUnderWay = (now: Progress) => statesOf(now).some((state) => UNDER_WAY.has(state));

export class ProgressWatch {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;
  #pause = FIRST_MS;
  #waited = 0;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<Progress>,
    private readonly onNews: (news: Progress) => void,
    private known: Progress,
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
    if (!isUnderWay(this.known) || this.#waited >= AT_MOST_MS) return;
    this.#timer = setTimeout(() => void this.#look(), this.#pause);
    this.#waited += this.#pause;
    this.#pause = Math.min(this.#pause * 2, LONGEST_MS);
  }

  async #look(): Promise<void> {
    const { signal } = (this.#request = new AbortController());
    try {
      const now = await this.ask(signal);
      if (signal.aborted) return;
      const isNew = `${statesOf(now)}` !== `${statesOf(this.known)}`;
      this.known = now;
      if (isNew) this.onNews(now);
      this.#wait();
    } catch (thrown) {
      if (signal.aborted) return;
      if (!(thrown instanceof Failure)) throw thrown;
      // Refused is refused; a line that broke, or a server that is busy, is tried again.
      if (thrown.status === 0 || thrown.status >= 500) this.#wait();
    }
  }
}

/** Follows the mail to a portal user who is shown, and word to the apps. */
export function useProgress(chart: Chart, user: PortalUser): void {
  const { portalUserId, mail, ended } = user;
  const following = isUnderWay(user) && [mail?.kind, mail?.at, ended?.at, ...statesOf(user)].join(" ");
  useEffect(() => {
    if (!following) return;
    const watch = new ProgressWatch(
      (signal) => progress(chart.clientId, portalUserId, signal),
      (news) => chart.progressed(portalUserId, news),
      user,
    );
    const look = () => (document.visibilityState === "visible" ? watch.start() : watch.stop());
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      watch.stop();
    };
  }, [portalUserId, following]);
}
