// The fields of an app or a system, for registering one and for editing one.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Permission, SystemScope } from "../../api/staff";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { Choice, Choices, describedBy, FieldError, TextField, useFieldError } from "../../ui/form";
import { PERMISSIONS } from "../client/portal-user";
import { AUTHENTICATIONS, KINDS, provesItself, SCOPES, type Draft } from "./app-draft";

/** The lists of addresses. */
type Addresses = "redirectUris" | "postLogoutRedirectUris";

export function AppFields(props: { draft: Draft; onChange: (draft: Draft) => void; isNew: boolean }) {
  const { draft, isNew } = props;
  const set = (change: Partial<Draft>) => props.onChange({ ...draft, ...change });
  const ways = AUTHENTICATIONS.filter((way) => way !== "none" || draft.kind === "portal");
  const addresses = (name: Addresses) => (
    <Rows
      name={name}
      rows={draft[name]}
      onChange={(rows) => set({ [name]: rows })}
      legend={t(`app.${name}`)}
      hint={t(`app.${name}Hint`)}
      add={t("app.addAddress")}
      thing={(n) => t("app.addressN", { n, list: t(`app.${name}`) })}
    >
      {(field) => <TextField {...field} labelHidden verbatim inputMode="url" />}
    </Rows>
  );
  const scopeChoice = (scope: SystemScope, label: string, hint: string) => (
    <Choice
      key={scope}
      type="checkbox"
      name="scopes"
      label={label}
      hint={hint}
      checked={draft.scopes.includes(scope)}
      onChange={(ticked) =>
        set({ scopes: SCOPES.filter((each) => (each === scope ? ticked : draft.scopes.includes(each))) })
      }
    />
  );
  return (
    <>
      <TextField
        name="name"
        label={t("app.name")}
        hint={draft.kind === "portal" && t("app.nameHint")}
        value={draft.name}
        onInput={(name) => set({ name })}
      />
      {isNew && (
        <Choices name="kind" legend={t("app.kind")}>
          {KINDS.map((kind) => (
            <Choice
              key={kind}
              type="radio"
              name="kind"
              label={t(`app.kind.${kind}`)}
              hint={t(`app.explain.${kind}`)}
              checked={draft.kind === kind}
              onChange={() =>
                set({
                  kind,
                  ...(kind === "system" && draft.authentication === "none" && { authentication: "secret" }),
                })
              }
            />
          ))}
        </Choices>
      )}
      {draft.kind === "portal" ? (
        <>
          <PermissionField value={draft.permission} onChange={(permission) => set({ permission })} />
          {addresses("redirectUris")}
          <TextField
            name="launchUrl"
            label={t("app.launchUrl")}
            hint={t("app.launchUrlHint")}
            optional
            verbatim
            inputMode="url"
            value={draft.launchUrl}
            onInput={(launchUrl) => set({ launchUrl })}
          />
          {addresses("postLogoutRedirectUris")}
          <TextField
            name="logoutUri"
            label={t("app.logoutUri")}
            hint={t("app.logoutUriHint")}
            optional
            verbatim
            inputMode="url"
            value={draft.logoutUri}
            onInput={(logoutUri) => set({ logoutUri })}
          />
        </>
      ) : (
        <Choices name="scopes" legend={t("app.scopes")}>
          {SCOPES.map((scope) => scopeChoice(scope, t(`app.scope.${scope}`), t(`app.explain.${scope}`)))}
        </Choices>
      )}
      {isNew && (
        <Choices name="authentication" legend={t("app.authentication")}>
          {ways.map((authentication) => (
            <Choice
              key={authentication}
              type="radio"
              name="authentication"
              label={t(`app.authentication.${authentication}`)}
              hint={t(`app.explain.${authentication}`)}
              checked={draft.authentication === authentication}
              onChange={() => set({ authentication })}
            />
          ))}
        </Choices>
      )}
      {draft.authentication === "key" && (
        <Rows
          name="publicKeys"
          rows={draft.publicKeys}
          onChange={(publicKeys) => set({ publicKeys })}
          legend={t("app.publicKeys")}
          hint={t("app.publicKeysHint")}
          add={t("app.addKey")}
          thing={(n) => t("app.keyN", { n })}
        >
          {(field) => <KeyField {...field} />}
        </Rows>
      )}
      {draft.kind === "portal" && provesItself(draft) && (
        <Choices name="scopes" legend={t("app.scope.alerts")}>
          {scopeChoice("alerts", t("app.postsAlerts"), t("app.postsAlertsHint"))}
        </Choices>
      )}
    </>
  );
}

function PermissionField(props: { value: Permission | ""; onChange: (value: Permission | "") => void }) {
  const { id, error } = useFieldError("permission");
  return (
    <div class={`field${error ? " wrong" : ""}`}>
      <label for={id}>{t("app.permission")}</label>
      <p class="hint" id={`${id}-hint`}>
        {t("app.permissionHint")}
      </p>
      <select
        id={id}
        value={props.value}
        aria-invalid={error ? "true" : undefined}
        aria-describedby={describedBy(`${id}-hint`, error && `${id}-error`)}
        onChange={(event) => props.onChange(event.currentTarget.value as Permission | "")}
      >
        <option value="">{t("app.permission.any")}</option>
        {PERMISSIONS.map((permission) => (
          <option key={permission} value={permission}>
            {t(`permission.${permission}`)}
          </option>
        ))}
      </select>
      <FieldError id={id} error={error} />
    </div>
  );
}

interface RowField {
  name: string;
  label: string;
  value: string;
  onInput: (value: string) => void;
}

/** Any number of texts of one kind, each in a field of its own. */
function Rows(props: {
  name: string;
  rows: readonly string[];
  onChange: (rows: string[]) => void;
  legend: string;
  hint: string;
  add: string;
  /** What the nth is called. */
  thing: (n: number) => string;
  children: (field: RowField) => ComponentChildren;
}) {
  const { name, onChange } = props;
  // There is always one to type into.
  const rows = props.rows.length ? props.rows : [""];
  const { id, error, at } = useFieldError(name);
  const group = useRef<HTMLFieldSetElement>(null);
  // What is wrong with one of them is said beside it.
  const own = at.includes(name) ? error : undefined;
  const focusLater = (selector: string) =>
    setTimeout(() => [...(group.current?.querySelectorAll<HTMLElement>(selector) ?? [])].at(-1)?.focus());
  return (
    <fieldset
      ref={group}
      id={id}
      tabIndex={-1}
      class={`ways${own ? " wrong" : ""}`}
      aria-describedby={describedBy(`${id}-hint`, own && `${id}-error`)}
    >
      <legend>{props.legend}</legend>
      <p class="hint" id={`${id}-hint`}>
        {props.hint}
      </p>
      <FieldError id={id} error={own} />
      {rows.map((value, row) => {
        const thing = props.thing(row + 1);
        return (
          <div class="way" key={row}>
            {props.children({
              name: `${name}[${row}]`,
              label: thing,
              value,
              onInput: (text) => onChange(rows.map((other, n) => (n === row ? text : other))),
            })}
            <Button
              kind="text"
              label={t("form.removeN", { thing })}
              onClick={() => {
                onChange(rows.filter((_, n) => n !== row));
                focusLater(".add");
              }}
            >
              {t("form.remove")}
            </Button>
          </div>
        );
      })}
      <button
        type="button"
        class="button text add"
        onClick={() => {
          onChange([...rows, ""]);
          focusLater("input, textarea");
        }}
      >
        {props.add}
      </button>
    </fieldset>
  );
}

/** A key as JSON, which is longer than a line. */
function KeyField(props: RowField) {
  const { id, error } = useFieldError(props.name);
  return (
    <div class={`field${error ? " wrong" : ""}`}>
      <label for={id} class="sr-only">
        {props.label}
      </label>
      <textarea
        id={id}
        rows={4}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        value={props.value}
        aria-invalid={error ? "true" : undefined}
        aria-describedby={error && `${id}-error`}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <FieldError id={id} error={error} />
    </div>
  );
}
