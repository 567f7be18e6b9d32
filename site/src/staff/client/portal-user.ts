// What the forms about portal users share.
import type { Permission, PortalUser, Relationship } from "../../api/staff";
import { t } from "../../messages/staff";

export const PERMISSIONS = [
  "basic",
  "messaging",
  "documents",
  "sessions",
  "billing",
  "surveys",
] as const satisfies readonly Permission[];

export const RELATIONSHIPS = [
  "self",
  "parent",
  "guardian",
  "spouse",
  "other",
] as const satisfies readonly Relationship[];

/** What is plainly not an address; the API judges the rest. */
export function badEmail(address: string): string | undefined {
  if (!address.trim()) return t("form.needEmail");
  return /^\S+@\S+$/.test(address.trim()) ? undefined : t("form.badEmail");
}

/** The portal user of a duplicate who is to be added to the right chart. In memory alone, and for that one form. */
let along: { clientId: string; user: PortalUser } | null = null;

export function takeAlong(clientId: string, user: PortalUser): void {
  along = { clientId, user };
}

export function takenAlong(clientId: string): PortalUser | undefined {
  const taken = along?.clientId === clientId ? along.user : undefined;
  along = null;
  return taken;
}
