// What every page needs that is for whoever is signed in: who that is, asked on every visit, and where to go
// when nobody is.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import * as api from "../api/portal";
import { FailureNote } from "../ui/failure";
import { Skeleton, useResource } from "../ui/resource";
import { addressOf, asleep, enter, session } from "./door";

/** The person, as far as the page may show them; null while it may not, and what to show then. */
export function useInside(practice: api.Practice): { now: api.Session | null; waiting: ComponentChildren } {
  const { route } = useLocation();
  // Asked on every visit, also right after signing in: access may have ended meanwhile.
  const asked = useResource(async () => enter(await api.session()));
  const state = asked.state.value;
  const now = session.value;
  const wasIn = useRef(false);
  wasIn.current ||= now !== null;
  const refused = state.at === "failed" && state.failure.status === 401;
  const nobody = refused || (wasIn.current && !now);
  // The cookie belongs to one practice; its portal is the place to be, whichever address was opened.
  const elsewhere = now && now.practice !== practice.id ? now.practice : null;

  useEffect(() => {
    if (nobody) route(addressOf(practice, "sign-in"), true);
    // By a load of the page: this one knows its own practice alone.
    else if (elsewhere) location.replace(addressOf({ id: elsewhere }));
  }, [nobody, elsewhere]);

  const waiting = nobody ? null : state.at === "failed" ? (
    <FailureNote failure={state.failure} onRetry={() => void asked.load()} />
  ) : (
    // Also once it is known who is in: the page may wait for more.
    <Skeleton lines={3} />
  );
  return { now: nobody || elsewhere || asleep.value ? null : now, waiting };
}
