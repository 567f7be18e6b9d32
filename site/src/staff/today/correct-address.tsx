// An address that mail comes back from: corrected and, where an invitation waits for it, sent to again.
import { useRef, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { editPortalUser, portalUsers, resendInvitation, type PortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/pages";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Form, TextField, type Invalid } from "../../ui/form";
import type { Said } from "../../ui/toast";
import { useAccessChange } from "../client/access-dialogs";
import type { Chart } from "../client/chart";
import { ConsequenceLists } from "../client/consequences";
import { sayBounce } from "../client/mail-words";
import { badEmail } from "../client/portal-user";
import { Decision } from "../decision";

export function CorrectAddress(props: {
  chart: Chart;
  user: PortalUser;
  /** The portal user as the change left them; null when somebody else has deleted them. */
  onKnown: (user: PortalUser | null) => void;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const reason = user.mail?.reason;
  const enrolled = user.status === "active";
  const was = user.email ?? "";
  const [email, setEmail] = useState(was);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  /** As saved so far: after a half that failed, only the other is done again. */
  const saved = useRef(user);
  const made = useRef(false);

  const save = async (address: string): Promise<PortalUser> => {
    const { portalUserId, version } = saved.current;
    try {
      return await editPortalUser(chart.clientId, portalUserId, { version, email: address });
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
      const { portalUsers: users } = await portalUsers(chart.clientId);
      const now = users.find((other) => other.portalUserId === portalUserId);
      if (!now) throw new Failure(404, "not_found");
      saved.current = now;
      // Ours, and its answer was lost on the way; or somebody else typed the same.
      if (now.email === address) return now;
      throw thrown;
    }
  };

  const action = useAccessChange({
    ...props,
    change: async () => {
      const address = email.trim();
      if (address !== saved.current.email) saved.current = await save(address);
      // A new address of somebody who has not enrolled is sent an invitation by the edit itself.
      if (!enrolled && !isOnItsWay(saved.current))
        saved.current = await resendInvitation(chart.clientId, user.portalUserId);
      made.current = true;
      return t(enrolled ? "correct.changed" : "correct.sent", { name, email: address });
    },
    onDone: (said) => {
      props.onKnown(made.current ? saved.current : null);
      props.onDone(said);
    },
  });

  const submit = (close: () => void) => {
    const same = enrolled && email.trim() === was;
    const wrong = badEmail(email) ?? (same ? t("correct.another") : undefined);
    setInvalid(wrong ? [{ field: "email", message: wrong }] : []);
    if (!wrong) void action.run(close);
  };

  return (
    <Dialog
      title={t("correct.title", { name })}
      busy={action.busy}
      typed={email !== was}
      onClose={props.onClose}
    >
      {(close) => (
        <Form invalid={invalid} failure={action.failure} onSubmit={() => submit(close)}>
          <p class="breaks">
            {reason
              ? t("correct.was", { email: was, reason: sayBounce(reason) })
              : t("correct.wasUnknown", { email: was })}
          </p>
          <TextField
            name="email"
            type="email"
            label={t("user.email")}
            value={email}
            onInput={setEmail}
            autoFocus
          />
          <ConsequenceLists
            of={
              enrolled
                ? { happens: [t("correct.changes", { name })], stays: [t("stays.permissions")] }
                : {
                    happens: [t("correct.sends", { name })],
                    ends: [t("resend.old")],
                    stays: [t("stays.permissions")],
                  }
            }
          />
          <Decision close={close}>
            <Button kind="primary" type="submit" busy={action.busy}>
              {t(enrolled ? "today.correctActive" : "today.correct")}
            </Button>
          </Decision>
        </Form>
      )}
    </Dialog>
  );
}

const isOnItsWay = ({ status, mail }: PortalUser): boolean =>
  status === "invited" && mail?.kind === "invitation" && mail.state !== "bounced";
