import { useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../../api/http";
import { app as load, editApp, type App } from "../../api/staff";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Form, type Invalid } from "../../ui/form";
import { Heading } from "../../ui/heading";
import { say } from "../../ui/toast";
import { asLeft } from "../as-left";
import { merge, touched, type Change } from "../stale";
import { StaleNote } from "../stale-note";
import { useTyped } from "../typed";
import { appEdit, draftOf, labelOf, pathOf, problems, sayValue, withoutEmptyRows, type Draft } from "./app-draft";
import { AppFields } from "./app-form";

export function EditApp({ app, onSaved }: { app: App; onSaved: (app: App) => void }) {
  const { route } = useLocation();
  const [base, setBase] = useState(() => asLeft({ version: app.version, draft: draftOf(app) }));
  const [draft, setDraft] = useTyped({ base: base.draft, version: base.version, label: labelOf, say: sayValue });
  const [stale, setStale] = useState<{ was: Draft; mine: Draft; changes: Change<Draft>[] } | null>(null);
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const path = pathOf(app);

  const done = (saved: App) => {
    onSaved(saved);
    // On a slow line, the admin may have gone on to something else.
    if (location.pathname === `${path}/edit`) route(path);
    say(t("form.saved", { name: saved.name }));
  };
  const action = useAction(async (sent: Draft) => {
    try {
      done(await editApp(app.appId, appEdit(base.version, base.draft, sent)));
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
      const now = await load(app.appId);
      const theirs = draftOf(now);
      const merged = merge(base.draft, sent, theirs);
      // It was ourselves: the answer was lost on its way.
      if (!touched(theirs, merged.draft).size) return done(now);
      setStale({ was: base.draft, mine: sent, changes: merged.changes });
      setBase({ version: now.version, draft: theirs });
      setDraft(merged.draft);
    }
  });

  const submit = () => {
    const sent = withoutEmptyRows(draft);
    const found = problems(sent);
    setInvalid(found);
    setDraft(sent);
    if (found.length) return;
    if (touched(base.draft, sent).size) return void action.run(sent);
    route(path);
    say(t("form.nothingChanged"));
  };

  const title = t("apps.edit", { name: app.name });
  return (
    <div class="page narrow">
      <Heading title={title}>{title}</Heading>
      <section class="card padded">
        <Form invalid={invalid} failure={action.failure} onSubmit={submit}>
          {stale && <StaleNote {...stale} theirs={base.draft} label={labelOf} say={sayValue} />}
          <AppFields draft={draft} onChange={setDraft} isNew={false} />
          <div class="actions start">
            <Button kind="primary" type="submit" busy={action.busy}>
              {t("form.save")}
            </Button>
            <a class="button plain" href={path}>
              {t("form.cancel")}
            </a>
          </div>
        </Form>
      </section>
    </div>
  );
}
