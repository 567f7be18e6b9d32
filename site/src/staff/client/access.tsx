// How one person's access is said in words and tags, the same on every page.
import type { PortalUser } from "../../api/staff";
import { sayDay, sayTime } from "../../messages/language";
import { t } from "../../messages/staff";

export function StatusTag({ status }: { status: PortalUser["status"] | "none" }) {
  return <span class={`tag ${status}`}>{t(`tag.${status}`)}</span>;
}

function sayMail(mail: NonNullable<PortalUser["mail"]>): string {
  const said = { mail: t(`mail.${mail.kind}`), day: sayDay(mail.at) };
  if (mail.state === "bounced" && mail.reason) return t("mail.bouncedWhy", { ...said, reason: mail.reason });
  return t(`mail.${mail.state}`, said);
}

/** What is worth knowing beside the tag: the invitation's end, the last sign-in, the last mail. In
 *  brief, only what may call for doing something. */
export function AccessFacts({ user, brief }: { user: PortalUser; brief?: boolean }) {
  const trouble = user.mail?.state === "bounced" || user.mail?.state === "complained";
  return (
    <>
      {user.status === "invited" && user.invitation && (
        <p class="small">{t("users.expires", { time: sayTime(user.invitation.expiresAt) })}</p>
      )}
      {user.status === "expired" && user.invitation && (
        <p class="small">{t("users.expired", { time: sayTime(user.invitation.expiresAt) })}</p>
      )}
      {!brief && (
        <p class="small">
          {user.lastSignInAt
            ? t("users.lastSignIn", { day: sayDay(user.lastSignInAt) })
            : t("users.neverSignedIn")}
        </p>
      )}
      {user.mail && (!brief || trouble || user.status !== "active") && (
        <p class={trouble ? "small error" : "small"}>{sayMail(user.mail)}</p>
      )}
    </>
  );
}
