import { t } from "../messages/portal";
import { describedBy, FieldError, useFieldError } from "../ui/form";
import { parts, type Part, type Typed } from "./birth";

const EXAMPLE: Typed = { day: "27", month: "3", year: "1984" };

/** Three fields, as people know a date of birth by heart: no calendar to leaf back through. */
export function BirthField(props: { name: string; value: Typed; onInput: (value: Typed) => void }) {
  const { id, error, at } = useFieldError(props.name);
  return (
    <fieldset
      class={`field${error ? " wrong" : ""}`}
      aria-describedby={describedBy(`${id}-hint`, error && `${id}-error`)}
    >
      <legend>{t("enroll.birth")}</legend>
      <p class="hint" id={`${id}-hint`}>
        {t("birth.hint", {
          example: parts()
            .map((part) => EXAMPLE[part])
            .join(" "),
        })}
      </p>
      <div class="date">
        {parts().map((part) => (
          <Figures
            key={part}
            id={`${id}-${part}`}
            part={part}
            wrong={at.includes(`${props.name}.${part}`)}
            value={props.value[part]}
            onInput={(text) => props.onInput({ ...props.value, [part]: text })}
          />
        ))}
      </div>
      <FieldError id={id} error={error} />
    </fieldset>
  );
}

function Figures(props: {
  id: string;
  part: Part;
  wrong: boolean;
  value: string;
  onInput: (text: string) => void;
}) {
  return (
    <div class={props.wrong ? `${props.part} wrong` : props.part}>
      <label for={props.id}>{t(`birth.label.${props.part}`)}</label>
      <input
        id={props.id}
        type="text"
        inputMode="numeric"
        autocomplete="off"
        autoCorrect="off"
        spellcheck={false}
        aria-invalid={props.wrong ? "true" : undefined}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </div>
  );
}
