// The rules for when clients grow up: rows of an age and of what parents and guardians keep from it on.
import { useRef } from "preact/hooks";
import { t } from "../../messages/practice";
import { Button } from "../../ui/button";
import { Choice, Choices, TextField } from "../../ui/form";
import { PERMISSIONS } from "../client/portal-user";
import { ticked, type Rule } from "./rules";

/** The most that a practice has. */
const MOST = 10;

export function GuardianRules(props: {
  label: string;
  rules: readonly Rule[];
  onChange: (rules: readonly Rule[]) => void;
}) {
  const { rules } = props;
  const group = useRef<HTMLDivElement>(null);
  const set = (row: number, change: Partial<Rule>) =>
    props.onChange(rules.map((rule, n) => (n === row ? { ...rule, ...change } : rule)));
  const focusLater = (selector: string) =>
    setTimeout(() => [...(group.current?.querySelectorAll<HTMLElement>(selector) ?? [])].at(-1)?.focus());
  return (
    <div ref={group}>
      <Choices name="guardianRules" legend={props.label} hint={t("hint.guardianRules")}>
        {rules.map(({ age, allows }, row) => {
          const n = row + 1;
          const name = `guardianRules[${row}]`;
          return (
            <div class="rule" key={row} role="group" aria-label={t("rules.nth", { n })}>
              <TextField
                name={`${name}.fromAge`}
                label={t("rules.age", { n })}
                inputMode="numeric"
                verbatim
                value={age}
                onInput={(typed) => set(row, { age: typed })}
              />
              <Choices name={`${name}.allows`} legend={t("rules.keep", { n })}>
                {PERMISSIONS.map((permission) => (
                  <Choice
                    key={permission}
                    type="checkbox"
                    name={`${name}.${permission}`}
                    label={t(`permission.${permission}`)}
                    checked={allows?.includes(permission) ?? false}
                    onChange={(on) => set(row, { allows: ticked(allows, permission, on) })}
                  />
                ))}
                <Choice
                  type="checkbox"
                  name={`${name}.none`}
                  label={t("rules.none")}
                  checked={!allows}
                  onChange={(none) => set(row, { allows: none ? null : [] })}
                />
              </Choices>
              <Button
                kind="text"
                label={t("form.removeN", { thing: t("rules.nth", { n }) })}
                onClick={() => {
                  props.onChange(rules.filter((_, other) => other !== row));
                  focusLater(".add");
                }}
              >
                {t("form.remove")}
              </Button>
            </div>
          );
        })}
        {rules.length < MOST ? (
          <button
            type="button"
            class="button text add"
            onClick={() => {
              props.onChange([...rules, { age: "", allows: [] }]);
              focusLater("input[inputmode]");
            }}
          >
            {t("rules.add")}
          </button>
        ) : (
          <p class="hint add" tabIndex={-1}>
            {t("rules.most", { most: MOST })}
          </p>
        )}
      </Choices>
    </div>
  );
}
