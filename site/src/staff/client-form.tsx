// The fields of a client, for adding one and for editing one.
import { useRef } from "preact/hooks";
import { Button } from "../ui/button";
import { Choice, TextField } from "../ui/form";
import { t } from "../messages/safe";
import type { ContactType, Draft, Way } from "./client-draft";

const TYPES: readonly ContactType[] = ["home", "work", "mobile", "other"];

export function ClientFields(props: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  isNew: boolean;
  /** Whether it is under safe contact: then of each address is said whether it is safe. */
  safeContact?: boolean;
}) {
  const { draft } = props;
  const set = (change: Partial<Draft>) => props.onChange({ ...draft, ...change });
  return (
    <>
      <div class="pair">
        <TextField
          name="name.first"
          label={t("form.first")}
          value={draft.first}
          onInput={(first) => set({ first })}
        />
        <TextField
          name="name.last"
          label={t("form.last")}
          value={draft.last}
          onInput={(last) => set({ last })}
        />
      </div>
      <p class="hint">{t("form.oneName")}</p>
      <div class="pair">
        <TextField
          name="name.preferred"
          label={t("form.preferred")}
          optional
          value={draft.preferred}
          onInput={(preferred) => set({ preferred })}
        />
        <TextField
          name="dateOfBirth"
          type="date"
          label={t("form.birth")}
          value={draft.dateOfBirth}
          onInput={(dateOfBirth) => set({ dateOfBirth })}
        />
      </div>
      <div class="pair">
        <TextField
          name="recordNumber"
          label={t("form.record")}
          optional={props.isNew}
          hint={props.isNew && t("form.recordHint")}
          value={draft.recordNumber}
          onInput={(recordNumber) => set({ recordNumber })}
        />
        <TextField
          name="professional"
          label={t("form.professional")}
          optional
          hint={props.isNew && <>&nbsp;</>}
          value={draft.professional}
          onInput={(professional) => set({ professional })}
        />
      </div>
      <Ways kind="email" safe={props.safeContact ?? false} ways={draft.emails} onChange={(emails) => set({ emails })} />
      <Ways kind="phone" safe={false} ways={draft.phones} onChange={(phones) => set({ phones })} />
    </>
  );
}

function Ways(props: {
  kind: "email" | "phone";
  ways: Way[];
  safe: boolean;
  onChange: (ways: Way[]) => void;
}) {
  const { kind, ways } = props;
  const group = useRef<HTMLFieldSetElement>(null);
  const set = (row: number, change: Partial<Way>) =>
    props.onChange(ways.map((way, n) => (n === row ? { ...way, ...change } : way)));
  const focusLater = (selector: string) =>
    setTimeout(() => [...(group.current?.querySelectorAll<HTMLElement>(selector) ?? [])].at(-1)?.focus());

  return (
    <fieldset ref={group} class="ways">
      <legend>{t(kind === "email" ? "form.emails" : "form.phones")}</legend>
      {ways.map((way, row) => {
        const thing = t(kind === "email" ? "form.emailN" : "form.phoneN", { n: row + 1 });
        return (
          <div class="way" key={row}>
            <TextField
              name={kind === "email" ? `emails[${row}].address` : `phones[${row}].number`}
              type={kind === "email" ? "email" : "tel"}
              label={thing}
              labelHidden
              value={way.text}
              onInput={(text) => set(row, way.safe === undefined ? { text } : { text, safe: false })}
            />
            <select
              aria-label={t("form.typeN", { thing })}
              value={way.type}
              onChange={(event) => set(row, { type: event.currentTarget.value as ContactType })}
            >
              {TYPES.map((type) => (
                <option key={type} value={type}>
                  {t(`contact.${type}`)}
                </option>
              ))}
            </select>
            <Button
              kind="text"
              label={t("form.removeN", { thing })}
              onClick={() => {
                props.onChange(ways.filter((_, n) => n !== row));
                focusLater(".add");
              }}
            >
              {t("form.remove")}
            </Button>
            {props.safe && (
              <Choice
                type="checkbox"
                name={`emails[${row}].safe`}
                label={
                  <>
                    {t("safe.addressShort")} <span class="sr-only">{thing}</span>
                  </>
                }
                checked={way.safe ?? false}
                onChange={(safe) => set(row, { safe })}
              />
            )}
          </div>
        );
      })}
      <button
        type="button"
        class="button text add"
        onClick={() => {
          props.onChange([...ways, { type: kind === "email" ? "home" : "mobile", text: "" }]);
          focusLater("input");
        }}
      >
        {t(kind === "email" ? "form.addEmail" : "form.addPhone")}
      </button>
    </fieldset>
  );
}
