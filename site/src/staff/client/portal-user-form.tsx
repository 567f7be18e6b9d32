// Adding a person to a client's portal, and changing what such a person may do.
import { useEffect, useId, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure, Submission } from "../../api/http";
import {
  portalUsers,
  type Client,
  type Permission,
  type PortalUser,
  type PortalUserEdit,
  type Relationship,
} from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Choice, Choices, Form, TextField, type Invalid } from "../../ui/form";
import { Loaded } from "../../ui/resource";
import { say } from "../../ui/toast";
import { merge, touched, type Change } from "../stale";
import { StaleNote } from "../stale-note";
import type { Chart } from "./chart";
import { badEmail, PERMISSIONS, RELATIONSHIPS } from "./portal-user";
import { SectionHeading } from "./section-heading";

interface Draft {
  first: string;
  last: string;
  email: string;
  username: string;
  relationship: Relationship | "";
  permissions: Permission[];
  chartOwner: boolean;
}

const EMPTY: Draft = {
  first: "",
  last: "",
  email: "",
  username: "",
  relationship: "",
  permissions: ["basic"],
  chartOwner: false,
};

function problems(draft: Draft): Invalid[] {
  const found: Invalid[] = [];
  const email = badEmail(draft.email);
  if (!draft.first.trim() && !draft.last.trim())
    found.push({ field: "name.first", message: t("form.needName") });
  if (email) found.push({ field: "email", message: email });
  if (!draft.relationship) found.push({ field: "relationship", message: t("form.needRelationship") });
  if (!draft.permissions.length) found.push({ field: "permissions", message: t("form.needPermission") });
  return found;
}

export function AddPortalUser({ chart, client }: { chart: Chart; client: Client }) {
  const { route } = useLocation();
  const [draft, setDraft] = useState(EMPTY);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());
  const list = `/clients/${client.clientId}/portal`;
  useEffect(() => chart.users.ensure(), []);
  const first = chart.users.value?.portalUsers.length === 0;

  const action = useAction(async () => {
    const username = draft.username.trim();
    const body = {
      name: { first: draft.first.trim(), last: draft.last.trim() },
      email: draft.email.trim(),
      relationship: draft.relationship || "other",
      permissions: draft.permissions,
      ...(username ? { username } : {}),
      ...(draft.chartOwner ? { chartOwner: true } : {}),
    };
    const user = await chart.add(body, submission.keyFor(body));
    route(list);
    say(t("add.done", { name: sayName(user.name) }));
  });

  const submit = () => {
    const found = problems(draft);
    setInvalid(found);
    if (!found.length) void action.run();
  };

  return (
    <section class="card padded">
      <SectionHeading chart={chart} title={t("add.title")} />
      <p class="muted">{t("add.lead")}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        <Fields draft={draft} onChange={setDraft} known={client.emails.map((email) => email.address)} isNew />
        {first ? (
          <p class="hint">{t("user.ownerFirst")}</p>
        ) : (
          <Choice
            type="checkbox"
            name="chartOwner"
            label={t("user.owner")}
            hint={t("user.ownerHint")}
            checked={draft.chartOwner}
            onChange={(chartOwner) => setDraft({ ...draft, chartOwner })}
          />
        )}
        <Ending busy={action.busy} save={t("add.save")} back={list} />
      </Form>
    </section>
  );
}

export function EditPortalUser(props: { chart: Chart; client: Client; portalUserId?: string }) {
  const { chart, client } = props;
  useEffect(() => chart.users.ensure(), []);
  return (
    <Loaded of={chart.users} lines={6}>
      {(users) => {
        const user = users.portalUsers.find((other) => other.portalUserId === props.portalUserId);
        if (user) return <Edit key={user.portalUserId} chart={chart} client={client} user={user} />;
        return (
          <section class="card padded">
            <SectionHeading chart={chart} title={t("client.portal")} />
            <p>{t("edit.gone")}</p>
          </section>
        );
      }}
    </Loaded>
  );
}

const draftOf = (user: PortalUser): Draft => ({
  first: user.name.first,
  last: user.name.last,
  email: user.email,
  username: user.username,
  relationship: user.relationship,
  permissions: PERMISSIONS.filter((permission) => user.permissions.includes(permission)),
  chartOwner: user.chartOwner,
});

function editOf(version: number, base: Draft, draft: Draft): PortalUserEdit {
  const changed = touched(base, draft);
  const edit: PortalUserEdit = { version };
  if (changed.has("first") || changed.has("last")) {
    edit.name = { first: draft.first.trim(), last: draft.last.trim() };
  }
  if (changed.has("email")) edit.email = draft.email.trim();
  if (changed.has("relationship") && draft.relationship) edit.relationship = draft.relationship;
  if (changed.has("permissions")) edit.permissions = draft.permissions;
  return edit;
}

function Edit({ chart, client, user }: { chart: Chart; client: Client; user: PortalUser }) {
  const { route } = useLocation();
  const [base, setBase] = useState({ version: user.version, draft: draftOf(user) });
  const [draft, setDraft] = useState(base.draft);
  const [stale, setStale] = useState<{ mine: Draft; changes: Change<Draft>[] } | null>(null);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const list = `/clients/${client.clientId}/portal`;

  const action = useAction(async () => {
    try {
      const saved = await chart.edit(user.portalUserId, editOf(base.version, base.draft, draft));
      route(list);
      say(t("edit.done", { name: sayName(saved.name) }));
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
      const now = (await portalUsers(client.clientId)).portalUsers.find(
        (other) => other.portalUserId === user.portalUserId,
      );
      if (!now) throw new Failure(404, "not_found");
      const theirs = draftOf(now);
      const merged = merge(base.draft, draft, theirs);
      setStale({ mine: draft, changes: merged.changes });
      setBase({ version: now.version, draft: theirs });
      setDraft(merged.draft);
    }
  });

  const submit = () => {
    const found = problems(draft);
    setInvalid(found);
    if (found.length) return;
    if (touched(base.draft, draft).size) return void action.run();
    route(list);
    say(t("form.nothingChanged"));
  };

  return (
    <section class="card padded">
      <SectionHeading chart={chart} title={t("edit.title", { name: sayName(user.name) })} />
      <p class="muted breaks">{t("user.usernameFixed", { username: user.username })}</p>
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        {stale && (
          <StaleNote
            theirs={base.draft}
            mine={stale.mine}
            changes={stale.changes}
            label={labelOf}
            say={sayValue}
          />
        )}
        <Fields draft={draft} onChange={setDraft} known={[]} isNew={false} />
        <Ending busy={action.busy} save={t("form.save")} back={list} />
      </Form>
    </section>
  );
}

function labelOf(field: keyof Draft): string {
  switch (field) {
    case "first":
    case "last":
      return t(`form.${field}`);
    case "chartOwner":
      return t("users.owner");
    default:
      return t(`user.${field}`);
  }
}

function sayValue(draft: Draft, field: keyof Draft): string {
  if (field === "permissions") return draft.permissions.map((each) => t(`permission.${each}`)).join("; ");
  if (field === "relationship") return draft.relationship && t(`relationship.${draft.relationship}`);
  return String(draft[field]);
}

function Fields(props: { draft: Draft; onChange: (draft: Draft) => void; known: string[]; isNew: boolean }) {
  const { draft, known } = props;
  const offered = useId();
  const set = (change: Partial<Draft>) => props.onChange({ ...draft, ...change });
  return (
    <>
      <div class="pair">
        <TextField
          name="name.first"
          label={t("form.first")}
          value={draft.first}
          onInput={(first) => set({ first })}
        />
        <TextField
          name="name.last"
          label={t("form.last")}
          value={draft.last}
          onInput={(last) => set({ last })}
        />
      </div>
      <TextField
        name="email"
        type="email"
        label={t("user.email")}
        value={draft.email}
        list={known.length ? offered : undefined}
        onInput={(email) => set({ email })}
      />
      {known.length > 0 && (
        <div class="offered">
          <datalist id={offered}>
            {known.map((address) => (
              <option key={address} value={address} />
            ))}
          </datalist>
          <span class="small">{t("user.known")}</span>
          {known.map((address) => (
            <Button key={address} kind="text" onClick={() => set({ email: address })}>
              {address}
            </Button>
          ))}
        </div>
      )}
      {props.isNew && (
        <TextField
          name="username"
          label={t("user.username")}
          optional
          hint={t("user.usernameHint")}
          value={draft.username}
          onInput={(username) => set({ username })}
        />
      )}
      <Choices name="relationship" legend={t("user.relationship")}>
        {RELATIONSHIPS.map((relationship) => (
          <Choice
            key={relationship}
            type="radio"
            name="relationship"
            label={t(`relationship.${relationship}`)}
            checked={draft.relationship === relationship}
            onChange={() => set({ relationship })}
          />
        ))}
      </Choices>
      <Choices name="permissions" legend={t("user.permissions")}>
        {PERMISSIONS.map((permission) => (
          <Choice
            key={permission}
            type="checkbox"
            name="permissions"
            label={t(`permission.${permission}`)}
            hint={t(`explain.${permission}`)}
            checked={draft.permissions.includes(permission)}
            onChange={(ticked) =>
              set({
                permissions: PERMISSIONS.filter((each) =>
                  each === permission ? ticked : draft.permissions.includes(each),
                ),
              })
            }
          />
        ))}
      </Choices>
    </>
  );
}

function Ending(props: { busy: boolean; save: string; back: string }) {
  return (
    <div class="actions start">
      <Button kind="primary" type="submit" busy={props.busy}>
        {props.save}
      </Button>
      <a class="button plain" href={props.back}>
        {t("form.cancel")}
      </a>
    </div>
  );
}
