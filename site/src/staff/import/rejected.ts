// The rows that were not imported, as a file: as they were, with why. Corrected, it can be imported again.
import type { Candidate } from "./judge";

export function rejectedRows(
  columns: readonly string[],
  rejected: readonly { candidate: Candidate; why: string }[],
  heads: { line: string; why: string },
): string[][] {
  const width = Math.max(columns.length, ...rejected.map(({ candidate }) => candidate.cells.length));
  const wide = (cells: readonly string[]) => Array.from({ length: width }, (_, at) => cells[at] ?? "");
  return [
    [...wide(columns), heads.line, heads.why],
    ...rejected.map(({ candidate, why }) => [...wide(candidate.cells), String(candidate.line), why]),
  ];
}
