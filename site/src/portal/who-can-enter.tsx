// Who can enter a chart, for its owner: asked for one chart at a time, since each look stands in its history.
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as api from "../api/portal";
import { sayLately } from "../messages/language";
import { sayName } from "../messages/name";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";

export function WhoCanEnter({ practice, charts }: { practice: api.Practice; charts: readonly api.Chart[] }) {
  return (
    <section>
      <h2>{t("who.title")}</h2>
      <p class="muted">{t("who.lead")}</p>
      {charts.map((chart) => (
        <OfChart key={chart.clientId} practice={practice} chart={chart} />
      ))}
    </section>
  );
}

function OfChart({ practice, chart }: { practice: api.Practice; chart: api.Chart }) {
  const [access, show] = useState<api.Access | null>(null);
  const asking = useAction(async () => show(await api.whoCanEnter(chart.clientId)));
  const name = sayName(chart.name);
  if (!access) {
    return (
      <>
        <FailureNote failure={asking.failure} />
        <Button busy={asking.busy} onClick={() => void asking.run()}>
          {t("who.show", { name })}
        </Button>
      </>
    );
  }
  return <Shown practice={practice} name={name} access={access} />;
}

function Shown({ practice, name, access }: { practice: api.Practice; name: string; access: api.Access }) {
  const id = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  // The button is gone that had the focus.
  useLayoutEffect(() => heading.current?.focus(), []);
  return (
    <section aria-labelledby={id}>
      <h3 id={id} ref={heading} tabIndex={-1}>
        {t("who.of", { name })}
      </h3>
      <ul class="rows">
        {access.people.map((person) => (
          <li key={person.portalUserId}>
            <div>
              <strong>{person.you ? t("who.you", { name: sayName(person.name) }) : sayName(person.name)}</strong>
              {person.since && <p>{t("who.since", { since: sayLately(person.since) })}</p>}
              <p>
                {person.lastEntryAt
                  ? t("who.last", { last: sayLately(person.lastEntryAt) })
                  : t("who.never")}
              </p>
              <p class="small">
                {person.permissions.map((permission) => t(`permission.${permission}`)).join(" · ")}
              </p>
            </div>
          </li>
        ))}
      </ul>
      <h3>{t("who.entries")}</h3>
      <ul class="plain">
        {access.entries.map((entry) => (
          <li key={entry.at + entry.name}>
            {entry.name} · {sayLately(entry.at)}
          </li>
        ))}
      </ul>
      <p class="small">{t("who.wrong", { practice: practice.name })}</p>
    </section>
  );
}
