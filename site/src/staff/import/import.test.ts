// Files of clients as programs and people write them: text, tables, dates, columns, rows.
import { expect, test, vi } from "vitest";
import { csv } from "../client/csv";
import { guessColumns, missing, type Columns } from "./columns";
import { orderIn, readDate } from "./dates";
import ndjson from "./fixtures/patients.ndjson?raw";
import synthea from "./fixtures/synthea.csv?raw";
import { fieldOf, judge, saysNothing, type Client } from "./judge";
import { rejectedRows } from "./rejected";
import { readTable } from "./table";
import { decode } from "./text";

const bytes = (text: string, code: (c: number) => number[]): Uint8Array =>
  new Uint8Array([...text].flatMap((letter) => code(letter.charCodeAt(0))));
const little = (c: number) => [c & 255, c >> 8];
const big = (c: number) => [c >> 8, c & 255];

const NAMES = "id,first,last,dob\r\n1,Zoë,Núñez,1984-03-12\r\n";

test.each([
  ["UTF-8", new TextEncoder().encode(NAMES)],
  ["UTF-8 with its mark", new TextEncoder().encode(`\uFEFF${NAMES}`)],
  ["UTF-16 with its mark", bytes(`\uFEFF${NAMES}`, little)],
  ["UTF-16, big end first, with its mark", bytes(`\uFEFF${NAMES}`, big)],
  ["UTF-16 without a mark", bytes(NAMES, little)],
  ["Windows-1252", bytes(NAMES, (c) => [c])],
])("%s is read as it was written", (_, file) => {
  expect(decode(file).text).toBe(NAMES);
});

test.each([
  ["commas", "a,b\n1,2\n"],
  ["semicolons", "a;b\n1;2\n"],
  ["tabs", "a\tb\n1\t2\n"],
  ["a named separator", "sep=;\r\na;b\r\n1;2\r\n"],
  ["a named separator that is not the most frequent one", "sep=|\na|b\n1|2\n"],
  ["quotes", '"a","b"\n"1","2"\n'],
  ["blank lines before and after", "\n\na,b\n\n1,2\n\n,\n"],
  ["trailing columns", "a,b,,\n1,2,,,\n"],
  ["an open end", "a,b\n1,2"],
])("a table with %s has its columns and rows", async (_, text) => {
  const { columns, rows } = await readTable(text);
  expect(columns).toEqual(["a", "b"]);
  expect(rows.map(({ cells }) => cells)).toEqual([["1", "2"]]);
});

test("each row knows the line on which it starts", async () => {
  const text = 'sep=,\na,b\n\n1,"two\n\nlines"\n2,"a ""quote"", and a comma"\n\n\n3,\n';
  const { rows } = await readTable(text);
  expect(rows.map(({ line }) => line)).toEqual([4, 7, 10]);
  expect(rows[1]!.cells[1]).toBe('a "quote", and a comma');
  expect(rows[0]!.cells[1]).toBe("two\n\nlines");
});

test("a block that ends within a field cuts nothing", async () => {
  const long = "x".repeat(1200);
  const text = `a,b\n${Array.from({ length: 1000 }, (_, n) => `${n},"${long}\n${n}"`).join("\n")}\n`;
  const { rows } = await readTable(text);
  expect(rows).toHaveLength(1000);
  rows.forEach(({ line, cells }, n) => {
    expect([line, cells[0], cells[1]]).toEqual([2 + 2 * n, String(n), `${long}\n${n}`]);
  });
});

test("Synthea's CSV is matched by itself", async () => {
  const table = await readTable(synthea);
  const columns = guessColumns(table.columns);
  expect(columns).toEqual({ recordNumber: 0, dateOfBirth: 1, firstName: 7, lastName: 9 });
  expect(missing(columns)).toEqual([]);
  const rows = await judge(table, columns, "mdy");
  expect(rows.map(({ client }) => [client?.name.first, client?.dateOfBirth])).toEqual([
    ["Orla417", "1984-03-12"],
    ["Bram203", "1951-11-30"],
    ["Sunniva881", "2015-06-08"],
  ]);
});

test("FHIR patients are a table of their own", async () => {
  const table = await readTable(ndjson);
  const rows = await judge(table, guessColumns(table.columns), "ymd");
  expect(rows.map(({ line }) => line)).toEqual([1, 3, 4, 5]);
  expect(rows[0]!.client).toEqual({
    recordNumber: "MR-4417",
    name: { first: "Orla417 June12", last: "Venn988" },
    dateOfBirth: "1984-03-12",
    phones: [{ type: "home", number: "555-238-0107" }],
  });
  expect(rows[1]!.client).toEqual({
    recordNumber: "p2",
    name: { first: "Bram203", last: "Oduya115", preferred: "Bo" },
    dateOfBirth: "1951-11-30",
    emails: [{ type: "home", address: "bram@mail.example" }],
    phones: [
      { type: "mobile", number: "555 0108" },
      { type: "work", number: "555 0109" },
    ],
    professional: "Dr. P. Achebe",
  });
  // What is no patient, or no JSON, is a row without what is needed.
  expect(rows.slice(2).map(({ faults }) => faults.map(({ wrong }) => wrong))).toEqual([
    ["missing", "missing", "missing"],
    ["missing", "missing", "missing"],
  ]);
});

test.each([
  ["Record Number;First Name;Last Name;Date of Birth;E-mail;Phone", [0, 1, 2, 4, 5, 3]],
  ["MRN;Surname;Given Name;DOB;Cell;Email Address", [0, 2, 1, 5, 4, 3]],
  ["N.º de expediente;Nombre;Apellidos;Fecha de nacimiento;Correo electrónico;Teléfono", [undefined, 1, 2, 4, 5, 3]],
  ["N° dossier;Prénom;Nom;Né(e);Courriel;Téléphone portable", [undefined, 1, 2, 4, 5, undefined]],
  ["Expediente;Nombres;Apellido;Nacimiento;Correo;Móvil", [0, 1, 2, 4, 5, 3]],
])("columns called %s are found as far as they are known", (names, expected) => {
  const { recordNumber, firstName, lastName, email, mobilePhone, dateOfBirth } = guessColumns(names.split(";"));
  expect([recordNumber, firstName, lastName, email, mobilePhone, dateOfBirth]).toEqual(expected);
});

test("a file needs record number, date of birth and one of the names", () => {
  expect(missing({})).toEqual(["recordNumber", "dateOfBirth", "lastName"]);
  expect(missing({ recordNumber: 0, dateOfBirth: 1, firstName: 2 })).toEqual([]);
});

test.each([
  ["1984-03-12", "mdy", "1984-03-12"],
  ["1984/3/12", "dmy", "1984-03-12"],
  ["19840312", "mdy", "1984-03-12"],
  ["3/12/1984", "mdy", "1984-03-12"],
  ["12/03/1984", "dmy", "1984-03-12"],
  ["12.3.1984", "dmy", "1984-03-12"],
  ["12-03-1984 00:00:00", "dmy", "1984-03-12"],
  ["3/12/1984 12:00:00 AM", "mdy", "1984-03-12"],
  ["1984-03-12T00:00:00.000Z", "mdy", "1984-03-12"],
  ["12-Mar-1984", "mdy", "1984-03-12"],
  ["March 12, 1984", "dmy", "1984-03-12"],
  ["12 août 1984", "mdy", "1984-08-12"],
  ["1 enero 1984", "dmy", "1984-01-01"],
  ["29/02/2000", "dmy", "2000-02-29"],
] as const)("%s, written %s, is %s", (text, order, date) => {
  expect(readDate(text, order)).toEqual({ date });
});

test.each([
  ["30753", "mdy", "excel"],
  ["30753.5", "dmy", "excel"],
  ["03/12/84", "mdy", "century"],
  ["13/02/1984", "mdy", "impossible"],
  ["29/02/1985", "dmy", "impossible"],
  ["1984-02-30", "ymd", "impossible"],
  ["1984", "mdy", "date"],
  ["today", "mdy", "date"],
  ["12 Brumaire 1984", "dmy", "date"],
  ["3/12/1984/2", "mdy", "date"],
] as const)("%s, written %s, is refused as %s", (text, order, wrong) => {
  expect(readDate(text, order)).toEqual({ wrong });
});

test("a day beyond twelve tells the order of all dates", () => {
  expect(orderIn(["1/2/1984", "3/25/1984"])).toBe("mdy");
  expect(orderIn(["", "1.2.1984", "25.3.1984"])).toBe("dmy");
  expect(orderIn(["x", "1984-02-01"])).toBe("ymd");
  expect(orderIn(["1/2/1984", "3/4/1984"])).toBeUndefined();
});

const COLUMNS: Columns = { recordNumber: 0, firstName: 1, lastName: 2, dateOfBirth: 3, email: 4, homePhone: 5 };
const table = (...rows: string[][]) => ({ columns: [], rows: rows.map((cells, n) => ({ line: n + 2, cells })) });

test("a faulty row names the field, what stands there and what is wrong", async () => {
  const rows = await judge(
    table(
      ["HC/7", "Ann", "Lee", "12/03/1984"],
      ["hc 7", "Bo", "Ray", "30753"],
      ["", "", "", ""],
      ["8", "Cy", "Day", "1/2/84"],
    ),
    COLUMNS,
    "dmy",
  );
  expect(rows[0]!.faults).toEqual([]);
  expect(rows[1]!.faults).toEqual([
    { field: "recordNumber", found: "hc 7", wrong: "twice", line: 2 },
    { field: "dateOfBirth", found: "30753", wrong: "excel" },
  ]);
  expect(rows[2]!.faults.map(({ field, wrong }) => [field, wrong])).toEqual([
    ["recordNumber", "missing"],
    ["lastName", "missing"],
    ["dateOfBirth", "missing"],
  ]);
  expect(rows[3]!.faults).toEqual([{ field: "dateOfBirth", found: "1/2/84", wrong: "century" }]);
  expect(rows.slice(1).every(({ client }) => client === undefined)).toBe(true);
});

test("what says nothing is left out, and what the file has not is not named", async () => {
  const [row] = await judge(table(["1", "Ann", "", "1984-03-12", "N/A", "-"]), COLUMNS, "ymd");
  expect(row!.client).toEqual({ recordNumber: "1", name: { first: "Ann", last: "" }, dateOfBirth: "1984-03-12" });
  for (const text of ["", "-", "n/a", "(none)", "#N/A", "NULL", "no tiene", "aucun", "Not provided"])
    expect(saysNothing(text), text).toBe(true);
  for (const text of ["Noah", "ann@mail.example", "5", "No. 4"]) expect(saysNothing(text), text).toBe(false);
});

test("what the API says of a field is told of its column", () => {
  const client: Client = {
    recordNumber: "1",
    name: { first: "A", last: "B" },
    dateOfBirth: "1984-03-12",
    phones: [
      { type: "home", number: "1" },
      { type: "work", number: "2" },
    ],
  };
  const of = (path: string) => fieldOf(path, client);
  expect([of("phones[1].number"), of("emails[0].address"), of("name"), of("name.preferred"), of("row")]).toEqual([
    "workPhone",
    "email",
    "lastName",
    "preferredName",
    undefined,
  ]);
});

test("the rejected rows are as they were, with line and reason", () => {
  const candidate = { line: 7, cells: ["1", "Ann"], faults: [] };
  expect(rejectedRows(["a", "b", "c"], [{ candidate, why: "No date." }], { line: "Line", why: "Why" })).toEqual([
    ["a", "b", "c", "Line", "Why"],
    ["1", "Ann", "", "7", "No date."],
  ]);
});

test("a file of rejected rows can be read again", async () => {
  const candidate = { line: 7, cells: ["1", "+33 6 12 34 56 79"], faults: [] };
  const text = csv(rejectedRows(["number", "phone"], [{ candidate, why: "No date." }], { line: "Line", why: "Why" }));
  const { columns, rows } = await readTable(decode(new TextEncoder().encode(text)).text);
  expect([columns, rows[0]!.cells]).toEqual([
    ["number", "phone", "Line", "Why"],
    ["1", "+33 6 12 34 56 79", "7", "No date."],
  ]);
});

test("many rows are read and judged in pieces, between which the page is free", async () => {
  const line = (n: number) => `N-${n};"Ann ${n}";Lee;12/03/19${10 + (n % 80)};ann${n}@mail.example;555 ${n}\r\n`;
  const text = `number;first;last;dob;email;phone\r\n${Array.from({ length: 5000 }, (_, n) => line(n)).join("")}`;
  const breaths = vi.spyOn(globalThis, "setTimeout");
  const rows = await judge(await readTable(text), COLUMNS, "dmy");
  expect(rows.filter(({ client }) => client)).toHaveLength(5000);
  // For each 100,000 characters that are read, and each 500 rows that are judged.
  expect(breaths.mock.calls.length).toBeGreaterThanOrEqual(Math.floor(text.length / 100_000) + 9);
  breaths.mockRestore();
});
