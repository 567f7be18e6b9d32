import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../../api/http";
import { client as load, editClient, type Client } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Form, type Invalid } from "../../ui/form";
import { say } from "../../ui/toast";
import {
  clientEdit,
  draftOf,
  labelOf,
  mergeClient,
  problems,
  sayValue,
  withoutEmptyRows,
  type Draft,
} from "../client-draft";
import { ClientFields } from "../client-form";
import { asLeft } from "../as-left";
import { touched, type Change } from "../stale";
import { StaleNote } from "../stale-note";
import { useTyped } from "../typed";
import type { Chart } from "./chart";
import { SectionHeading } from "./section-heading";

export function EditClient({ chart, client }: { chart: Chart; client: Client }) {
  const { route } = useLocation();
  const [base, setBase] = useState(() => asLeft({ version: client.version, draft: draftOf(client) }));
  const [draft, setDraft] = useTyped({ base: base.draft, version: base.version, label: labelOf, say: sayValue });
  const [stale, setStale] = useState<{ was: Draft; mine: Draft; changes: Change<Draft>[] } | null>(null);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const overview = `/clients/${client.clientId}`;

  const done = (saved: Client) => {
    // The client's own portal user has the client's name, and clocks go by the date of birth.
    const same = sayName(saved.name) === sayName(client.name) && saved.dateOfBirth === client.dateOfBirth;
    if (!same && chart.users.value) void chart.catchUp();
    chart.client.set(saved);
    // On a slow line, whoever saved may have gone on to something else.
    if (location.pathname === `${overview}/edit`) route(overview);
    say(t("form.saved", { name: sayName(saved.name) }));
  };
  const action = useAction(async (sent: Draft) => {
    try {
      const saved = await editClient(client.clientId, clientEdit(base.version, base.draft, sent));
      done(saved);
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
      const now = await load(client.clientId);
      const theirs = draftOf(now);
      const merged = mergeClient(base.draft, sent, theirs);
      // It was ourselves: the answer was lost on its way.
      if (!touched(theirs, merged.draft).size) return done(now);
      setStale({ was: base.draft, mine: merged.draft, changes: merged.changes });
      setBase({ version: now.version, draft: theirs });
      setDraft(merged.draft);
    }
  });

  const submit = () => {
    const found = problems(draft);
    setInvalid(found);
    if (found.length) return;
    const sent = withoutEmptyRows(draft);
    setDraft(sent);
    if (touched(base.draft, sent).size) return void action.run(sent);
    route(overview);
    say(t("form.nothingChanged"));
  };

  return (
    <section class="card padded">
      <SectionHeading chart={chart} title={t("form.editTitle")} />
      <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
        {stale && <StaleNote {...stale} theirs={base.draft} label={labelOf} say={sayValue} />}
        <ClientFields draft={draft} onChange={setDraft} isNew={false} safeContact={client.safeContact} />
        <div class="actions start">
          <Button kind="primary" type="submit" busy={action.busy}>
            {t("form.save")}
          </Button>
          <a class="button plain" href={overview}>
            {t("form.cancel")}
          </a>
        </div>
      </Form>
    </section>
  );
}
