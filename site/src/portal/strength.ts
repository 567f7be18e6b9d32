// A first opinion on a new password, while it is typed: how much is missing, and what of it anybody
// would guess. A fraction of what the server checks, which judges alone; this only advises.

/** The fewest characters that a password needs which stands alone, unless a practice says otherwise. */
export const ENOUGH = 15;

/** Of a pasted novel the first page will do. */
const LOOKED_AT = 128;

/** What remains must be worth that many characters when everything easy is taken out. */
const WORTH = 8;

export interface Advice {
  /** Characters still missing. */
  missing: number;
  /** What makes it easy to guess; none when there is nothing, or enough beside it. */
  weakness: "personal" | "common" | "repeat" | "row" | null;
  /** The easy piece, as typed. */
  piece: string;
}

/** Where lists of stolen passwords begin, in the languages of the portal. */
const COMMON =
  /passwor[dt]|contrase[ñn]a|motdepasse|letmein|welcome|bonjour|bienvenid[oa]|iloveyou|tequiero|jetaime|admin|login|secret|master|monkey|dragon|sunshine|princess|football|baseball|shadow|summer|winter|spring|autumn|health|doctor|therapy|portal|hello|love|test|abc123/;
const KEYS = "abcdefghijklmnopqrstuvwxyz\n01234567890\nqwertyuiop\nasdfghjkl\nzxcvbnm\nazertyuiop\nqsdfghjklm\nwxcvbn";
const ROWS = `${KEYS}\n${[...KEYS].reverse().join("")}`;
const REPEAT = /(\S+?)\1{2,}|(\S{3,})\2/;
const SHORTEST_ROW = 4;

export function advise(password: string, about: readonly string[], enough = ENOUGH): Advice {
  const typed = password.slice(0, LOOKED_AT).toLowerCase();
  const missing = Math.max(0, enough - [...password].length);
  let rest = typed;
  let first: Pick<Advice, "weakness" | "piece"> = { weakness: null, piece: "" };
  // What is taken out leaves a gap, so that no new word arises where its ends meet.
  const takeOut = (weakness: Advice["weakness"], find: (text: string) => string | undefined) => {
    for (let piece = find(rest); piece; piece = find(rest)) {
      const at = typed.indexOf(piece);
      if (!first.weakness) first = { weakness, piece: at < 0 ? piece : password.slice(at, at + piece.length) };
      rest = rest.replace(piece, " ");
    }
  };

  const personal = about.flatMap((text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u));
  takeOut("personal", (text) => personal.find((word) => word.length > 2 && text.includes(word)));
  takeOut("common", (text) => COMMON.exec(text)?.[0]);
  takeOut("repeat", (text) => REPEAT.exec(text)?.[0]);
  takeOut("row", rowIn);

  const worth = rest.replace(/[\s\p{P}]/gu, "").length;
  return worth < WORTH ? { missing, ...first } : { missing, weakness: null, piece: "" };
}

/** The first row of keys or letters in a text, forwards or backwards, as long as it goes. */
function rowIn(text: string): string | undefined {
  for (let from = 0; from + SHORTEST_ROW <= text.length; from++) {
    let to = from + SHORTEST_ROW;
    if (!ROWS.includes(text.slice(from, to))) continue;
    while (to < text.length && ROWS.includes(text.slice(from, to + 1))) to += 1;
    return text.slice(from, to);
  }
  return undefined;
}
