// Whom all tests make up, in a browser or over the wire, and the mails these people get. It stands on
// nothing but Node, since each folder of tests has packages of its own.
import { randomInt } from "node:crypto";

/** Good ones, by the rules of the practice. */
export const PASSWORD = "tidal lantern orchard 27";
export const ANOTHER = "copper window gallery 41";

export interface Name {
  first: string;
  last: string;
}

const SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split(" ");

/** A word of letters that no other test gets, for names and addresses: long enough that a search, which
 *  forgives two slips, takes no two of them for each other. */
export const unique = (): string =>
  Array.from({ length: 7 }, () => SYLLABLES[randomInt(SYLLABLES.length)]).join("");

export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** What the desk writes down of a new client. */
export const newClient = () => ({
  name: { first: "Ilse", last: capital(unique()) },
  dateOfBirth: "1987-05-09",
});

/** What the desk asks for to give a client access. */
export const newUser = ({ name }: { name: Name }) => ({
  name,
  email: `${unique()}@mail.example`,
  relationship: "self",
  permissions: ["basic", "messaging"],
});

/** What somebody says to enrol, with an invitation's token. */
export const enrollment = (
  client: { name: Name; dateOfBirth: string },
  token: string,
  password = PASSWORD,
) => ({
  token,
  lastName: client.name.last || client.name.first,
  dateOfBirth: client.dateOfBirth,
  password,
});

/** Mails, by their subjects. */
export const INVITATION = /^Your invitation/;
export const GRANTED = /^Your access/;
export const CONFIRM = /^Confirm your e-mail address/;
export const RESET = /^Choose a new password/;
export const ALERT = /^Something new is waiting at/;
export const CHANGED = /^Your password .* was changed/;

/** The one link of a mail that leads into the portal. */
export function linkIn({ text }: { text: string }): string {
  const [link] = text.match(/https?:\/\/\S+/) ?? [];
  if (!link) throw new Error(`no link in:\n${text}`);
  return link;
}

/** What stands after `#` in that link. */
export const tokenIn = (mail: { text: string }): string => new URL(linkIn(mail)).hash.slice(1);
