// Who is signed in to the console, in all of its tabs, and what happens when nobody is any more.
import { computed, signal } from "../ui/signal";
import { Failure, onFailure } from "../api/http";
import * as api from "../api/staff";
import { place } from "../ui/heading";
import { SessionWatch } from "../ui/session-watch";
import { hush } from "../ui/toast";
import { forgetRecent } from "./recent";

type State =
  | { at: "loading" }
  | { at: "failed"; failure: Failure }
  /** `left`: signed out just now, in this tab or in another one. */
  | { at: "out"; left: "here" | "elsewhere" | null }
  | { at: "in"; session: api.Session };

export const state = signal<State>({ at: "loading" });

/** Set when the session ended in the middle of the work. What was typed is still there to be copied. */
export const ended = signal(false);

/** Auditors look and change nothing; the server says so too. */
export const mayChange = computed(() => state.value.at === "in" && state.value.session.role !== "auditor");

export const watch = new SessionWatch(api.session, (how) => {
  if (how === "over") end();
  else if (state.peek().at === "in") leave("elsewhere");
});

export async function resume(): Promise<void> {
  // The page to sign in at is for whoever is not: to ask would only be to hear so.
  if (location.pathname === SIGN_IN) {
    state.value = { at: "out", left: null };
    return;
  }
  state.value = { at: "loading" };
  try {
    enter(await api.session());
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    state.value = thrown.status === 401 ? { at: "out", left: null } : { at: "failed", failure: thrown };
  }
}

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch (thrown) {
    // Signed out already is signed out too.
    if (!(thrown instanceof Failure && thrown.status === 401)) throw thrown;
  }
  watch.signedOut();
  leave("here");
}

function enter(session: api.Session): void {
  const before = state.peek();
  // Somebody else signed in, in another tab: what was seen in this one is not theirs to find.
  if (before.at === "in" && before.session.email !== session.email) forget();
  place.value = session.practice.name;
  ended.value = false;
  state.value = { at: "in", session };
  watch.begin(session);
}

/** What was typed stays on the page; what is not on it is forgotten. */
function end(): void {
  forget();
  ended.value = true;
}

/** Clients' data leaves the screen at once: the machine may stand where others see it. */
function leave(left: "here" | "elsewhere"): void {
  forget();
  ended.value = false;
  state.value = { at: "out", left };
}

function forget(): void {
  forgetRecent();
  hush();
}

/** The page that the server sends people to whom it could not sign in. */
export const SIGN_IN = "/sign-in";

/** The address to come back to after signing in. */
export const here = (): string => location.pathname;

onFailure((failure) => {
  if (failure.status === 401 && state.peek().at === "in") end();
});

// Whoever comes back to a tab may have signed in or out in another one, or be somebody else. A broken
// line is not said: nobody asked for anything.
document.addEventListener("visibilitychange", () => {
  const { at } = state.peek();
  if (document.visibilityState !== "visible" || (at !== "in" && at !== "out")) return;
  api.session().then(enter, (thrown: unknown) => {
    if (!(thrown instanceof Failure)) throw thrown;
  });
});
