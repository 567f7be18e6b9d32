// Safe contact of a client: the mark, the addresses that are safe, and everybody who can enter, whose access ends in
// one step.
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { client as load, editClient, type Client, type PortalUser } from "../../api/staff";
import { sayDay, sayList } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/safe";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { Choice, Choices, Form, type Invalid } from "../../ui/form";
import { focusHeading } from "../../ui/heading";
import { Loaded } from "../../ui/resource";
import { say } from "../../ui/toast";
import { asLeft } from "../as-left";
import { Decision } from "../decision";
import { mayChange } from "../session";
import { touched, type Change } from "../stale";
import { StaleNote } from "../stale-note";
import { useTyped } from "../typed";
import { isGone, type Chart } from "./chart";
import { ConsequenceLists, sayOpenApps } from "./consequences";
import { isTrouble, sayMail } from "./mail-words";
import { useProgress } from "./progress";
import { allowsMailTo } from "./safe-address";
import { labelOf, marksEdit, marksOf, mergeMarks, sayMark, type Marks } from "./safe-marks";
import { SectionHeading } from "./section-heading";
import { StatusTag } from "./status-tag";

export function SafeContact({ chart, client }: { chart: Chart; client: Client }) {
  // Who has access with what is shown at once: looking them up is recorded.
  useEffect(() => chart.users.ensure(), []);
  return (
    <section class="card padded">
      <SectionHeading chart={chart} title={t("safe.title")} />
      <p>{t("safe.lead")}</p>
      <ul>
        {(["safe.mail", "safe.alerts", "safe.portal", "safe.access"] as const).map((key) => (
          <li key={key}>{t(key)}</li>
        ))}
      </ul>
      {mayChange.value && <Mark chart={chart} client={client} />}
      <h3 class="apart">{t("safe.who")}</h3>
      <Loaded of={chart.users} lines={3}>
        {({ portalUsers }) => <WhoCanEnter chart={chart} client={client} users={portalUsers.filter(canEnter)} />}
      </Loaded>
    </section>
  );
}

const canEnter = ({ status }: PortalUser): boolean => status === "active" || status === "invited";

/** The mark, and which addresses are safe. */
function Mark({ chart, client }: { chart: Chart; client: Client }) {
  const [base, setBase] = useState(() => asLeft({ version: client.version, draft: marksOf(client) }));
  const [draft, setDraft] = useTyped({ base: base.draft, version: base.version, label: labelOf, say: sayMark });
  const [stale, setStale] = useState<{ was: Marks; mine: Marks; changes: Change<Marks>[] } | null>(null);
  const { safeContact, emails } = draft;

  const take = (now: Client, mine: Marks) => {
    // Under safe contact alerts go to the practice, whoever is chosen.
    if (now.safeContact !== client.safeContact) void chart.catchUp();
    chart.client.set(now);
    setBase({ version: now.version, draft: marksOf(now) });
    setDraft(mine);
  };
  const done = (now: Client) => {
    take(now, marksOf(now));
    setStale(null);
    say(t("safe.saved"));
  };
  const action = useAction(async () => {
    try {
      done(await editClient(client.clientId, marksEdit(base.version, base.draft, draft)));
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
      const now = await load(client.clientId);
      const theirs = marksOf(now);
      const merged = mergeMarks(base.draft, draft, theirs);
      // It was ourselves: the answer was lost on its way.
      if (!touched(theirs, merged.draft).size) return done(now);
      take(now, merged.draft);
      setStale({ was: base.draft, mine: merged.draft, changes: merged.changes });
    }
  });
  const changed = touched(base.draft, draft).size > 0;
  return (
    <Form
      invalid={[]}
      failure={action.failure}
      onSubmit={() => (changed ? void action.run() : say(t("safe.nothing")))}
    >
      {stale && <StaleNote {...stale} theirs={base.draft} label={labelOf} say={sayMark} />}
      <Choice
        type="checkbox"
        name="safeContact"
        label={t("safe.use")}
        checked={safeContact}
        onChange={(use) => setDraft({ ...draft, safeContact: use })}
      />
      {emails.length ? (
        <Choices name="emails" legend={t("safe.which")} hint={t("safe.whichHint")}>
          {emails.map((email, row) => (
            <Choice
              key={row}
              type="checkbox"
              name={`emails[${row}].safe`}
              label={<span class="breaks">{email.text}</span>}
              checked={email.safe ?? false}
              onChange={(safe) =>
                setDraft({ ...draft, emails: emails.map((each, n) => (n === row ? { ...each, safe } : each)) })
              }
            />
          ))}
        </Choices>
      ) : (
        <p>{t("safe.noAddress")}</p>
      )}
      <p class="small" aria-live="polite">
        {safeContact && emails.length > 0 && !emails.some(({ safe }) => safe) && t("safe.none")}
      </p>
      <Button kind="primary" type="submit" busy={action.busy}>
        {t("safe.save")}
      </Button>
    </Form>
  );
}

/** Everybody who can enter, or could with an open invitation. Nobody is chosen beforehand: among them is the client. */
function WhoCanEnter(props: { chart: Chart; client: Client; users: readonly PortalUser[] }) {
  const { chart, client, users } = props;
  const [chosen, choose] = useState<readonly string[]>([]);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [ending, setEnding] = useState(false);
  const going = users.filter(({ portalUserId }) => chosen.includes(portalUserId));

  if (!users.length) return <p>{t("safe.nobody")}</p>;
  if (!mayChange.value) {
    return (
      <ul class="plain">
        {users.map((user) => (
          <li key={user.portalUserId}>
            <strong>{sayName(user.name)}</strong> <Facts chart={chart} client={client} user={user} />
          </li>
        ))}
      </ul>
    );
  }
  const submit = () => {
    setInvalid(going.length ? [] : [{ field: "people", message: t("safe.needSomebody") }]);
    setEnding(going.length > 0);
  };
  return (
    <>
      <Form invalid={invalid} failure={null} onSubmit={submit}>
        <Choices name="people" legend={t("safe.choose")}>
          {users.map((user) => (
            <div key={user.portalUserId} class="may-enter">
              <Choice
                type="checkbox"
                name="people"
                label={sayName(user.name)}
                checked={chosen.includes(user.portalUserId)}
                onChange={(add) =>
                  choose(
                    add
                      ? [...chosen, user.portalUserId]
                      : chosen.filter((each) => each !== user.portalUserId),
                  )
                }
              />
              <Facts chart={chart} client={client} user={user} />
            </div>
          ))}
        </Choices>
        <div class="actions start">
          <Button onClick={() => choose(users.map(({ portalUserId }) => portalUserId))}>{t("safe.all")}</Button>
          <Button type="submit">
            {t("safe.end")}
          </Button>
        </div>
      </Form>
      {ending && (
        <EndAccess
          chart={chart}
          users={going}
          onDone={() => choose([])}
          onClose={() => setEnding(false)}
        />
      )}
    </>
  );
}

function Facts({ chart, client, user }: { chart: Chart; client: Client; user: PortalUser }) {
  const { mail } = user;
  useProgress(chart, user);
  return (
    <div class="small">
      <StatusTag status={user.status} />{" "}
      {user.relationship === "self" ? t("safe.isClient") : t(`relationship.${user.relationship}`)}
      <p>{sayList(user.permissions.map((permission) => t(`permission.${permission}`)))}</p>
      <p>
        {user.lastSignInAt ? t("users.lastSignIn", { day: sayDay(user.lastSignInAt) }) : t("users.neverSignedIn")}
      </p>
      {user.email && !allowsMailTo(client, user.email) && (
        <p class="breaks">{t("safe.unsafe", { email: user.email })}</p>
      )}
      {user.sharesEmail && <p>{t("shares.email")}</p>}
      {mail && <p class={isTrouble(mail) ? "error" : undefined}>{sayMail(mail)}</p>}
    </div>
  );
}

/** Ends the access of the chosen, one by one: a repeat ends only what is left, and says whose that is. */
function EndAccess(props: {
  chart: Chart;
  users: readonly PortalUser[];
  onDone: () => void;
  onClose: () => void;
}) {
  const { chart } = props;
  // What is confirmed is what was shown.
  const [users] = useState(props.users);
  const [left, setLeft] = useState<readonly PortalUser[]>([]);
  const action = useAction(async (close: () => void) => {
    const ended: string[] = [];
    const failed: PortalUser[] = [];
    let failure: Failure | null = null;
    for (const user of left.length ? left : users) {
      try {
        await chart.revoke(user.portalUserId, { reason: { code: "safety" } });
        ended.push(sayName(user.name));
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        // Deleted meanwhile: nobody is left who could enter.
        if (isGone(thrown)) continue;
        failed.push(user);
        failure = thrown;
      }
    }
    setLeft(failed);
    if (failure) throw failure;
    await chart.catchUp();
    close();
    props.onDone();
    focusHeading();
    say(t("safe.ended", { list: sayList(users.map(({ name }) => sayName(name))) }));
  });
  const named = (status: PortalUser["status"]) =>
    users.filter((user) => user.status === status).map(({ name }) => sayName(name));
  const [active, invited] = [named("active"), named("invited")];
  const names = sayList(left.map(({ name }) => sayName(name)));
  return (
    <Dialog title={t("safe.endTitle", { count: users.length })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <ConsequenceLists
            of={{
              ends: [
                active.length > 0 && t("safe.loses", { list: sayList(active) }),
                invited.length > 0 && t("safe.losesInvited", { list: sayList(invited) }),
                ...new Set(users.map(sayOpenApps)),
              ],
              happens: [t("safe.noMail"), t("safe.reason")],
              stays: [t("stays.chart")],
            }}
          />
          <div class="failure" role="alert" hidden={!names}>
            {names && <p>{t("safe.notEnded", { list: names })}</p>}
          </div>
          <FailureNote failure={action.failure} />
          <Decision close={close} autoFocusCancel>
            <Button kind="danger" busy={action.busy} onClick={() => void action.run(close)}>
              {t("safe.endNow")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}
