// A date of birth as another program wrote it, in the order that the practice uses.

export type Order = "dmy" | "mdy" | "ymd";

/** Why a text is no date, by what would be right: a slug of the page's words. */
export type NoDate = "excel" | "century" | "impossible" | "date";

/** Names of months by their beginnings, without accents: English, Spanish, French. */
const MONTHS = [
  ["jan", "ene"],
  ["feb", "fev"],
  ["mar"],
  ["apr", "abr", "avr"],
  ["may", "mai"],
  ["jun", "juin"],
  ["jul", "juil"],
  ["aug", "ago", "aou"],
  ["sep", "set"],
  ["oct"],
  ["nov"],
  ["dec", "dic"],
];

/** The time of day behind a date, as databases and spreadsheets write it. */
const TIME = /[T\s]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([ap]\.?m\.?)?(z|[+-]\d{2}:?\d{2})?$/i;

export function readDate(written: string, order: Order): { date: string } | { wrong: NoDate } {
  const text = written.trim().replace(TIME, "");
  const packed = /^(1[89]|20)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (packed) return real(packed[1]! + packed[2]!, packed[3]!, packed[4]!);
  // A number of days since 1900, which is what a spreadsheet shows of a date that lost its format.
  if (/^[1-9]\d{4}([.,]\d+)?$/.test(text)) return { wrong: "excel" };
  const [a, b, c, ...more] = text.split(/[\s./,-]+/).filter(Boolean);
  if (!a || !b || !c || more.length) return { wrong: "date" };
  // The year stands first wherever it has four digits there.
  if (/^\d{4}$/.test(a)) return real(a, monthOf(b), c);
  if (order === "ymd" || !/^\d{4}$/.test(c)) {
    return { wrong: /^\d{1,2}$/.test(order === "ymd" ? a : c) ? "century" : "date" };
  }
  const named = [a, b].findIndex((part) => !/^\d+$/.test(part));
  if (named === 0 || (named < 0 && order === "mdy")) return real(c, monthOf(a), b);
  return real(c, monthOf(b), a);
}

function monthOf(part: string): string {
  if (/^\d+$/.test(part)) return part;
  const name = part.normalize("NFD").replace(/\P{L}/gu, "").toLowerCase();
  const at = MONTHS.findIndex((names) => names.some((begin) => name.startsWith(begin)));
  return at < 0 || name.length < 3 ? "" : String(at + 1);
}

function real(year: string, month: string, day: string): { date: string } | { wrong: NoDate } {
  if (!/^\d{1,2}$/.test(month) || !/^\d{1,2}(st|nd|rd|th|er)?$/.test(day)) return { wrong: "date" };
  const parts = [Number(year), Number(month), Number.parseInt(day)] as const;
  const date = new Date(Date.UTC(parts[0], parts[1] - 1, parts[2]));
  const same = date.getUTCFullYear() === parts[0] && date.getUTCMonth() + 1 === parts[1] && date.getUTCDate() === parts[2];
  return same ? { date: date.toISOString().slice(0, 10) } : { wrong: "impossible" };
}

/** The order in which these dates must be written, where one of them tells; a day beyond twelve does. */
export function orderIn(dates: readonly string[]): Order | undefined {
  for (const written of dates) {
    const [, a, b] = /^\s*(\d{1,4})[./-](\d{1,2})[./-]\d{1,4}/.exec(written) ?? [];
    if (!a || !b) continue;
    if (a.length === 4) return "ymd";
    if (Number(a) > 12 && Number(a) < 32) return "dmy";
    if (Number(b) > 12) return "mdy";
  }
  return undefined;
}
