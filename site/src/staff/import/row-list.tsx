// Each row with what becomes of it, those of one kind or all.
import { useState } from "preact/hooks";
import { t } from "../../messages/import";
import { sayDate } from "../../messages/language";
import { Button } from "../../ui/button";
import type { Columns } from "./columns";
import { counts, isLeftOut, isPartly, kindOf, sayReasons, type Found, type Kind } from "./found";

/** Rows that are shown before more are asked for. */
const PAGE = 50;

const KINDS = ["created", "updated", "unchanged", "possible_duplicate", "invalid"] as const;
type Filter = "all" | "faulty" | "partly" | (typeof KINDS)[number];

const fits = (filter: Filter, found: Found): boolean => {
  if (filter === "all") return true;
  if (filter === "faulty") return isLeftOut(found);
  return filter === "partly" ? isPartly(found) : kindOf(found) === filter;
};

interface Props {
  found: readonly Found[];
  columns: Columns;
  heads: readonly string[];
}

export function RowList({ found, columns, heads }: Props) {
  const [filter, setFilter] = useState<Filter>("all");
  const [shown, setShown] = useState(PAGE);
  const count = counts(found);
  const number = (of: Filter): number => {
    if (of === "all") return found.length;
    if (of === "faulty" || of === "partly") return found.filter((each) => fits(of, each)).length;
    return count[of];
  };
  const options = (["all", "faulty", "partly", ...KINDS] as const).filter((of) => of === "all" || of === filter || number(of));
  const rows = found.filter((each) => fits(filter, each));
  return (
    <>
      <div class="padded field">
        <label for="import-show">{t("show.label")}</label>
        <select
          id="import-show"
          value={filter}
          onChange={(event) => {
            setFilter(event.currentTarget.value as Filter);
            setShown(PAGE);
          }}
        >
          {options.map((of) => (
            <option key={of} value={of}>
              {t(`show.${of}`, { count: number(of) })}
            </option>
          ))}
        </select>
      </div>
      {rows.length ? (
        <table class="users" role="table">
          <thead role="rowgroup">
            <tr role="row">
              {(["line", "client", "outcome", "why"] as const).map((head) => (
                <th key={head} role="columnheader">
                  {t(`rows.${head}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.slice(0, shown).map((each) => (
              <OneRow key={each.candidate.line} found={each} columns={columns} heads={heads} />
            ))}
          </tbody>
        </table>
      ) : (
        <p class="padded">{t("rows.none")}</p>
      )}
      {rows.length > shown && (
        <div class="more padded">
          <Button onClick={() => setShown(shown + PAGE)}>{t("rows.more")}</Button>
        </div>
      )}
    </>
  );
}

function OneRow({ found, columns, heads }: { found: Found; columns: Columns; heads: readonly string[] }) {
  const { candidate, outcome } = found;
  const { client, cells, line } = candidate;
  const at = (field: "firstName" | "lastName" | "recordNumber") =>
    columns[field] === undefined ? "" : (cells[columns[field]] ?? "");
  const kind: Kind = kindOf(found);
  const reasons = sayReasons(found, columns, heads);
  return (
    <tr role="row">
      <td role="cell" class="figures">
        <span class="cell-label">{t("rows.line")}</span>
        {line}
      </td>
      <th role="rowheader" scope="row">
        {`${at("firstName")} ${at("lastName")}`.trim() || "–"}
        <span class="small breaks">{[at("recordNumber"), client && sayDate(client.dateOfBirth)].filter(Boolean).join(" · ")}</span>
      </th>
      <td role="cell">
        <span class="cell-label">{t("rows.outcome")}</span>
        {t(`outcome.${kind}`)}
      </td>
      <td role="cell" class="breaks">
        {(reasons.length > 0 || outcome?.clientId) && <span class="cell-label">{t("rows.why")}</span>}
        {reasons.map((reason) => (
          <span key={reason} class="other">
            {reason}
          </span>
        ))}
        {isLeftOut(found) && outcome?.clientId && (
          <a class="other" href={`/clients/${outcome.clientId}`} target="_blank" rel="noopener">
            {t("why.openClient")}
          </a>
        )}
      </td>
    </tr>
  );
}
