// Revoke, activate, resend: each says what happens and what stays before it does anything.
import type { ComponentChildren } from "preact";
import type { PortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import type { Chart } from "./chart";

export type AccessChange = "revoke" | "activate" | "resend";

export function AccessDialog(props: {
  change: AccessChange;
  chart: Chart;
  user: PortalUser;
  /** After the change, when the dialog is closed: the words for the toast. */
  onDone: (said: string) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const { email } = user;

  /** Does it, and answers what to say about it. */
  const change = async (): Promise<string> => {
    switch (props.change) {
      case "revoke":
        await chart.revoke(user.portalUserId);
        return t("revoke.done", { name });
      case "resend":
        await chart.resend(user.portalUserId);
        return t("resend.done", { name });
      case "activate": {
        const { portalUser } = await chart.activate(user.portalUserId);
        return t(portalUser?.status === "invited" ? "activate.invited" : "activate.done", { name });
      }
    }
  };

  const action = useAction(async (close: () => void) => {
    const said = await change();
    close();
    props.onDone(said);
  });

  return (
    <Dialog title={t(`${props.change}.title`)} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          {props.change === "revoke" && (
            <>
              <p>{t(user.status === "active" ? "revoke.ends" : "revoke.endsInvited", { name })}</p>
              {user.status === "active" && <p class="muted">{t("revoke.signedOut", { name })}</p>}
              {user.receivesAlerts && <p>{t("revoke.alerts")}</p>}
            </>
          )}
          {props.change === "resend" && (
            <>
              <p>{t("resend.what", { email })}</p>
              <p class="muted">{t("resend.old")}</p>
            </>
          )}
          {props.change === "activate" && (
            <>
              <p>{t(user.lastSignInAt ? "activate.enrolled" : "activate.either", { name, email })}</p>
              <p class="muted">{t("activate.stays")}</p>
            </>
          )}
          <FailureNote failure={action.failure} />
          <Decision close={close} autoFocusCancel={props.change === "revoke"}>
            <Button
              kind={props.change === "revoke" ? "danger" : "primary"}
              busy={action.busy}
              autoFocus={props.change !== "revoke"}
              onClick={() => void action.run(close)}
            >
              {t(props.change === "revoke" ? "users.revoke" : "confirm")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}

/** "Cancel" and the button that does it; where much ends, the focus starts on "Cancel". */
export function Decision(props: {
  close: () => void;
  autoFocusCancel?: boolean;
  children: ComponentChildren;
}) {
  return (
    <div class="actions">
      <Button autoFocus={props.autoFocusCancel} onClick={props.close}>
        {t("cancel")}
      </Button>
      {props.children}
    </div>
  );
}
