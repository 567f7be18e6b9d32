// Words as data: each entry loads one catalogue, and everything a person reads comes out of it
// through `t`. Plurals and dates are left to Intl, so that a catalogue holds nothing but sentences.
import { signal } from "../ui/signal";

/** A sentence with {placeholders}, or one per plural category, chosen by the parameter `count`. */
export type Message = string | { readonly one: string; readonly other: string; readonly many?: string };
export type Catalogue = Readonly<Record<string, Message>>;
export type Params = Readonly<Record<string, string | number>>;

const spoken = signal<{ language: string; words: Catalogue }>({ language: "en", words: {} });

/** English of pages whose code comes later: it comes with them. */
const brought: Record<string, Message> = {};

/** Adds the English words of a page; the other languages' catalogues have them all. */
export function bring(words: Catalogue): void {
  Object.assign(brought, words);
}

/** Speak `language` from now on; whatever is on the page follows. */
export function speak(language: string, words: Catalogue): void {
  spoken.value = { language, words };
  document.documentElement.lang = language;
}

/** The words whose keys begin like this, by the rest of their keys. */
export const wordsOf = (beginning: string): [rest: string, said: string][] =>
  Object.keys({ ...brought, ...spoken.value.words })
    .filter((key) => key.startsWith(beginning))
    .map((key) => [key.slice(beginning.length), sayIfKnown(key) ?? key]);

export const language = (): string => spoken.value.language;

/** The reader's regional habits (day before month, 24 hours) when they fit the language spoken. */
function region(): string {
  const { language } = spoken.value;
  return navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
}

/** A `t` that knows which keys its catalogue has. */
export const translator =
  <C extends Catalogue>() =>
  (key: keyof C & string, params: Params = {}): string =>
    sayIfKnown(key, params) ?? key;

/** For keys made of what the API said (a problem's code): undefined when the catalogue has none. */
export function sayIfKnown(key: string, params: Params = {}): string | undefined {
  const message = spoken.value.words[key] ?? brought[key];
  return message === undefined ? undefined : say(message, params);
}

/** A message of any catalogue of the language that is spoken. */
export function say(message: Message, params: Params = {}): string {
  const { language } = spoken.value;
  const text =
    typeof message === "string"
      ? message
      : (message[new Intl.PluralRules(language).select(Number(params["count"])) as "one"] ?? message.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return typeof value === "number" ? new Intl.NumberFormat(region()).format(value) : (value ?? whole);
  });
}

/** A day is written in one way, whatever it is the day of: people compare them. */
const DAY = { month: "long", day: "numeric" } as const;

/** A calendar date such as a birthday: it has no time zone and must not move with one. */
export function sayDate(date: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime())) return date;
  return new Intl.DateTimeFormat(region(), { ...DAY, year: "numeric", timeZone: "UTC" }).format(day);
}

/** A moment, in the reader's own time zone. */
export function sayTime(moment: string): string {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return moment;
  // The mails name the practice's zone; so does a page, whose reader may be in another one.
  const clock = { hour: "numeric", minute: "2-digit", timeZoneName: "short" } as const;
  return new Intl.DateTimeFormat(region(), { ...DAY, year: "numeric", ...clock }).format(time);
}

/** The day of a moment, in full. */
export function sayLongDay(moment: string): string {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return moment;
  return new Intl.DateTimeFormat(region(), { dateStyle: "full" }).format(time);
}

/** The hour of a moment that is not far off; with its seconds where they prove something. */
export function sayClock(moment: string | number, seconds = false): string {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return String(moment);
  return new Intl.DateTimeFormat(region(), { timeStyle: seconds ? "medium" : "short" }).format(time);
}

/** As short as can be understood: the hour today, else the day. No line ends within it. */
export function sayLately(moment: string | number): string {
  const today = new Date(moment).toDateString() === new Date().toDateString();
  return today ? sayClock(moment).replaceAll(" ", "\u00a0") : sayDay(moment);
}

/** The day of a moment, where the hour would only be in the way; the year only when it is another one.
 *  No line ends within it. */
export function sayDay(moment: string | number): string {
  const time = new Date(moment);
  if (Number.isNaN(time.getTime())) return String(moment);
  const thisYear = time.getFullYear() === new Date().getFullYear();
  const form: Intl.DateTimeFormatOptions = thisYear ? DAY : { ...DAY, year: "numeric" };
  return new Intl.DateTimeFormat(region(), form).format(time).replaceAll(" ", "\u00a0");
}

/** "45 seconds", "2 minutes", "3 hours": rounded up, so that whoever waits that long does not come too early. */
export function sayWait(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  const [value, unit] =
    seconds < 60
      ? [seconds, "second"]
      : minutes <= 120
        ? [minutes, "minute"]
        : [Math.ceil(minutes / 60), "hour"];
  return new Intl.NumberFormat(region(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** "10 minutes", "3 days". */
export const sayDuration = (value: number, unit: "minute" | "day"): string =>
  new Intl.NumberFormat(region(), { style: "unit", unit, unitDisplay: "long" }).format(value);

/** What is left to wait, in seconds and in steps so large that nobody watches seconds go by. */
export function inSteps(ms: number): number {
  const step = ms > 60_000 ? 60 : 15;
  return Math.max(0, Math.ceil(ms / 1000 / step) * step);
}

/** The order in which a date is written: in a country, or else by the reader. */
export function dateOrder(country?: string): ("day" | "month" | "year")[] {
  const there = country && new Intl.Locale("und", { region: country }).maximize();
  const written = new Intl.DateTimeFormat(there || region(), { day: "numeric", month: "numeric", year: "numeric" });
  return written
    .formatToParts(0)
    .map(({ type }) => type)
    .filter((type) => type === "day" || type === "month" || type === "year");
}

/** "1902 or 2002". */
export const sayOr = (items: readonly string[]): string =>
  new Intl.ListFormat(region(), { type: "disjunction" }).format(items);

/** "Ana, Bo and Cy". */
export const sayList = (items: readonly string[]): string =>
  new Intl.ListFormat(region(), { type: "conjunction" }).format(items);
