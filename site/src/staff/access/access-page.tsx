// "Access": everybody with access and each trouble with it, one list at a time, over the whole practice.
import type { ComponentChildren, Ref } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { serverTime } from "../../api/http";
import { accessSummary, type AccessCount, type AccessRow, type PortalUser, type View } from "../../api/staff";
import { sayClock, sayDay } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/pages";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Form, TextField, type Invalid } from "../../ui/form";
import { Heading, keepFocus } from "../../ui/heading";
import { Skeleton, useResource } from "../../ui/resource";
import { say } from "../../ui/toast";
import { choose, lastBulk, MOST_ROWS } from "../bulk/choice";
import { csv, download } from "../client/csv";
import { isTrouble, sayMail } from "../client/mail-words";
import { StatusTag } from "../client/status-tag";
import { mayChange } from "../session";
import { AccessReader, keyOf, type Filter } from "./access-reader";
import { isOfClients, sayFacts, sayFilter, sayOrder, table, viewIn, VIEWS } from "./access-words";
import { sayCount } from "./count";

/** What narrows a list: never part of the address, since it is about people. */
type Words = Pick<Filter, "query" | "professional">;
const NO_WORDS: Words = { query: "", professional: "" };

/** A keyboard walks through the radios one by one; only the one it rests on is meant. */
const REST_MS = 500;

export function AccessPage() {
  const view = viewIn(useLocation().query["view"]);
  const [words, setWords] = useState(NO_WORDS);
  /** Professionals who were seen in a list: the filter takes the exact name. */
  const [professionals, setProfessionals] = useState<readonly string[]>([]);
  const see = (rows: readonly AccessRow[]) => {
    const seen = rows.flatMap(({ client }) => client.professional ?? []);
    setProfessionals((known) => {
      const all = new Set([...known, ...seen]);
      return all.size === known.length ? known : [...all].sort((one, other) => one.localeCompare(other));
    });
  };
  const filter = { view, ...words };
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("access.title")}>{t("access.title")}</Heading>
          <p class="muted">{t("access.lead")}</p>
          <LastBulk />
        </div>
      </div>
      <section class="card" aria-label={t("access.list", { view: t(`view.${view}`) })}>
        <Views view={view} />
        <Narrow professionals={professionals} onApply={setWords} />
        <List key={JSON.stringify(filter)} filter={filter} onSeen={see} />
      </section>
    </div>
  );
}

/** The way back to a change in bulk, which goes on by itself. */
function LastBulk() {
  const last = lastBulk();
  return (
    last && (
      <p>
        <a href={`/bulk/${last}`}>{t("access.lastBulk")}</a>
      </p>
    )
  );
}

/** Which list, with how many stand in each. */
function Views({ view }: { view: View }) {
  const { route } = useLocation();
  const summary = useResource(accessSummary);
  const [chosen, choose] = useState(view);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    choose(view);
    return () => clearTimeout(timer.current);
  }, [view]);
  const counts = new Map(summary.value?.views.map((counted) => [counted.view, counted]));
  return (
    <fieldset class="views">
      <legend class="sr-only">{t("access.views")}</legend>
      {VIEWS.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name="view"
            checked={each === chosen}
            // A click made by an arrow key has no click count.
            onClick={(event) => {
              choose(each);
              clearTimeout(timer.current);
              const go = () => route(each === "all" ? "/access" : `/access?view=${each}`, true);
              timer.current = setTimeout(go, event.detail ? 0 : REST_MS);
            }}
          />
          <span>{t(`view.${each}`)}</span> <Count of={counts.get(each)} />
        </label>
      ))}
    </fieldset>
  );
}

const Count = ({ of }: { of: AccessCount | undefined }) => (
  <span class="figures muted">{of && sayCount(of.count, of.more)}</span>
);

/** Words and a professional, sent when they are complete: each list that is shown is recorded. */
function Narrow(props: { professionals: readonly string[]; onApply: (words: Words) => void }) {
  const [typed, type] = useState(NO_WORDS);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const known = useId();
  const apply = (words: Words) => {
    const short = words.query.length === 1;
    setInvalid(short ? [{ field: "query", message: t("invalid.too_short") }] : []);
    if (!short) props.onApply(words);
  };
  return (
    <div class="narrow-by">
      <Form
        label={t("access.filter")}
        invalid={invalid}
        failure={null}
        onSubmit={() => apply({ query: typed.query.trim(), professional: typed.professional.trim() })}
      >
        <div class="narrow-fields">
          <TextField
            name="query"
            label={t("access.query")}
            verbatim
            value={typed.query}
            onInput={(query) => type({ ...typed, query })}
          />
          <TextField
            name="professional"
            label={t("access.professional")}
            list={props.professionals.length ? known : undefined}
            value={typed.professional}
            onInput={(professional) => type({ ...typed, professional })}
          />
          <datalist id={known}>
            {props.professionals.map((professional) => (
              <option key={professional} value={professional} />
            ))}
          </datalist>
          <div class="narrow-buttons">
            <Button type="submit">{t("access.apply")}</Button>
            <Button
              kind="text"
              onClick={() => {
                type(NO_WORDS);
                apply(NO_WORDS);
              }}
            >
              {t("access.clear")}
            </Button>
          </div>
        </div>
      </Form>
    </div>
  );
}

function List({ filter, onSeen }: { filter: Filter; onSeen: (rows: readonly AccessRow[]) => void }) {
  const reader = useMemo(() => new AccessReader(filter), []);
  const first = useAction(() => reader.next());
  const more = useAction(() => reader.next());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    void first.run();
    return () => reader.close();
  }, []);
  const rows = reader.shown.value;
  const complete = reader.complete.value;
  const body = useRef<HTMLTableSectionElement>(null);
  /** How many were there before more were asked for: the first new one takes the focus, since the button may
   *  be gone. */
  const seen = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (!rows) return;
    onSeen(rows);
    if (seen.current === null) return;
    body.current?.rows[seen.current]?.querySelector("a")?.focus();
    seen.current = null;
    keepFocus();
  }, [rows]);

  if (!rows) {
    return first.failure ? (
      <FailureNote failure={first.failure} onRetry={() => void first.run()} />
    ) : (
      <Skeleton lines={8} />
    );
  }
  const narrowed = sayFilter(filter);
  return (
    <>
      <div class={rows.length > 0 ? "list-tools" : "sr-only"}>
        <p>
          <span aria-live="polite">
            {t(complete ? "access.shown" : "access.shownMore", { count: rows.length })}
          </span>{" "}
          {rows.length > 1 && <span class="muted">· {sayOrder(filter)}</span>}
        </p>
        {rows.length > 0 && <Copies reader={reader} />}
        {rows.length > 0 && <InBulk filter={filter} rows={rows} chosen={chosen} />}
      </div>
      <p class="on-paper padded">{t("access.list", { view: t(`view.${filter.view}`) })}</p>
      {narrowed && <p class="on-paper padded">{t("access.filteredBy", { what: narrowed })}</p>}
      {!complete && <p class="on-paper padded">{t("access.partly")}</p>}
      {rows.length > 0 && <Table rows={rows} view={filter.view} inner={body} chosen={chosen} onChoose={setChosen} />}
      {rows.length === 0 && <p class="padded">{sayEmpty(filter, complete)}</p>}
      <FailureNote failure={more.failure} />
      {!complete && (
        <div class="padded more">
          <Button
            busy={more.busy}
            onClick={() => {
              seen.current = rows.length;
              void more.run();
            }}
          >
            {t("access.more")}
          </Button>
        </div>
      )}
    </>
  );
}

function sayEmpty({ view, query, professional }: Filter, complete: boolean): string {
  if (!complete) return t("access.noneYet");
  if (query || professional) return t("access.emptyFilter");
  return t(view === "all" ? "access.emptyAll" : "access.emptyView");
}

/** Lists of clients of whom only those without access can be changed in bulk: they are invited. */
const inBulk = (view: View) => mayChange.value && (!isOfClients(view) || view === "without-access");

/** Goes on to a change in bulk: of the rows that are chosen, or else of the whole list unless it is narrowed. */
function InBulk(props: { filter: Filter; rows: readonly AccessRow[]; chosen: ReadonlySet<string> }) {
  const { filter, rows, chosen } = props;
  const { route } = useLocation();
  const { view, query, professional } = filter;
  const some = rows.filter((row) => chosen.has(keyOf(row))).slice(0, MOST_ROWS);
  // What ends soon is no list that the server can go through by itself.
  if (!inBulk(view) || (!some.length && (query || professional || view === "ending"))) return null;
  const go = () => {
    const users = some.flatMap(({ portalUser }) => portalUser?.portalUserId ?? []);
    if (!some.length) choose({ view });
    else choose(users.length ? { portalUserIds: users } : { clientIds: some.map(({ client }) => client.clientId) });
    route("/bulk");
  };
  return (
    <div class="copies">
      <Button onClick={go}>{some.length ? t("access.bulkRows", { count: some.length }) : t("access.bulk")}</Button>
    </div>
  );
}

/** The whole list to take along: as a file, or on paper. */
function Copies({ reader }: { reader: AccessReader }) {
  const exporting = useAction(async () => {
    const rows = await reader.all();
    download(`access-${new Date().toISOString().slice(0, 10)}.csv`, csv(table(rows, reader.filter.view)));
    say(t("access.exported", { count: rows.length }));
  });
  const printing = useAction(async () => {
    await reader.all();
    reader.showAll();
    await new Promise(requestAnimationFrame);
    print();
  });
  const busy = exporting.busy || printing.busy;
  return (
    <>
      <div class="copies">
        <Button busy={printing.busy} onClick={() => void printing.run()}>
          {t("access.print")}
        </Button>
        <Button busy={exporting.busy} onClick={() => void exporting.run()}>
          {t("access.export")}
        </Button>
      </div>
      <p class="progress small" aria-live="polite">
        {busy && t("access.reading", { count: reader.count.value })}
      </p>
      <FailureNote failure={exporting.failure ?? printing.failure} />
    </>
  );
}

// The roles are spelled out because a table drawn as cards (narrow screens) loses them.
function Table(props: {
  rows: readonly AccessRow[];
  view: View;
  inner: Ref<HTMLTableSectionElement>;
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
}) {
  const { rows, view, chosen } = props;
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    props.onChoose(next);
  };
  const clients = isOfClients(view);
  const columns = clients
    ? [t("access.client"), t("access.record"), t("access.professional")]
    : [t("access.client"), t("access.user"), t("users.username"), t("users.access"), t("access.lastSignIn")];
  return (
    <table class="users" role="table">
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column} role="columnheader">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={props.inner} role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            <th role="rowheader" scope="row">
              {inBulk(view) && (
                <input
                  type="checkbox"
                  class="pick"
                  aria-label={t("access.choose", { name: sayName((row.portalUser ?? row.client).name) })}
                  checked={chosen.has(keyOf(row))}
                  onChange={() => toggle(keyOf(row))}
                />
              )}
              <a href={`/clients/${row.client.clientId}/portal`}>{sayName(row.client.name)}</a>
              {!clients && <span class="small">{row.client.recordNumber}</span>}
              {!clients && row.client.professional && <span class="small">{row.client.professional}</span>}
            </th>
            {clients ? (
              <>
                <Cell label={t("access.record")}>{row.client.recordNumber}</Cell>
                <Cell label={t("access.professional")}>{row.client.professional ?? ""}</Cell>
              </>
            ) : (
              row.portalUser && <UserCells user={row.portalUser} />
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function UserCells({ user }: { user: PortalUser }) {
  const { mail, lockedUntil } = user;
  return (
    <>
      <Cell label={t("access.user")}>
        {sayName(user.name)}
        <span class="small other">
          {t(`relationship.${user.relationship}`)}
          {user.chartOwner && ` · ${t("users.owner")}`}
        </span>
      </Cell>
      <Cell label={t("users.username")} breaks>
        {user.username}
        {user.email && user.email !== user.username && <span class="small other">{user.email}</span>}
      </Cell>
      <td role="cell" class="standing">
        <StatusTag status={user.status} />
        {sayFacts(user).map((fact) => (
          <p key={fact} class="small">
            {fact}
          </p>
        ))}
        {lockedUntil && Date.parse(lockedUntil) > serverTime() && (
          <p class="small">
            <StatusTag status="locked" /> {t("access.lockedUntil", { time: sayClock(lockedUntil) })}
          </p>
        )}
        {mail && isTrouble(mail) && <p class="small error">{sayMail(mail)}</p>}
      </td>
      <Cell label={t("access.lastSignIn")}>
        {user.lastSignInAt ? sayDay(user.lastSignInAt) : t("access.never")}
      </Cell>
    </>
  );
}

/** With its column's name for narrow screens, where the table has no head. */
const Cell = (props: { label: string; breaks?: boolean; children: ComponentChildren }) => (
  <td role="cell" class={props.breaks ? "figures breaks" : "figures"}>
    <span class="cell-label">{props.label}</span>
    {props.children}
  </td>
);
