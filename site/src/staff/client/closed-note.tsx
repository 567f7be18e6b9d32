// On every page of a closed chart: when and why it was closed, where the right one is, and the way to reopen it.
import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../api/staff";
import { sayDay } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/closing";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { focusHeading } from "../../ui/heading";
import { say } from "../../ui/toast";
import { Decision } from "../decision";
import { expect } from "../recent";
import { mayChange } from "../session";
import type { Chart } from "./chart";
import { ConsequenceLists } from "./consequences";

export function ClosedNote({ chart, client }: { chart: Chart; client: Client }) {
  const { closed } = client;
  const [reopening, setReopening] = useState(false);
  useEffect(() => {
    if (closed?.duplicateOf) chart.right.ensure();
  }, [closed?.duplicateOf]);
  const right = chart.right.value;
  if (!closed) return null;
  return (
    <div class="notice closed-note">
      <p>
        <strong>{t(`closed.${closed.reason}`, { day: sayDay(closed.at) })}</strong>{" "}
        {t("closed.admitsNobody")}
      </p>
      {closed.duplicateOf && (
        <p class="breaks">
          <a href={`/clients/${closed.duplicateOf}`} onClick={() => right && expect(right)}>
            {t("closed.right")}
          </a>
          {right && `: ${sayRight(right)}`}
        </p>
      )}
      {closed.reason === "duplicate" && !closed.duplicateOf && <p>{t("closed.noRight")}</p>}
      {mayChange.value && <Button onClick={() => setReopening(true)}>{t("reopen.open")}</Button>}
      {reopening && <Reopen chart={chart} client={client} onClose={() => setReopening(false)} />}
    </div>
  );
}

const sayRight = ({ name, recordNumber }: Client): string => `${sayName(name)}, ${recordNumber}`;

function Reopen({ chart, client, onClose }: { chart: Chart; client: Client; onClose: () => void }) {
  const name = sayName(client.name);
  const action = useAction(async (close: () => void) => {
    await chart.reopenChart();
    close();
    focusHeading();
    say(t("reopen.done", { name }));
  });
  return (
    <Dialog title={t("reopen.title", { name })} busy={action.busy} onClose={onClose}>
      {(close) => (
        <>
          <ConsequenceLists of={{ happens: [t("reopen.happens")], stays: [t("reopen.nobody")] }} />
          <FailureNote failure={action.failure} />
          <Decision close={close}>
            <Button kind="primary" busy={action.busy} autoFocus onClick={() => void action.run(close)}>
              {t("reopen.open")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}
