// How one person's access is said in words and tags, the same on every page.
import type { PortalUser } from "../../api/staff";
import { sayClock, sayDay, sayIfKnown, sayTime } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { lazyPage } from "../../ui/lazy";
import { mayChange } from "../session";
import type { Chart } from "./chart";
import { isTrouble, isWithheld, sayMail, type Mail } from "./mail-words";
import { useProgress } from "./progress";
import { StatusTag } from "./status-tag";
import { Told } from "./told";

const SecondFactor = lazyPage(async () => (await import("./notes")).SecondFactor, { around: () => null });
const UnlockButton = lazyPage(async () => (await import("./unlock-user")).UnlockButton, { around: () => null });

const LazyClocks = lazyPage(async () => (await import("./clocks")).Clocks, { around: () => null });

/** What clocks say. It comes with everybody without access, too: with it come the words for why they cannot be
 *  given access again. */
export const Clocks = (props: { user: PortalUser; of: "terms" | "standing" }) => {
  const { until, given, ending, status } = props.user;
  return until || given || ending || status === "revoked" ? <LazyClocks {...props} /> : null;
};

/** The last mail, and what to do when it did not arrive. `edit` is where the address is corrected, `safe` where it is
 *  marked as safe. */
function MailState({ mail, edit, safe }: { mail: Mail; edit: string; safe: string }) {
  const withheld = isWithheld(mail);
  return (
    <p class={isTrouble(mail) ? "small error" : "small"}>
      {sayMail(mail)}{" "}
      {mail.state === "bounced" && mayChange.value && (
        <a href={withheld ? safe : edit}>{withheld ? sayIfKnown("safe.see") : t("mail.correct")}</a>
      )}
    </p>
  );
}

/** Why an invitation or access is over, and what staff noted of it. */
function Ended({ ended: { at, reason, note } }: { ended: NonNullable<PortalUser["ended"]> }) {
  return (
    <>
      {reason !== "until" && reason !== "age" && (
        <p class="small">
          {t("users.ended", { day: sayDay(at), why: sayIfKnown(`ended.${reason}`) ?? reason })}
        </p>
      )}
      {note && <p class="small breaks">{t("users.note", { note })}</p>}
    </>
  );
}

/** What is worth knowing beside the tag: the invitation's end, the last sign-in, the last mail. In
 *  brief, only what may call for doing something. */
export function AccessFacts(props: {
  chart: Chart;
  user: PortalUser;
  edit: string;
  brief?: boolean;
  /** Where it can be unlocked. */
  onUnlock?: () => void;
}) {
  const { user, brief } = props;
  const { mail } = user;
  useProgress(props.chart, user);
  return (
    <>
      {user.status === "invited" && user.invitation && (
        <p class="small">{t("users.expires", { time: sayTime(user.invitation.expiresAt) })}</p>
      )}
      {user.status === "expired" && user.invitation && !user.ended && (
        <p class="small">{t("users.expired", { time: sayTime(user.invitation.expiresAt) })}</p>
      )}
      {user.ended && <Ended ended={user.ended} />}
      <Clocks user={user} of="standing" />
      <Told chart={props.chart} user={user} />
      {user.status === "active" && user.lockedUntil && (
        <>
          <p class="small">
            <StatusTag status="locked" /> {t("users.locked", { time: sayClock(user.lockedUntil) })}
          </p>
          {props.onUnlock && <UnlockButton name={sayName(user.name)} onClick={props.onUnlock} />}
        </>
      )}
      {!brief && (
        <p class="small">
          {user.lastSignInAt
            ? t("users.lastSignIn", { day: sayDay(user.lastSignInAt) })
            : t("users.neverSignedIn")}
        </p>
      )}
      {!brief && user.secondFactor && <SecondFactor />}
      {user.sharesEmail && <p class="small">{sayIfKnown("shares.email")}</p>}
      {mail && (!brief || isTrouble(mail) || user.status !== "active") && (
        <MailState mail={mail} edit={props.edit} safe={`/clients/${props.chart.clientId}/safe`} />
      )}
    </>
  );
}
