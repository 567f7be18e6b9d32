// What the server says it ended, in sentences for the person who asked for it.
import type { PortalUser, Receipt } from "../../api/staff";
import { sayClock, sayList } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { getsAlerts, type Chart } from "./chart";

/** `user` as they were before: only then did they get the alerts. */
export function sayEnded(
  done: "revoke" | "delete",
  receipt: Receipt,
  user: PortalUser,
  chart: Chart,
): string {
  const { sessions, invitations, resets } = receipt.ended;
  const list = sayList([
    ...(sessions ? [t("receipt.sessions", { count: sessions })] : []),
    ...(invitations ? [t("receipt.invitations", { count: invitations })] : []),
    ...(resets ? [t("receipt.resets", { count: resets })] : []),
  ]);
  const count = sessions + invitations + resets;
  const successor = chart.user(receipt.alertRecipient);
  const later = chart.chosen();
  const elsewhere = receipt.alertRecipient
    ? t("receipt.unknown")
    : later
      ? t("receipt.later", { name: sayName(later.name) })
      : t("receipt.inbox");
  return [
    t(`${done}.done`, { name: sayName(user.name) }),
    t("receipt.at", { time: sayClock(receipt.at, true) }),
    count ? t("receipt.ended", { count, list }) : t("receipt.nothing"),
    ...(getsAlerts(user)
      ? [successor ? t("receipt.alerts", { name: sayName(successor.name) }) : elsewhere]
      : []),
  ].join(" ");
}
