// The search already knows a client's name: the page that opens next can show it before its own answer
// is there.
import type { Hit } from "../../api/staff";

type Expected = Pick<Hit, "clientId" | "name" | "dateOfBirth">;
let last: Expected | null = null;

export function expect(client: Expected): void {
  last = client;
}

export const expected = (clientId: string): Expected | null => (last?.clientId === clientId ? last : null);
