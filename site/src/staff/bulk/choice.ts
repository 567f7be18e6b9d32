// For whom a change in bulk is: chosen in Access, and kept while the page is open. Nobody is named in an address.
import type { View } from "../../api/staff";

export type Choice = { view: View } | { portalUserIds: string[] } | { clientIds: string[] };

let chosen: Choice | null = null;

export const choose = (choice: Choice): void => {
  chosen = choice;
};

export const choice = (): Choice | null => chosen;

/** The most rows that can be named one by one. */
export const MOST_ROWS = 1000;

const LAST = "latchkey-bulk";

/** Where the change in bulk is that was prepared last in this window: to come back to it. */
export const lastBulk = (): string | null => {
  try {
    return sessionStorage.getItem(LAST);
  } catch {
    return null;
  }
};

export const keepLast = (bulkId: string): void => {
  try {
    sessionStorage.setItem(LAST, bulkId);
  } catch {
    // The browser keeps nothing: the address is all there is.
  }
};
