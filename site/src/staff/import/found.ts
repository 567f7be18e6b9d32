// What is known of each row, in words.
import type { FieldProblem } from "../../api/http";
import { t } from "../../messages/import";
import { sayIfKnown } from "../../messages/language";
import type { Columns, Field } from "./columns";
import { fieldOf, type Candidate, type Fault } from "./judge";
import type { Outcome } from "./run";

export interface Found {
  candidate: Candidate;
  /** What would become of it, or did; none before that is known. */
  outcome: Outcome | undefined;
  isImported: boolean;
}

export type Kind = Outcome["outcome"] | "pending";

export const kindOf = ({ candidate, outcome }: Found): Kind =>
  candidate.client ? (outcome?.outcome ?? "pending") : "invalid";

/** Whether the row is not among the clients after the import. */
export const isLeftOut = (found: Found): boolean => ["invalid", "possible_duplicate"].includes(kindOf(found));

/** Whether it is among them, but for some of its fields. */
export const isPartly = (found: Found): boolean => !isLeftOut(found) && !!found.outcome?.fields?.length;

export function counts(found: readonly Found[]): Record<Kind, number> {
  const count = { created: 0, updated: 0, unchanged: 0, possible_duplicate: 0, invalid: 0, pending: 0 };
  for (const each of found) count[kindOf(each)]++;
  return count;
}

/** What is wrong with a row or its fields: the column, what stands there, and what would be right. */
export function sayReasons(found: Found, columns: Columns, heads: readonly string[]): string[] {
  const { candidate, outcome } = found;
  const say = (field: Field | undefined, why: string): string => {
    const at = field === undefined ? undefined : columns[field];
    if (field === undefined || at === undefined) return why;
    const stands = candidate.cells[at] ?? "";
    const said = { column: heads[at] || t(`field.${field}`), found: stands, why };
    return t(stands ? "why.field" : "why.empty", said);
  };
  const left = (why: string): string => (isPartly(found) ? t("why.leftOut", { why }) : why);
  return [
    ...candidate.faults.map((fault) => say(fault.field, sayFault(fault))),
    ...(outcome?.fields ?? []).map((problem) => {
      const field = candidate.client && fieldOf(problem.field, candidate.client);
      return left(problem.code === "possible_duplicate" ? sayProblem(problem) : say(field, sayProblem(problem)));
    }),
  ];
}

const sayFault = ({ wrong, line }: Fault): string => t(`why.${wrong}`, { line: line ?? 0 });

/** The API's sentence is English: the catalogue's words for its code come first. A limit is the number that it
 *  names, a client the record number. */
function sayProblem({ code, message }: FieldProblem): string {
  const [, number = ""] = /record number (.+): /.exec(message) ?? [];
  if (code === "possible_duplicate") return t("why.possible_duplicate", { number });
  if (code === "taken" && message.includes("record number")) return t("why.taken");
  const [limit = ""] = /\d+/.exec(message) ?? [];
  return sayIfKnown(`invalid.${code}`, { limit, address: "" }) ?? message;
}
