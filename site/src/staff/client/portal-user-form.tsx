// Adding a person to a client's portal, and changing what such a person may do: dialogs over the list,
// each with its own address.
import { useId, useState } from "preact/hooks";
import { Failure, serverTime, Submission } from "../../api/http";
import { portalUsers, type Client, type NewPortalUser, type PortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/people";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Choice, Choices, Form, TextField, type Invalid } from "../../ui/form";
import { Heading } from "../../ui/heading";
import type { Said } from "../../ui/toast";
import { asLeft } from "../as-left";
import { merge, touched, type Change } from "../stale";
import { StaleNote } from "../stale-note";
import { useTyped } from "../typed";
import { Decision } from "../decision";
import { useAccessChange } from "./access-dialogs";
import type { Chart } from "./chart";
import { badEmail, PERMISSIONS, RELATIONSHIPS, takenAlong } from "./portal-user";
import { allowsMailTo, mailable } from "./safe-address";
import { heldIn, SamePerson, type Held } from "./same-person";
import {
  DAYS,
  draftOf,
  editOf,
  EMPTY,
  labelOf,
  newDraftOf,
  problems,
  reopening,
  sayValue,
  type Draft,
} from "./portal-user-draft";
import { memorable } from "./sheet-names";

interface FormProps {
  chart: Chart;
  client: Client;
  /** After the change, when the dialog is closed: the words for the toast. */
  onDone: (said: Said) => void;
  onClose: () => void;
}

export function AddUser(
  props: FormProps & {
    /** Instead of `onDone` where nothing is mailed: the sheet comes next. */
    onUnmailed: (user: PortalUser, said: Said) => void;
  },
) {
  const { chart } = props;
  const [base] = useState(() => {
    const user = takenAlong(props.client.clientId);
    return user ? newDraftOf(user) : EMPTY;
  });
  const [draft, setDraft] = useTyped<Draft>({ base, label: labelOf, say: sayValue });
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());
  const first = chart.users.value?.portalUsers.length === 0;

  const [held, setHeld] = useState<Held | null>(null);
  /** Here already, and revoked. */
  const [revoked, setRevoked] = useState<PortalUser | null>(null);

  const add = async (body: NewPortalUser, close: () => void) => {
    const user = await chart.add(body, submission.keyFor(body));
    close();
    if (!user.email) return props.onUnmailed(user, () => t("add.unmailed", { name: sayName(user.name) }));
    const said = allowsMailTo(props.client, user.email) ? "add.done" : "safe.added";
    props.onDone(t(said, { name: sayName(user.name), email: user.email }));
  };
  const action = useAction(async (close: () => void) => {
    setRevoked(null);
    const username = draft.username.trim();
    const body: NewPortalUser = {
      name: { first: draft.first.trim(), last: draft.last.trim() },
      ...(draft.noEmail ? {} : { email: draft.email.trim() }),
      relationship: draft.relationship || "other",
      permissions: draft.permissions,
      ...(username ? { username } : {}),
      ...(draft.chartOwner ? { chartOwner: true } : {}),
      ...(draft.until ? { until: draft.until } : {}),
      ...(draft.reviewOn ? { reviewOn: draft.reviewOn } : {}),
    };
    try {
      await add(body, close);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.code === "access_revoked") setRevoked(await chart.findRevoked(body.username ?? body.email ?? ""));
      const other = heldIn(thrown, body);
      if (!other) throw thrown;
      setHeld(other);
    }
  });
  const activating = useAction(async (user: PortalUser, close: () => void) => {
    await chart.activate(user.portalUserId);
    close();
    props.onDone(t("add.activated", { name: sayName(user.name) }));
  });

  const submit = (close: () => void) => {
    const found = [...problems(draft), ...halfDays()];
    setInvalid(found);
    if (!found.length) void action.run(close);
  };

  return (
    <Dialog
      title={t("add.title")}
      wide
      busy={action.busy || activating.busy}
      typed={touched(base, draft).size > 0}
      onClose={props.onClose}
    >
      {(close) => (
        <>
          <Form
            invalid={invalid}
            failure={activating.failure ?? action.failure}
            onSubmit={() => submit(close)}
          >
            {revoked && (
              <div class="notice">
                <p class="breaks">
                  {t("add.revoked", { name: sayName(revoked.name), username: revoked.username })}
                </p>
                <Button busy={activating.busy} onClick={() => void activating.run(revoked, close)}>
                  {t("users.activate")}
                </Button>
              </div>
            )}
            <p class="muted">
              {t(draft.noEmail ? "add.leadSheet" : allowsMailTo(props.client, draft.email) ? "add.lead" : "safe.addLead")}
            </p>
            <Fields
              draft={draft}
              onChange={setDraft}
              client={props.client}
              isNew
              mayLack
              usernameHint={t(draft.noEmail ? "user.usernameNeeded" : "user.usernameHint")}
            />
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
            <Decision close={close}>
              <Button kind="primary" type="submit" busy={action.busy}>
                {t("add.save")}
              </Button>
            </Decision>
          </Form>
          {held && (
            <SamePerson
              held={held}
              client={props.client.name}
              add={(body) => add(body, close)}
              onClose={() => setHeld(null)}
            />
          )}
        </>
      )}
    </Dialog>
  );
}

export function EditUser(props: FormProps & { portalUserId: string }) {
  // As it was when the form was opened: somebody else may delete the person while it is open.
  const [user] = useState(() => props.chart.user(props.portalUserId));
  if (user) return <Edit {...props} user={user} />;
  return (
    <div class="notice">
      <Heading level={2}>{t("edit.goneTitle")}</Heading>
      <p>{t("edit.gone")}</p>
    </div>
  );
}

function Edit(props: FormProps & { user: PortalUser }) {
  const { chart, client, user } = props;
  const [base, setBase] = useState(() => asLeft({ version: user.version, draft: draftOf(user) }));
  const [draft, setDraft] = useTyped({ base: base.draft, version: base.version, label: labelOf, say: sayValue });
  const [stale, setStale] = useState<{ was: Draft; mine: Draft; changes: Change<Draft>[] } | null>(null);
  const [invalid, setInvalid] = useState<Invalid[]>([]);

  /** Takes over what somebody else changed. When it was ourselves, and the answer was lost on its way, nothing
   *  is left to be saved: answers the person as they are. */
  const catchUp = async (): Promise<PortalUser | null> => {
    const now = (await portalUsers(client.clientId)).portalUsers.find(
      (other) => other.portalUserId === user.portalUserId,
    );
    if (!now) throw new Failure(404, "not_found");
    const theirs = draftOf(now);
    const merged = merge(base.draft, draft, theirs);
    if (!touched(theirs, merged.draft).size) {
      void chart.catchUp();
      return now;
    }
    setStale({ was: base.draft, mine: draft, changes: merged.changes });
    setBase({ version: now.version, draft: theirs });
    setDraft(merged.draft);
    return null;
  };

  const action = useAccessChange({
    ...props,
    change: async () => {
      try {
        const saved = await chart.edit(user.portalUserId, editOf(base.version, base.draft, draft));
        const again = user.status === "revoked" && saved.status !== "revoked";
        return t(again ? "add.activated" : "edit.done", { name: sayName(saved.name) });
      } catch (thrown) {
        if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
        const saved = await catchUp();
        return saved && t("edit.done", { name: sayName(saved.name) });
      }
    },
  });

  const reopens = reopening(user, base.draft, draft, serverTime());

  const submit = (close: () => void) => {
    const found = [...problems(draft), ...halfDays()];
    if (!draft.username.trim()) found.push({ field: "username", message: t("user.needUsername") });
    setInvalid(found);
    if (found.length) return;
    if (touched(base.draft, draft).size) return void action.run(close);
    close();
    props.onDone(t("form.nothingChanged"));
  };

  return (
    <Dialog
      title={t("edit.title", { name: sayName(user.name) })}
      wide
      busy={action.busy}
      typed={touched(base.draft, draft).size > 0}
      onClose={props.onClose}
    >
      {(close) => (
        <Form invalid={invalid} failure={action.failure} onSubmit={() => submit(close)}>
          {stale && <StaleNote {...stale} theirs={base.draft} label={labelOf} say={sayValue} />}
          <Fields
            draft={draft}
            onChange={setDraft}
            client={client}
            isNew={false}
            mayLack={!user.email}
            usernameHint={
              user.status === "active" || user.lastSignInAt
                ? t(
                    user.email && allowsMailTo(client, user.email) ? "user.usernameEnds" : "user.usernameEndsUntold",
                    { name: sayName(user.name) },
                  )
                : user.username === user.email && t("user.usernameFollows", { name: sayName(user.name) })
            }
          />
          <div aria-live="polite">{reopens && <p class="notice">{t(reopens)}</p>}</div>
          <Decision close={close}>
            <Button kind="primary" type="submit" busy={action.busy}>
              {t("form.save")}
            </Button>
          </Decision>
        </Form>
      )}
    </Dialog>
  );
}

/** Days of which only a part was typed: their fields' value is empty, which would take a day away. */
const halfDays = (): Invalid[] =>
  DAYS.filter((day) => document.querySelector<HTMLInputElement>(`dialog input[name=${day}]`)?.validity.badInput).map(
    (field) => ({ field, message: t("user.needWholeDate", { field: labelOf(field) }) }),
  );

function Fields(props: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  client: Client;
  isNew: boolean;
  /** Whether there may be no e-mail address: one that is there can be changed, and not taken away. */
  mayLack: boolean;
  /** What comes of typing one. */
  usernameHint: string | false | undefined;
}) {
  const { draft } = props;
  const known = mailable(props.client);
  const unsent = !badEmail(draft.email) && !allowsMailTo(props.client, draft.email);
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
      {!draft.noEmail && (
        <TextField
          name="email"
          type="email"
          label={t("user.email")}
          hint={unsent && t("safe.notSent", { email: draft.email.trim() })}
          value={draft.email}
          list={known.length ? offered : undefined}
          onInput={(email) => set({ email })}
        />
      )}
      {props.mayLack && (
        <Choice
          type="checkbox"
          name="noEmail"
          label={t("user.noEmail")}
          hint={t("user.noEmailHint")}
          checked={draft.noEmail}
          onChange={(noEmail) =>
            set({ noEmail, ...(noEmail && !draft.username && { username: memorable(draft, props.client.name) }) })
          }
        />
      )}
      {known.length > 0 && !draft.noEmail && (
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
      <TextField
        name="username"
        label={t("user.username")}
        optional={props.isNew && !draft.noEmail}
        verbatim
        hint={props.usernameHint}
        value={draft.username}
        onInput={(username) => set({ username })}
      />
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
      <TextField
        name="until"
        type="date"
        label={t("user.until")}
        optional
        hint={t(props.isNew ? "user.untilHintNew" : "user.untilHint")}
        value={draft.until}
        onInput={(until) => set({ until })}
      />
      <TextField
        name="reviewOn"
        type="date"
        label={t("user.reviewOn")}
        optional
        hint={t("user.reviewOnHint")}
        value={draft.reviewOn}
        onInput={(reviewOn) => set({ reviewOn })}
      />
    </>
  );
}
