// "Staff": who may sign in to the console, and what they may do there.
import { useState } from "preact/hooks";
import { staffList, type Member } from "../../api/staff";
import { sayLately } from "../../messages/language";
import { t } from "../../messages/team";
import { Button } from "../../ui/button";
import { focusHeading, Heading } from "../../ui/heading";
import { Menu } from "../../ui/menu";
import { Loaded, useResource } from "../../ui/resource";
import { say } from "../../ui/toast";
import { state } from "../session";
import { AddMember, EditMember, EndSessions, RemoveMember } from "./team-dialogs";

type Open = { what: "add" } | { what: "edit" | "end" | "remove"; member: Member };

export function Team() {
  const list = useResource(staffList);
  const [open, setOpen] = useState<Open | null>(null);
  const now = state.value;
  const own = now.at === "in" ? now.session.email.toLowerCase() : "";
  const onClose = () => setOpen(null);
  const onDone = (said: string) => {
    void list.load();
    focusHeading();
    say(said);
  };
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("team.title")}>{t("team.title")}</Heading>
          <p class="muted">{t("team.lead")}</p>
        </div>
        <Button kind="primary" onClick={() => setOpen({ what: "add" })}>
          {t("team.new")}
        </Button>
      </div>
      <section class="card" aria-label={t("team.title")}>
        <Loaded of={list} lines={4}>
          {({ staff }) => <Table staff={staff} own={own} onOpen={setOpen} />}
        </Loaded>
      </section>
      {open?.what === "add" && <AddMember onDone={onDone} onClose={onClose} />}
      {open?.what === "edit" && (
        <EditMember
          member={open.member}
          onDone={onDone}
          onClose={onClose}
          onStale={async () => {
            await list.load();
            return list.value?.staff.find(({ staffId }) => staffId === open.member.staffId);
          }}
        />
      )}
      {open?.what === "end" && (
        <EndSessions member={open.member} self={isSelf(open.member, own)} onDone={onDone} onClose={onClose} />
      )}
      {open?.what === "remove" && (
        <RemoveMember member={open.member} self={isSelf(open.member, own)} onDone={onDone} onClose={onClose} />
      )}
    </div>
  );
}

const isSelf = ({ email }: Member, own: string) => email.toLowerCase() === own;

// The roles are spelled out because a table drawn as cards (narrow screens) loses them.
function Table({ staff, own, onOpen }: { staff: Member[]; own: string; onOpen: (open: Open) => void }) {
  const admins = staff.filter(({ role }) => role === "admin").length;
  return (
    <table class="users" role="table">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader">{t("team.name")}</th>
          <th role="columnheader">{t("team.role")}</th>
          <th role="columnheader">{t("team.lastSignIn")}</th>
          <th role="columnheader">
            <span class="sr-only">{t("users.actions")}</span>
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {staff.map((member) => {
          const last = member.role === "admin" && admins === 1;
          return (
            <tr key={member.staffId} role="row">
              <th role="rowheader" scope="row">
                {member.name} {isSelf(member, own) && <span class="muted">{t("team.you")}</span>}
                <span class="small breaks">{member.email}</span>
              </th>
              <td role="cell">
                <span class="cell-label">{t("team.role")}</span>
                {t(`role.${member.role}`)}
              </td>
              <td role="cell" class="figures">
                <span class="cell-label">{t("team.lastSignIn")}</span>
                {member.lastSignInAt ? sayLately(member.lastSignInAt) : t("team.neverSignedIn")}
              </td>
              <td role="cell" class="row-actions">
                <div>
                  <Button
                    label={t("team.editWhich", { name: member.name })}
                    onClick={() => onOpen({ what: "edit", member })}
                  >
                    {t("team.edit")}
                  </Button>
                  <Menu
                    label={t("users.menu", { name: member.name })}
                    items={[
                      { label: t("team.endSessions"), onSelect: () => onOpen({ what: "end", member }) },
                      {
                        label: t("team.remove"),
                        danger: true,
                        reason: last ? t("team.lastAdmin") : undefined,
                        onSelect: () => onOpen({ what: "remove", member }),
                      },
                    ]}
                  />
                </div>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
