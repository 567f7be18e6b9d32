// Where a search's words stand in a text: at the beginnings of its words, whatever the accents, the case
// and the apostrophes, which is how the server finds them.

export interface Part {
  text: string;
  match: boolean;
}

/** A letter as it is compared, and the part of the text that it stands for. */
interface Letter {
  folded: string;
  from: number;
  to: number;
  /** First of a word. */
  begins: boolean;
}

const OF_WORDS = /^[\p{L}\p{N}@._+]/u;
const WITHIN_WORDS = /['’ʼ‘`]/;

function lettersOf(text: string): Letter[] {
  const letters: Letter[] = [];
  let from = 0;
  let begins = true;
  for (const character of text) {
    const to = from + character.length;
    const folded = character.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    if (OF_WORDS.test(folded)) {
      for (const unit of folded.split("")) {
        letters.push({ folded: unit, from, to, begins });
        begins = false;
      }
    } else if (folded && !WITHIN_WORDS.test(character)) {
      begins = true;
    }
    from = to;
  }
  return letters;
}

const joined = (letters: readonly Letter[]): string => letters.map((letter) => letter.folded).join("");

const wordsOf = (query: string): string[] =>
  query
    .split(/[\s,;]+/)
    .map((word) => joined(lettersOf(word)))
    .filter(Boolean);

/** The part of the text that the word stands for; undefined when it begins no word of it. */
function find(letters: readonly Letter[], word: string): { from: number; to: number } | undefined {
  const text = joined(letters);
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const [first, last] = [letters[at], letters[at + word.length - 1]];
    if (first?.begins && last) return { from: first.from, to: last.to };
  }
  return undefined;
}

/** The text in parts, those marked that the query's words stand for. */
export function partsOf(given: string, query: string): Part[] {
  // An accent of its own would be parted from its letter.
  const text = given.normalize("NFC");
  const letters = lettersOf(text);
  const found = wordsOf(query).flatMap((word) => find(letters, word) ?? []);
  const parts: Part[] = [];
  let from = 0;
  for (const character of text) {
    const match = found.some((mark) => mark.from <= from && from < mark.to);
    const last = parts.at(-1);
    if (last?.match === match) last.text += character;
    else parts.push({ text: character, match });
    from += character.length;
  }
  return parts;
}

/** The first of `more` that a word of the query is found in which none of `texts` has: why this was found. */
export function reason(query: string, texts: readonly string[], more: readonly string[]): string | undefined {
  const has = (text: string, word: string) => find(lettersOf(text), word) !== undefined;
  const open = wordsOf(query).filter((word) => !texts.some((text) => has(text, word)));
  return more.find((text) => open.some((word) => has(text, word)));
}
