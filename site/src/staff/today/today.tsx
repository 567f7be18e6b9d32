// What needs attention today: each trouble with access, its first rows, and their one next step.
import { useEffect, useState } from "preact/hooks";
import { accessSummaryAgain, type AccessRow, type PortalUser } from "../../api/staff";
import { Failure, serverTime } from "../../api/http";
import { sayName } from "../../messages/name";
import { t } from "../../messages/pages";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { focusHeading, keepFocus } from "../../ui/heading";
import { Loaded, Skeleton, type Resource } from "../../ui/resource";
import { say, type Said } from "../../ui/toast";
import { sayCount } from "../access/count";
import { AccessDialog } from "../client/access-dialogs";
import { ChangeOwner } from "../client/change-owner";
import { Chart } from "../client/chart";
import { mayChange } from "../session";
import { lazyPage } from "../../ui/lazy";
import { useWatch } from "./watch";
import {
  afterChange,
  afterLook,
  afterResend,
  afterUnlock,
  isNews,
  TroubleList,
  TROUBLES,
  viewOf,
  without,
  type Trouble,
} from "./troubles";
import { nameOf, sayStep, sayTrouble, wayOf } from "./words";

const steps = () => import("./steps");
const AssignAlerts = lazyPage(async () => (await steps()).AssignAlerts);
const CorrectAddress = lazyPage(async () => (await steps()).CorrectAddress);
const PrintSheet = lazyPage(async () => (await import("../client/papers")).PrintSheet);
const UnlockUser = lazyPage(async () => (await import("../client/unlock-user")).UnlockUser);

type Summary = Awaited<ReturnType<typeof accessSummaryAgain>>;
type Counts = Summary["views"];

/** The counts are asked for again by themselves. Each look at rows is recorded: they come when somebody asks. */
export function Today({ summary }: { summary: Resource<Summary> }) {
  const [looks, setLooks] = useState(0);
  useWatch(accessSummaryAgain, (younger) => summary.set(younger));
  return (
    <Loaded of={summary} lines={6}>
      {({ views, lastDay }) => (
        <>
          <Troubles
            key={looks}
            counts={views}
            onLook={() => {
              setLooks(looks + 1);
              focusHeading();
            }}
          />
          <p class="muted small">
            {t("today.lastDay", { came: sayTally(lastDay.came), ended: sayTally(lastDay.ended) })}
          </p>
        </>
      )}
    </Loaded>
  );
}

const sayTally = ({ count, more }: Summary["lastDay"]["came"]): string => sayCount(count, more);

/** A step that was begun. */
interface Doing {
  trouble: Trouble;
  row: AccessRow;
  chart: Chart;
}

const headingOf = (trouble: Trouble): string => `today-${trouble}`;

function Troubles({ counts, onLook }: { counts: Counts; onLook: () => void }) {
  const [shown] = useState(counts);
  const [lists] = useState(() =>
    TROUBLES.flatMap((trouble) => {
      const counted = counts.find(({ view }) => view === viewOf(trouble));
      return counted?.count ? [new TroubleList(trouble, counted)] : [];
    }),
  );
  useEffect(() => {
    for (const list of lists) void list.rows.load();
    return () => lists.forEach((list) => list.rows.close());
  }, []);
  const [doing, setDoing] = useState<Doing | null>(null);

  const keep = (stays: (trouble: Trouble) => (row: AccessRow) => boolean) =>
    lists.forEach((list) => list.keep(stays(list.trouble)));
  /** What the chart was heard to be like meanwhile, by whatever way. */
  const look = ({ chart }: Doing) => {
    const users = chart.users.value;
    if (users) keep((trouble) => afterLook(trouble, chart.clientId, users, serverTime()));
  };
  /** The row has gone, and its button with it: the list's heading takes the focus, or the page's after the
   *  last one. */
  const finish = (trouble: Trouble, said: Said) => {
    setTimeout(() => {
      const heading = document.getElementById(headingOf(trouble));
      if (heading) heading.focus();
      else focusHeading();
    });
    say(said);
  };

  const begin = async (trouble: Trouble, row: AccessRow) => {
    const chart = new Chart(row.client.clientId);
    const begun = { trouble, row, chart };
    if (trouble === "without-owner" || trouble === "alerts-to-practice") {
      if (!(await chart.users.load())) {
        const state = chart.users.state.peek();
        throw state.at === "failed" ? state.failure : new Failure(0, "unreachable");
      }
      const users = chart.users.value;
      if (users && !afterLook(trouble, chart.clientId, users, serverTime())(row)) {
        look(begun);
        return finish(trouble, t("today.already"));
      }
    }
    setDoing(begun);
  };

  const known = lists.filter((list) => list.rows.state.value.at !== "loading" || list.count.value !== null);
  const open = known.filter((list) => list.count.value !== 0);
  const waiting = known.length < lists.length;
  return (
    <>
      <p class="attention">{!waiting && open.length > 0 && sayAttention(open)}</p>
      <div aria-live="polite">
        {counts !== shown && isNews(counts, lists) && (
          <div class="notice news actions start">
            <p>{t("today.news")}</p>
            <Button onClick={onLook}>{t("today.showNews")}</Button>
          </div>
        )}
      </div>
      {open.length > 0 && (
        <div class="troubles">
          {open.map((list) => (
            <Card key={list.trouble} list={list} onBegin={(row) => begin(list.trouble, row)} />
          ))}
        </div>
      )}
      {waiting && !open.length && <Skeleton lines={4} />}
      {!waiting && !open.length && <GoodDay />}
      {doing && (
        <Step
          doing={doing}
          onKnown={(user) => {
            const { portalUser } = doing.row;
            if (user) keep((trouble) => afterChange(trouble, user, serverTime()));
            else if (portalUser) keep(() => without(portalUser.portalUserId));
          }}
          onDone={(said) => {
            const { portalUser } = doing.row;
            if (portalUser && doing.trouble === "locked") keep((trouble) => afterUnlock(trouble, portalUser));
            else if (doing.chart.users.value) look(doing);
            else if (portalUser && doing.trouble !== "bounced")
              keep((trouble) => afterResend(trouble, portalUser.portalUserId));
            finish(doing.trouble, said);
          }}
          onClose={() => {
            setDoing(null);
            // A refusal may have told of what somebody else did.
            look(doing);
            keepFocus();
          }}
        />
      )}
    </>
  );
}

function sayAttention(lists: readonly TroubleList[]): string {
  const count = lists.reduce((sum, list) => sum + (list.count.value ?? 0), 0);
  const more = lists.some((list) => list.more.value);
  return t("today.attention", { count, figures: sayCount(count, more) });
}

const GoodDay = () => (
  <section class="card padded good-day">
    <h2>{t("today.good")}</h2>
    <p class="muted">{t("today.goodLead")}</p>
  </section>
);

function Card({ list, onBegin }: { list: TroubleList; onBegin: (row: AccessRow) => Promise<void> }) {
  const { trouble } = list;
  const count = list.count.value;
  const more = list.more.value;
  const [begun, setBegun] = useState<AccessRow | null>(null);
  const beginning = useAction(onBegin);
  const id = headingOf(trouble);
  return (
    <section class="card trouble" aria-labelledby={id}>
      <h2 id={id} tabIndex={-1}>
        {count !== null && <span class={`count ${trouble}`}>{sayCount(count, more)}</span>}{" "}
        <span>{t(`today.${trouble}`)}</span>
      </h2>
      <Loaded of={list.rows} lines={2}>
        {(rows) => (
          <>
            <ul aria-labelledby={id}>
              {rows.map((row) => (
                <Row
                  key={`${row.client.clientId} ${row.portalUser?.portalUserId}`}
                  trouble={trouble}
                  row={row}
                  busy={beginning.busy && row === begun}
                  onBegin={() => {
                    setBegun(row);
                    void beginning.run(row);
                  }}
                />
              ))}
            </ul>
            <FailureNote failure={beginning.failure} />
            {count !== null && (more || count > rows.length) && (
              <p class="rest">
                <a href={`/access?view=${viewOf(trouble)}`}>
                  {trouble === "ending"
                    ? t("today.others")
                    : t("today.all", { count, figures: sayCount(count, more) })}
                </a>
              </p>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Row(props: { trouble: Trouble; row: AccessRow; busy: boolean; onBegin: () => void }) {
  const { trouble, row } = props;
  const { client, portalUser } = row;
  const name = nameOf(row);
  const page = `/clients/${client.clientId}/portal`;
  const step = sayStep(trouble, row);
  const label = t("today.step", { step, name });
  const way = wayOf(trouble, row);
  return (
    <li>
      <div>
        <p class="breaks">
          <a href={page}>{name}</a>{" "}
          <span class="muted">
            {portalUser && portalUser.relationship !== "self"
              ? t("today.for", { client: sayName(client.name) })
              : client.recordNumber}
          </span>
        </p>
        <p class="small breaks">{sayTrouble(trouble, row)}</p>
      </div>
      {mayChange.value &&
        (way ? (
          <a class="button plain" href={way} aria-label={label}>
            {step}
          </a>
        ) : (
          <Button label={label} busy={props.busy} onClick={props.onBegin}>
            {step}
          </Button>
        ))}
    </li>
  );
}

function Step(props: {
  doing: Doing;
  onKnown: (user: PortalUser | null) => void;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { trouble, row, chart } = props.doing;
  const dialog = { chart, onDone: props.onDone, onClose: props.onClose };
  const users = chart.users.value;
  const { portalUser } = row;
  if (trouble === "without-owner") return users ? <ChangeOwner {...dialog} users={users} /> : null;
  if (trouble === "alerts-to-practice") return users ? <AssignAlerts {...dialog} users={users} /> : null;
  if (!portalUser) return null;
  if (trouble === "bounced")
    return <CorrectAddress {...dialog} user={portalUser} onKnown={props.onKnown} />;
  if (trouble === "locked") return <UnlockUser {...dialog} user={portalUser} />;
  if (!portalUser.email) return <PrintSheet {...dialog} user={portalUser} client={row.client.name} />;
  return <AccessDialog {...dialog} change="resend" user={portalUser} />;
}
