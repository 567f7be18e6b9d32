import { useEffect, useState } from "preact/hooks";
import type { Client } from "../../api/staff";
import { sayDate } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { focusHeading } from "../../ui/heading";
import { lazyPage } from "../../ui/lazy";
import { Menu } from "../../ui/menu";
import { say } from "../../ui/toast";
import { mayChange } from "../session";
import type { Chart } from "./chart";
import { SectionHeading } from "./section-heading";

const CloseChart = lazyPage(async () => (await import("./close-chart")).CloseChart);
const SafeEmails = lazyPage(async () => (await import("./notes")).SafeEmails);

export function Overview({ chart, client }: { chart: Chart; client: Client }) {
  const [closing, setClosing] = useState(false);
  const named = Boolean(client.chartOwner || client.alertRecipient);
  const { chartOwner, alertRecipient } = client;
  useEffect(() => {
    void chart.refreshClient();
    // The client names people by id. Looking them up is recorded: only when there is somebody to look up.
    if (named) chart.users.ensure();
    void chart.know([chartOwner, alertRecipient]);
  }, [chartOwner, alertRecipient]);
  return (
    <section class="card">
      <div class="card-head">
        <SectionHeading chart={chart} title={t("client.overview")} />
        {mayChange.value && (
          <div class="actions start">
            <a class="button plain" href={`/clients/${client.clientId}/edit`}>
              {t("overview.edit")}
            </a>
            {!client.closed && (
              <Menu
                label={t("close.menu")}
                items={[{ label: t("close.open"), danger: true, onSelect: () => setClosing(true) }]}
              />
            )}
          </div>
        )}
      </div>
      {closing && (
        <CloseChart
          chart={chart}
          client={client}
          onDone={(said) => {
            focusHeading();
            say(said);
          }}
          onClose={() => setClosing(false)}
        />
      )}
      <dl class="facts padded">
        <dt>{t("overview.name")}</dt>
        <dd>{sayName(client.name)}</dd>
        {client.name.preferred && (
          <>
            <dt>{t("overview.preferred")}</dt>
            <dd>{client.name.preferred}</dd>
          </>
        )}
        <dt>{t("who.birth")}</dt>
        <dd class="figures">{sayDate(client.dateOfBirth)}</dd>
        <dt>{t("who.record")}</dt>
        <dd class="figures">{client.recordNumber}</dd>
        <dt>{t("who.professional")}</dt>
        <dd>{client.professional || <span class="muted">{t("overview.nothing")}</span>}</dd>
        <dt>{t("who.portal")}</dt>
        <dd>
          <a href={`/clients/${client.clientId}/portal`}>{t(`summary.${client.portal.status}`)}</a>
        </dd>
        <dt>{t("users.owner")}</dt>
        <dd>
          <Person chart={chart} id={client.chartOwner} nobody={t("overview.nothing")} />
        </dd>
        <dt>{t("overview.alerts")}</dt>
        <dd>
          <Person chart={chart} id={client.alertRecipient} nobody={t("users.inbox")} />
        </dd>
      </dl>
      <h3 class="band">{t("overview.contact")}</h3>
      <dl class="facts padded">
        <dt>{t("overview.emails")}</dt>
        <dd>
          {client.safeContact && client.emails.length ? (
            <SafeEmails client={client} />
          ) : (
            <Ways ways={client.emails.map((email) => ({ type: email.type, text: email.address }))} />
          )}
        </dd>
        <dt>{t("overview.phones")}</dt>
        <dd>
          <Ways ways={client.phones.map((phone) => ({ type: phone.type, text: phone.number }))} />
        </dd>
      </dl>
    </section>
  );
}

function Ways({ ways }: { ways: { type: Client["emails"][number]["type"]; text: string }[] }) {
  if (!ways.length) return <span class="muted">{t("overview.nothing")}</span>;
  return (
    <ul class="plain">
      {ways.map(({ type, text }) => (
        <li key={text}>
          {text} <span class="muted">{t(`contact.${type}`)}</span>
        </li>
      ))}
    </ul>
  );
}

/** A portal user by name, as soon as the names are there. */
function Person(props: { chart: Chart; id: string | null | undefined; nobody: string }) {
  if (!props.id) return <>{props.nobody}</>;
  const { state } = props.chart.users;
  const user = props.chart.user(props.id);
  if (user) return <>{sayName(user.name)}</>;
  // The section that lists them says why, and tries again.
  if (state.value.at !== "loading") return <span class="muted">{t("overview.unknown")}</span>;
  return <span class="muted late">{t("load.wait")}</span>;
}
