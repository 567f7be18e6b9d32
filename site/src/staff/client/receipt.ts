// What the server says it ended, in sentences for the person who asked for it.
import type { PortalUser, Receipt, ToldApp } from "../../api/staff";
import { sayClock, sayList } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import type { Said } from "../../ui/toast";
import { getsAlerts, type Chart } from "./chart";
import { sayTold } from "./told";

/** All that ended of some people's access. */
export function sayWhatEnded(receipts: readonly Receipt[]): string {
  const sum = (of: keyof Receipt["ended"]) => receipts.reduce((all, { ended }) => all + ended[of], 0);
  const [sessions, invitations, resets] = [sum("sessions"), sum("invitations"), sum("resets")];
  const list = sayList([
    ...(sessions ? [t("receipt.sessions", { count: sessions })] : []),
    ...(invitations ? [t("receipt.invitations", { count: invitations })] : []),
    ...(resets ? [t("receipt.resets", { count: resets })] : []),
  ]);
  const count = sessions + invitations + resets;
  return count ? t("receipt.ended", { count, list }) : t("receipt.nothing");
}

/** How far word has come to the apps, as of now. */
export function sayApps(receipt: Receipt, portalUserId: string, chart: Chart): string[] {
  const now = chart.user(portalUserId);
  // Of somebody who was deleted nothing tells how far word has come.
  const say = (app: ToldApp) => (now ? sayTold(app, chart.toldAt(now, app)) : t("told.sent", { app: app.name }));
  return (now?.apps ?? receipt.apps ?? []).map(say);
}

/** `user` as they were before: only then did they get the alerts. As long as it stands there, it says how far
 *  word has come to the apps. */
export function sayEnded(
  done: "revoke" | "delete",
  receipt: Receipt,
  user: PortalUser,
  chart: Chart,
): Said {
  const successor = chart.user(receipt.alertRecipient);
  const next = successor
    ? t(successor.status === "active" ? "receipt.alerts" : "receipt.later", { name: sayName(successor.name) })
    : t(receipt.alertRecipient ? "receipt.unknown" : "receipt.inbox");
  const said = [
    t(`${done}.done`, { name: sayName(user.name) }),
    t("receipt.at", { time: sayClock(receipt.at, true) }),
    sayWhatEnded([receipt]),
    ...(getsAlerts(user) ? [next] : []),
  ];
  return () => [...said, ...sayApps(receipt, user.portalUserId, chart)].join(" ");
}
