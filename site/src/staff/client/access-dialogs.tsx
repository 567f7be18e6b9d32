// Activate and resend: each says what happens and what stays before it does anything.
import { Failure } from "../../api/http";
import type { PortalUser } from "../../api/staff";
import { sayClock, sayIfKnown, type Params } from "../../messages/language";
import { sayName } from "../../messages/name";
import "../../messages/refusals";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { focusHeading } from "../../ui/heading";
import type { Said } from "../../ui/toast";
import { Decision } from "../decision";
import { isGone, isNews, type Chart } from "./chart";
import { ConsequenceLists, type Consequences } from "./consequences";
import { withholds } from "./safe-address";

export type AccessChange = "activate" | "resend";

export function AccessDialog(props: {
  change: AccessChange;
  chart: Chart;
  user: PortalUser;
  /** After the change, when the dialog is closed: the words for the toast. */
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const action = useAccessChange({ ...props, change: () => act(props.change, chart, user) });
  return (
    <Dialog title={t(`${props.change}.title`)} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <ConsequenceLists of={consequences(props.change, chart, user)} />
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="primary" busy={action.busy} autoFocus onClick={() => void action.run(close)}>
              {t("confirm")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}

const nameOf = (user: PortalUser) => ({ name: sayName(user.name), email: user.email ?? "" });

/** Words of safe contact, which come with the mark at the head of the client's page. */
const saySafe = (key: "untold" | "notSent", who: Params): string => sayIfKnown(`safe.${key}`, who) ?? "";

function consequences(change: AccessChange, chart: Chart, user: PortalUser): Consequences {
  const who = nameOf(user);
  const unsent = withholds(chart, user.email);
  switch (change) {
    case "activate": {
      const date = user.ended?.reason === "until" && sayIfKnown("clocks.dateGoes");
      const mailed = user.lastSignInAt ? "activate.enrolled" : "activate.either";
      return {
        happens: [
          unsent ? saySafe("untold", who) : t(user.email ? mailed : "activate.untold", who),
          ...(date ? [date] : []),
        ],
        stays: [t("stays.permissions")],
      };
    }
    case "resend":
      // The server refuses it, and says what to do instead.
      if (unsent) return { happens: [saySafe("notSent", who)] };
      return { happens: [t("resend.what", who)], ends: [t("resend.old")], stays: [t("stays.permissions")] };
  }
}

/** Does it, and answers what to say about it. */
async function act(change: AccessChange, chart: Chart, user: PortalUser): Promise<string> {
  const who = nameOf(user);
  switch (change) {
    case "resend":
      await chart.resend(user.portalUserId);
      return t("resend.done", who);
    case "activate": {
      const { portalUser, at } = await chart.activate(user.portalUserId);
      const invited = portalUser?.status === "invited" ? "activate.invited" : "activate.done";
      const said = user.email && !withholds(chart, user.email) ? invited : "activate.doneUntold";
      return t(said, { ...who, time: sayClock(at, true) });
    }
  }
}

/**
 * A change of one person's access, out of a dialog. When somebody else has deleted the person meanwhile,
 * that is what is said, and the list shows who is left; when they changed the access otherwise, the
 * server's refusal stays in the dialog, and the list behind it is brought up to date.
 */
export function useAccessChange(of: {
  chart: Chart;
  user: Pick<PortalUser, "name">;
  /** Answers what to say when it is done; null when it is not, and the dialog stays. */
  change: () => Promise<Said | null>;
  onDone: (said: Said) => void;
}) {
  return useAction(async (close: () => void) => {
    let said: Said | null;
    let gone = false;
    try {
      said = await of.change();
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      gone = isGone(thrown);
      if (isNews(thrown)) void of.chart.catchUp();
      if (!gone) throw thrown;
      said = t("users.gone", { name: sayName(of.user.name) });
    }
    if (said === null) return;
    close();
    // Closing gives the focus back to the person's row, which is about to go.
    if (gone) focusHeading();
    of.onDone(said);
  });
}
