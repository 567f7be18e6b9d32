// The history's events in words: as sentences, as labels of a filter, as rows of a table.
import type { HistoryEvent } from "../../api/staff";
import { sayIfKnown, sayList } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/history";
import type { Chart } from "./chart";

/** "name.first" and "emails[0].address" are changes of the name and of the e-mail addresses. */
const sayField = (field: string): string => sayIfKnown(`field.${field.split(/[.[]/)[0] ?? field}`) ?? field;

export const sayChanged = (event: HistoryEvent): string => sayList(event.changed.map(sayField));

export const sayActor = ({ actor }: HistoryEvent): string => actor.name || t("history.someone");

export const sayAction = (action: HistoryEvent["action"]): string => sayIfKnown(`action.${action}`) ?? action;

/** Why access was revoked, a chart closed, or something refused; "" where no reason is known. Of a chart that was
 *  reopened, the history has why it had been closed. */
export const sayWhy = ({ action, reason = "" }: HistoryEvent): string =>
  action === "client-reopened" ? "" : sayIfKnown(`ended.${reason}`) ?? sayIfKnown(`because.${reason}`) ?? reason;

/** Events name portal users by id; the names are those of today. */
function sayUser(event: HistoryEvent, chart: Chart): string {
  const user = chart.user(event.portalUserId);
  return user ? sayName(user.name) : t("history.formerUser");
}

/** Said in other words with a portal user than without. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "alert-recipient-assigned": "history.alerts-to-inbox",
  "alert-posted+user": "history.alert-posted-for",
};

export function sayEvent(event: HistoryEvent, chart: Chart): string {
  const key = OTHERWISE[`${event.action}${event.portalUserId ? "+user" : ""}`] ?? `history.${event.action}`;
  const said = { actor: sayActor(event), user: sayUser(event, chart), app: event.app?.name ?? "" };
  return sayIfKnown(key, said) ?? t("history.unknown", { ...said, action: event.action });
}

/** For a spreadsheet, under its headings. */
export const table = (events: readonly HistoryEvent[], chart: Chart): string[][] => [
  (["time", "person", "role", "action", "user", "changed", "why", "sentence"] as const).map((column) =>
    t(`csv.${column}`),
  ),
  ...events.map((event) => [
    event.at,
    sayActor(event),
    t(`role.${event.actor.role}`),
    sayAction(event.action),
    event.portalUserId ? sayUser(event, chart) : "",
    sayChanged(event),
    sayWhy(event),
    sayEvent(event, chart),
  ]),
];
