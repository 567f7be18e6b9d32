// The settings as they stand in the form, and what comes of changing them.
import type { Settings, SettingsEdit } from "../../api/practice";
import { language, sayDuration } from "../../messages/language";
import { t } from "../../messages/practice";
import type { Invalid } from "../../ui/form";
import { touched } from "../stale";
import { problemsOf, rulesOf, sayRules, toRules, type Rule } from "./rules";

/** Everything but the rules is text, as it is typed. Sessions are told in minutes: nobody counts in seconds. */
export interface Draft {
  name: string;
  timeZone: string;
  country: string;
  senderName: string;
  alertInbox: string;
  language: string;
  invitationDays: string;
  clientIdleSeconds: string;
  clientSessionSeconds: string;
  staffIdleSeconds: string;
  staffSessionSeconds: string;
  passwordMinimum: string;
  secondFactor: string;
  guardianRules: readonly Rule[];
}
export type Field = keyof Draft;
export type TextField = Exclude<Field, "guardianRules">;

/** Fields of numbers: the least and the most, as they are typed, and how many of the API's units one is. */
const NUMBERS = {
  invitationDays: [1, 30, 1],
  clientIdleSeconds: [1, 60, 60],
  clientSessionSeconds: [5, 1440, 60],
  staffIdleSeconds: [1, 240, 60],
  staffSessionSeconds: [5, 1440, 60],
  passwordMinimum: [15, 64, 1],
} as const satisfies Partial<Record<Field, readonly [number, number, number]>>;
type NumberField = keyof typeof NUMBERS;

const isNumber = (field: Field): field is NumberField => field in NUMBERS;

/** What a session that is unused may not outlast. */
const WITHIN = [
  ["clientIdleSeconds", "clientSessionSeconds"],
  ["staffIdleSeconds", "staffSessionSeconds"],
] as const;

export const draftOf = (settings: Settings): Draft => {
  const number = (field: NumberField) => String(settings[field] / NUMBERS[field][2]);
  return {
    name: settings.name,
    timeZone: settings.timeZone,
    country: settings.country,
    senderName: settings.senderName,
    alertInbox: settings.alertInbox,
    language: settings.language,
    invitationDays: number("invitationDays"),
    clientIdleSeconds: number("clientIdleSeconds"),
    clientSessionSeconds: number("clientSessionSeconds"),
    staffIdleSeconds: number("staffIdleSeconds"),
    staffSessionSeconds: number("staffSessionSeconds"),
    passwordMinimum: number("passwordMinimum"),
    secondFactor: settings.secondFactor,
    guardianRules: rulesOf(settings.guardianRules),
  };
};

/** The number as the API has it; NaN for a text that is none. A comma stands for a point in half of the world. */
const numberIn = (draft: Draft, field: NumberField): number => {
  const typed = draft[field].trim().replace(",", ".");
  return /^\d+(\.\d+)?$/.test(typed) ? Math.round(Number(typed) * NUMBERS[field][2]) : NaN;
};

/** What can be seen to be wrong without asking. */
export function problems(draft: Draft): Invalid[] {
  const found: Invalid[] = [];
  for (const field of Object.keys(NUMBERS) as NumberField[]) {
    const [least, most, unit] = NUMBERS[field];
    const number = numberIn(draft, field);
    if (number >= least * unit && number <= most * unit) continue;
    found.push({ field, message: t("settings.range", { field: labelOf(field), least, most }) });
  }
  for (const [idle, whole] of WITHIN) {
    if (numberIn(draft, idle) <= numberIn(draft, whole) || found.some(({ field }) => [idle, whole].includes(field as typeof idle)))
      continue;
    found.push({ field: idle, message: t("settings.within", { field: labelOf(idle), whole: labelOf(whole) }) });
  }
  return [...found, ...problemsOf(draft.guardianRules)];
}

/** What was changed, as the API takes it. */
export function editOf(version: number, base: Draft, draft: Draft): SettingsEdit {
  const value = (field: Field) => {
    if (field === "guardianRules") return toRules(draft.guardianRules);
    return isNumber(field) ? numberIn(draft, field) : draft[field];
  };
  const changes = [...touched(base, draft)].map((field) => [field, value(field)]);
  return { version, ...(Object.fromEntries(changes) as Partial<SettingsEdit>) };
}

export const labelOf = (field: Field): string => t(`setting.${field}`);

export const SECOND_FACTOR = ["off", "offered", "required"] as const;
export const saySecondFactor = (value: string): string =>
  t(`secondFactor.${value as (typeof SECOND_FACTOR)[number]}`);

export const sayLanguage = (tag: string): string => inWords("language", tag);
export const sayCountry = (code: string): string => inWords("region", code);

function inWords(type: "language" | "region", code: string): string {
  try {
    return new Intl.DisplayNames(language(), { type }).of(code) ?? code;
  } catch {
    return code;
  }
}

export function sayValue(draft: Draft, field: Field): string {
  if (field === "guardianRules") return sayRules(draft.guardianRules);
  if (field === "language") return sayLanguage(draft.language);
  if (field === "country") return sayCountry(draft.country);
  if (field === "secondFactor") return saySecondFactor(draft.secondFactor);
  if (!isNumber(field)) return draft[field];
  const number = numberIn(draft, field);
  if (Number.isNaN(number) || field === "passwordMinimum") return draft[field];
  return sayDuration(number / NUMBERS[field][2], field === "invitationDays" ? "day" : "minute");
}

/** What saving would do, one sentence for each setting that was changed. A shorter session says more than a longer
 *  one: it counts for those that are open. */
export function effects(base: Draft, draft: Draft): string[] {
  return [...touched(base, draft)].map((field) => {
    const value = sayValue(draft, field);
    const shorter = isNumber(field) && numberIn(draft, field) < numberIn(base, field);
    if (field === "guardianRules") return value ? t("effect.guardianRules", { value }) : t("effect.guardianRules.none");
    if (field === "secondFactor") return t(`effect.secondFactor.${draft.secondFactor as (typeof SECOND_FACTOR)[number]}`);
    const said = field.endsWith("Seconds") ? (`effect.${field}.${shorter ? "shorter" : "longer"}` as const) : (`effect.${field}` as const);
    return t(said as "effect.name", { value });
  });
}
