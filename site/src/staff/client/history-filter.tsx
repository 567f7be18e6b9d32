// Which events to show: by what was done and by whom. What there is to choose from is only known when the
// whole history has been read, so opening the filter reads it.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { HistoryEvent } from "../../api/staff";
import { t } from "../../messages/history";
import { sayAction, sayActor } from "./history-words";

/** An empty text stands for all of them. */
export interface Filter {
  action: string;
  person: string;
}

export const EVERYTHING: Filter = { action: "", person: "" };

/** Names stand for people: the history tells no more of them, and staff know each other by them. */
export const filtered = (events: readonly HistoryEvent[], filter: Filter): readonly HistoryEvent[] =>
  events.filter(
    (event) =>
      (!filter.action || event.action === filter.action) &&
      (!filter.person || sayActor(event) === filter.person),
  );

/** What is shown, for a paper that does not show it by its controls. */
export const sayFilter = ({ action, person }: Filter): string =>
  [
    action && `${t("history.filterAction")}: ${sayAction(action as HistoryEvent["action"])}`,
    person && `${t("history.filterPerson")}: ${person}`,
  ]
    .filter(Boolean)
    .join("; ");

export function HistoryFilter(props: {
  /** All events there are; null while they are still being read. */
  events: readonly HistoryEvent[] | null;
  filter: Filter;
  onChange: (filter: Filter) => void;
  onOpen: () => void;
  /** How the reading goes. */
  children: ComponentChildren;
}) {
  const { events, filter } = props;
  const set = (change: Partial<Filter>) => {
    const next = { ...filter, ...change };
    props.onChange(next.action || next.person ? next : EVERYTHING);
  };
  return (
    <details
      class="filter"
      onToggle={(event) => {
        // A filter that cannot be seen would make the history look shorter than it is.
        if (event.currentTarget.open) props.onOpen();
        else props.onChange(EVERYTHING);
      }}
    >
      <summary>{t("history.filter")}</summary>
      <div class="filter-body">
        {events ? (
          <>
            <Select
              label={t("history.filterAction")}
              all={t("history.allActions")}
              options={choices(events.map((event) => [event.action, sayAction(event.action)]))}
              value={filter.action}
              onChange={(action) => set({ action })}
            />
            <Select
              label={t("history.filterPerson")}
              all={t("history.allPeople")}
              options={choices(events.map((event) => [sayActor(event), sayActor(event)]))}
              value={filter.person}
              onChange={(person) => set({ person })}
            />
          </>
        ) : (
          props.children
        )}
      </div>
    </details>
  );
}

type Options = [value: string, label: string][];

/** Each once, by their labels. */
const choices = (options: Options): Options =>
  [...new Map(options)].sort(([, one], [, other]) => one.localeCompare(other));

function Select(props: {
  label: string;
  all: string;
  options: Options;
  value: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div>
      <label for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        <option value="">{props.all}</option>
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  );
}
