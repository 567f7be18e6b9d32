import type { PortalUser } from "../../api/staff";
import { t } from "../../messages/staff";

export function StatusTag({ status }: { status: PortalUser["status"] | "locked" | "none" }) {
  return <span class={`tag ${status}`}>{t(`tag.${status}`)}</span>;
}
