// The clients that this tab opened last. Kept in memory only: at a shared front desk neither names nor
// ids may be left behind in the browser, and asking for them by id would be recorded as opening them.
import { signal } from "../ui/signal";
import type { Hit } from "../api/staff";

/** What the search and the client's page both know. */
export type Known = Pick<Hit, "clientId" | "name" | "dateOfBirth">;

const MOST = 6;
export const recent = signal<readonly Known[]>([]);
let expected: Known | null = null;

/** A client's page is about to open: it can show whose it is before its own answer is there. */
export function expect(client: Known): void {
  expected = client;
}

/** A client's page has opened. */
export function remember({ clientId, name, dateOfBirth }: Known): void {
  const others = recent.peek().filter((other) => other.clientId !== clientId);
  recent.value = [{ clientId, name, dateOfBirth }, ...others].slice(0, MOST);
}

export const known = (clientId: string): Known | null =>
  (expected?.clientId === clientId && expected) ||
  (recent.peek().find((client) => client.clientId === clientId) ?? null);

export function forgetRecent(): void {
  expected = null;
  recent.value = [];
}
