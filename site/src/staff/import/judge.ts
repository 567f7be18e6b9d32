// What each row of a file is as a client, and what is wrong with it before anybody is asked: its dates, and a
// record number that stands there twice. All else the API judges, with its own types.
import { each } from "./breathe";
import type { Columns, Field } from "./columns";
import { readDate, type NoDate, type Order } from "./dates";
import type { Table } from "./table";

export interface Client {
  recordNumber: string;
  name: { first: string; last: string; preferred?: string };
  dateOfBirth: string;
  emails?: { type: "home"; address: string }[];
  phones?: { type: "mobile" | "home" | "work"; number: string }[];
  professional?: string;
}

/** What is wrong with one field of a row. */
export interface Fault {
  field: Field;
  /** What stands there. */
  found: string;
  wrong: NoDate | "missing" | "twice";
  /** The line on which the number stood before. */
  line?: number;
}

export interface Candidate {
  line: number;
  cells: string[];
  /** What the API is asked about; none where the row is wrong already. */
  client?: Client;
  faults: Fault[];
}

/** How exports say that there is nothing. */
const NOTHING =
  /^[^\p{L}\p{N}]*(n\/a|n\.a\.?|na|none|null|nil|unknown|no|not (given|provided|available|known)|no (e-?mail|phone)|tbd|ningun[oa]|no tiene|aucune?|néant|sans)?[^\p{L}\p{N}]*$/iu;

export const saysNothing = (text: string): boolean => NOTHING.test(text);

/** Two numbers are one if they differ in case and kind of separator alone, as in the API. */
const compared = (number: string): string =>
  number
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .join("-")
    .toLowerCase();

export function judge(table: Table, columns: Columns, order: Order): Promise<Candidate[]> {
  const seen = new Map<string, number>();
  return each(table.rows, ({ line, cells }) => {
    const at = (field: Field): string => {
      const column = columns[field];
      return column === undefined ? "" : (cells[column] ?? "");
    };
    const maybe = (field: Field): string | undefined => {
      const text = at(field);
      return saysNothing(text) ? undefined : text;
    };
    const faults: Fault[] = [];
    const fault = (field: Field, wrong: Fault["wrong"], before?: number): void => {
      faults.push({ field, found: at(field), wrong, ...(before !== undefined && { line: before }) });
    };

    const recordNumber = at("recordNumber");
    const before = seen.get(compared(recordNumber));
    if (!recordNumber) fault("recordNumber", "missing");
    else if (before !== undefined) fault("recordNumber", "twice", before);
    else seen.set(compared(recordNumber), line);

    const name = { first: at("firstName"), last: at("lastName") };
    if (!name.first && !name.last) fault(columns.lastName === undefined ? "firstName" : "lastName", "missing");

    const born = readDate(at("dateOfBirth"), order);
    if (!at("dateOfBirth")) fault("dateOfBirth", "missing");
    else if ("wrong" in born) fault("dateOfBirth", born.wrong);

    if (faults.length || "wrong" in born) return { line, cells, faults };
    const preferred = maybe("preferredName");
    const address = maybe("email");
    const phones = (["mobile", "home", "work"] as const).flatMap((type) => {
      const number = maybe(`${type}Phone`);
      return number === undefined ? [] : [{ type, number }];
    });
    const professional = maybe("professional");
    const client: Client = {
      recordNumber,
      name: { ...name, ...(preferred !== undefined && { preferred }) },
      dateOfBirth: born.date,
      // What the file does not have stays as it is with us.
      ...(address !== undefined && { emails: [{ type: "home", address }] }),
      ...(phones.length && { phones }),
      ...(professional !== undefined && { professional }),
    };
    return { line, cells, client, faults };
  });
}

/** Which of our fields the API means, of those that one column fills. */
export function fieldOf(path: string, client: Client): Field | undefined {
  if (path === "recordNumber" || path === "dateOfBirth" || path === "professional") return path;
  if (path === "name.preferred") return "preferredName";
  if (path === "name.first") return "firstName";
  if (path.startsWith("name")) return "lastName";
  if (path.startsWith("emails")) return "email";
  const phone = /^phones\[(\d+)\]/.exec(path);
  const type = phone && client.phones?.[Number(phone[1])]?.type;
  return type ? `${type}Phone` : undefined;
}
