// What the portal knows before any page shows: the practices it serves, the token that came in the
// address, and who is signed in.
import { signal } from "@preact/signals";
import type { Practice, Session } from "../api/portal";

/** The person signed in, as the last answer said; null when nobody is, or nobody knows yet. */
export const session = signal<Session | null>(null);

/** Said once on the sign-in page, by whatever led there. */
export const greeting = signal<"out" | "ended" | "changed" | null>(null);

/** From the fragment of a mail's link. Kept in memory only, and out of the address bar at once:
 *  neither the browser's history nor anybody looking over a shoulder gets to keep it. */
export const token = signal("");

export function takeToken(): void {
  if (location.hash.length < 2) return;
  token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
}

export const addressOf = ({ id }: Pick<Practice, "id">, page = ""): string => `/${id}/${page}`;
