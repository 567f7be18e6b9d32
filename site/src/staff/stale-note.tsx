import { useEffect, useRef } from "preact/hooks";
import { t } from "../messages/staff";
import type { Change } from "./stale";

/** What somebody else changed while this form was open, beside what was typed here. */
export function StaleNote<D extends object>(props: {
  /** What both started from. */
  was: D;
  theirs: D;
  mine: D;
  changes: readonly Change<D>[];
  label: (field: keyof D & string) => string;
  say: (draft: D, field: keyof D & string) => string;
}) {
  const { changes } = props;
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => note.current?.focus(), [changes]);
  const value = (draft: D, field: keyof D & string) => {
    const said = props.say(draft, field);
    return said ? `“${said}”` : t("stale.nothing");
  };
  return (
    <div ref={note} class="notice" role="alert" tabIndex={-1}>
      <p>{t("stale.lead")}</p>
      {changes.length === 0 && <p>{t("stale.same")}</p>}
      <ul>
        {changes.map(({ field, clash }) => (
          <li key={field}>
            {t(clash ? "stale.clash" : "stale.other", {
              field: props.label(field),
              old: value(props.was, field),
              value: value(props.theirs, field),
              yours: value(props.mine, field),
            })}
          </li>
        ))}
      </ul>
      <p>{t("stale.again")}</p>
    </div>
  );
}
