// Forms in the manner of the GOV.UK Design System: errors are listed in a summary that takes the
// focus, each beside its field too, and nothing that was typed is ever thrown away.
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Failure } from "../api/http";
import { t } from "../messages/shared";
import { sayFailure, sayField } from "./failure";

/** What is wrong with one field, named as the API names it ("name.first", "emails[0].address"). */
export interface Invalid {
  field: string;
  message: string;
}

const Errors = createContext<{ form: string; errors: readonly Invalid[] }>({ form: "", errors: [] });

/** An id for the field of that name; the summary links to it. */
const idOf = (form: string, field: string) => `${form}-${field.replace(/[^\w]/g, "-")}`;

/** What is wrong with a field: one error for the eye, and where it is (`at`) when the field has parts. */
export function useFieldError(name: string): {
  id: string;
  error: string | undefined;
  at: readonly string[];
} {
  const { form, errors } = useContext(Errors);
  const own = errors.filter(({ field }) => field === name || field.startsWith(`${name}.`));
  return { id: idOf(form, name), error: own[0]?.message, at: own.map(({ field }) => field) };
}

function focus(element: HTMLElement | null): boolean {
  element?.focus();
  return element !== null;
}

export function Form(props: {
  /** What the page itself found; the API's word counts only when this is empty. */
  invalid: readonly Invalid[];
  failure: Failure | null;
  onSubmit: () => void;
  label?: string;
  children: ComponentChildren;
}) {
  const form = useId();
  const summary = useRef<HTMLDivElement>(null);
  const { failure } = props;
  const errors: readonly Invalid[] = props.invalid.length
    ? props.invalid
    : failure
      ? failure.fields.map((each) => ({ field: each.field, message: sayField(each, failure) }))
      : [];
  const general = !errors.length && failure ? sayFailure(failure) : "";
  const wrong = errors.length > 0 || general !== "";

  // A page may write its empty list anew at each render, and the focus is to stay where somebody works.
  const found = props.invalid.length ? props.invalid : null;
  useLayoutEffect(() => {
    if (wrong) summary.current?.focus();
  }, [found, failure]);

  useEffect(() => {
    const title = document.title;
    if (!wrong) return;
    document.title = t("form.error", { title });
    return () => {
      document.title = title;
    };
  }, [wrong]);

  // Of a field with parts ("publicKeys[0].kid") the page may have but the whole.
  const goTo = (event: MouseEvent, field: string) => {
    event.preventDefault();
    for (let name = field; name; name = name.replace(/(^|[.[])[^.[]*$/, ""))
      if (focus(document.getElementById(idOf(form, name)))) return;
  };

  return (
    <form
      noValidate
      aria-label={props.label}
      onSubmit={(event) => {
        event.preventDefault();
        props.onSubmit();
      }}
    >
      {wrong && (
        <div ref={summary} class="summary" role="alert" tabIndex={-1}>
          <h2>{t("form.problem")}</h2>
          {general && <p>{general}</p>}
          {errors.length > 0 && (
            <ul>
              {errors.map((error) => (
                <li key={error.field}>
                  <a href={`#${idOf(form, error.field)}`} onClick={(event) => goTo(event, error.field)}>
                    {error.message}
                  </a>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
      <Errors.Provider value={{ form, errors }}>{props.children}</Errors.Provider>
    </form>
  );
}

interface TextFieldProps {
  name: string;
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  type?: "text" | "email" | "tel" | "date";
  autocomplete?: string;
  /** Which keys a telephone offers, where the type does not say it. */
  inputMode?: "email" | "numeric" | "url";
  /** Read out, not drawn: where what surrounds the field says it for the eye. */
  labelHidden?: boolean;
  optional?: boolean;
  /** A name to sign in with: a telephone may not improve on it. */
  verbatim?: boolean;
  list?: string | undefined;
  autoFocus?: boolean;
}

export const describedBy = (...ids: (string | false | undefined)[]) =>
  ids.filter(Boolean).join(" ") || undefined;

export function TextField(props: TextFieldProps) {
  const { id, error } = useFieldError(props.name);
  return (
    <div class={`field${error ? " wrong" : ""}`}>
      <label for={id} class={props.labelHidden ? "sr-only" : undefined}>
        {props.label} {props.optional && <span class="muted">{t("form.optional")}</span>}
      </label>
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      <input
        id={id}
        name={props.name}
        type={props.type ?? "text"}
        value={props.value}
        autocomplete={props.autocomplete ?? "off"}
        inputMode={props.inputMode}
        autocapitalize={props.type === "email" || props.verbatim ? "none" : undefined}
        // Not `autocorrect`: that is a property, too, and of the property any word makes "on".
        autoCorrect="off"
        spellcheck={false}
        list={props.list}
        autofocus={props.autoFocus}
        aria-invalid={error ? "true" : undefined}
        aria-describedby={describedBy(props.hint ? `${id}-hint` : false, error && `${id}-error`)}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <FieldError id={id} error={error} />
    </div>
  );
}

export function FieldError({ id, error }: { id: string; error: string | undefined }) {
  return error ? (
    <p class="error" id={`${id}-error`}>
      {error}
    </p>
  ) : null;
}

export function PasswordField(props: {
  /** As the API names it, where there is more than one. */
  name?: string;
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string;
  /** What to say of the password so far: seen at once, and heard when the typing rests. */
  advice?: string;
  autocomplete: "current-password" | "new-password";
}) {
  const name = props.name ?? "password";
  const { id, error } = useFieldError(name);
  const [shown, show] = useState(false);
  return (
    <div class={`field${error ? " wrong" : ""}`}>
      <label for={id}>{props.label}</label>
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      <div class="password">
        <input
          id={id}
          name={name}
          // Preact's types know no input that is now the one, now the other.
          type={(shown ? "text" : "password") as "text"}
          value={props.value}
          autocomplete={props.autocomplete}
          autocapitalize="none"
          autoCorrect="off"
          spellcheck={false}
          aria-invalid={error ? "true" : undefined}
          aria-describedby={describedBy(
            props.hint && `${id}-hint`,
            props.advice && `${id}-advice`,
            error && `${id}-error`,
          )}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
        <button
          type="button"
          aria-label={t(shown ? "password.hideLabel" : "password.showLabel")}
          aria-controls={id}
          onClick={() => show(!shown)}
        >
          {t(shown ? "password.hide" : "password.show")}
        </button>
      </div>
      {props.advice !== undefined && <Advice id={`${id}-advice`} text={props.advice} />}
      <FieldError id={id} error={error} />
    </div>
  );
}

const REST_MS = 1000;

function Advice({ id, text }: { id: string; text: string }) {
  const [heard, hear] = useState("");
  useEffect(() => {
    const rest = setTimeout(() => hear(text), REST_MS);
    return () => clearTimeout(rest);
  }, [text]);
  return (
    <>
      <p id={id} class="advice">
        {text}
      </p>
      <p class="sr-only" aria-live="polite">
        {heard}
      </p>
    </>
  );
}

/** A question with several answers to choose or tick from. */
export function Choices(props: { name: string; legend: string; hint?: string; children: ComponentChildren }) {
  const { id, error } = useFieldError(props.name);
  return (
    <fieldset
      id={id}
      tabIndex={-1}
      class={`field${error ? " wrong" : ""}`}
      aria-describedby={describedBy(props.hint && `${id}-hint`, error && `${id}-error`)}
    >
      <legend>{props.legend}</legend>
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      {props.children}
      <FieldError id={id} error={error} />
    </fieldset>
  );
}

export function Choice(props: {
  type: "radio" | "checkbox";
  name: string;
  label: ComponentChildren;
  hint?: string | undefined;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div class="choice">
      <input
        id={id}
        type={props.type}
        name={props.name}
        checked={props.checked}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <label for={id}>{props.label}</label>
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}
