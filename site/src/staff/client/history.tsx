// The client's history as sentences, newest first.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { history, type HistoryEvent } from "../../api/staff";
import { sayClock, sayLongDay } from "../../messages/language";
import { t } from "../../messages/history";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Skeleton } from "../../ui/resource";
import { say } from "../../ui/toast";
import type { Chart } from "./chart";
import { csv, download } from "./csv";
import { EVERYTHING, filtered, HistoryFilter, sayFilter, type Filter } from "./history-filter";
import { HistoryReader } from "./history-reader";
import { sayChanged, sayEvent, sayWhy, table } from "./history-words";
import { SectionHeading } from "./section-heading";

export function History({ chart }: { chart: Chart }) {
  const reader = useMemo(() => new HistoryReader((cursor) => history(chart.clientId, cursor)), []);
  const first = useAction(() => reader.next());
  /** Whether the portal users were there before the history. */
  const listed = useRef(chart.users.value !== undefined);
  useEffect(() => {
    void first.run();
    chart.users.ensure();
    return () => reader.close();
  }, []);
  // Events name people by id. Before one is called a former portal user, the list of today's is there: asked
  // for once more, when it may be older than the history.
  const users = chart.users.state.value;
  const [named, setNamed] = useState(false);
  const read = reader.events.value;
  useEffect(() => {
    if (!read || users.at !== "ready" || named) return;
    const mentioned = read.map((event) => event.portalUserId);
    void (listed.current ? chart.know(mentioned) : Promise.resolve()).then(() => setNamed(true));
  }, [read, users, named]);
  const events = named ? read : null;
  return (
    <section class="card">
      <div class="card-head">
        <SectionHeading chart={chart} title={t("client.history")} />
        {events && events.length > 0 && <Copies reader={reader} chart={chart} />}
      </div>
      {events ? (
        <Events reader={reader} events={events} chart={chart} />
      ) : first.failure ? (
        <FailureNote failure={first.failure} onRetry={() => void first.run()} />
      ) : users.at === "failed" ? (
        <FailureNote failure={users.failure} onRetry={() => void chart.users.load()} />
      ) : (
        <Skeleton lines={8} />
      )}
    </section>
  );
}

/** The whole history to take along: as a file, or on paper. */
function Copies({ reader, chart }: { reader: HistoryReader; chart: Chart }) {
  const exporting = useAction(async () => {
    await reader.all();
    const events = reader.events.peek() ?? [];
    // No name and no record number: the file's name is seen by whoever passes the screen.
    download(`history-${new Date().toISOString().slice(0, 10)}.csv`, csv(table(events, chart)));
    say(t("history.exported", { count: events.length }));
  });
  const printing = useAction(async () => {
    await reader.all();
    await new Promise(requestAnimationFrame);
    print();
  });
  const busy = exporting.busy || printing.busy;
  return (
    <>
      <div class="copies">
        <Button busy={printing.busy} onClick={() => void printing.run()}>
          {t("history.print")}
        </Button>
        <Button busy={exporting.busy} onClick={() => void exporting.run()}>
          {t("history.export")}
        </Button>
      </div>
      <Progress of={reader} busy={busy} />
      <FailureNote failure={exporting.failure ?? printing.failure} />
    </>
  );
}

/** How far the reading of everything has come. */
function Progress({ of: reader, busy }: { of: HistoryReader; busy: boolean }) {
  const reading = busy && !reader.complete.value;
  return (
    <p class="progress small" aria-live="polite">
      {reading && t("history.reading", { count: reader.events.value?.length ?? 0 })}
    </p>
  );
}

function Events(props: { reader: HistoryReader; events: readonly HistoryEvent[]; chart: Chart }) {
  const { reader, events, chart } = props;
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const reading = useAction(() => reader.all());
  const more = useAction(() => reader.next());
  const shown = filtered(events, filter);

  // The button for more may be gone with the last page: the first new event takes the focus.
  const list = useRef<HTMLDivElement>(null);
  const seen = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (seen.current === null || events.length === seen.current) return;
    list.current?.querySelectorAll("li")[seen.current]?.focus();
    seen.current = null;
  }, [events]);

  if (!events.length) return <p class="padded">{t("history.empty")}</p>;
  return (
    <>
      <HistoryFilter
        events={reader.complete.value ? events : null}
        filter={filter}
        onChange={setFilter}
        onOpen={() => void reading.run()}
      >
        <Progress of={reader} busy={reading.busy} />
        <FailureNote failure={reading.failure} onRetry={() => void reading.run()} />
      </HistoryFilter>
      <p class="sr-only" aria-live="polite">
        {filter !== EVERYTHING && t("history.found", { count: shown.length })}
      </p>
      {filter !== EVERYTHING && (
        <p class="on-paper padded">{t("history.filtered", { what: sayFilter(filter) })}</p>
      )}
      {!reader.complete.value && (
        <p class="on-paper padded">{t("history.partly", { count: events.length })}</p>
      )}
      <div ref={list} class="events" role="group" aria-label={t("history.list")}>
        {byDay(shown).map(([day, ofDay]) => (
          <section key={day}>
            <h3 class="band">{day}</h3>
            <ol aria-label={day}>
              {ofDay.map((event) => (
                <li key={event.eventId} tabIndex={-1}>
                  <p>
                    {sayEvent(event, chart)} <time dateTime={event.at}>· {sayClock(event.at)}</time>
                  </p>
                  {event.changed.length > 0 && (
                    <p class="small">{t("history.fields", { fields: sayChanged(event) })}</p>
                  )}
                  {sayWhy(event) && <p class="small">{t("history.why", { why: sayWhy(event) })}</p>}
                </li>
              ))}
            </ol>
          </section>
        ))}
      </div>
      {!shown.length && <p class="padded">{t("history.noneFound")}</p>}
      <FailureNote failure={more.failure} />
      {!reader.complete.value && (
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
    </>
  );
}

function byDay(events: readonly HistoryEvent[]): [day: string, events: HistoryEvent[]][] {
  const days = new Map<string, HistoryEvent[]>();
  for (const event of events) {
    const day = sayLongDay(event.at);
    const ofDay = days.get(day);
    if (ofDay) ofDay.push(event);
    else days.set(day, [event]);
  }
  return [...days];
}
