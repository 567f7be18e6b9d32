// What the portal knows before any page shows: the token that came in the address, and who is signed in.
import { Failure } from "../api/http";
import * as api from "../api/portal";
import { prefer } from "../messages/choice";
import { SessionWatch } from "../ui/session-watch";
import { signal } from "../ui/signal";
import { languages } from "./language";
import { opened } from "./link";

/** The person signed in, as the last answer said; null when nobody is, or nobody knows yet. */
export const session = signal<api.Session | null>(null);

/** Said once on the next page, by whatever led there. */
export const greeting = signal<"out" | "elsewhere" | "ended" | "changed" | "enrolled" | null>(null);

const who = ({ practice, username }: api.Session) => `${practice} ${username}`;

export const watch = new SessionWatch({
  ask: api.session,
  who,
  onSession: (now) => (session.value = now),
  onEnd: (how) => {
    if (how === "other") return anew();
    if (session.value) leave(how === "over" ? "ended" : "elsewhere");
  },
});

export function enter(now: api.Session): void {
  session.value = now;
  watch.begin(now);
  // Words that do not come leave those that are there.
  if (now.language) prefer(now.language, languages).catch(() => {});
}

/** The home page, when it is open, leads on to the sign-in. */
function leave(why: "out" | "elsewhere" | "ended"): void {
  greeting.value = why;
  session.value = null;
}

/** How often the home page began anew. */
export const times = signal(0);
/** The browser keeps the page to come back to, and nobody's charts on it. */
export const asleep = signal(false);

/** Until it is known who is in, nobody's charts are shown. */
function anew(): void {
  greeting.value = session.value = null;
  asleep.value = false;
  times.value = times.peek() + 1;
}

addEventListener("pagehide", (event) => (asleep.value = event.persisted));
addEventListener("pageshow", (event) => event.persisted && anew());

/** Ends the session of the person on the page. Another person's, who signed in elsewhere meanwhile, goes on
 *  and is shown. */
export async function signOut(): Promise<void> {
  const shown = session.peek();
  try {
    if (shown && who(await api.session()) !== who(shown)) return anew();
    await api.signOut();
  } catch (thrown) {
    if (!(thrown instanceof Failure && thrown.status === 401)) throw thrown;
  }
  watch.signedOut();
  leave("out");
}

/** From a mail's link. Kept in memory only, and out of the address bar at once: neither the browser's
 *  history nor anybody looking over a shoulder gets to keep it. */
export const token = signal("");

export function takeToken(): void {
  const { path, token: given } = opened(location) ?? { path: location.pathname + location.search, token: "" };
  if (given) token.value = given;
  if (location.pathname + location.search + location.hash !== path) history.replaceState(null, "", path);
}

export const addressOf = ({ id }: Pick<api.Practice, "id">, page = ""): string => `/${id}/${page}`;
