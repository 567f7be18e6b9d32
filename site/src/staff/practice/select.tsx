// One of several, where they are too many to stand side by side.
import { describedBy, FieldError, useFieldError } from "../../ui/form";

export function Select(props: {
  name: string;
  label: string;
  value: string;
  options: [value: string, label: string][];
  hint?: string;
  onInput: (value: string) => void;
}) {
  const { id, error } = useFieldError(props.name);
  return (
    <div class={`field${error ? " wrong" : ""}`}>
      <label for={id}>{props.label}</label>
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      <select
        id={id}
        value={props.value}
        aria-invalid={error ? "true" : undefined}
        aria-describedby={describedBy(props.hint && `${id}-hint`, error && `${id}-error`)}
        onChange={(event) => props.onInput(event.currentTarget.value)}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <FieldError id={id} error={error} />
    </div>
  );
}
