// A person of the staff list as typed into the form.
import type { Member, MemberEdit, NewMember } from "../../api/staff";
import { t } from "../../messages/team";
import type { Invalid } from "../../ui/form";
import { touched } from "../stale";

export const ROLES = ["admin", "staff", "auditor"] as const;
export type StaffRole = (typeof ROLES)[number];

export interface Draft {
  name: string;
  email: string;
  role: StaffRole;
}

export const EMPTY: Draft = { name: "", email: "", role: "staff" };

export const draftOf = ({ name, email, role }: Member): Draft => ({ name, email, role: role as StaffRole });

export const newMember = ({ name, email, role }: Draft): NewMember => ({
  name: name.trim(),
  email: email.trim(),
  role,
});

/** Only what was changed, so that a new name never undoes another admin's change of the role. */
export function memberEdit(version: number, base: Draft, draft: Draft): MemberEdit {
  const changed = touched(base, draft);
  const all = newMember(draft);
  return {
    version,
    ...(changed.has("name") && { name: all.name }),
    ...(changed.has("email") && { email: all.email }),
    ...(changed.has("role") && { role: all.role }),
  };
}

/** What can be seen to be wrong without asking; each named as the API names the field. */
export function problems({ name, email }: Draft): Invalid[] {
  const found: Invalid[] = [];
  if (!name.trim()) found.push({ field: "name", message: t("team.needName") });
  if (!email.trim()) found.push({ field: "email", message: t("team.needEmail") });
  return found;
}

export const labelOf = (field: keyof Draft): string => t(`team.${field}`);

export const sayValue = (draft: Draft, field: keyof Draft): string =>
  field === "role" ? t(`role.${draft.role}`) : draft[field];
