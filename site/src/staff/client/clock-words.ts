// Access with a clock in words: until when, and what ended it.
import type { PortalUser } from "../../api/staff";
import { t } from "../../messages/clocks";
import { sayDate, sayList } from "../../messages/language";

type Known = Pick<PortalUser, "status" | "until" | "given" | "permissions" | "ended">;

/** What limits the permissions. */
export function sayTerms({ status, until, given, permissions }: Known): string[] {
  const said: string[] = [];
  if (until && status !== "revoked") said.push(t("clocks.until", { day: sayDate(until) }));
  const less = given?.filter((permission) => !permissions.includes(permission)) ?? [];
  if (less.length) said.push(t("clocks.given", { list: sayList(less.map((each) => t(`permission.${each}`))) }));
  return said;
}

/** Which clock ended the access; undefined when none did. */
export function sayOver({ ended, until }: Known): string | undefined {
  if (ended?.reason === "until" && until) return t("clocks.over.until", { day: sayDate(until) });
  return ended?.reason === "age" ? t("clocks.over.age") : undefined;
}
