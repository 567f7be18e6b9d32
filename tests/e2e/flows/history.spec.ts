// The history: read page by page, filtered, taken along as a file and on paper, always as a whole.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { BUSY, failOnce, openUsers, section } from "../console";
import { expectFocusKept } from "../focus";
import { type Client, clientPage, type Desk, expect, fullName, test } from "../world";

const PAGE = 50;

/** A client with more history than one page of it. */
async function storied(desk: Desk): Promise<Client> {
  const client = await desk.client({ name: { first: "=1+1", last: 'Zoë "Z", Esq.' } });
  await desk.invite(client, { name: client.name });
  for (let opened = 0; opened <= PAGE; opened++) await desk.call("GET", `/api/clients/${client.clientId}`);
  return client;
}

const entries = (page: Page) =>
  page.getByRole("group", { name: "What happened, newest first" }).getByRole("listitem");

test("is shown a page at a time, and filtered as a whole", async ({ dana, desk }) => {
  const client = await storied(desk);
  await dana.goto(clientPage(client, "/history"));
  await expect(entries(dana)).toHaveCount(PAGE);
  await dana.getByRole("button", { name: "Show more" }).click();
  // Its first new entry takes the focus.
  await expect(entries(dana).nth(PAGE)).toBeFocused();
  await expect(dana.getByRole("button", { name: "Show more" })).toHaveCount(0);

  await dana.reload();
  await expect(entries(dana)).toHaveCount(PAGE);
  await failOnce(dana, "GET", /\/history\?cursor/, "busy");
  await dana.locator("summary").click();
  await expect(dana.getByRole("alert").filter({ hasText: BUSY })).toBeVisible();
  await dana.getByRole("button", { name: "Try again" }).click();
  const [action, person] = [dana.getByLabel("What was done"), dana.getByLabel("By whom")];
  await action.selectOption("Access given");
  await expect(entries(dana)).toHaveText([
    new RegExp(
      `^Felix Moreno gave ${fullName(client.name).replace("+", "\\+")} access and sent an invitation`,
    ),
  ]);
  await expect(dana.getByText("1 entry", { exact: true })).toBeAttached();
  await person.selectOption("Dana Whitfield");
  await expect(dana.getByText("Nothing like that has happened.")).toBeVisible();
  await action.selectOption("Everything");
  await expect(entries(dana).first()).toContainText("Dana Whitfield");
  await expect(entries(dana).filter({ hasText: "Felix Moreno" })).toHaveCount(0);
  await expectFocusKept(dana, "filtering");
  // Paper shows no controls: it says what it is a part of.
  await dana.emulateMedia({ media: "print" });
  await expect(dana.getByText("Not all of the history: By whom: Dana Whitfield")).toBeVisible();
  await dana.emulateMedia({ media: "screen" });

  await test.step("and closing the filter shows everything again", async () => {
    await dana.locator("summary").click();
    await expect(entries(dana).filter({ hasText: "Felix Moreno added the client" })).toHaveCount(1);
    await dana.emulateMedia({ media: "print" });
    await expect(dana.getByText("Not all of the history")).toHaveCount(0);
  });
});

test("calls nobody a former portal user who is one", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const name = fullName(client.name);

  await test.step("while the list of them does not come", async () => {
    await failOnce(dana, "GET", /\/portal-users$/, "busy");
    await dana.goto(clientPage(client, "/history"));
    await expect(dana.getByRole("alert").filter({ hasText: BUSY })).toBeVisible();
    await expect(entries(dana)).toHaveCount(0);
    await expect(dana.getByRole("button", { name: "Export as CSV" })).toHaveCount(0);
    await dana.getByRole("button", { name: "Try again" }).click();
    await expect(entries(dana).filter({ hasText: `Felix Moreno gave ${name} access` })).toHaveCount(1);
  });

  await test.step("nor when they came after the list did", async () => {
    await openUsers(dana, client);
    const guest = { first: "Bram", last: client.name.last };
    await desk.invite(client, { name: guest, relationship: "spouse" });
    await section(dana, "History").click();
    await expect(entries(dana).filter({ hasText: `gave ${fullName(guest)} access` })).toHaveCount(1);
    await expect(dana.getByText("a former portal user")).toHaveCount(0);
  });
});

test("is exported whole, and runs no formula", async ({ dana, desk }) => {
  const client = await storied(desk);
  await dana.goto(clientPage(client, "/history"));
  await expect(entries(dana)).toHaveCount(PAGE);
  // The second page takes its time: how far the reading has come is said.
  let answer = () => {};
  const asked = new Promise<void>((free) => (answer = free));
  await dana.route(/\/history\?cursor/, async (route) => {
    await asked;
    await route.continue();
  });
  const started = dana.waitForEvent("download");
  const button = dana.getByRole("button", { name: "Export as CSV" });
  await button.click();
  await expect(dana.getByText(`Reading the whole history: ${PAGE} entries so far`)).toBeVisible();
  await button.click({ force: true });
  answer();
  const download = await started;
  expect(download.suggestedFilename()).toMatch(/^history-\d{4}-\d\d-\d\d\.csv$/);
  await expect(dana.getByRole("status")).toContainText("The whole history was exported");
  await expect(button).toBeFocused();

  const file = readFileSync(await download.path(), "utf8");
  expect(file.startsWith('\uFEFF"Time (UTC)","By whom","Role","What was done","Portal user",')).toBe(true);
  const rows = file.trimEnd().split("\r\n");
  expect(rows.length).toBeGreaterThan(PAGE + 3);
  const given = rows.find((row) => row.includes("Access given")) ?? "";
  expect(given).toContain('"Felix Moreno","Staff","Access given","\'=1+1 Zoë ""Z"", Esq.",');
  expect(rows.at(-1)).toContain("Felix Moreno added the client");
});

test("is printed whole, with who printed it and when, and without anything to press", async ({
  dana,
  desk,
}) => {
  const client = await storied(desk);
  await dana.addInitScript(() => {
    window.print = () => (document.documentElement.dataset["printed"] = "yes");
  });
  await dana.goto(clientPage(client, "/history"));
  await expect(entries(dana)).toHaveCount(PAGE);
  await dana.emulateMedia({ media: "print" });
  await expect(dana.getByText(`Only the newest ${PAGE} entries are printed here.`)).toBeVisible();
  await dana.emulateMedia({ media: "screen" });
  await dana.getByRole("button", { name: "Print" }).click();
  await expect(dana.locator("html")).toHaveAttribute("data-printed", "yes");
  expect(await entries(dana).count()).toBeGreaterThan(PAGE);

  await dana.emulateMedia({ media: "print" });
  await expect(dana.getByText(/^Printed by Dana Whitfield, Harbor Practice, /)).toBeVisible();
  await expect(dana.getByText("Only the newest")).toHaveCount(0);
  for (const role of ["button", "navigation", "search", "combobox"] as const) {
    await expect(dana.getByRole(role)).toHaveCount(0);
  }
  for (const section of ["", "/portal"]) {
    await dana.goto(clientPage(client, section));
    await expect(dana.getByText(/^Printed by Dana Whitfield/)).toBeVisible();
    await expect(dana.getByText(fullName(client.name)).first()).toBeVisible();
    await expect(dana.getByRole("button")).toHaveCount(0);
  }
});
