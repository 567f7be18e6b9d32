// When a session ends: warned of two minutes before, kept by one press, and noticed in every tab,
// wherever it ended, and whoever signs in after it. The server alone decides; this only knows when to ask it.
import { signal } from "./signal";
import { useState } from "preact/hooks";
import { Failure, onAnswer, serverTime } from "../api/http";
import { inSteps, sayWait } from "../messages/language";
import { t } from "../messages/shared";
import { useAction } from "./action";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { FailureNote } from "./failure";

interface Session {
  /** When it ends if nobody uses it. */
  readonly expiresAt: string;
  /** When it ends in any case. */
  readonly endsAt?: string;
}

/** Time to read, to find the button and to press it, for the slowest of us (WCAG 2.2.1). */
const WARNING_MS = 120_000;

/** The server moves the end only when it moves by a minute. */
const STEP_MS = 61_000;

/** A session ended by itself, because somebody signed out in another tab, or because somebody else signed
 *  in there: one browser has one session. */
export type Ending = "over" | "elsewhere" | "other";

/** What the tabs tell each other: whose session it is and how long it lasts, as the server just said; that it
 *  was used; or that it was left. */
type Word = { who: string; left: number; last: boolean } | "used" | "out";

interface Pages<S> {
  /** Asks for the session, which counts as using it. */
  ask: () => Promise<S>;
  /** Whose session it is. */
  who: (session: S) => string;
  /** Hears what the server just said of the session that the page shows. */
  onSession: (session: S) => void;
  /** Hears that the session which the page shows is no more. */
  onEnd: (how: Ending) => void;
}

export class SessionWatch<S extends Session> {
  /** What to warn of: about how many seconds are left, and whether nothing can make them more. */
  readonly warning = signal<{ left: number; last: boolean } | null>(null);

  readonly #pages: Pages<S>;
  readonly #tabs = new BroadcastChannel("session");
  #clock: ReturnType<typeof setInterval> | undefined;
  #who = "";
  /** By the server's clock, in milliseconds; 0 when nobody is signed in. */
  #end = 0;
  #longest = 0;
  #last = false;
  /** When something else than asking has moved the end since, by the server's clock; 0 when nothing has. */
  #used = 0;
  #asking = false;
  /** When the end was last heard of, by the server's clock. */
  #heard = 0;
  /** When the clock last ticked, by the server's. */
  #looked = 0;
  #dismissed = false;

  constructor(pages: Pages<S>) {
    this.#pages = pages;
    this.#tabs.onmessage = ({ data }: MessageEvent<Word>) => {
      // Also where the session was over before: what it showed may still stand there.
      if (data === "out") return this.#leave("elsewhere");
      if (!this.#end) return;
      if (data === "used") this.#used = serverTime();
      else if (data.who === this.#who) this.#begin(serverTime() + data.left, data.last);
      else this.#leave("other");
    };
    onAnswer((failure) => {
      if (!this.#end || this.#asking) return;
      if (failure?.status === 401) this.#over();
      if (failure) return;
      this.#used = serverTime();
      this.#tell("used");
    });
    // A tab in the background, or under a closed lid, has slow clocks.
    document.addEventListener("visibilitychange", () => this.#look());
  }

  /** Somebody is signed in, as the server just said. */
  begin(session: S): void {
    const who = this.#pages.who(session);
    const end = Date.parse(session.expiresAt);
    const utmost = session.endsAt ? Date.parse(session.endsAt) : Infinity;
    if (who !== this.#who) this.#rest();
    this.#who = who;
    this.#longest = Math.max(this.#longest, end - serverTime());
    // Asked just now, a session has all of its idle time; less is what its utmost end leaves of it.
    const last = utmost - end < STEP_MS || end - serverTime() < Math.max(this.#longest - STEP_MS, WARNING_MS);
    this.#begin(Math.min(end, utmost), last);
    this.#tell({ who, left: this.#end - serverTime(), last });
  }

  /** Somebody signed out here. */
  signedOut(): void {
    this.#rest();
    this.#tell("out");
  }

  /** Use the session, so that it does not end yet. */
  async stay(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#heard = serverTime();
    try {
      const session = await this.#pages.ask();
      // Said to everybody before it is shown to anybody: the page may show somebody else.
      if (this.#end && this.#pages.who(session) !== this.#who) return this.#leave("other");
      this.#pages.onSession(session);
      this.begin(session);
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.status === 401)) throw thrown;
      this.#over();
    } finally {
      this.#asking = false;
    }
  }

  /** The warning was read, and there is nothing to be done about it. */
  dismiss(): void {
    this.#dismissed = true;
    this.warning.value = null;
  }

  #tell(word: Word): void {
    this.#tabs.postMessage(word);
  }

  #begin(end: number, last: boolean): void {
    this.#end = end;
    this.#last = last;
    this.#heard = serverTime();
    this.#used = 0;
    this.#dismissed = false;
    this.warning.value = null;
    this.#clock ??= setInterval(() => this.#look(), 1000);
    this.#look();
  }

  #look(): void {
    if (!this.#end) return;
    const now = serverTime();
    const left = this.#end - now;
    if (left <= 0) return void this.#checkTheEnd();
    // Asked soon after the work it follows: asked only when the end is near, or when a machine wakes that
    // slept since, it would give a session that nobody uses any more its idle time a second time.
    const slept = now - this.#looked > WARNING_MS;
    if (slept && now - this.#used > WARNING_MS) this.#used = 0;
    this.#looked = now;
    if (this.#used && now - this.#heard >= STEP_MS) return void this.stay().catch(() => {});
    if (left > WARNING_MS || this.#dismissed) return;
    const shown = inSteps(left);
    if (this.warning.peek()?.left !== shown) this.warning.value = { left: shown, last: this.#last };
  }

  /** Another tab may have kept the session; and after its end, asking keeps nothing alive. */
  async #checkTheEnd(): Promise<void> {
    if (this.#asking) return;
    await this.stay().catch(() => {});
    if (this.#end <= serverTime()) this.#over();
  }

  #over(): void {
    if (this.#end) this.#leave("over");
  }

  #leave(how: Ending): void {
    this.#rest();
    this.#pages.onEnd(how);
  }

  #rest(): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    this.#end = this.#longest = 0;
    this.#who = "";
    this.warning.value = null;
  }
}

/** The warning as a dialog. Closing it in any way says "I am here"; when that does not reach the server,
 *  the dialog is back with the reason. */
export function SessionWarning<S extends Session>({ watch }: { watch: SessionWatch<S> }) {
  const [times, again] = useState(0);
  const staying = useAction(() => watch.stay().finally(() => again((before) => before + 1)));
  const warning = watch.warning.value;
  if (!warning) return null;
  const { left, last } = warning;

  const closed = () => {
    // Closed by what it warned of, or by another tab: nobody pressed anything.
    if (!watch.warning.peek()) return;
    if (last) watch.dismiss();
    else void staying.run();
  };
  return (
    <Dialog
      key={`${last} ${times}`}
      title={t(last ? "session.lastTitle" : "session.soonTitle")}
      onClose={closed}
    >
      {(close) => (
        <>
          <p aria-live="polite">{t(last ? "session.last" : "session.soon", { wait: sayWait(left) })}</p>
          <FailureNote failure={staying.failure} />
          <div class="actions">
            <Button kind="primary" autoFocus onClick={close}>
              {t(last ? "session.noted" : "session.stay")}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
