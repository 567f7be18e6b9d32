// When a session ends: warned of two minutes before, kept by one press, and noticed in every tab,
// wherever it ended. The server alone decides; this only knows when to ask it.
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
  /** When it ends if nobody uses it, or in any case if that is sooner. */
  readonly expiresAt: string;
}

/** Time to read, to find the button and to press it, for the slowest of us (WCAG 2.2.1). */
const WARNING_MS = 120_000;

/** The server moves the end only when it moves by a minute. */
const STEP_MS = 61_000;

/** A session ended by itself, or because somebody signed out in another tab. */
export type Ending = "over" | "elsewhere";

export class SessionWatch {
  /** What to warn of: about how many seconds are left, and whether nothing can make them more. */
  readonly warning = signal<{ left: number; last: boolean } | null>(null);

  readonly #ask: () => Promise<Session>;
  readonly #onEnd: (how: Ending) => void;
  /** Tells the other tabs the end that the server just said, or "used", or "out". */
  readonly #tabs = new BroadcastChannel("session");
  #clock: ReturnType<typeof setInterval> | undefined;
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

  /** `ask` asks for the session, which counts as using it; `onEnd` hears that it is no more. */
  constructor(ask: () => Promise<Session>, onEnd: (how: Ending) => void) {
    this.#ask = ask;
    this.#onEnd = onEnd;
    this.#tabs.onmessage = ({ data }: MessageEvent<number | "used" | "out">) => {
      // Also where the session was over before: what it showed may still stand there.
      if (data === "out") {
        this.#rest();
        return this.#onEnd("elsewhere");
      }
      if (!this.#end) return;
      if (data === "used") this.#used = serverTime();
      else this.#begin(data);
    };
    onAnswer((failure) => {
      if (!this.#end || this.#asking) return;
      if (failure?.status === 401) this.#over();
      if (failure) return;
      this.#used = serverTime();
      this.#tabs.postMessage("used");
    });
    // A tab in the background, or under a closed lid, has slow clocks.
    document.addEventListener("visibilitychange", () => this.#look());
  }

  /** Somebody is signed in, as the server just said. */
  begin({ expiresAt }: Session): void {
    this.#begin(Date.parse(expiresAt));
    this.#tabs.postMessage(this.#end);
  }

  /** Somebody signed out here. */
  signedOut(): void {
    this.#rest();
    this.#tabs.postMessage("out");
  }

  /** Use the session, so that it does not end yet. */
  async stay(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#heard = serverTime();
    try {
      this.begin(await this.#ask());
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

  #begin(end: number): void {
    this.#end = end;
    this.#heard = serverTime();
    this.#used = 0;
    this.#dismissed = false;
    this.warning.value = null;
    const left = end - serverTime();
    this.#longest = Math.max(this.#longest, left);
    // Asked just now, a session has all of its idle time; less is what its utmost end leaves of it.
    this.#last = left < Math.max(this.#longest - STEP_MS, WARNING_MS);
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
    if (!this.#end) return;
    this.#rest();
    this.#onEnd("over");
  }

  #rest(): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    this.#end = this.#longest = 0;
    this.warning.value = null;
  }
}

/** The warning as a dialog. Closing it in any way says "I am here"; when that does not reach the server,
 *  the dialog is back with the reason. */
export function SessionWarning({ watch }: { watch: SessionWatch }) {
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
