// Who is signed in to the console, and what happens when nobody is any more.
import { computed, signal } from "@preact/signals";
import { Failure, onFailure } from "../api/http";
import * as api from "../api/staff";
import { place } from "../ui/heading";

type State =
  | { at: "loading" }
  | { at: "failed"; failure: Failure }
  | { at: "out"; justSignedOut: boolean }
  | { at: "in"; session: api.Session };

export const state = signal<State>({ at: "loading" });

/** Set when the server no longer knows the session in the middle of the work. */
export const ended = signal(false);

/** Auditors look and change nothing; the server says so too. */
export const mayChange = computed(() => state.value.at === "in" && state.value.session.role !== "auditor");

export async function resume(): Promise<void> {
  state.value = { at: "loading" };
  try {
    const session = await api.session();
    place.value = session.practice.name;
    state.value = { at: "in", session };
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    state.value =
      thrown.status === 401 ? { at: "out", justSignedOut: false } : { at: "failed", failure: thrown };
  }
}

export async function signOut(): Promise<void> {
  try {
    await api.signOut();
  } catch (thrown) {
    // Signed out already is signed out too.
    if (!(thrown instanceof Failure && thrown.status === 401)) throw thrown;
  }
  ended.value = false;
  state.value = { at: "out", justSignedOut: true };
}

/** The page that the server sends people to whom it could not sign in. */
export const SIGN_IN = "/sign-in";

/** The address to come back to after signing in. */
export const here = (): string => location.pathname;

onFailure((failure) => {
  if (failure.status === 401 && state.peek().at === "in") ended.value = true;
});
