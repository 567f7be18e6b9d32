// Import: a file is read, its columns are matched, each row is shown with what would become of it, and only then
// it is imported.
import { readFile } from "node:fs/promises";
import { expectAccessibleInAll } from "../accessibility";
import { failOnce } from "../console";
import { capital, expect, fullName, type Page, staffOrigin, test, toast, unique } from "../world";

/** A file of a program that knows Windows-1252 and semicolons. */
const file = (name: string, lines: string[]) => ({
  name,
  mimeType: "text/csv",
  buffer: Buffer.from(lines.map((line) => `${line}\r\n`).join("").replaceAll("’", "\x92"), "latin1"),
});

const row = (page: Page, line: number) =>
  page.getByRole("row").filter({ has: page.getByRole("cell", { name: new RegExp(`^(Line)?${line}$`) }) });

async function openImport(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "The practice" }).getByRole("link", { name: "Import" }).click();
  await expect(page.getByRole("heading", { name: "Import clients", level: 1 })).toBeFocused();
}

test("a file is matched, shown row by row, imported, and what was left out is kept", async ({ dana, admin }) => {
  const there = await admin.client();
  const [one, two] = [capital(unique()), capital(unique())];
  const { first, last } = there.name;
  await openImport(dana);
  await dana.getByLabel("File").setInputFiles(
    file("ehr.csv", [
      "sep=;",
      "Chart no.;Given name;Surname;DOB;E-mail;Colour",
      `${one};Zoë;O’${one};25/03/1984;zoe@mail.example;red`,
      `${there.recordNumber};${first};${last};09/05/1987;new@mail.example;`,
      "",
      `${two};${first};${last};09/05/1987;;blue`,
      `${unique()};Cy;Day;30753;;`,
      `${unique()};Di;${two};12/03/1984;at home;`,
    ]),
  );
  await expect(dana.getByText("5 rows in ehr.csv")).toBeVisible();

  // One column goes by a name that nobody knows; a day beyond twelve tells the order of dates.
  await expect(dana.getByText("Choose the column of: Record number.")).toBeVisible();
  await dana.getByLabel("Record number", { exact: true }).selectOption("Chart no.");
  await expect(dana.getByLabel("Date of birth", { exact: true })).toHaveValue("3");
  await expect(dana.getByRole("radio", { name: "Day, month, year" })).toBeChecked();
  await dana.getByRole("button", { name: "Check the rows" }).click();

  await expect(dana.getByText("4 of 4 rows checked").first()).toBeVisible();
  await expect(row(dana, 3)).toContainText(`O’${one}`);
  await expect(row(dana, 3)).toContainText("New");
  await expect(row(dana, 4)).toContainText("Changed");
  await expect(row(dana, 6)).toContainText("Possible duplicate");
  await expect(row(dana, 6)).toContainText(`record number ${there.recordNumber} has a like name`);
  await expect(row(dana, 6).getByRole("link")).toHaveAttribute("href", `/clients/${there.clientId}`);
  await expect(row(dana, 7)).toContainText("DOB, “30753”: This is a spreadsheet’s own number for a date.");
  await expect(row(dana, 8)).toContainText("Left out: E-mail, “at home”");
  const now = () => admin.call<{ emails: unknown[] }>("GET", `/api/clients/${there.clientId}`);
  expect((await now()).emails).toEqual([]);

  // The first try is lost on the way.
  await failOnce(dana, "POST", /\/api\/clients\/sync$/, "cut");
  await dana.getByRole("button", { name: "Import 3 clients" }).click();
  await dana.getByRole("button", { name: "Go on" }).click();
  await expect(toast(dana)).toContainText("The import is finished");
  await expect(dana.getByText("3 of 3 clients imported").first()).toBeVisible();
  expect((await now()).emails).toEqual([{ type: "home", address: "new@mail.example", safe: false }]);
  await dana.getByLabel("Show").selectOption("Rows that are left out (2)");
  await expect(dana.getByRole("row")).toHaveCount(3);

  const kept = dana.waitForEvent("download");
  await dana.getByRole("button", { name: "Download the 2 rows that were left out" }).click();
  const text = await readFile(await (await kept).path(), "utf8");
  expect(text).toContain('"Chart no.","Given name","Surname","DOB","E-mail","Colour","Line","Why"');
  expect(text).toContain(`"${two}","${first}","${last}","09/05/1987","","blue","6",`);
  expect(text).not.toContain("zoe@mail.example");
  await dana.getByRole("searchbox").fill(one);
  await expect(dana.getByRole("search").getByRole("button", { name: `Zoë O’${one}` })).toBeVisible();
  expect(fullName(there.name)).not.toBe("");
});

test("every state of the page is there for everybody, wide and narrow", async ({ staff, admin }) => {
  const there = await admin.client();
  const { first, last } = there.name;
  for (const viewport of [{ width: 1280, height: 720 }, { width: 320, height: 640 }]) {
    const page = await staff("dana@harbor.example", { reducedMotion: "reduce", viewport });
    await page.goto(`${staffOrigin()}/import`);
    await expect(page.getByLabel("File")).toBeVisible();
    await page.getByLabel("File").setInputFiles(file("empty.csv", ["a;b"]));
    await expect(page.getByRole("alert").filter({ hasText: "There are no rows in empty.csv." })).toBeVisible();
    // In each look and language where there is little of it, and for the rest once with all that there is.
    if (viewport.width === 320) await expectAccessibleInAll(page, "a file that is refused");
    const lines = [
      "MRN;First name;Last name;DOB;E-mail;Professional",
      `${unique()};${first};${last};1987-05-09;;`,
      `${there.recordNumber};${first};${last};1987-05-09;at home;Dr. Maximiliane Wolfeschlegelsteinhausen`,
      `${unique()};;;30753;;`,
    ];
    await page.getByLabel("File").setInputFiles(file("clients.csv", lines));
    if (viewport.width === 320) await expectAccessibleInAll(page, "columns");
    await page.getByRole("button", { name: "Check the rows" }).click();
    await expect(page.getByText("2 of 2 rows checked").first()).toBeVisible();
    await expectAccessibleInAll(page, "rows");
  }
});
