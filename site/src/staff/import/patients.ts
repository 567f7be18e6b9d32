// FHIR R4 `Patient` resources, one a line (NDJSON), as a table with the columns that the page knows itself. Of a
// patient's identifiers the medical record number is taken, else one that is no official document's.
import { each } from "./breathe";
import type { Row, Table } from "./table";

interface Coded {
  coding?: { code?: string }[];
}
interface Patient {
  resourceType?: string;
  id?: string;
  identifier?: { value?: string; type?: Coded; use?: string }[];
  name?: { use?: string; family?: string; given?: string[]; text?: string }[];
  telecom?: { system?: string; value?: string; use?: string; rank?: number }[];
  birthDate?: string;
  generalPractitioner?: { display?: string }[];
}

/** The columns, by the names under which the page finds them again. */
export const PATIENT_COLUMNS = [
  "record number",
  "first name",
  "last name",
  "preferred name",
  "date of birth",
  "email",
  "mobile phone",
  "home phone",
  "work phone",
  "professional",
];

export const isPatients = (text: string): boolean => /^\s*\{/.test(text);

/** Identifiers of people elsewhere: social security, driver's licence, passport, tax. */
const OF_THE_STATE = ["SS", "SB", "DL", "PPN", "NI", "TAX", "NIIP"];

export async function readPatients(text: string): Promise<Table> {
  const lines = text.split("\n");
  const rows: Row[] = [];
  await each(lines, (line, at) => {
    if (line.trim()) rows.push({ line: at + 1, cells: cellsOf(line) });
  });
  return { columns: PATIENT_COLUMNS, rows };
}

/** Of a line that is no patient, empty cells: a row without anything that is needed is named as one. */
function cellsOf(line: string): string[] {
  let patient: Patient;
  try {
    patient = JSON.parse(line) as Patient;
  } catch {
    return PATIENT_COLUMNS.map(() => "");
  }
  if (patient?.resourceType !== "Patient") return PATIENT_COLUMNS.map(() => "");
  const { name = [], telecom = [] } = patient;
  const official = name.find(({ use }) => use === "official") ?? name.find(({ use }) => use !== "nickname" && use !== "old");
  const nickname = name.find(({ use }) => use === "nickname");
  const reach = (system: string, use?: (use: string | undefined) => boolean): string =>
    telecom
      .filter((way) => way.system === system && (!use || use(way.use)) && way.use !== "old")
      .sort((a, b) => (a.rank ?? 9) - (b.rank ?? 9))[0]?.value ?? "";
  return [
    numberOf(patient),
    (official?.given ?? []).join(" "),
    official?.family ?? official?.text ?? "",
    nickname?.given?.[0] ?? nickname?.text ?? "",
    patient.birthDate ?? "",
    reach("email"),
    reach("phone", (use) => use === "mobile" || use === undefined),
    reach("phone", (use) => use === "home"),
    reach("phone", (use) => use === "work"),
    patient.generalPractitioner?.[0]?.display ?? "",
  ].map((cell) => String(cell).trim());
}

function numberOf({ identifier = [], id = "" }: Patient): string {
  const codes = ({ type }: { type?: Coded }) => (type?.coding ?? []).map(({ code }) => code ?? "");
  const current = identifier.filter(({ use, value }) => use !== "old" && value);
  const number =
    current.find((one) => codes(one).includes("MR")) ??
    current.find((one) => !codes(one).some((code) => OF_THE_STATE.includes(code)));
  return number?.value ?? id;
}
