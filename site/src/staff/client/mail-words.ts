// What became of a person's last mail, in words.
import type { PortalUser } from "../../api/staff";
import { sayIfKnown, sayLately } from "../../messages/language";
import { t } from "../../messages/staff";

export type Mail = NonNullable<PortalUser["mail"]>;

/** The API's reasons are a few fixed phrases in English. */
export const sayBounce = (reason: string): string =>
  sayIfKnown(`bounce.${reason.replaceAll(" ", "-")}`) ?? reason;

/** What confirms an address goes where the person says: no mail of their access, and shown nowhere. */
type Shown = Exclude<Mail["kind"], "email-confirmation">;

export const sayKind = ({ kind }: Mail): string => t(`mail.${kind as Shown}`);

/** It was not sent, because the address is not marked as safe: there is nothing to correct. */
export const isWithheld = (mail: Mail | undefined): boolean => mail?.reason === "unsafe-address";

export function sayMail(mail: Mail): string {
  const said = { mail: sayKind(mail), time: sayLately(mail.at) };
  if (mail.state !== "bounced" || !mail.reason) return t(`mail.${mail.state}`, said);
  // One that was not sent did not come back.
  const withheld = sayIfKnown(`mail.${mail.reason}`, said);
  return withheld ?? t("mail.bouncedWhy", { ...said, reason: sayBounce(mail.reason) });
}

export const isTrouble = ({ state }: Mail): boolean => state === "bounced" || state === "complained";
