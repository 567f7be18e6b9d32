// What the server says it ended, in sentences for the person who asked for it.
import type { PortalUser, Receipt } from "../../api/staff";
import { sayClock, sayList } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import type { Chart } from "./chart";

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
  const elsewhere = receipt.alertRecipient ? t("receipt.unknown") : t("receipt.inbox");
  return [
    t(`${done}.done`, { name: sayName(user.name) }),
    t("receipt.at", { time: sayClock(receipt.at, true) }),
    count ? t("receipt.ended", { count, list }) : t("receipt.nothing"),
    ...(user.receivesAlerts
      ? [successor ? t("receipt.alerts", { name: sayName(successor.name) }) : elsewhere]
      : []),
  ].join(" ");
}
