// A file of clients as columns and rows, each with the line on which it starts. Read a block at a time, so that
// the page stays awake.
import Papa from "papaparse";
import { breathe } from "./breathe";
import { isPatients, readPatients } from "./patients";

export interface Row {
  /** Counted from 1. */
  line: number;
  /** One for each column; what lies beyond the last is left out where it is empty. */
  cells: string[];
}

export interface Table {
  columns: string[];
  rows: Row[];
}

/** Characters that are read at a time: some milliseconds' work. */
const BLOCK = 100_000;
/** What programs put into the first line to tell spreadsheets the separator. */
const SEPARATOR = /^sep=(.)\r?\n/i;

/** What our own files put before a cell that a spreadsheet would run as a formula (../client/csv). */
const OUR_MARK = /^'(?=[=+\-@])/;

export async function readTable(text: string): Promise<Table> {
  return isPatients(text) ? readPatients(text) : readCsv(text);
}

async function readCsv(text: string): Promise<Table> {
  const told = SEPARATOR.exec(text);
  const body = told ? text.slice(told[0].length) : text;
  const table: Table = { columns: [], rows: [] };
  // The reader says nothing of lines: each record is one, and one more for each break within a field.
  let line = told ? 2 : 1;
  const take = (cells: string[]): void => {
    const here = line;
    line += 1;
    for (const cell of cells) line += breaksIn(cell);
    const trimmed = cells.map((cell) => cell.trim().replace(OUR_MARK, ""));
    if (trimmed.every((cell) => !cell)) return;
    if (!table.columns.length) {
      table.columns = trimmed;
      while (table.columns.at(-1) === "") table.columns.pop();
    } else {
      while (trimmed.length > table.columns.length && trimmed.at(-1) === "") trimmed.pop();
      table.rows.push({ line: here, cells: trimmed });
    }
  };
  await new Promise<void>((resolve) => {
    Papa.parse(body, {
      delimiter: told?.[1] ?? separatorOf(body),
      chunkSize: BLOCK,
      chunk: ({ data }, reader) => {
        reader.pause();
        data.forEach(take);
        void breathe().then(() => reader.resume());
      },
      complete: resolve,
    });
  });
  return table;
}

/** What stands most often between the names of the columns. */
function separatorOf(text: string): string {
  const [head = ""] = text.slice(0, BLOCK).trimStart().replace(/"([^"]|"")*"/g, "").split(/\r?\n/, 1);
  const often = (separator: string) => head.split(separator).length;
  return [",", ";", "\t", "|"].sort((a, b) => often(b) - often(a))[0]!;
}

function breaksIn(cell: string): number {
  let breaks = 0;
  for (let at = cell.indexOf("\n"); at >= 0; at = cell.indexOf("\n", at + 1)) breaks += 1;
  return breaks;
}
