// Closing the chart of a client who left, died, or was entered twice: why, whose access ends, and what stays.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { CLOSE_REASONS, type Client, type Closing, type Hit, type PortalUser, type Receipt } from "../../api/staff";
import { sayDate, sayList } from "../../messages/language";
import { sayName } from "../../messages/name";
import { t } from "../../messages/closing";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { Choice, Choices, Form, useFieldError, FieldError, type Invalid } from "../../ui/form";
import { Loaded } from "../../ui/resource";
import type { Said } from "../../ui/toast";
import { Decision } from "../decision";
import { sayAccess } from "../found";
import { SearchSession } from "../search-session";
import { getsAlerts, type Chart } from "./chart";
import { ConsequenceLists } from "./consequences";
import { sayApps, sayWhatEnded } from "./receipt";

type Reason = Closing["reason"];

export function CloseChart(props: {
  chart: Chart;
  client: Client;
  /** After the change, when the dialog is closed: the words for the toast. */
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, client } = props;
  const name = sayName(client.name);
  const [reason, choose] = useState<Reason | "">("");
  const [right, setRight] = useState<Hit | null>(null);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  // Who loses access is said before: looking them up is recorded.
  useEffect(() => chart.users.ensure(), []);

  const action = useAction(async (close: () => void) => {
    if (!reason) return;
    const before = chart.users.value?.portalUsers ?? [];
    const receipts = await chart.closeChart({
      reason,
      ...(reason === "duplicate" && right && { duplicateOf: right.clientId }),
    });
    close();
    props.onDone(sayClosing(name, receipts, before, chart));
  });

  const submit = (close: () => void) => {
    const found: Invalid[] = [];
    if (!reason) found.push({ field: "reason", message: t("close.needReason") });
    if (reason === "duplicate" && !right)
      found.push({ field: "duplicateOf", message: t("close.needRight") });
    setInvalid(found);
    if (!found.length) void action.run(close);
  };

  return (
    <Dialog title={t("close.title", { name })} busy={action.busy} wide onClose={props.onClose}>
      {(close) => (
        <Form
          invalid={invalid}
          failure={action.failure?.fields.length ? action.failure : null}
          onSubmit={() => submit(close)}
        >
          <Loaded of={chart.users} lines={3}>
            {({ portalUsers }) => (
              <ConsequenceLists
                of={{
                  ends: endings(portalUsers),
                  happens: [t("close.admits")],
                  stays: [t("stays.chart"), t("close.staysFound")],
                }}
              />
            )}
          </Loaded>
          <Choices name="reason" legend={t("close.reason")}>
            {CLOSE_REASONS.map((each) => (
              <Choice
                key={each}
                type="radio"
                name="closeReason"
                label={t(`close.reason.${each}`)}
                checked={reason === each}
                onChange={() => choose(each)}
              />
            ))}
          </Choices>
          {reason === "duplicate" && <RightChart of={client.clientId} chosen={right} onChoose={setRight} />}
          <FailureNote failure={action.failure?.fields.length ? null : action.failure} />
          <Decision close={close} autoFocusCancel>
            <Button kind="danger" type="submit" busy={action.busy}>
              {t("close.open")}
            </Button>
          </Decision>
        </Form>
      )}
    </Dialog>
  );
}

/** What closing a chart ended: whose access, and what of it. `before`: the people as they were. */
function sayClosing(
  name: string,
  receipts: readonly Receipt[],
  before: readonly PortalUser[],
  chart: Chart,
): Said {
  const people = receipts.flatMap(({ portalUser }) => (portalUser ? [sayName(portalUser.name)] : []));
  const said = [
    t("close.done", { name }),
    ...(people.length
      ? [t("close.ended", { list: sayList(people) }), sayWhatEnded(receipts)]
      : [t("close.doneNobody")]),
    ...(before.some(getsAlerts) ? [t("receipt.inbox")] : []),
  ];
  return () => {
    const apps = receipts.flatMap((one) =>
      one.portalUser ? sayApps(one, one.portalUser.portalUserId, chart) : [],
    );
    return [...said, ...new Set(apps)].join(" ");
  };
}

/** Whose access or invitation ends. */
function endings(users: readonly PortalUser[]): string[] {
  const of = (...wanted: PortalUser["status"][]) =>
    users.filter(({ status }) => wanted.includes(status)).map((user) => sayName(user.name));
  const [active, invited] = [of("active"), of("invited")];
  return [
    ...(active.length ? [t("close.loses", { list: sayList(active) })] : []),
    ...(invited.length ? [t("close.losesInvited", { list: sayList(invited) })] : []),
    ...(active.length + invited.length ? [] : [t("close.losesNobody")]),
  ];
}

/** The search for the right chart of a duplicate. */
function RightChart(props: { of: string; chosen: Hit | null; onChoose: (hit: Hit | null) => void }) {
  const { chosen, onChoose } = props;
  const [search] = useState(() => new SearchSession());
  const { id, error } = useFieldError("duplicateOf");
  const hint = useId();
  useEffect(() => () => search.clear(), []);
  // What was pressed is gone with what it stood in: the focus goes to what took its place.
  const place = useRef<HTMLDivElement>(null);
  const settled = useRef(chosen);
  useEffect(() => {
    if (settled.current === chosen) return;
    settled.current = chosen;
    place.current?.querySelector<HTMLElement>("button, input")?.focus();
  }, [chosen]);

  if (chosen) {
    return (
      <div class="field" ref={place}>
        <p class="breaks">
          {t("close.right")}: <strong>{sayHit(chosen)}</strong>
        </p>
        <Button onClick={() => onChoose(null)}>{t("close.otherRight")}</Button>
      </div>
    );
  }
  const hits = search.hits.value.filter(({ clientId }) => clientId !== props.of);
  const asked = search.answered.value !== null && search.answered.value === search.question.value;
  return (
    <div class={`field${error ? " wrong" : ""}`} ref={place}>
      <label for={id}>{t("close.right")}</label>
      <p class="hint" id={hint}>
        {t("close.rightHint")}
      </p>
      <input
        id={id}
        type="search"
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        value={search.text.value}
        aria-invalid={error ? "true" : undefined}
        aria-describedby={`${hint} ${id}-error`}
        onInput={(event) => search.type(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter searches at once, and does not close the chart.
          if (event.key !== "Enter" || event.isComposing) return;
          event.preventDefault();
          void search.now();
        }}
      />
      <FieldError id={id} error={error} />
      <p class="small" aria-live="polite">
        {asked &&
          (hits.length
            ? t("search.found", { count: hits.length })
            : t("search.none", { query: search.question.value }))}
      </p>
      <FailureNote failure={search.failure.value} onRetry={() => void search.now()} />
      <ul class="plain matches choosable" aria-label={t("search.list")}>
        {hits.map((hit) => (
          <li key={hit.clientId}>
            <span class="breaks">{sayHit(hit)}</span>
            <span class="small">{hit.closed ? t("close.rightClosed") : sayAccess(hit)}</span>
            {!hit.closed && (
              <Button label={`${t("close.choose")}: ${sayHit(hit)}`} onClick={() => onChoose(hit)}>
                {t("close.choose")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

const sayHit = (hit: Hit): string =>
  t("close.rightChosen", {
    name: sayName(hit.name),
    date: sayDate(hit.dateOfBirth),
    record: hit.recordNumber,
  });
