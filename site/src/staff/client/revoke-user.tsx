// Revoking access: what ends and what stays, why if somebody may ask later, and who gets the alerts next.
import { useId, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { REASONS, type PortalUser, type Reason } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { Form, TextField } from "../../ui/form";
import type { Said } from "../../ui/toast";
import { useTyped } from "../typed";
import { Decision } from "../decision";
import { useAccessChange } from "./access-dialogs";
import { getsAlerts, lacksSuccessor, type Chart } from "./chart";
import { ConsequenceLists, sayOpenApps } from "./consequences";
import { sayEnded } from "./receipt";
import { INBOX, Successor } from "./successor";

const NOTHING = { note: "" };

export function RevokeUser(props: {
  chart: Chart;
  user: PortalUser;
  /** After the change, when the dialog is closed: the words for the toast. */
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const id = useId();
  const name = sayName(user.name);
  const [reason, setReason] = useState<Reason | "">("");
  const [{ note }, setTyped] = useTyped({
    base: NOTHING,
    label: () => t("revoke.note"),
    say: (draft) => draft.note,
  });
  const [successor, setSuccessor] = useState(INBOX);
  /** Chosen to get the alerts next, and not able to any more. */
  const [lost, setLost] = useState("");
  const enrolled = user.status === "active";

  const action = useAccessChange({
    ...props,
    change: async () => {
      const next = getsAlerts(user) && successor !== INBOX ? successor : undefined;
      const chosen = chart.user(next);
      setLost("");
      try {
        const receipt = await chart.revoke(user.portalUserId, {
          ...(reason && { reason: { code: reason, ...(note.trim() && { note: note.trim() }) } }),
          ...(next && { alertRecipient: next }),
        });
        return sayEnded("revoke", receipt, user, chart);
      } catch (thrown) {
        if (!(thrown instanceof Failure) || !chosen || !lacksSuccessor(thrown)) throw thrown;
        void chart.catchUp();
        setSuccessor(INBOX);
        setLost(sayName(chosen.name));
        return null;
      }
    },
  });
  const aboutNote = action.failure?.fields.length ? action.failure : null;

  return (
    <Dialog title={t("revoke.title")} busy={action.busy} typed={note !== ""} onClose={props.onClose}>
      {(close) => (
        <Form invalid={[]} failure={aboutNote} onSubmit={() => void action.run(close)}>
          <p class="breaks">
            {t(user.status === "invited" ? "revoke.endsInvited" : "revoke.ends", { name })}
          </p>
          <ConsequenceLists
            of={{
              ends: [
                enrolled && t("ends.sessions", { name }),
                sayOpenApps(user),
                enrolled && t("ends.reset"),
                getsAlerts(user) && successor === INBOX && t("ends.alerts"),
              ],
              stays: [t("stays.chart"), enrolled && t("stays.credentials"), t("stays.permissions")],
            }}
          />
          {getsAlerts(user) && (
            <Successor chart={chart} user={user} chosen={successor} onChoose={setSuccessor} />
          )}
          <div class="field">
            <label for={id}>{t("revoke.reason")}</label>
            <select
              id={id}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value as Reason | "")}
            >
              <option value="">{t("revoke.noReason")}</option>
              {REASONS.map((code) => (
                <option key={code} value={code}>
                  {t(`reason.${code}`)}
                </option>
              ))}
            </select>
          </div>
          {reason && (
            <TextField
              name="reason.note"
              label={t("revoke.note")}
              hint={t("revoke.noteHint")}
              optional
              value={note}
              onInput={(text) => setTyped({ note: text })}
            />
          )}
          <div class="failure" role="alert" hidden={!lost}>
            {lost && <p>{t("revoke.successorLost", { name: lost, deleted: name })}</p>}
          </div>
          <FailureNote failure={aboutNote ? null : action.failure} />
          <Decision close={close} autoFocusCancel>
            <Button kind="danger" type="submit" busy={action.busy}>
              {t("users.revoke")}
            </Button>
          </Decision>
        </Form>
      )}
    </Dialog>
  );
}
