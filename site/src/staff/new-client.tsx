import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure, Submission } from "../api/http";
import { createClient, duplicatesIn, type Hit } from "../api/staff";
import { sayName } from "../messages/name";
import { t } from "../messages/staff";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { Form, type Invalid } from "../ui/form";
import { Heading } from "../ui/heading";
import { say } from "../ui/toast";
import { EMPTY, labelOf, newClient, problems, sayValue, withoutEmptyRows, type Draft } from "./client-draft";
import { ClientFields } from "./client-form";
import { Duplicates } from "./duplicates";
import { expect } from "./recent";
import { useTyped } from "./typed";

export function NewClient() {
  const { route } = useLocation();
  const [draft, setDraft] = useTyped<Draft>({ base: EMPTY, label: labelOf, say: sayValue });
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());

  const [matches, setMatches] = useState<readonly Hit[]>([]);

  const action = useAction(async (sent: Draft, distinct: boolean) => {
    const body = { ...newClient(sent), ...(distinct && { distinct }) };
    let client;
    try {
      client = await createClient(body, submission.keyFor(body));
    } catch (thrown) {
      const found = thrown instanceof Failure && duplicatesIn(thrown);
      if (!found) throw thrown;
      return setMatches(found);
    }
    expect(client);
    // On a slow line, whoever made it may have gone on to something else.
    if (location.pathname === "/clients/new") route(`/clients/${client.clientId}`);
    say(t("form.created", { name: sayName(client.name) }));
  });

  const submit = () => {
    const found = problems(draft);
    setInvalid(found);
    if (found.length) return;
    const sent = withoutEmptyRows(draft);
    setDraft(sent);
    void action.run(sent, false);
  };

  return (
    <div class="page narrow">
      <Heading title={t("form.newTitle")}>{t("form.newTitle")}</Heading>
      <section class="card padded">
        <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
          <ClientFields draft={draft} onChange={setDraft} isNew />
          <div class="actions start">
            <Button kind="primary" type="submit" busy={action.busy}>
              {t("form.create")}
            </Button>
            <a class="button plain" href="/">
              {t("form.cancel")}
            </a>
          </div>
        </Form>
      </section>
      {matches.length > 0 && (
        <Duplicates
          name={sayName(draft)}
          matches={matches}
          onDistinct={() => void action.run(draft, true)}
          onClose={() => setMatches([])}
        />
      )}
    </div>
  );
}
