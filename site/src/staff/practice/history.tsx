// The history of the whole practice: a table, newest first, of the days, the person and the action asked for.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { practiceHistory, type HistoryQuery, type PracticeEvent } from "../../api/practice";
import { sayTime, wordsOf } from "../../messages/language";
import { t } from "../../messages/practice";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Form, TextField, type Invalid } from "../../ui/form";
import { Heading } from "../../ui/heading";
import { Skeleton } from "../../ui/resource";
import { signal } from "../../ui/signal";
import { say } from "../../ui/toast";
import { csv, download } from "../client/csv";
import { HistoryReader } from "../client/history-reader";
import { sayAction, sayActor, sayChanged, sayWhy } from "../client/history-words";
import { Select } from "./select";

/** What is asked for; an empty text stands for all. */
type Asked = Required<Pick<HistoryQuery, "from" | "to">> & { staffId: string; action: string };

/** Days that are looked at unless others are asked for. */
const DAYS = 30;

const day = (daysAgo: number): string => {
  const at = new Date();
  at.setDate(at.getDate() - daysAgo);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
};

const queryOf = ({ from, to, staffId, action }: Asked): HistoryQuery => ({
  from,
  to,
  ...(staffId && { staffId }),
  ...(action && { action: action as PracticeEvent["action"] }),
});

export function PracticeHistory() {
  const [asked, ask] = useState<Asked>({ from: day(DAYS), to: day(0), staffId: "", action: "" });
  /** Everybody who was seen to act so far, by id: names alone may be two people's. */
  const [people] = useState(() => signal<People>(new Map()));
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("client.history")}>{t("client.history")}</Heading>
          <p class="muted">{t("whole.lead")}</p>
        </div>
      </div>
      <Filter asked={asked} people={people.value} onAsk={ask} />
      <Read
        key={JSON.stringify(asked)}
        asked={asked}
        onSeen={(seen) => (people.value = new Map([...people.peek(), ...seen]))}
      />
    </div>
  );
}

type People = ReadonlyMap<string, string>;

function Filter(props: { asked: Asked; people: People; onAsk: (asked: Asked) => void }) {
  const [draft, setDraft] = useState(props.asked);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const set = (change: Partial<Asked>) => setDraft({ ...draft, ...change });
  const submit = () => {
    const found = (["from", "to"] as const)
      .filter((field) => !draft[field])
      .map((field): Invalid => ({ field, message: t("whole.needDay") }));
    if (!found.length && draft.from > draft.to) found.push({ field: "to", message: t("whole.order") });
    setInvalid(found);
    if (!found.length) props.onAsk(draft);
  };
  const people = [...props.people].sort(([, one], [, other]) => one.localeCompare(other));
  const actions = wordsOf("action.").sort(([, one], [, other]) => one.localeCompare(other));
  return (
    <section class="card" aria-label={t("history.filter")}>
      <Form invalid={invalid} failure={null} label={t("history.filter")} onSubmit={submit}>
        <div class="filter-body asked">
          <TextField name="from" type="date" label={t("whole.from")} value={draft.from} onInput={(from) => set({ from })} />
          <TextField name="to" type="date" label={t("whole.to")} value={draft.to} onInput={(to) => set({ to })} />
          <Select
            name="staffId"
            label={t("history.filterPerson")}
            value={draft.staffId}
            options={[["", t("history.allPeople")], ...people]}
            onInput={(staffId) => set({ staffId })}
          />
          <Select
            name="action"
            label={t("history.filterAction")}
            value={draft.action}
            options={[["", t("history.allActions")], ...actions.filter(([action]) => action !== "other")]}
            onInput={(action) => set({ action })}
          />
          <Button kind="primary" type="submit">
            {t("whole.show")}
          </Button>
        </div>
      </Form>
    </section>
  );
}

function Read({ asked, onSeen }: { asked: Asked; onSeen: (people: People) => void }) {
  const reader = useMemo(
    () =>
      new HistoryReader<PracticeEvent>(async (cursor) => {
        const page = await practiceHistory({ ...queryOf(asked), ...(cursor && { cursor }) });
        const acting = page.events.filter(({ actor }) => actor.id);
        onSeen(new Map(acting.map(({ actor }) => [actor.id, actor.name])));
        return page;
      }),
    [],
  );
  const first = useAction(() => reader.next());
  const more = useAction(() => reader.next());
  const exporting = useAction(async () => {
    await reader.all();
    const events = reader.events.peek() ?? [];
    download(`history-${asked.from}-${asked.to}.csv`, csv(table(events)));
    say(t("whole.exported", { count: events.length }));
  });
  useEffect(() => {
    void first.run();
    return () => reader.close();
  }, []);

  // The button for more may be gone with the last page: the first new row takes the focus.
  const rows = useRef<HTMLTableSectionElement>(null);
  const seen = useRef<number | null>(null);
  const events = reader.events.value;
  const complete = reader.complete.value;
  useLayoutEffect(() => {
    if (seen.current === null || !events || events.length === seen.current) return;
    rows.current?.rows[seen.current]?.focus();
    seen.current = null;
  }, [events]);

  return (
    <section class="card" aria-label={t("history.list")}>
      {events && events.length > 0 && (
        <div class="card-head">
          <p aria-live="polite">
            {t(complete ? "history.found" : "whole.soFar", { count: events.length })}
          </p>
          <Button busy={exporting.busy} onClick={() => void exporting.run()}>
            {t("history.export")}
          </Button>
        </div>
      )}
      <FailureNote failure={exporting.failure} />
      {!events && !first.failure && <Skeleton lines={8} />}
      <FailureNote failure={first.failure} onRetry={() => void first.run()} />
      {events && events.length > 0 && <Table events={events} inner={rows} />}
      {events && !events.length && (
        <p class="padded" role="status">
          {t(complete ? "history.noneFound" : "whole.noneYet")}
        </p>
      )}
      <FailureNote failure={more.failure} />
      {events && !complete && (
        <div class="padded more">
          <Button
            busy={more.busy}
            onClick={() => {
              seen.current = events.length;
              void more.run();
            }}
          >
            {t("history.more")}
          </Button>
        </div>
      )}
    </section>
  );
}

// The roles are spelled out because a table drawn as cards (narrow screens) loses them.
const Table = (props: { events: readonly PracticeEvent[]; inner: { current: HTMLTableSectionElement | null } }) => (
  <table class="users" role="table">
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader">{t("whole.time")}</th>
        <th role="columnheader">{t("csv.person")}</th>
        <th role="columnheader">{t("csv.action")}</th>
        <th role="columnheader">{t("whole.about")}</th>
      </tr>
    </thead>
    <tbody role="rowgroup" ref={props.inner}>
      {props.events.map((event) => (
        <tr key={event.eventId} role="row" tabIndex={-1}>
          <td role="cell" class="figures">
            <span class="cell-label">{t("whole.time")}</span>
            <time dateTime={event.at}>{sayTime(event.at)}</time>
          </td>
          <td role="cell">
            <span class="cell-label">{t("csv.person")}</span>
            {sayActor(event)}
            <span class="small">{t(`role.${event.actor.role}`)}</span>
          </td>
          <td role="cell">
            <span class="cell-label">{t("csv.action")}</span>
            {sayAction(event.action)}
            {event.changed.length > 0 && (
              <span class="small">{t("history.fields", { fields: sayChanged(event) })}</span>
            )}
            {event.reason && <span class="small">{t("history.why", { why: sayWhy(event) })}</span>}
          </td>
          <td role="cell">
            <span class="cell-label">{t("whole.about")}</span>
            <About event={event} />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** Events name clients by id: who it is, the client's page says, which records that it was opened. */
function About({ event: { clientId, app, staff, at } }: { event: PracticeEvent }) {
  if (clientId)
    return (
      <a href={`/clients/${clientId}`} aria-label={t("whole.clientOf", { time: sayTime(at) })}>
        {t("whole.client")}
      </a>
    );
  return <>{(staff ?? app)?.name ?? t("whole.practice")}</>;
}

/** For a spreadsheet, under its headings. */
const table = (events: readonly PracticeEvent[]): string[][] => [
  [
    t("csv.time"),
    t("csv.person"),
    t("csv.role"),
    t("csv.action"),
    t("whole.clientId"),
    t("whole.userId"),
    t("whole.staff"),
    t("whole.app"),
    t("csv.changed"),
    t("csv.why"),
  ],
  ...events.map((event) => [
    event.at,
    sayActor(event),
    t(`role.${event.actor.role}`),
    sayAction(event.action),
    event.clientId ?? "",
    event.portalUserId ?? "",
    event.staff?.name ?? "",
    event.app?.name ?? "",
    sayChanged(event),
    sayWhy(event),
  ]),
];
