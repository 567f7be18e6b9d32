import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Submission } from "../../api/http";
import { registerApp } from "../../api/staff";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Form, type Invalid } from "../../ui/form";
import { Heading } from "../../ui/heading";
import { say } from "../../ui/toast";
import { useTyped } from "../typed";
import { EMPTY, labelOf, newApp, pathOf, problems, sayValue, withoutEmptyRows, type Draft } from "./app-draft";
import { AppFields } from "./app-form";
import { made } from "./secrets";

export function NewApp() {
  const { route } = useLocation();
  const [draft, setDraft] = useTyped<Draft>({ base: EMPTY, label: labelOf, say: sayValue });
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());

  const action = useAction(async (sent: Draft) => {
    const body = newApp(sent);
    const { app, secret = null } = await registerApp(body, submission.keyFor(body));
    if (app.authentication === "secret") made.value = { appId: app.appId, secret };
    // On a slow line, the admin may have gone on to something else; the secret waits.
    if (location.pathname === "/apps/new") route(pathOf(app));
    say(t("apps.registered", { name: app.name }));
  });

  const submit = () => {
    const sent = withoutEmptyRows(draft);
    const found = problems(sent);
    setInvalid(found);
    setDraft(sent);
    if (!found.length) void action.run(sent);
  };

  return (
    <div class="page narrow">
      <Heading title={t("apps.newTitle")}>{t("apps.newTitle")}</Heading>
      <section class="card padded">
        <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
          <AppFields draft={draft} onChange={setDraft} isNew />
          <div class="actions start">
            <Button kind="primary" type="submit" busy={action.busy}>
              {t("apps.register")}
            </Button>
            <a class="button plain" href="/apps">
              {t("form.cancel")}
            </a>
          </div>
        </Form>
      </section>
    </div>
  );
}
