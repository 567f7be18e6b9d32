// Under safe contact mail goes only to addresses of the client that are marked as safe. The server decides when it
// sends, with the person's other charts; what can be seen from this one is said before.
import type { Client } from "../../api/staff";
import type { Chart } from "./chart";

/** Whether mail about the client may go to an address: of two entries of one address, both have to be marked. */
export function allowsMailTo({ safeContact, emails }: Client, address: string): boolean {
  const folded = address.trim().toLowerCase();
  const its = emails.filter((email) => email.address.toLowerCase() === folded);
  return !safeContact || (its.length > 0 && its.every(({ safe }) => safe));
}

/** The client's addresses that mail may go to. */
export const mailable = (client: Client): string[] =>
  client.emails.map(({ address }) => address).filter((address) => allowsMailTo(client, address));

/** Whether mail to a person of the chart is not sent. */
export const withholds = ({ client: { value } }: Chart, email: string | undefined): boolean =>
  !!value && !!email && !allowsMailTo(value, email);
