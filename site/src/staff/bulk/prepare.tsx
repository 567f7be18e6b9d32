// "Change in bulk": what is to be done with those who were chosen in Access, looked at before it is started.
import { useId, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { prepareBulk, type BulkAction, type NewBulk, type Prepared } from "../../api/bulk";
import { REASONS, type Reason } from "../../api/staff";
import { t } from "../../messages/bulk";
import { sayIfKnown } from "../../messages/language";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Form, TextField } from "../../ui/form";
import { Heading } from "../../ui/heading";
import { choice, keepLast, type Choice } from "./choice";
import { RowTable, sayWhyNot } from "./row-table";
import { StartButton } from "./start-button";

const isOfClients = (chosen: Choice) =>
  "clientIds" in chosen || ("view" in chosen && chosen.view === "without-access");

export function PrepareBulk() {
  const chosen = choice();
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("bulk.title")}>{t("bulk.title")}</Heading>
          <p class="muted">{t("bulk.lead")}</p>
        </div>
      </div>
      {chosen ? (
        <Ask chosen={chosen} />
      ) : (
        <div class="card padded">
          <p>{t("bulk.none")}</p>
          <p>
            <a href="/access">{t("bulk.toAccess")}</a>
          </p>
        </div>
      )}
    </div>
  );
}

function sayWhom(chosen: Choice): string {
  if ("view" in chosen)
    return t("bulk.ofView", { view: sayIfKnown(`view.${chosen.view}`) ?? chosen.view });
  const count = "clientIds" in chosen ? chosen.clientIds.length : chosen.portalUserIds.length;
  return t("bulk.ofRows", { count });
}

function Ask({ chosen }: { chosen: Choice }) {
  const { route } = useLocation();
  const actions: BulkAction[] = isOfClients(chosen) ? ["invite"] : ["resend", "revoke"];
  const [action, setAction] = useState(actions[0]!);
  const [reason, setReason] = useState<Reason | "">("");
  const [note, setNote] = useState("");
  const [prepared, setPrepared] = useState<Prepared | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const radios = useId();
  const prepare = useAction(async () => {
    const why = action === "revoke" && reason;
    const body: NewBulk = {
      action,
      ...chosen,
      ...(why && { reason: { code: why, ...(note.trim() && { note: note.trim() }) } }),
    };
    const made = await prepareBulk(body, crypto.randomUUID());
    keepLast(made.bulkId);
    setPrepared(made);
    setTimeout(() => heading.current?.focus());
  });
  const change = (apply: () => void) => {
    apply();
    setPrepared(null);
  };
  return (
    <>
      <section class="card padded" aria-label={sayWhom(chosen)}>
        <h2>{sayWhom(chosen)}</h2>
        <Form invalid={[]} failure={prepare.failure} onSubmit={() => void prepare.run()}>
          <fieldset class="field">
            <legend>{t("bulk.action")}</legend>
            {actions.map((each) => (
              <div key={each} class="choice">
                <input
                  type="radio"
                  id={`${radios}-${each}`}
                  name="action"
                  aria-describedby={`${radios}-${each}-hint`}
                  checked={each === action}
                  onChange={() => change(() => setAction(each))}
                />
                <label for={`${radios}-${each}`}>{t(`bulk.${each}`)}</label>
                <p class="hint" id={`${radios}-${each}-hint`}>
                  {t(`bulk.${each}Hint`)}
                </p>
              </div>
            ))}
          </fieldset>
          {action === "revoke" && (
            <Why
              reason={reason}
              note={note}
              onReason={(next) => change(() => setReason(next))}
              onNote={(next) => change(() => setNote(next))}
            />
          )}
          {!prepared && (
            <div class="actions">
              <Button kind="primary" type="submit" busy={prepare.busy}>
                {t("bulk.preview")}
              </Button>
            </div>
          )}
        </Form>
      </section>
      {prepared && (
        <section class="card" aria-labelledby="bulk-preview">
          <div class="padded">
            <h2 id="bulk-preview" ref={heading} tabIndex={-1}>
              {t("bulk.wouldChange", { count: prepared.willChange })}
            </h2>
            {prepared.skipped.length > 0 && (
              <>
                <h3>{t("bulk.leftOut")}</h3>
                <ul class="left-out">
                  {prepared.skipped.map(({ why, count }) => (
                    <li key={why}>{t("bulk.leftOutCount", { why: sayWhyNot(why), count })}</li>
                  ))}
                </ul>
              </>
            )}
            {prepared.willChange > 0 ? (
              <div class="actions">
                <StartButton
                  bulkId={prepared.bulkId}
                  action={action}
                  count={prepared.willChange}
                  label={t(`bulk.start.${action}`, { count: prepared.willChange })}
                  onStarted={() => route(`/bulk/${prepared.bulkId}`)}
                />
              </div>
            ) : (
              <p>{t("bulk.nobody")}</p>
            )}
          </div>
          {prepared.rows.length > 0 && (
            <RowTable
              rows={prepared.rows}
              outcome={({ skipped }) => (skipped ? sayWhyNot(skipped) : t("bulk.will"))}
            />
          )}
        </section>
      )}
    </>
  );
}

function Why(props: {
  reason: Reason | "";
  note: string;
  onReason: (reason: Reason | "") => void;
  onNote: (note: string) => void;
}) {
  const id = useId();
  return (
    <>
      <div class="field">
        <label for={id}>{t("revoke.reason")}</label>
        <select
          id={id}
          value={props.reason}
          onChange={(event) => props.onReason(event.currentTarget.value as Reason | "")}
        >
          <option value="">{t("revoke.noReason")}</option>
          {REASONS.map((code) => (
            <option key={code} value={code}>
              {t(`reason.${code}`)}
            </option>
          ))}
        </select>
      </div>
      {props.reason && (
        <TextField
          name="reason.note"
          label={t("revoke.note")}
          hint={t("revoke.noteHint")}
          optional
          value={props.note}
          onInput={props.onNote}
        />
      )}
    </>
  );
}
