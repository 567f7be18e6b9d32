// "Communications": the chart owner's portal access, at a glance and within reach, and the last alerts.
import { useEffect, useState } from "preact/hooks";
import type { Client, PortalUser, PortalUsers } from "../../api/staff";
import { initials, sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { focusHeading } from "../../ui/heading";
import { lazyPage } from "../../ui/lazy";
import { Menu, type MenuItem } from "../../ui/menu";
import { Loaded } from "../../ui/resource";
import { say, type Said } from "../../ui/toast";
import { mayChange } from "../session";
import { AccessFacts } from "./access";
import { AccessDialog, type AccessChange } from "./access-dialogs";
import { ChangeOwner } from "./change-owner";
import type { Chart } from "./chart";
import { LastAlerts } from "./last-alerts";
import { RevokeUser } from "./revoke-user";
import { SectionHeading } from "./section-heading";
import { StatusTag } from "./status-tag";
import { ToldAlone } from "./told";

const FirstAccess = lazyPage(async () => (await import("./first-access")).FirstAccess);

export function Communications({ chart, client }: { chart: Chart; client: Client }) {
  useEffect(() => chart.users.ensure(), []);
  return (
    <section>
      <SectionHeading chart={chart} title={t("client.communications")} hidden />
      <details class="card">
        <summary>{t("client.portal")}</summary>
        <div class="details-body">
          <Loaded of={chart.users} lines={2}>
            {(users) => <OwnerCard chart={chart} client={client} users={users} />}
          </Loaded>
        </div>
      </details>
      <LastAlerts chart={chart} />
    </section>
  );
}

type Doing = AccessChange | "revoke" | "change-owner" | "first-access" | null;

function OwnerCard({ chart, client, users }: { chart: Chart; client: Client; users: PortalUsers }) {
  const [doing, setDoing] = useState<Doing>(null);
  const owner = users.portalUsers.find((user) => user.portalUserId === users.chartOwner);
  // Without an owner the card stands for the client, who is the first to get access.
  const { name } = owner ?? client;
  const status = owner?.status ?? "none";
  const off = status === "none" || status === "revoked";
  const dialog = {
    chart,
    onDone: (said: Said) => {
      focusHeading();
      say(said);
    },
    onClose: () => setDoing(null),
  };

  return (
    <div class="owner">
      <span class="avatar" aria-hidden="true">
        {initials(name)}
      </span>
      <div class="owner-who">
        <h3>{t("users.owner")}</h3>
        <p>
          <span>{sayName(name)}</span>{" "}
          {status === "active" ? (
            <span class="tag active">{t("communications.access")}</span>
          ) : (
            <StatusTag status={status} />
          )}
        </p>
        {owner && !off && (
          <AccessFacts
            chart={chart}
            user={owner}
            edit={`/clients/${client.clientId}/portal/${owner.portalUserId}`}
            brief
          />
        )}
        {owner && off && <ToldAlone chart={chart} user={owner} />}
        {!owner && users.portalUsers.length > 0 && <p class="small">{t("communications.noOwnerHint")}</p>}
      </div>
      {mayChange.value && (
        <div class="owner-actions">
          {off && !client.closed && (
            <Button kind="primary" onClick={() => setDoing(owner ? "activate" : "first-access")}>
              {t("activate.open")}
            </Button>
          )}
          {users.portalUsers.length > 0 && !client.closed && (
            <Menu label={t("users.menu", { name: sayName(name) })} items={items(owner, setDoing)} />
          )}
        </div>
      )}
      {doing === "change-owner" && <ChangeOwner {...dialog} users={users} />}
      {doing === "first-access" && <FirstAccess {...dialog} client={client} />}
      {owner && doing === "revoke" && <RevokeUser {...dialog} user={owner} />}
      {owner && (doing === "activate" || doing === "resend") && (
        <AccessDialog {...dialog} change={doing} user={owner} />
      )}
    </div>
  );
}

function items(owner: PortalUser | undefined, open: (doing: Doing) => void): MenuItem[] {
  const change = { label: t("users.changeOwner"), onSelect: () => open("change-owner") };
  if (!owner || owner.status === "revoked") return [change];
  const enrolled = owner.status === "active";
  return [
    change,
    // Without an address there is nothing to send it to: the list of portal users has the sheet.
    ...(owner.email
      ? [
          {
            label: t("users.resend"),
            reason: enrolled && t("users.resendActive", { name: sayName(owner.name) }),
            onSelect: () => open("resend"),
          },
        ]
      : []),
    { label: t("users.revoke"), danger: true, onSelect: () => open("revoke") },
  ];
}
