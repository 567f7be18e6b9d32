// "Client Portal": everyone with access to the chart, and who of them gets its alerts.
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { Client, PortalUser, PortalUsers as Users } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { focusHeading } from "../../ui/heading";
import { lazyPage } from "../../ui/lazy";
import { Menu } from "../../ui/menu";
import { Loaded } from "../../ui/resource";
import { say, type Said } from "../../ui/toast";
import { mayChange, state } from "../session";
import { AccessFacts, Clocks } from "./access";
import { AccessDialog, type AccessChange } from "./access-dialogs";
import { AlertChoice, useAlerts } from "./alerts";
import type { Chart } from "./chart";
import { takeAlong } from "./portal-user";
import { SectionHeading } from "./section-heading";
import { StatusTag } from "./status-tag";

const form = () => import("./portal-user-form");
const AddUser = lazyPage(async () => (await form()).AddUser);
const DeleteUser = lazyPage(async () => (await import("./delete-user")).DeleteUser);
const EditUser = lazyPage(async () => (await form()).EditUser);
const papers = () => import("./papers");
const PrintSheet = lazyPage(async () => (await papers()).PrintSheet);
const ResetFactor = lazyPage(async () => (await papers()).ResetFactor);
const RevokeUser = lazyPage(async () => (await import("./revoke-user")).RevokeUser);
const UnlockUser = lazyPage(async () => (await import("./unlock-user")).UnlockUser);

/** The list, and over it, by their own addresses, the dialogs to add somebody and to edit one. */
export function PortalUsers(props: {
  chart: Chart;
  client: Client;
  adding?: boolean;
  portalUserId?: string;
}) {
  const { chart, client } = props;
  const { route } = useLocation();
  const base = `/clients/${client.clientId}/portal`;
  useEffect(() => chart.users.ensure(), []);
  /** Added without an address: whose sheet comes next, and what to say of it. */
  const [unmailed, setUnmailed] = useState<{ user: PortalUser; said: Said } | null>(null);

  const dialog = {
    chart,
    client,
    onDone: say,
    // Left by its own address the form is closed already; closed by the end of the session it is to come back.
    onClose: () => {
      if (state.peek().at === "in" && location.pathname.startsWith(`${base}/`)) route(base, true);
    },
  };
  return (
    <section class="card">
      <div class="card-head">
        <SectionHeading chart={chart} title={t("users.title")} />
        {mayChange.value && !client.closed && (
          <a class="button primary" href={`${base}/new`}>
            {t("users.add")}
          </a>
        )}
      </div>
      <Loaded of={chart.users} lines={4}>
        {(users) => (
          <>
            {users.portalUsers.length ? <Table chart={chart} users={users} base={base} closed={client.closed} /> : <Empty />}
            {props.adding && mayChange.value && !client.closed && (
              <AddUser {...dialog} onUnmailed={(user, said) => setUnmailed({ user, said })} />
            )}
            {unmailed && (
              <PrintSheet
                chart={chart}
                user={unmailed.user}
                onDone={say}
                onClose={() => {
                  setUnmailed(null);
                  if (state.peek().at === "in") say(unmailed.said);
                }}
              />
            )}
            {props.portalUserId && mayChange.value && (
              <EditUser {...dialog} key={props.portalUserId} portalUserId={props.portalUserId} />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Empty() {
  return (
    <div class="padded">
      <p>{t("users.empty")}</p>
      {mayChange.value && <p class="muted">{t("users.emptyHint")}</p>}
    </div>
  );
}

/** What has a dialog of its own. */
const DIALOGS = {
  delete: DeleteUser,
  factor: ResetFactor,
  revoke: RevokeUser,
  sheet: PrintSheet,
  unlock: UnlockUser,
};

type Doing = { what: AccessChange | keyof typeof DIALOGS; user: PortalUser };

function Table(props: { chart: Chart; users: Users; base: string; closed: Client["closed"] }) {
  const { chart, users, base, closed } = props;
  const { route } = useLocation();
  const [doing, setDoing] = useState<Doing | null>(null);
  const alerts = useAlerts(chart, users);
  const may = mayChange.value;
  // As the list has them by now: an answer may have come since the dialog was opened.
  const whom = doing && (chart.user(doing.user.portalUserId) ?? doing.user);
  const Own = doing && DIALOGS[doing.what as keyof typeof DIALOGS];
  const close = () => setDoing(null);

  const done = (said: Said) => {
    focusHeading();
    say(said);
  };

  const right = closed && chart.right.value;

  const menu = (user: PortalUser) => {
    const name = sayName(user.name);
    const open = (what: Doing["what"]) => () => setDoing({ what, user });
    const revoked = user.status === "revoked";
    const active = user.status === "active";
    const shut = closed ? t("closed.why") : revoked && t("users.resendRevoked");
    return [
      { label: t("users.edit"), onSelect: () => route(`${base}/${user.portalUserId}`) },
      user.email && {
        label: t("users.resend"),
        reason: shut || (active && t("users.resendActive", { name })),
        onSelect: open("resend"),
      },
      // Without an address, for one who enrolled too: it says what to do about a forgotten password.
      !(active && user.email) && { label: t("users.sheet"), reason: shut, onSelect: open("sheet") },
      active && { label: t("users.factorReset"), onSelect: open("factor") },
      revoked
        ? { label: t("users.activate"), reason: closed && t("closed.why"), onSelect: open("activate") }
        : { label: t("users.revoke"), danger: true, onSelect: open("revoke") },
      // Who was entered with a duplicate is taken over to the right chart.
      right && {
        label: t("users.addTo", { name: sayName(right.name) }),
        onSelect: () => {
          takeAlong(right.clientId, user);
          route(`/clients/${right.clientId}/portal/new`);
        },
      },
    ];
  };

  // The roles are spelled out because a table drawn as cards (narrow screens) loses them.
  return (
    <>
      <FailureNote failure={alerts.failure} onRetry={alerts.retry} />
      <table class="users" role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader">{t("users.name")}</th>
            <th role="columnheader">{t("users.username")}</th>
            <th role="columnheader">{t("users.permissions")}</th>
            <th role="columnheader">{t("users.access")}</th>
            <th role="columnheader">{t("users.alerts")}</th>
            {may && (
              <th role="columnheader">
                <span class="sr-only">{t("users.actions")}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {users.portalUsers.map((user) => {
            const name = sayName(user.name);
            return (
              <tr key={user.portalUserId} role="row">
                <th role="rowheader" scope="row">
                  {name}
                  <span class="muted">{t(`relationship.${user.relationship}`)}</span>
                  {user.chartOwner && <span class="small">{t("users.owner")}</span>}
                </th>
                <td role="cell" class="figures breaks">
                  <span class="cell-label">{t("users.username")}</span>
                  <Address of={user.username} />
                  {user.email !== user.username && (
                    <span class="small other">
                      {user.email ? <Address of={user.email} /> : t("users.noEmail")}
                    </span>
                  )}
                </td>
                <td role="cell">
                  <Permissions user={user} />
                  <Clocks user={user} of="terms" />
                </td>
                <td role="cell" class="standing">
                  <StatusTag status={user.status} />
                  <AccessFacts
                    chart={chart}
                    user={user}
                    edit={`${base}/${user.portalUserId}`}
                    {...(may && { onUnlock: () => setDoing({ what: "unlock", user }) })}
                  />
                </td>
                <td role="cell">
                  {user.status === "revoked" || user.status === "expired" || !user.email ? (
                    <span class="muted">{t(user.email ? "users.noAlerts" : "users.noEmail")}</span>
                  ) : (
                    <AlertChoice
                      name={name}
                      assigned={alerts.chosen === user.portalUserId}
                      later={user.status !== "active"}
                      onAssign={(rest) => alerts.assign(user.portalUserId, rest)}
                    />
                  )}
                </td>
                {may && (
                  <td role="cell" class="row-actions">
                    <div>
                      <Button
                        kind="danger-text"
                        label={t("users.deleteWho", { name })}
                        onClick={() => setDoing({ what: "delete", user })}
                      >
                        {t("users.delete")}
                      </Button>
                      <Menu label={t("users.menu", { name })} items={menu(user)} />
                    </div>
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
      <div class="inbox">
        <p>
          <strong>{t("users.inbox")}</strong> <span class="muted">{t("users.inboxHint")}</span>
        </p>
        <AlertChoice
          name={t("users.inbox")}
          assigned={alerts.chosen === null}
          onAssign={(rest) => alerts.assign(null, rest)}
        />
      </div>
      {whom && Own && <Own chart={chart} user={whom} onDone={done} onClose={close} />}
      {doing && !Own && (
        <AccessDialog
          change={doing.what as AccessChange}
          chart={chart}
          user={doing.user}
          onDone={done}
          onClose={close}
        />
      )}
    </>
  );
}

/** An e-mail address may break after its @, and nowhere else while there is room. */
function Address({ of: address }: { of: string }) {
  const at = address.indexOf("@") + 1;
  return (
    <>
      {address.slice(0, at)}
      <wbr />
      {address.slice(at)}
    </>
  );
}

function Permissions({ user }: { user: PortalUser }) {
  if (!user.permissions.length) return <span class="muted">{t("users.noPermission")}</span>;
  return (
    <ul class="pills">
      {user.permissions.map((permission) => (
        <li key={permission}>{t(`permission.${permission}`)}</li>
      ))}
    </ul>
  );
}
