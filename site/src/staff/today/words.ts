// What the first page says of each row.
import type { AccessRow } from "../../api/staff";
import { sayClock, sayDay, sayIfKnown, sayLately, sayTime } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/pages";
import { sayEnding } from "../client/ending";
import { isWithheld, sayBounce } from "../client/mail-words";
import type { Trouble } from "./troubles";

/** Whom a row is about: a portal user, or the client alone. */
export const nameOf = ({ client, portalUser }: AccessRow): string => sayName((portalUser ?? client).name);

/** Where the next step is taken, if that is another page. */
export function wayOf(trouble: Trouble, { client, portalUser }: AccessRow): string | undefined {
  if (trouble === "bounced" && isWithheld(portalUser?.mail)) return `/clients/${client.clientId}/safe`;
  return trouble === "clocks" ? `/clients/${client.clientId}/portal` : undefined;
}

/** What is wrong, as short as the next step needs it. */
export function sayTrouble(trouble: Trouble, { portalUser: user }: AccessRow): string {
  switch (trouble) {
    case "bounced": {
      const { reason = "", at = "" } = user?.mail ?? {};
      const said = { email: user?.email ?? "", time: sayLately(at), reason: sayBounce(reason) };
      if (isWithheld(user?.mail)) return t("today.withheld", said);
      return t(reason ? "today.bouncedWhy" : "today.bouncedFrom", said);
    }
    case "expired":
      return user?.ended
        ? t("users.ended", {
            day: sayDay(user.ended.at),
            why: sayIfKnown(`ended.${user.ended.reason}`) ?? user.ended.reason,
          })
        : t("users.expired", { time: sayTime(user?.invitation?.expiresAt ?? "") });
    case "ending":
      return t("users.expires", { time: sayTime(user?.invitation?.expiresAt ?? "") });
    case "clocks":
      return (user && sayEnding(user)) ?? "";
    case "locked":
      return t("today.lockedUntil", { time: sayClock(user?.lockedUntil ?? "") });
    case "without-owner":
      return t("today.noOwner");
    case "alerts-to-practice":
      return t("today.noRecipient");
  }
}

/** The one next step. */
export function sayStep(trouble: Trouble, { portalUser }: AccessRow): string {
  switch (trouble) {
    case "bounced":
      if (isWithheld(portalUser?.mail)) return t("today.safe");
      return t(portalUser?.status === "active" ? "today.correctActive" : "today.correct");
    case "expired":
    case "ending":
      return t(portalUser?.email ? "today.resend" : "users.sheet");
    case "clocks":
      return t("today.open");
    case "locked":
      return t("today.unlock");
    case "without-owner":
      return t("today.owner");
    case "alerts-to-practice":
      return t("today.assign");
  }
}
