// The client's last alerts: what waited, to whom word of it went, and how far that came.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { alerts, type Alert } from "../../api/staff";
import { sayLately } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/history";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Skeleton } from "../../ui/resource";
import { say } from "../../ui/toast";
import { mayChange } from "../session";
import type { Chart } from "./chart";

export function LastAlerts({ chart }: { chart: Chart }) {
  const title = useId();
  const [read, setRead] = useState<readonly Alert[] | null>(null);
  /** Whom the list of portal users was asked for already: each asking is recorded. */
  const sought = useRef(new Set<string>());
  const reading = useAction(async (again: boolean) => {
    // A list that was there before the alerts may lack a person whom they name.
    const listed = chart.users.state.peek().at === "ready";
    const found = (await alerts(chart.clientId)).alerts;
    const named = found.flatMap(({ portalUserId }) => portalUserId ?? []);
    const unknown = named.filter((id) => !sought.current.has(id));
    for (const id of named) sought.current.add(id);
    if (listed) await chart.know(unknown);
    setRead(found);
    if (again) say(t("alerts.upToDate"));
  });
  useEffect(() => void reading.run(false), []);

  const users = chart.users.state.value;
  const shown = users.at === "ready" ? read : null;
  return (
    <section class="card" aria-labelledby={title}>
      <div class="card-head">
        <h3 id={title}>{t("alerts.title")}</h3>
        <Button busy={reading.busy} onClick={() => void reading.run(read !== null)}>
          {t("alerts.again")}
        </Button>
      </div>
      <FailureNote failure={reading.failure} onRetry={() => void reading.run(read !== null)} />
      {shown ? (
        <List alerts={shown} chart={chart} label={title} />
      ) : reading.failure ? null : users.at === "failed" ? (
        <FailureNote failure={users.failure} onRetry={() => void chart.users.load()} />
      ) : (
        <Skeleton lines={4} />
      )}
    </section>
  );
}

function List({ alerts, chart, label }: { alerts: readonly Alert[]; chart: Chart; label: string }) {
  if (!alerts.length) return <p class="padded">{t("alerts.empty")}</p>;
  return (
    <div class="events">
      <ol aria-labelledby={label}>
        {alerts.map((alert) => (
          <li key={alert.alertId}>
            <p>
              <strong>{t(`alert.${alert.kind}`)}</strong> · {sayTo(alert, chart)}{" "}
              <time dateTime={alert.at}>· {sayLately(alert.at)}</time>
            </p>
            <State of={alert} chart={chart} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function sayTo({ to, portalUserId }: Alert, chart: Chart): string {
  if (to === "practice") return t("alerts.toInbox");
  const user = chart.user(portalUserId);
  return t("alerts.to", { name: user ? sayName(user.name) : t("history.formerUser") });
}

/** How far an alert came, and what to do when it did not arrive. */
function State({ of: { state, portalUserId }, chart }: { of: Alert; chart: Chart }) {
  const trouble = state === "bounced" || state === "complained";
  const user = state === "bounced" && mayChange.value && chart.user(portalUserId);
  return (
    <p class={trouble ? "small error" : "small"}>
      {t(`alert.${state}`)}{" "}
      {user && <a href={`/clients/${chart.clientId}/portal/${user.portalUserId}`}>{t("mail.correct")}</a>}
    </p>
  );
}
