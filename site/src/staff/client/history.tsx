// The client's history as sentences, newest first.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { history, type HistoryEvent } from "../../api/staff";
import { sayIfKnown, sayList, sayTime } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Loaded, useResource } from "../../ui/resource";
import type { Chart } from "./chart";
import { SectionHeading } from "./section-heading";

export function History({ chart }: { chart: Chart }) {
  const events = useResource(() => history(chart.clientId));
  // Events name portal users by id; the names are those of today.
  useEffect(() => chart.users.ensure(), []);
  return (
    <section class="card">
      <div class="card-head">
        <SectionHeading chart={chart} title={t("client.history")} />
      </div>
      <Loaded of={events} lines={8}>
        {(page) =>
          page.events.length ? (
            <Events chart={chart} first={page.events} cursor={page.nextCursor ?? null} />
          ) : (
            <p class="padded">{t("history.empty")}</p>
          )
        }
      </Loaded>
    </section>
  );
}

function Events(props: { chart: Chart; first: HistoryEvent[]; cursor: string | null }) {
  const { chart } = props;
  const [shown, show] = useState({ events: props.first, cursor: props.cursor });
  const more = useAction(async () => {
    if (!shown.cursor) return;
    const page = await history(chart.clientId, shown.cursor);
    show({ events: [...shown.events, ...page.events], cursor: page.nextCursor ?? null });
  });

  // The button for more may be gone with the last page: the first new event takes the focus.
  const list = useRef<HTMLOListElement>(null);
  const seen = useRef(props.first.length);
  useLayoutEffect(() => {
    const fresh = list.current?.children[seen.current];
    seen.current = shown.events.length;
    if (fresh instanceof HTMLElement) fresh.focus();
  }, [shown]);
  return (
    <>
      <ol ref={list} class="events" aria-label={t("history.list")}>
        {shown.events.map((event, index) => (
          <li key={index} tabIndex={-1}>
            <time dateTime={event.at}>{sayTime(event.at)}</time>
            <div>
              <p>{sayEvent(event, chart)}</p>
              {event.changed.length > 0 && (
                <p class="small">{t("history.fields", { fields: sayList(event.changed.map(sayField)) })}</p>
              )}
            </div>
          </li>
        ))}
      </ol>
      <div class="padded">
        <FailureNote failure={more.failure} />
        {shown.cursor && (
          <Button busy={more.busy} onClick={() => void more.run()}>
            {t("history.more")}
          </Button>
        )}
      </div>
    </>
  );
}

/** "name.first" and "emails[0].address" are changes of the name and of the e-mail addresses. */
const sayField = (field: string): string => sayIfKnown(`field.${field.split(/[.[]/)[0] ?? field}`) ?? field;

function sayEvent(event: HistoryEvent, chart: Chart): string {
  const about = chart.user(event.portalUserId);
  const actor = event.actor.name || t("history.someone");
  const user = about ? sayName(about.name) : t("history.formerUser");
  const toInbox = event.action === "alert-recipient-assigned" && !event.portalUserId;
  const key = toInbox ? "history.alerts-to-inbox" : `history.${event.action}`;
  return sayIfKnown(key, { actor, user }) ?? t("history.unknown", { actor, action: event.action });
}
