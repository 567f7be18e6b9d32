// What parents and guardians keep when a client grows up, as it stands in the form.
import type { Settings } from "../../api/practice";
import type { Permission } from "../../api/staff";
import { t } from "../../messages/practice";
import type { Invalid } from "../../ui/form";
import { PERMISSIONS } from "../client/portal-user";

export interface Rule {
  /** As it is typed. */
  age: string;
  /** What they keep; null for no access. */
  allows: readonly Permission[] | null;
}
type Rules = Settings["guardianRules"];

const OLDEST = 120;

export const rulesOf = (rules: Rules): Rule[] =>
  rules.map(({ fromAge, allows }) => ({ age: String(fromAge), allows: allows === "none" ? null : allows }));

export const toRules = (rules: readonly Rule[]): Rules =>
  rules.map(({ age, allows }) => ({ fromAge: Number(age), allows: allows ? [...allows] : "none" }));

/** In the order of the list, which is that of the answer: so that it is the same however it is ticked. */
export const ticked = (allows: Rule["allows"], permission: Permission, on: boolean): Permission[] =>
  PERMISSIONS.filter((each) => (each === permission ? on : allows?.includes(each)));

export function problemsOf(rules: readonly Rule[]): Invalid[] {
  return rules.flatMap(({ age, allows }, n): Invalid[] => {
    const found: Invalid[] = [];
    const field = (part: string) => `guardianRules[${n}].${part}`;
    const typed = age.trim();
    if (!/^\d+$/.test(typed) || Number(typed) > OLDEST)
      found.push({ field: field("fromAge"), message: t("rules.needAge", { n: n + 1, most: OLDEST }) });
    else if (rules.slice(0, n).some((other) => Number(other.age) === Number(typed)))
      found.push({ field: field("fromAge"), message: t("invalid.same_age_twice") });
    if (allows?.length === 0) found.push({ field: field("allows"), message: t("rules.needChoice", { n: n + 1 }) });
    return found;
  });
}

/** "From 12: Messaging; from 18: no access". */
export const sayRules = (rules: readonly Rule[]): string =>
  rules
    .map(({ age, allows }) => {
      const what = allows ? allows.map((each) => t(`permission.${each}`)).join(", ") : t("rules.nothing");
      return t("rules.rule", { age: age.trim(), what });
    })
    .join("; ");
