// "Client Portal": everyone with access to the chart, and who of them gets its alerts.
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { Client, PortalUser, PortalUsers as Users } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { focusHeading } from "../../ui/heading";
import { Menu } from "../../ui/menu";
import { Loaded } from "../../ui/resource";
import { say } from "../../ui/toast";
import { mayChange } from "../session";
import { AccessFacts, StatusTag } from "./access";
import { AccessDialog, type AccessChange } from "./access-dialogs";
import type { Chart } from "./chart";
import { DeleteUser } from "./delete-user";
import { SectionHeading } from "./section-heading";

/** A keyboard walks through the radios one by one; only the one it rests on is meant. */
const REST_MS = 500;

export function PortalUsers({ chart, client }: { chart: Chart; client: Client }) {
  const base = `/clients/${client.clientId}/portal`;
  useEffect(() => chart.users.ensure(), []);
  return (
    <section class="card">
      <div class="card-head">
        <SectionHeading chart={chart} title={t("users.title")} />
        {mayChange.value && (
          <a class="button primary" href={`${base}/new`}>
            {t("users.add")}
          </a>
        )}
      </div>
      <Loaded of={chart.users} lines={4}>
        {(users) =>
          users.portalUsers.length ? <Table chart={chart} users={users} base={base} /> : <Empty />
        }
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

type Doing = { what: AccessChange | "delete"; user: PortalUser };

function Table({ chart, users, base }: { chart: Chart; users: Users; base: string }) {
  const { route } = useLocation();
  const [doing, setDoing] = useState<Doing | null>(null);
  const alerts = useAlerts(chart, users);
  const may = mayChange.value;

  const done = (said: string) => {
    focusHeading();
    say(said);
  };

  const menu = (user: PortalUser) => {
    const name = sayName(user.name);
    const open = (what: AccessChange) => () => setDoing({ what, user });
    const revoked = user.status === "revoked";
    return [
      { label: t("users.edit"), onSelect: () => route(`${base}/${user.portalUserId}`) },
      {
        label: t("users.resend"),
        reason: revoked
          ? t("users.resendRevoked")
          : user.status === "active"
            ? t("users.resendActive", { name })
            : undefined,
        onSelect: open("resend"),
      },
      revoked
        ? { label: t("users.activate"), onSelect: open("activate") }
        : { label: t("users.revoke"), danger: true, onSelect: open("revoke") },
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
                  <Username of={user} />
                </td>
                <td role="cell">
                  <Permissions user={user} />
                </td>
                <td role="cell" class="standing">
                  <StatusTag status={user.status} />
                  <AccessFacts user={user} />
                </td>
                <td role="cell">
                  {user.status === "revoked" ? (
                    <span class="muted">{t("users.noAlerts")}</span>
                  ) : (
                    <AlertChoice
                      name={name}
                      assigned={alerts.chosen === user.portalUserId}
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
      {doing?.what === "delete" && (
        <DeleteUser chart={chart} user={doing.user} onDone={done} onClose={() => setDoing(null)} />
      )}
      {doing && doing.what !== "delete" && (
        <AccessDialog
          change={doing.what}
          chart={chart}
          user={doing.user}
          onDone={done}
          onClose={() => setDoing(null)}
        />
      )}
    </>
  );
}

/** An e-mail address as username may break after its @, and nowhere else while there is room. */
function Username({ of: { username } }: { of: PortalUser }) {
  const at = username.indexOf("@") + 1;
  return (
    <>
      {username.slice(0, at)}
      <wbr />
      {username.slice(at)}
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

function AlertChoice(props: { name: string; assigned: boolean; onAssign: (restMs: number) => void }) {
  const said = t(props.assigned ? "users.assigned" : "users.assign");
  if (!mayChange.value) return <span class="muted">{props.assigned ? said : ""}</span>;
  return (
    <label class="assign">
      <input
        type="radio"
        name="alert-recipient"
        checked={props.assigned}
        // A click made by an arrow key has no click count.
        onClick={(event) => props.onAssign(event.detail ? 0 : REST_MS)}
      />
      <span>
        {said}
        <span class="sr-only"> {t("users.assignWho", { name: props.name })}</span>
      </span>
    </label>
  );
}

/** The choice shows at once; the server's word replaces it, and its refusal takes it back. */
function useAlerts(chart: Chart, users: Users) {
  const [wish, setWish] = useState<{ id: string | null } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef<{ id: string | null } | null>(null);

  const { run, failure } = useAction(async (): Promise<void> => {
    try {
      // A newer choice made while one is on its way follows it, so that the last one stands.
      for (let sent = latest.current; sent; sent = latest.current === sent ? null : latest.current) {
        await chart.assignAlerts(sent.id);
        if (latest.current === sent) {
          const user = chart.user(sent.id);
          say(user ? t("users.nowAssigned", { name: sayName(user.name) }) : t("users.nowInbox"));
        }
      }
    } finally {
      setWish(null);
    }
  });
  useEffect(() => () => clearTimeout(timer.current), []);

  const recipient = users.alertRecipient ?? null;
  const chosen = wish ? wish.id : recipient;
  return {
    chosen,
    failure,
    retry: () => {
      setWish(latest.current);
      void run();
    },
    assign: (id: string | null, restMs: number) => {
      clearTimeout(timer.current);
      if (id === chosen) return;
      const next = { id };
      latest.current = next;
      setWish(next);
      timer.current = setTimeout(() => void run(), restMs);
    },
  };
}
