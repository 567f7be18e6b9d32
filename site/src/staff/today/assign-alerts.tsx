// Choosing who gets a client's alerts, where they go to the practice for want of a person.
import { useState } from "preact/hooks";
import type { PortalUsers } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/pages";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Choice, Choices, Form, type Invalid } from "../../ui/form";
import type { Said } from "../../ui/toast";
import { useAccessChange } from "../client/access-dialogs";
import type { Chart } from "../client/chart";
import { StatusTag } from "../client/status-tag";
import { Decision } from "../decision";

export function AssignAlerts(props: {
  chart: Chart;
  users: PortalUsers;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, users } = props;
  const entering = users.portalUsers.filter(({ status }) => status === "active" || status === "invited");
  const able = entering.filter(({ email }) => email);
  const nobody = t(entering.length ? "assign.noEmail" : "assign.nobody");
  // Once asked, the question stays: a refusal stands in it, and brings news of who is left.
  const [asking] = useState(able.length > 0);
  const [chosen, choose] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const recipient = able.find((user) => user.portalUserId === chosen);
  const name = recipient ? sayName(recipient.name) : "";

  const action = useAccessChange({
    ...props,
    user: recipient ?? { name: { first: "", last: "" } },
    change: async () => {
      await chart.assignAlerts(chosen);
      return t(recipient?.status === "active" ? "users.nowAssigned" : "users.laterAssigned", { name });
    },
  });

  const submit = (close: () => void) => {
    setInvalid(chosen ? [] : [{ field: "portalUserId", message: t("assign.needChoice") }]);
    if (chosen) void action.run(close);
  };

  return (
    <Dialog title={t("assign.title")} busy={action.busy} onClose={props.onClose}>
      {(close) =>
        !asking ? (
          <>
            <p>{nobody}</p>
            <div class="actions">
              <Button onClick={close}>{t("cancel")}</Button>
              <a class="button primary" href={`/clients/${chart.clientId}/portal`} onClick={close}>
                {t("assign.openUsers")}
              </a>
            </div>
          </>
        ) : (
          <Form invalid={invalid} failure={action.failure} onSubmit={() => submit(close)}>
            <p>{t("assign.what")}</p>
            <Choices name="portalUserId" legend={t("assign.choose")}>
              {able.length === 0 && <p>{nobody}</p>}
              {able.map((user) => (
                <Choice
                  key={user.portalUserId}
                  type="radio"
                  name="recipient"
                  label={
                    <>
                      {sayName(user.name)} <StatusTag status={user.status} />
                    </>
                  }
                  hint={user.status === "active" ? undefined : t("users.fromEnrollment")}
                  checked={chosen === user.portalUserId}
                  onChange={() => choose(user.portalUserId)}
                />
              ))}
            </Choices>
            <Decision close={close}>
              <Button kind="primary" type="submit" busy={action.busy}>
                {t("assign.action")}
              </Button>
            </Decision>
          </Form>
        )
      }
    </Dialog>
  );
}
