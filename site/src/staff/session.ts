// Who is signed in to the console, in all of its tabs, and what happens when nobody is any more.
import { Failure, onFailure } from "../api/http";
import * as api from "../api/staff";
import { place } from "../ui/heading";
import { SessionWatch } from "../ui/session-watch";
import { computed, signal } from "../ui/signal";
import { hush } from "../ui/toast";
import { forgetSecrets } from "./apps/secrets";
import { forgetRecent } from "./recent";
import { forgetTyped, keepTyped } from "./typed";

type State =
  | { at: "loading" }
  | { at: "failed"; failure: Failure }
  /** `left`: signed out just now, in this tab or in another one. */
  | { at: "out"; left: "here" | "elsewhere" | null }
  /** The session ended in the middle of the work. */
  | { at: "over" }
  | { at: "in"; session: api.Session };

export const state = signal<State>({ at: "loading" });

/** Auditors look and change nothing; the server says so too. */
export const mayChange = computed(() => state.value.at === "in" && state.value.session.role !== "auditor");

/** Admins alone look after the practice's apps. */
export const isAdmin = computed(() => state.value.at === "in" && state.value.session.role === "admin");

export const isAuditor = computed(() => state.value.at === "in" && state.value.session.role === "auditor");

const who = ({ practice, email }: api.Session) => `${practice.id} ${email}`;
/** Who was in last: what was typed is theirs. */
let author = "";

export const watch = new SessionWatch({
  ask: api.session,
  who,
  onSession: show,
  onEnd: (how) => {
    if (how === "other") void resume();
    else if (how === "over") end();
    else if (state.peek().at === "in" || state.peek().at === "over") leave("elsewhere");
  },
});

export async function resume(): Promise<void> {
  // The page to sign in at is for whoever is not: to ask would only be to hear so.
  if (location.pathname === SIGN_IN) {
    state.value = { at: "out", left: null };
    return;
  }
  empty({ at: "loading" });
  try {
    enter(await api.session());
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    if (thrown.status !== 401) state.value = { at: "failed", failure: thrown };
    else state.value = author ? { at: "over" } : { at: "out", left: null };
  }
}

/** All sessions of the practice were ended, this one among them: on the way to signing in again, and not in the
 *  middle of something. */
export function endedWithAll(): void {
  forgetTyped();
  watch.signedOut();
  leave("here");
  author = "";
}

/** Ends the session of the person on the page. Another person's, who signed in elsewhere meanwhile, goes on
 *  and is shown. */
export async function signOut(): Promise<void> {
  const shown = state.peek();
  try {
    const now = await api.session();
    if (shown.at !== "in" || who(now) !== who(shown.session)) return enter(now);
    await api.signOut();
  } catch (thrown) {
    // Signed out already is signed out too.
    if (!(thrown instanceof Failure && thrown.status === 401)) throw thrown;
  }
  watch.signedOut();
  leave("here");
  forgetTyped();
  author = "";
}

/** Goes over to another practice of the person's own: nothing of the one before stays on the page. */
export async function goOver(practice: string): Promise<void> {
  enter(await api.switchPractice(practice));
}

function enter(session: api.Session): void {
  // Somebody else signed in, in another tab: what was seen and typed in this one is not theirs to find.
  if (author && author !== who(session)) {
    forget();
    forgetTyped();
  }
  author = who(session);
  show(session);
  watch.begin(session);
}

function show(session: api.Session): void {
  place.value = session.practice.name;
  state.value = { at: "in", session };
}

/** What came from the server leaves the page at once: the machine may stand where others see it. */
function empty(now: State): void {
  if (state.peek().at === "in") keepTyped();
  forget();
  state.value = now;
}

function end(): void {
  if (state.peek().at === "in") empty({ at: "over" });
}

function leave(left: "here" | "elsewhere"): void {
  empty({ at: "out", left });
}

function forget(): void {
  forgetRecent();
  forgetSecrets();
  hush();
  place.value = "";
}

/** The page that the server sends people to whom it could not sign in. */
export const SIGN_IN = "/sign-in";

/** The address to come back to after signing in. */
export const here = (): string => location.pathname;

onFailure((failure) => {
  if (failure.status === 401) end();
});

// Whoever comes back to a tab may have signed in or out in another one, or be somebody else. A broken
// line is not said: nobody asked for anything.
let looking = false;
async function look(): Promise<void> {
  const { at } = state.peek();
  if (looking || document.visibilityState !== "visible" || at === "loading" || at === "failed") return;
  looking = true;
  try {
    enter(await api.session());
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
  } finally {
    looking = false;
  }
}
document.addEventListener("visibilitychange", () => void look());
// Windows beside each other are visible both.
addEventListener("focus", () => void look());

// Kept by the browser to come back to, the page shows nothing until it is known for whom.
addEventListener(
  "pagehide",
  (event) => event.persisted && state.peek().at === "in" && empty({ at: "loading" }),
);
addEventListener("pageshow", (event) => event.persisted && void resume());
