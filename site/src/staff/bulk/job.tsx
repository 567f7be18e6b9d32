// A change in bulk that was prepared: how far it is, what became of each row, and the way to stop it and go on.
import { useEffect, useRef, useState } from "preact/hooks";
import { bulkProgress, bulkRows, stopBulk, type BulkProgress, type BulkRows } from "../../api/bulk";
import { Failure } from "../../api/http";
import { t } from "../../messages/bulk";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { Heading } from "../../ui/heading";
import { Loaded, useResource } from "../../ui/resource";
import { csv, download } from "../client/csv";
import { Progress } from "../import/progress";
import { mayChange } from "../session";
import "../../styles/import.css";
import { keepLast } from "./choice";
import { cellsOf, heads, RowTable, sayWhyNot } from "./row-table";
import { StartButton } from "./start-button";

/** Between two questions how far it is; of a job of thousands, the answer is large. */
const pause = ({ total }: BulkProgress) => (total > 1000 ? 10_000 : 2000);

export function BulkJob({ bulkId }: { bulkId: string }) {
  const job = useResource(async (signal) => {
    const [rows, progress] = await Promise.all([bulkRows(bulkId, signal), bulkProgress(bulkId, signal)]);
    keepLast(bulkId);
    return { rows, progress };
  });
  return (
    <div class="page">
      <Loaded of={job} lines={6}>
        {({ rows, progress }) => <Job bulkId={bulkId} rows={rows} first={progress} />}
      </Loaded>
    </div>
  );
}

/** What became of a row, once something did. */
const sayOutcome = (outcome: string | undefined): string => {
  if (outcome === undefined) return t("bulk.waiting");
  return outcome === "done" ? t("bulk.done") : sayWhyNot(outcome);
};

function Job({ bulkId, rows, first }: { bulkId: string; rows: BulkRows; first: BulkProgress }) {
  const [now, show] = useState(first);
  const [failure, setFailure] = useState<Failure | null>(null);
  const { state, done, total } = now;
  const isRunning = state === "running";
  useEffect(() => {
    if (!isRunning || failure) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      try {
        const next = await bulkProgress(bulkId, controller.signal);
        if (controller.signal.aborted) return;
        show(next);
        timer = setTimeout(() => void ask(), pause(next));
      } catch (thrown) {
        if (controller.signal.aborted) return;
        if (!(thrown instanceof Failure)) throw thrown;
        setFailure(thrown);
      }
    };
    timer = setTimeout(() => void ask(), pause(first));
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [isRunning, failure]);
  const standing = useRef<HTMLHeadingElement>(null);
  /** The button that was pressed is gone now. */
  const turn = (next: BulkProgress) => {
    show(next);
    standing.current?.focus();
  };
  const stop = useAction(async () => turn(await stopBulk(bulkId)));

  // The rows that change come first, in the order in which they are made.
  const outcome = (at: number) =>
    at < rows.willChange ? sayOutcome(now.results[at]?.outcome) : sayWhyNot(rows.rows[at]?.skipped ?? "");
  const keep = () => {
    const table = rows.rows.map((row, at) => [...cellsOf(row), outcome(at)]);
    download(`${t("bulk.file")}.csv`, csv([heads(), ...table]));
  };
  const title = t(`bulk.job.${rows.action}`);
  return (
    <>
      <div class="page-head">
        <div>
          <Heading title={title}>{title}</Heading>
          {isRunning && <p class="muted">{t("bulk.goesOn")}</p>}
        </div>
      </div>
      <section class="card" aria-label={title}>
        <div class="padded">
          <h2 ref={standing} tabIndex={-1} aria-live="polite">
            {t(`bulk.state.${state}`)}
          </h2>
          <Progress done={done} total={total} label={t("bulk.progress", { done, total })} />
          {now.bounced > 0 && <p>{t("bulk.bounced", { count: now.bounced })}</p>}
          {now.stopped && <p role="status">{t(`bulk.stopped.${now.stopped}`)}</p>}
          <FailureNote failure={failure} onRetry={() => setFailure(null)} />
          <FailureNote failure={stop.failure} />
          <div class="actions">
            {isRunning && mayChange.value && (
              <Button busy={stop.busy} onClick={() => void stop.run()}>
                {t("bulk.stop")}
              </Button>
            )}
            {(state === "ready" || state === "stopped") && mayChange.value && done < total && (
              <StartButton
                bulkId={bulkId}
                action={rows.action}
                count={total - done}
                label={
                  state === "ready"
                    ? t(`bulk.start.${rows.action}`, { count: total })
                    : t(rows.action === "revoke" ? "bulk.goOnRevoke" : "bulk.goOn")
                }
                onStarted={turn}
              />
            )}
            {!isRunning && <Button onClick={keep}>{t("bulk.export")}</Button>}
          </div>
        </div>
        {rows.rows.length > 0 && <RowTable rows={rows.rows} outcome={(_, at) => outcome(at)} />}
      </section>
    </>
  );
}
