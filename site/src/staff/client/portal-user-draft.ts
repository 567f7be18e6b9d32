// A portal user as typed into the form, and what can be seen to be wrong with it.
import type { Permission, PortalUser, PortalUserEdit, Relationship } from "../../api/staff";
import { sayDate } from "../../messages/language";
import { t } from "../../messages/people";
import type { Invalid } from "../../ui/form";
import { touched } from "../stale";
import { badEmail, PERMISSIONS } from "./portal-user";

export interface Draft {
  first: string;
  last: string;
  email: string;
  noEmail: boolean;
  username: string;
  relationship: Relationship | "";
  permissions: Permission[];
  chartOwner: boolean;
  /** The last day; empty for none. */
  until: string;
  reviewOn: string;
}

export const EMPTY: Draft = {
  first: "",
  last: "",
  email: "",
  noEmail: false,
  username: "",
  relationship: "",
  permissions: ["basic"],
  chartOwner: false,
  until: "",
  reviewOn: "",
};

export const DAYS = ["until", "reviewOn"] as const satisfies readonly (keyof Draft)[];

export function problems(draft: Draft): Invalid[] {
  const found: Invalid[] = [];
  const email = draft.noEmail ? undefined : badEmail(draft.email);
  if (!draft.first.trim() && !draft.last.trim())
    found.push({ field: "name.first", message: t("form.needName") });
  if (email) found.push({ field: "email", message: email });
  if (draft.noEmail && !draft.username.trim()) found.push({ field: "username", message: t("user.needUsername") });
  if (!draft.relationship) found.push({ field: "relationship", message: t("form.needRelationship") });
  if (!draft.permissions.length) found.push({ field: "permissions", message: t("form.needPermission") });
  return found;
}

/** The permissions as they were given: the client's age may leave less of them. */
export const draftOf = (user: PortalUser): Draft => ({
  first: user.name.first,
  last: user.name.last,
  email: user.email ?? "",
  noEmail: !user.email,
  username: user.username,
  relationship: user.relationship,
  permissions: PERMISSIONS.filter((permission) => (user.given ?? user.permissions).includes(permission)),
  chartOwner: user.chartOwner,
  until: user.until ?? "",
  reviewOn: user.reviewOn ?? "",
});

/** As `draftOf`, for another chart: who owns that one and how long access lasts is asked anew. Signing in with the e-mail address is what
 *  happens anyway. */
export function newDraftOf(user: PortalUser): Draft {
  const draft = draftOf(user);
  const anew = { chartOwner: false, until: "", reviewOn: "" };
  return { ...draft, ...anew, username: draft.username === draft.email ? "" : draft.username };
}

export function editOf(version: number, base: Draft, draft: Draft): PortalUserEdit {
  const changed = touched(base, draft);
  const edit: PortalUserEdit = { version };
  if (changed.has("first") || changed.has("last")) {
    edit.name = { first: draft.first.trim(), last: draft.last.trim() };
  }
  if (changed.has("email") && !draft.noEmail) edit.email = draft.email.trim();
  if (changed.has("username")) edit.username = draft.username.trim();
  if (changed.has("relationship") && draft.relationship) edit.relationship = draft.relationship;
  if (changed.has("permissions")) edit.permissions = draft.permissions;
  for (const day of DAYS) if (changed.has(day)) edit[day] = draft[day] || null;
  return edit;
}

/** What saving would do to an access that a clock has ended; undefined where it stays ended. `now` is the moment. */
export function reopening(
  { status, ended }: PortalUser,
  base: Draft,
  draft: Draft,
  now: number,
): "user.reopens" | "user.mayReopen" | undefined {
  if (status !== "revoked") return undefined;
  const changed = touched(base, draft);
  if (ended?.reason === "until" && changed.has("until")) {
    // Where the day begins last. The practice's zone is not known here.
    const today = new Date(now - 12 * 60 * 60 * 1000).toISOString().slice(0, 10);
    return !draft.until || draft.until >= today ? "user.reopens" : undefined;
  }
  if (ended?.reason !== "age") return undefined;
  if (draft.relationship !== "parent" && draft.relationship !== "guardian") return "user.reopens";
  return changed.has("permissions") ? "user.mayReopen" : undefined;
}

export function labelOf(field: keyof Draft): string {
  switch (field) {
    case "first":
    case "last":
      return t(`form.${field}`);
    case "chartOwner":
      return t("users.owner");
    default:
      return t(`user.${field}`);
  }
}

export function sayValue(draft: Draft, field: keyof Draft): string {
  if (field === "permissions") return draft.permissions.map((each) => t(`permission.${each}`)).join("; ");
  if (field === "relationship") return draft.relationship && t(`relationship.${draft.relationship}`);
  if (field === "chartOwner" || field === "noEmail") return draft[field] ? t("stale.yes") : "";
  if (field === "until" || field === "reviewOn") return draft[field] && sayDate(draft[field]);
  return draft[field];
}
