// What the portal knows before any page shows: the token that came in the address, and who is signed in.
import { signal } from "../ui/signal";
import * as api from "../api/portal";
import { SessionWatch } from "../ui/session-watch";

/** The person signed in, as the last answer said; null when nobody is, or nobody knows yet. */
export const session = signal<api.Session | null>(null);

/** Said once on the next page, by whatever led there. */
export const greeting = signal<"out" | "elsewhere" | "ended" | "changed" | "enrolled" | null>(null);

export const watch = new SessionWatch(
  async () => (session.value = await api.session()),
  (how) => session.value && leave(how === "over" ? "ended" : "elsewhere"),
);

export function enter(who: api.Session): void {
  session.value = who;
  watch.begin(who);
}

/** The home page, when it is open, leads on to the sign-in. */
function leave(why: "out" | "elsewhere" | "ended"): void {
  greeting.value = why;
  session.value = null;
}

export function signedOut(): void {
  watch.signedOut();
  leave("out");
}

/** From the fragment of a mail's link. Kept in memory only, and out of the address bar at once:
 *  neither the browser's history nor anybody looking over a shoulder gets to keep it. */
export const token = signal("");

export function takeToken(): void {
  if (location.hash.length < 2) return;
  token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
}

export const addressOf = ({ id }: Pick<api.Practice, "id">, page = ""): string => `/${id}/${page}`;
