// "Settings": what the practice decides for itself, in groups; what a change does is said before it is saved.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { editSettings, settings as load, type Settings as Loaded } from "../../api/practice";
import { t } from "../../messages/practice";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Form, TextField, type Invalid } from "../../ui/form";
import { focusHeading, Heading } from "../../ui/heading";
import { Loaded as WhenLoaded, useResource } from "../../ui/resource";
import { say } from "../../ui/toast";
import { asLeft } from "../as-left";
import { merge, touched, type Change } from "../stale";
import { StaleNote } from "../stale-note";
import { useTyped } from "../typed";
import { COUNTRIES } from "./countries";
import { EndSessions } from "./end-sessions";
import { GuardianRules } from "./guardian-rules";
import { InvitationPreview } from "./preview";
import { Select } from "./select";
import { draftOf, editOf, effects, labelOf, problems, sayCountry, sayLanguage, saySecondFactor, sayValue, SECOND_FACTOR, type Draft, type TextField as Text } from "./settings-draft";

export function Settings() {
  const settings = useResource(load);
  return (
    <div class="page narrow">
      <Heading title={t("places.settings")}>{t("places.settings")}</Heading>
      <p class="muted">{t("settings.lead")}</p>
      <WhenLoaded of={settings} lines={8}>
        {(loaded) => <Edit settings={loaded} onSaved={(saved) => settings.set(saved)} />}
      </WhenLoaded>
      <EndAll />
    </div>
  );
}

function Edit({ settings, onSaved }: { settings: Loaded; onSaved: (settings: Loaded) => void }) {
  const [base, setBase] = useState(() => asLeft({ version: settings.version, draft: draftOf(settings) }));
  const [draft, setDraft] = useTyped({ base: base.draft, version: base.version, label: labelOf, say: sayValue });
  const [stale, setStale] = useState<{ was: Draft; mine: Draft; changes: Change<Draft>[] } | null>(null);
  const [invalid, setInvalid] = useState<Invalid[]>([]);

  const done = (saved: Loaded) => {
    const now = draftOf(saved);
    setBase({ version: saved.version, draft: now });
    setDraft(now);
    setStale(null);
    onSaved(saved);
    focusHeading();
    say(t("settings.saved"));
  };
  const action = useAction(async (sent: Draft) => {
    try {
      done(await editSettings(editOf(base.version, base.draft, sent)));
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.code === "stale")) throw thrown;
      const now = await load();
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
    const found = problems(draft);
    setInvalid(found);
    if (found.length) return;
    if (touched(base.draft, draft).size) return void action.run(draft);
    say(t("form.nothingChanged"));
  };

  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const field = (name: Text) => ({
    name,
    label: labelOf(name),
    value: draft[name],
    onInput: (value: string) => set({ [name]: value }),
  });
  const number = (name: Text) => (
    <TextField {...field(name)} inputMode="numeric" hint={t(`hint.${name}` as "hint.invitationDays")} verbatim />
  );
  return (
    <Form invalid={invalid} failure={action.failure} label={t("places.settings")} onSubmit={submit}>
      {stale && <StaleNote {...stale} theirs={base.draft} label={labelOf} say={sayValue} />}
      <Group title={t("settings.practice")}>
        <TextField {...field("name")} hint={t("hint.name")} />
        <Select {...field("country")} hint={t("hint.country")} options={countries()} />
        <TimeZone {...field("timeZone")} />
      </Group>
      <Group title={t("settings.mails")}>
        <TextField {...field("senderName")} hint={t("hint.senderName")} />
        <Select {...field("language")} options={["en", "es", "fr"].map((tag) => [tag, sayLanguage(tag)])} />
        {number("invitationDays")}
        <InvitationPreview draft={draft} />
        <TextField {...field("alertInbox")} type="email" hint={t("hint.alertInbox")} />
      </Group>
      <Group title={t("settings.sessions")}>
        {number("clientIdleSeconds")}
        {number("clientSessionSeconds")}
        {number("staffIdleSeconds")}
        {number("staffSessionSeconds")}
      </Group>
      <Group title={t("settings.passwords")}>
        {number("passwordMinimum")}
        <Select
          {...field("secondFactor")}
          hint={t("hint.secondFactor")}
          options={SECOND_FACTOR.map((value) => [value, saySecondFactor(value)])}
        />
      </Group>
      <Group title={t("settings.growing")}>
        <GuardianRules
          label={labelOf("guardianRules")}
          rules={draft.guardianRules}
          onChange={(guardianRules) => set({ guardianRules })}
        />
      </Group>
      <section class="card padded">
        <Effects of={effects(base.draft, draft)} />
        <div class="actions start">
          <Button kind="primary" type="submit" busy={action.busy}>
            {t("form.save")}
          </Button>
        </div>
      </section>
    </Form>
  );
}

function Group({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="card padded" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** What saving would do; heard when the typing rests. */
function Effects({ of }: { of: string[] }) {
  const [heard, hear] = useState("");
  const all = of.join(" ");
  useEffect(() => {
    const rest = setTimeout(() => hear(all), 1000);
    return () => clearTimeout(rest);
  }, [all]);
  return (
    <>
      <h2>{t("settings.effects")}</h2>
      {of.length ? (
        <ul>
          {of.map((effect) => (
            <li key={effect}>{effect}</li>
          ))}
        </ul>
      ) : (
        <p class="muted">{t("settings.noEffects")}</p>
      )}
      <p class="sr-only" aria-live="polite">
        {heard}
      </p>
    </>
  );
}

interface FieldProps {
  name: string;
  label: string;
  value: string;
  onInput: (value: string) => void;
}

const countries = (): [string, string][] =>
  COUNTRIES.split(" ")
    .map((code): [string, string] => [code, sayCountry(code)])
    .sort(([, one], [, other]) => one.localeCompare(other));

/** Typed, with the zones that the browser knows to choose from: there are hundreds. */
function TimeZone(props: FieldProps) {
  const list = useId();
  return (
    <>
      <TextField {...props} hint={t("hint.timeZone")} verbatim list={list} />
      <datalist id={list}>
        {Intl.supportedValuesOf("timeZone").map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}

function EndAll() {
  const [ending, end] = useState(false);
  const title = useId();
  return (
    <section class="card padded" aria-labelledby={title}>
      <h2 id={title}>{t("end.heading")}</h2>
      <p>{t("end.lead")}</p>
      <Button kind="danger-text" onClick={() => end(true)}>
        {t("end.open")}
      </Button>
      {ending && <EndSessions onClose={() => end(false)} />}
    </section>
  );
}
