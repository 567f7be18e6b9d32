// How a query is answered: what `shared/src/search.rs` decides, decided alike. Its module comment says what
// is stored, and why the reads find it.

const TOKEN_CHARS = 64;
const FILTERS = 8;
const PAIRS = 9;

const PLAIN = new Map(
  Object.entries({
    ß: "ss", æ: "ae", œ: "oe", þ: "th", ø: "o", ɔ: "o", đ: "d", ð: "d", ɖ: "d", ɗ: "d", ł: "l", ƚ: "l", ħ: "h",
    ı: "i", ɨ: "i", ŧ: "t", ŋ: "n", ɲ: "n", ə: "e", ɛ: "e", ǝ: "e", ƀ: "b", ɓ: "b", ƙ: "k", ĸ: "k", ƴ: "y",
    ƶ: "z", ʉ: "u", ς: "σ", ى: "ي", ی: "ي", ک: "ك", ة: "ه",
    "\uA78C": "", "\u07F4": "", "\u07F5": "", "\u0640": "", "\u115F": "", "\u1160": "",
  }),
);
const CJK =
  /[\u1100-\u11FF\u2E80-\u2FDF\u3005-\u3007\u3021-\u3035\u3040-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uA960-\uA97F\uAC00-\uD7FF\uF900-\uFAFF\u{1AFF0}-\u{1B16F}\u{20000}-\u{3FFFF}]/u;

/** Text reduced to what is compared: lower-case letters and digits without accents. */
function fold(text) {
  let folded = "";
  for (const c of text.normalize("NFKD")) {
    if (c < "\u0900" && /\p{M}/u.test(c)) continue;
    for (const lower of c.toLowerCase()) {
      if (PLAIN.has(lower)) folded += PLAIN.get(lower);
      else if (!/[\u02B0-\u02FF]/.test(lower) && /[\p{Alphabetic}\p{N}\u3099\u309A]/u.test(lower)) folded += lower;
    }
  }
  return folded.normalize("NFC").replace(/[\u3099\u309A]/g, "");
}

const letters = (text) => [...text];
const token = (text) => letters(fold(text)).slice(0, TOKEN_CHARS).join("");

/** Where a word is looked up; nowhere for a single letter or digit. */
function partition(word) {
  const [first, second] = letters(word);
  if (first === undefined) return undefined;
  if (CJK.test(first)) return first;
  return second === undefined ? undefined : first + second;
}

function pairPartition(a, b) {
  const [one, other] = [partition(a), partition(b)];
  return one && other && `${one}+${other}`;
}

/** In the order of code points, as the table sorts. */
const compare = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Decides how to answer a query; nothing when it has no word of two characters. */
export function plan(query) {
  const words = queryWords(query);
  const leads = words.filter(partition).sort((a, b) => weight(b) - weight(a));
  if (!leads.length) return undefined;
  const [lead] = leads;
  const reads = [];
  const [one, two] = leads.filter((word) => letters(word).every((c) => /\p{Alphabetic}/u.test(c)));
  const pair = two && pairPartition(...[one, two].sort(compare));
  if (pair) reads.push({ partition: pair, prefix: "", filters: needles(words) });
  const others = words.filter((word) => word !== lead);
  reads.push({ partition: partition(lead), prefix: lead, filters: needles(others) });
  return { reads, fuzzy: fuzzyReads(words, pair), words };
}

function queryWords(query) {
  const words = [];
  let numbers = [];
  let allNumbers = true;
  for (const piece of query.split(/[\p{White_Space},;，、]/u)) {
    const word = piece.normalize("NFKC");
    const date = dateToken(word);
    if (date) words.push(date);
    else if (/^[0-9()+\-.]*$/.test(word)) numbers.push(word);
    else {
      allNumbers = false;
      words.push(token(word));
    }
  }
  if (allNumbers) numbers = [numbers.join("")];
  words.push(...numbers.map((number) => phoneDigits(number).slice(0, TOKEN_CHARS)));
  // Without those that another word implies by beginning with them.
  return words.filter(
    (word, i) => !words.some((other, j) => other.startsWith(word) && (other.length > word.length || j < i)),
  );
}

function phoneDigits(text) {
  const digits = text.replace(/[^0-9]/g, "");
  const withCode = text.replace(/^[^+0-9]*/, "").startsWith("+1") || (digits.length === 11 && digits[0] === "1");
  return withCode ? digits.slice(1) : digits;
}

/** How well a word narrows a search. */
function weight(word) {
  const digits = word.replace(/[^0-9]/g, "").length;
  const cjk = letters(word).filter((c) => CJK.test(c)).length;
  return letters(word).length + 2 * cjk + (digits >= 4 ? 2 * digits : 0);
}

const needles = (words) => words.slice(0, FILTERS).map((word) => ` ${word}`);

function fuzzyReads(words, pair) {
  const names = words.filter((word) => allowance(word) > 0);
  if (!names.length) return [];
  // The last of equals, as Rust's `max_by_key` has it.
  const longest = names.reduce((best, word) => (letters(word).length >= letters(best).length ? word : best));
  const filters = needles(words.filter((word) => allowance(word) === 0));
  const reads = [];
  if (pair) reads.push({ partition: pair, prefix: "", filters });
  const heard = sound(longest);
  if (heard) reads.push({ partition: heard, prefix: "", filters });
  if (!pair && partition(longest)) {
    const half = letters(longest).slice(0, Math.floor(letters(longest).length / 2)).join("");
    reads.push({ partition: partition(longest), prefix: half, filters });
  }
  return reads;
}

/** How many slips a query word may hold. */
function allowance(word) {
  const each = letters(word);
  if (!each.every((c) => /\p{Alphabetic}/u.test(c) && !CJK.test(c)) || each.length < 4) return 0;
  return each.length < 6 ? 1 : 2;
}

const CLASSES = new Map(
  Object.entries({ b: "bfpv", k: "ckqsxz", d: "dt", g: "gj", l: "l", m: "mn", r: "r" }).flatMap(([kind, all]) =>
    letters(all).map((letter) => [letter, kind]),
  ),
);

function sound(name) {
  if (!/^[a-z]{4,}$/.test(name)) return undefined;
  const start = { c: "k", q: "k", j: "g", y: "i", z: "s" }[name[0]] ?? name[0];
  const own = CLASSES.get(name[0]);
  const rest = new Set(letters(name).map((letter) => CLASSES.get(letter)).filter((kind) => kind && kind !== own));
  return `~${start}${[...rest].sort().join("")}`;
}

/** The date a word means, month first where both readings are possible, as eight digits. */
function dateToken(word) {
  const compact = /^(\d{4})(\d\d)(\d\d)$/.exec(word);
  if (compact) return existingDate(...compact.slice(1));
  const separator = /[-/.]/.exec(word)?.[0];
  if (!separator) return undefined;
  const parts = word.split(separator);
  if (parts.length !== 3) return undefined;
  const [a, b, c] = parts;
  const short = /^\d{1,2}$/;
  if (/^\d{4}$/.test(a) && short.test(b) && /^\d+$/.test(c) && c.length >= b.length && c.length <= 2) {
    return existingDate(a, b, c);
  }
  if (!short.test(a) || !short.test(b) || !/^\d{4}$/.test(c)) return undefined;
  return existingDate(c, a, b) ?? existingDate(c, b, a);
}

function existingDate(year, month, day) {
  const [y, m, d] = [year, month, day].map(Number);
  const leap = y % 4 === 0 && (y % 100 !== 0 || y % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m - 1] ?? 0;
  if (y < 1850 || y > 2150 || d < 1 || d > days) return undefined;
  const padded = (number) => String(number).padStart(2, "0");
  return `${y}${padded(m)}${padded(d)}`;
}

const tokensIn = (words) => words.split(" ").filter((word) => word && word !== "/");
const namesIn = (words) => words.split(" /")[0].split(" ").filter(Boolean);

/** Whether an entry that a read of the plan returned is to be listed. */
export function shows({ reads, words: wanted }, index, entry, words) {
  const { prefix } = reads[index];
  const tokens = tokensIn(words);
  if (!wanted.every((word) => tokens.some((t) => t.startsWith(word)))) return false;
  if (!prefix) return true;
  if (tokens.find((t) => t.startsWith(prefix)) !== entry) return false;
  const pairs = index > 0 && pairsOf(namesIn(words));
  return !reads.slice(0, index).some((read) => pairs.has(read.partition));
}

function pairsOf(names) {
  const pairs = new Set();
  names.forEach((a, i) => {
    for (const b of names.slice(i + 1).filter((name) => !name.startsWith(a))) {
      const pair = pairPartition(a, b);
      if (pair && pairs.size < PAIRS) pairs.add(pair);
    }
  });
  return pairs;
}

/** By how many slips in all a candidate is a near miss; 0 when it is none. */
export function slips({ words: wanted }, words) {
  const [tokens, names] = [tokensIn(words), namesIn(words)];
  let sum = 0;
  for (const word of wanted) {
    if (tokens.some((t) => t.startsWith(word))) continue;
    const nearest = Math.min(...names.map((name) => distance(letters(word), letters(name))));
    if (!(nearest <= allowance(word))) return 0;
    sum += nearest;
  }
  return sum;
}

/** Optimal string alignment: letters missing, added, changed, or two neighbours swapped. */
function distance(a, b) {
  let before = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + Number(a[i - 1] !== b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
