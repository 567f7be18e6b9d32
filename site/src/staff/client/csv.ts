// A table as a file for spreadsheets: comma-separated values after RFC 4180, with the mark that makes
// Excel read them as UTF-8.

const MARK = "\uFEFF";

/** Spreadsheets run a cell that begins like this as a formula; an apostrophe before it makes it text. */
const FORMULA = /^[=+\-@\t\r\n]/;

const cell = (text: string): string => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

export const csv = (rows: readonly (readonly string[])[]): string =>
  MARK + rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Hands the browser a file to keep. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
