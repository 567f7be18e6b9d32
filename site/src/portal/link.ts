// The token of a mail's link, taken out of whatever a mail program, a browser or a hand has put around it.

/** The practice's id, a dot, and base64url. An "=" within is what a line's end leaves of quoted-printable. */
const TOKEN = /[a-z\d-]+\.[\w-]+(?:=[\w-]+)*/g;
/** Shorter than any token, longer than any name of a host. */
const SHORTEST = 64;

const character = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
const PERCENT = /%([0-7][\dA-F])/gi;
/** Letters and digits nobody encodes; what looks as if is a line's end before two of them. */
const QUOTED = /=(0[AD]|2[\dA-F]|3[A-F]|40|5[B-F]|60|7[B-E])/g;

/** The first token in a text: a link, a part of one, or a whole mail. Undefined when there is none. */
export function tokenIn(text: string): string | undefined {
  const plain = text
    .replace(/=\s*\n/g, "")
    // Twice: links that lead through another site are encoded once more.
    .replace(PERCENT, character)
    .replace(PERCENT, character)
    .replace(QUOTED, character);
  const found = plain.match(TOKEN)?.find((each) => each.length >= SHORTEST);
  return found?.replaceAll("=", "");
}

/** A page that a mail's link leads to. */
interface Opened {
  /** Its address, without the token and what surrounded it. */
  path: string;
  /** As the server is to judge it: also what is no token. Empty when nothing came with the address. */
  token: string;
}

/** What an address says: the token stands behind the `#`, or wherever a mail program has put it. Undefined
 *  for pages that take none. */
export function opened({
  pathname,
  search,
  hash,
}: Pick<Location, "pathname" | "search" | "hash">): Opened | undefined {
  const [, path, rest = ""] = /^(\/[^/]+\/(?:confirm-email|enroll|password))(?![\w-])(.*)$/.exec(pathname) ?? [];
  if (!path) return undefined;
  const given = [hash.slice(1), rest, search];
  const token = given.map(tokenIn).find((found) => found) ?? hash.slice(1);
  return { path, token };
}
