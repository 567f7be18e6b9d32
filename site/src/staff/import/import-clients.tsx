// "Import clients": a file is chosen, its columns are matched, each row's outcome is shown, and then it is
// imported. What the page has of the file goes with the page.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { settings } from "../../api/practice";
import { syncClients } from "../../api/staff";
import { speakImport, t } from "../../messages/import";
import { dateOrder, language } from "../../messages/language";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Heading } from "../../ui/heading";
import { say } from "../../ui/toast";
import "../../styles/import.css";
import { csv, download } from "../client/csv";
import { ColumnFields } from "./column-fields";
import { guessColumns, missing, type Columns } from "./columns";
import { orderIn, type Order } from "./dates";
import { judge, type Candidate, type Client } from "./judge";
import { counts, isLeftOut, sayReasons, type Found } from "./found";
import { Progress } from "./progress";
import { rejectedRows } from "./rejected";
import { RowList } from "./row-list";
import { Run, type Outcome } from "./run";
import { readTable, type Table } from "./table";
import { decode } from "./text";

/** More than a practice's clients take, and less than a browser can hold at once. */
const LARGEST_MB = 50;
/** Between two drawings of the progress. */
const REDRAW_MS = 250;

interface Chosen {
  name: string;
  table: Table;
}

interface Checked {
  candidates: Candidate[];
  columns: Columns;
  check: Run;
  /** What is imported, once that was asked for. */
  imported?: Run;
}

/** As is usual, unless the file says by a day beyond twelve what it has. */
function guessOrder({ rows }: Table, { dateOfBirth }: Columns, usual: Order): Order {
  const dates = dateOfBirth === undefined ? [] : rows.map(({ cells }) => cells[dateOfBirth] ?? "");
  return orderIn(dates) ?? usual;
}

/** How the practice's country writes dates, or the browser's where that cannot be asked. */
async function usualOrder(): Promise<Order> {
  const country = await settings().then(
    (settings) => settings.country,
    () => undefined,
  );
  return dateOrder(country)
    .map((part) => part[0])
    .join("") as Order;
}

/** Asks, and waits where the API says how long. */
const ask =
  (dryRun: boolean) =>
  async (rows: Client[]): Promise<Outcome[]> => {
    for (let tries = 1; ; tries++) {
      try {
        return (await syncClients(rows, dryRun)).results;
      } catch (thrown) {
        const wait = thrown instanceof Failure ? thrown.retryAfter : undefined;
        if (wait === undefined || tries > 3) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      }
    }
  };

export function ImportClients() {
  const spoken = language();
  const [, redraw] = useState(0);
  const drawn = useRef(0);
  // Of many thousands of rows, a few times a second is enough.
  const show = () => {
    const now = Date.now();
    if (now - drawn.current < REDRAW_MS) return;
    drawn.current = now;
    redraw((n) => n + 1);
  };
  const [reading, setReading] = useState(false);
  const [refused, setRefused] = useState("");
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [columns, setColumns] = useState<Columns>({});
  const [order, setOrder] = useState<Order>("ymd");
  const [asking] = useState(usualOrder);
  const usual = useRef<Order>("ymd");
  const [checked, setChecked] = useState<Checked | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const active = useRef<Run | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  /** What was pressed may be gone now. */
  const keepFocus = () => setTimeout(() => document.activeElement === document.body && heading.current?.focus());

  useEffect(() => {
    // Without the file of words the page goes on in English.
    void speakImport(spoken).catch(() => {});
  }, [spoken]);
  // Leaving the page stops what it does.
  useEffect(() => () => active.current?.stop(), []);
  useEffect(() => {
    if (!busy) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", stay);
    return () => removeEventListener("beforeunload", stay);
  }, [busy]);

  const forget = () => {
    active.current?.stop();
    setChosen(null);
    setChecked(null);
    setFailure(null);
    setRefused("");
  };

  async function read(file: File): Promise<void> {
    forget();
    const { name } = file;
    if (file.size > LARGEST_MB * 1_000_000) return setRefused(t("file.large", { name, limit: LARGEST_MB }));
    setReading(true);
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      // A workbook is a zip file, or of the kind before that.
      if ((bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0xd0 && bytes[1] === 0xcf))
        return setRefused(t("file.spreadsheet", { name }));
      const table = await readTable(decode(bytes).text);
      if (!table.rows.length) return setRefused(t("file.empty", { name }));
      const guess = guessColumns(table.columns);
      usual.current = await asking;
      setColumns(guess);
      setOrder(guessOrder(table, guess, usual.current));
      setChosen({ name, table });
    } finally {
      setReading(false);
    }
  }

  /** Runs until it is done or stopped. */
  async function work(run: Run, isImport: boolean): Promise<void> {
    active.current = run;
    setFailure(null);
    setBusy(true);
    try {
      await run.start();
      if (isImport && run.finished) say(() => t("import.finished"));
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      setFailure(thrown);
    } finally {
      setBusy(false);
      keepFocus();
    }
  }

  async function check({ table }: Chosen): Promise<void> {
    setBusy(true);
    const candidates = await judge(table, columns, order);
    const asked = [...candidates.keys()].filter((number) => candidates[number]!.client);
    const run = new Run(candidates, asked, ask(true), show);
    setChecked({ candidates, columns, check: run });
    keepFocus();
    await work(run, false);
  }

  async function importAll({ candidates, check }: Checked): Promise<void> {
    const wanted = [...check.outcomes].filter(([, { outcome }]) => outcome === "created" || outcome === "updated");
    const numbers = wanted.map(([number]) => number).sort((a, b) => a - b);
    const run = new Run(candidates, numbers, ask(false), show);
    setChecked((now) => now && { ...now, imported: run });
    keepFocus();
    await work(run, true);
  }

  const lacks = missing(columns);
  const found: Found[] = checked
    ? checked.candidates.map((candidate, number) => ({
        candidate,
        outcome: checked.imported?.outcomes.get(number) ?? checked.check.outcomes.get(number),
        isImported: checked.imported?.outcomes.has(number) ?? false,
      }))
    : [];
  const rejected = found.filter(isLeftOut);
  const changing = counts(found);
  const willChange = changing.created + changing.updated;
  const run = checked?.imported ?? checked?.check;

  function keepRejected({ table }: Chosen): void {
    const rows = rejected.map((one) => ({
      candidate: one.candidate,
      why: sayReasons(one, columns, table.columns).join(" "),
    }));
    const heads = { line: t("rows.line"), why: t("rows.why") };
    download(`${t("rejected.file")}.csv`, csv(rejectedRows(table.columns, rows, heads)));
  }

  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("title")}>{t("title")}</Heading>
          <p class="muted">{t("lead")}</p>
        </div>
      </div>

      <div class="card padded">
        <div class={`field${refused ? " wrong" : ""}`}>
          <label for="file">{t("file.label")}</label>
          <p class="hint" id="file-hint">
            {t("file.hint")}
          </p>
          <input
            ref={input}
            id="file"
            type="file"
            accept=".csv,.tsv,.txt,.ndjson,.json,text/csv,text/plain,application/fhir+ndjson"
            aria-describedby={refused ? "file-hint file-error" : "file-hint"}
            aria-invalid={refused ? "true" : undefined}
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) void read(file);
            }}
          />
          {refused && (
            <p class="error" id="file-error" role="alert">
              {refused}
            </p>
          )}
        </div>
        <p aria-live="polite">
          {reading ? t("file.reading") : chosen && t("file.rows", { count: chosen.table.rows.length, name: chosen.name })}
        </p>
      </div>

      {chosen && (
        <section class="card padded" aria-labelledby="import-columns">
          <h2 id="import-columns">{t("columns.title")}</h2>
          <ColumnFields
            table={chosen.table}
            columns={columns}
            order={order}
            onColumns={(next) => {
              setColumns(next);
              if (next.dateOfBirth !== columns.dateOfBirth) setOrder(guessOrder(chosen.table, next, usual.current));
              setChecked(null);
            }}
            onOrder={(next) => {
              setOrder(next);
              setChecked(null);
            }}
          />
          <p class="muted">{t("columns.replaces")}</p>
          {!checked && (
            <div class="actions">
              <Button kind="primary" busy={busy} off={lacks.length > 0} onClick={() => lacks.length || busy || void check(chosen)}>
                {t("check.action")}
              </Button>
            </div>
          )}
        </section>
      )}

      {chosen && checked && run && (
        <section class="card" aria-labelledby="import-rows">
          <div class="padded">
            <h2 id="import-rows" ref={heading} tabIndex={-1}>
              {t(checked.imported ? "import.title" : "check.title")}
            </h2>
            <Progress
              done={run.done}
              total={run.total}
              label={t(checked.imported ? "import.progress" : "check.progress", { done: run.done, total: run.total })}
            />
            <FailureNote failure={failure} />
            {!busy && !run.finished && !failure && checked.imported && <p>{t("import.stopped")}</p>}
            {checked.check.finished && !checked.imported && willChange === 0 && <p>{t("check.nothing")}</p>}
            <div class="actions">
              {!run.finished &&
                (busy ? (
                  <Button onClick={() => run.stop()}>{t("run.stop")}</Button>
                ) : (
                  <Button kind="primary" onClick={() => void work(run, checked.imported !== undefined)}>
                    {t("run.goOn")}
                  </Button>
                ))}
              {checked.check.finished && !checked.imported && willChange > 0 && (
                <Button kind="primary" onClick={() => void importAll(checked)}>
                  {t("import.action", { count: willChange })}
                </Button>
              )}
              {run.finished && rejected.length > 0 && (
                <Button onClick={() => keepRejected(chosen)}>
                  {t("rejected.action", { count: rejected.length })}
                </Button>
              )}
              {run.finished && checked.imported && (
                <Button
                  onClick={() => {
                    forget();
                    if (input.current) input.current.value = "";
                    input.current?.focus();
                  }}
                >
                  {t("another")}
                </Button>
              )}
            </div>
          </div>
          <RowList found={found} columns={columns} heads={chosen.table.columns} />
        </section>
      )}
    </div>
  );
}
