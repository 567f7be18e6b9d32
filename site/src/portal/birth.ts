// A date of birth as people write it: a day, a month in figures or in a word, a year. What can be seen to
// be wrong is said at once, before anything is sent.
import { dateOrder, language, sayOr } from "../messages/language";
import { t } from "../messages/portal";
import type { Invalid } from "../ui/form";

export type Part = "day" | "month" | "year";
export type Typed = Readonly<Record<Part, string>>;

export const NOTHING: Typed = { day: "", month: "", year: "" };

/** The order in which the reader writes them. */
export const parts = (): readonly Part[] => dateOrder();

const EARLIEST = 1850;
const DAY_MS = 86_400_000;
const MONTHS = Array.from({ length: 12 }, (_, month) => month + 1);

/** The date as `YYYY-MM-DD`, or what is wrong with it; `field` is the API's name for it. */
export function birthDate(
  typed: Typed,
  field: string,
  now = new Date(),
): { date: string } | { wrong: Invalid[] } {
  const text = (part: Part) => typed[part].normalize("NFKC").trim();
  const wrong = (part: Part, message: string) => ({ wrong: [{ field: `${field}.${part}`, message }] });

  const missing = parts().filter((part) => !text(part));
  if (missing.length === 3)
    return { wrong: [{ field: `${field}.${parts()[0]}`, message: t("enroll.needBirth") }] };
  if (missing.length)
    return {
      wrong: missing.map((part) => ({ field: `${field}.${part}`, message: t(`birth.need.${part}`) })),
    };

  const [day, month] = [figure(text("day")), monthOf(text("month"))];
  if (!day || day > 31) return wrong("day", t("birth.day"));
  if (!month) return wrong("month", t("birth.month"));
  if (/^\d\d$/.test(text("year")))
    return wrong("year", t("birth.short", { years: sayOr(centuries(text("year"), now)) }));
  const year = figure(text("year"));
  if (!/^\d{4}$/.test(text("year")) || !year) return wrong("year", t("birth.year"));

  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1) return wrong("day", t("birth.none"));
  // By the reader's calendar; a day more, as the practice may be where it is tomorrow already.
  if (+date > Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) + DAY_MS)
    return wrong("year", t("birth.future"));
  if (year < EARLIEST) return wrong("year", t("birth.early", { year: String(EARLIEST) }));
  return { date: date.toISOString().slice(0, 10) };
}

const figure = (text: string): number => (/^\d+$/.test(text) ? Number(text) : 0);

/** The years that two figures may mean. */
const centuries = (figures: string, now: Date): string[] =>
  ["19", "20"].map((century) => century + figures).filter((year) => Number(year) <= now.getFullYear());

const fold = (word: string) =>
  word
    .normalize("NFD")
    .replace(/[^\p{L}]/gu, "")
    .toLowerCase();

/** In figures, or a word of any of the portal's languages, or the beginning of one. The language of the
 *  page comes first. */
function monthOf(text: string): number {
  const inFigures = figure(text);
  if (inFigures) return inFigures < 13 ? inFigures : 0;
  const word = fold(text);
  if (word.length < 3) return 0;
  for (const tag of [language(), "en", "es", "fr"]) {
    const name = new Intl.DateTimeFormat(tag, { month: "long", timeZone: "UTC" });
    const fits = MONTHS.filter((month) => fold(name.format(Date.UTC(2000, month - 1))).startsWith(word));
    if (fits[0] && fits.length === 1) return fits[0];
  }
  return 0;
}
