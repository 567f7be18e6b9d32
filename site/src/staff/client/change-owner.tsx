// Handing the chart to another of the people who have access to it.
import { useState } from "preact/hooks";
import type { PortalUsers } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Choice, Choices, Form, type Invalid } from "../../ui/form";
import type { Said } from "../../ui/toast";
import { StatusTag } from "./status-tag";
import { Decision } from "../decision";
import { useAccessChange } from "./access-dialogs";
import type { Chart } from "./chart";

export function ChangeOwner(props: {
  chart: Chart;
  users: PortalUsers;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, users } = props;
  const others = users.portalUsers.filter((user) => user.portalUserId !== users.chartOwner);
  const [chosen, choose] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);

  const heir = users.portalUsers.find((user) => user.portalUserId === chosen);
  const action = useAccessChange({
    ...props,
    user: heir ?? { name: { first: "", last: "" } },
    change: async () => {
      await chart.changeOwner(chosen);
      return t("owner.done", { name: heir ? sayName(heir.name) : "" });
    },
  });

  const submit = (close: () => void) => {
    setInvalid(chosen ? [] : [{ field: "portalUserId", message: t("owner.needChoice") }]);
    if (chosen) void action.run(close);
  };

  return (
    <Dialog title={t("owner.title")} busy={action.busy} onClose={props.onClose}>
      {(close) =>
        others.length === 0 ? (
          <>
            <p>{t("owner.alone")}</p>
            <div class="actions">
              <Button onClick={close}>{t("cancel")}</Button>
              <a class="button primary" href={`/clients/${chart.clientId}/portal/new`} onClick={close}>
                {t("users.add")}
              </a>
            </div>
          </>
        ) : (
          <Form invalid={invalid} failure={action.failure} onSubmit={() => submit(close)}>
            <p>{t("owner.what")}</p>
            <Choices name="portalUserId" legend={t("owner.choose")}>
              {others.map((user) => (
                <Choice
                  key={user.portalUserId}
                  type="radio"
                  name="owner"
                  label={
                    <>
                      {sayName(user.name)} <StatusTag status={user.status} />
                    </>
                  }
                  checked={chosen === user.portalUserId}
                  onChange={() => choose(user.portalUserId)}
                />
              ))}
            </Choices>
            <Decision close={close}>
              <Button kind="primary" type="submit" busy={action.busy}>
                {t("owner.title")}
              </Button>
            </Decision>
          </Form>
        )
      }
    </Dialog>
  );
}
