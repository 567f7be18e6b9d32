// The pages about the practice itself: its settings, the end of all sessions, and the history of everything. They
// live in a home of their own: what they change, and whom they sign out, would be everybody's.
import { readFileSync } from "node:fs";
import { expectAccessible, expectAccessibleInAll, expectFits } from "../accessibility";
import startHome from "../home";
import { Desk, expect, fullName, Mailbox, type Page, staffOrigin, test } from "../world";

const shared = { staff: process.env["LATCHKEY_STAFF"], portal: process.env["LATCHKEY_PORTAL"] };
let stop = async () => {};
/** Not the fixture: that one is of the home that all share. */
let desk: Desk;
let admin: Desk;

test.describe.configure({ mode: "serial" });
test.beforeAll(async () => {
  // Another home starts, with the samples in it.
  test.setTimeout(120_000);
  stop = await startHome();
  const mailbox = new Mailbox();
  desk = await Desk.open("felix@harbor.example", mailbox);
  admin = await Desk.open("dana@harbor.example", mailbox);
});
test.afterAll(async () => {
  await stop();
  process.env["LATCHKEY_STAFF"] = shared.staff;
  process.env["LATCHKEY_PORTAL"] = shared.portal;
});

const place = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "The practice" }).getByRole("link", { name });
const flat = (text: string) => text.replace(/\s+/g, " ").trim();

test("an admin sees what a setting does before it is saved, and the mail that it changes", async ({ dana }) => {
  await dana.goto(staffOrigin());
  await place(dana, "Settings").click();
  await expect(dana.getByRole("heading", { name: "Settings", exact: true })).toBeFocused();
  await expect(dana.getByText("Nothing was changed so far.")).toBeVisible();
  const preview = dana.getByRole("region", { name: "The invitation as it will be sent" });
  await expect(preview).toContainText("Subject: Your invitation to the Harbor");

  await dana.getByLabel("Sender of mails").fill("Hafen Post");
  await dana.getByLabel("Language of mails").selectOption("fr");
  await dana.getByLabel("Days that an invitation can be used").fill("3");
  await dana.getByLabel("Time zone").fill("Europe/Paris");
  await expect(preview).toContainText("From: Hafen Post");
  await expect(preview).toContainText("Subject: Votre invitation au portail");
  for (const effect of [
    "Mails come from “Hafen Post” from now on.",
    "Mails from now on are in this language: French.",
    "Invitations from now on can be used for 3 days.",
    "Mails tell times as in Europe/Paris",
  ])
    await expect(dana.getByRole("listitem").filter({ hasText: effect })).toBeVisible();

  await test.step("and a mistake is named where it is", async () => {
    await dana.getByLabel("Staff: minutes until an unused session ends").fill("721");
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(dana.getByRole("alert").filter({ hasText: "There is a problem" })).toBeFocused();
    await dana.getByRole("link", { name: "Staff: minutes until an unused session ends: enter 1 to 240" }).click();
    await dana.getByLabel("Staff: minutes until an unused session ends").fill("20");
  });

  await test.step("and what another admin changed meanwhile is not lost", async () => {
    const { version } = await admin.call<{ version: number }>("GET", "/api/practice");
    await admin.call("PATCH", "/api/practice", { version, alertInbox: "desk@harbor.example" });
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(dana.getByRole("alert").filter({ hasText: "Somebody else changed this record" })).toBeFocused();
    await expect(dana.getByText("Inbox for alerts is now “desk@harbor.example”.", { exact: false })).toBeVisible();
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(dana.getByRole("status").filter({ hasText: "The settings were saved." })).toBeVisible();
    await expect(dana.getByRole("heading", { name: "Settings", exact: true })).toBeFocused();
  });

  await test.step("and the mail that goes out is the one that was shown", async () => {
    const shown = await preview.locator("[lang=fr] p").allTextContents();
    expect(shown.length).toBeGreaterThan(5);
    const client = await desk.client();
    const user = await desk.invite(client);
    const mail = await desk.mailbox.wait(user.email, /^Votre invitation/);
    const sent = flat(mail.text).replaceAll(fullName(user.name), "Pat").replaceAll(user.name.first, "Pat");
    for (const text of shown.slice(1).map(flat)) {
      // The clock goes on between the two, and the mail also has the letters of the zone.
      const [before = text, after = ""] = text.split(/\d{1,2}(?:er)? \p{L}+ \d{4}.*?\(Paris\)/u);
      for (const part of text.startsWith("[") ? [text.slice(1, -1)] : [before, after]) expect(sent).toContain(part.trim());
    }
  });
  await expectAccessibleInAll(dana, "settings");
  await dana.setViewportSize({ width: 320, height: 720 });
  await expectFits(dana, "settings");
});

test("an auditor reads the history of the whole practice, and takes it along", async ({ staff }) => {
  const client = await desk.client();
  const ada = await staff("ada@harbor.example");
  await ada.goto(staffOrigin());
  await expect(place(ada, "Settings")).toHaveCount(0);
  await place(ada, "History").click();
  await expect(ada.getByRole("heading", { name: "History", exact: true })).toBeFocused();
  const rows = ada.getByRole("table").getByRole("row");
  await expect(rows.filter({ hasText: "Client added" }).first()).toContainText("Felix Moreno");
  await ada.getByLabel("What was done").selectOption("Settings changed");
  await ada.getByRole("button", { name: "Show", exact: true }).click();
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(1)).toContainText("Changed: sender of mails, language of mails, time zone");
  await expectAccessibleInAll(ada, "the practice's history");
  await ada.getByLabel("By whom").selectOption("Ada Lindqvist");
  await ada.getByRole("button", { name: "Show", exact: true }).click();
  await expect(ada.getByText("Nothing like that has happened.")).toBeVisible();
  await ada.getByLabel("By whom").selectOption("Everybody");
  await ada.getByLabel("What was done").selectOption("Everything");
  await ada.getByLabel("From").fill("2020-02-01");
  await ada.getByLabel("To", { exact: true }).fill("2020-01-01");
  await ada.getByRole("button", { name: "Show", exact: true }).click();
  await expect(ada.getByRole("alert").filter({ hasText: "Enter the day of “From” or a later one" })).toBeFocused();
  await ada.getByLabel("To", { exact: true }).fill("2099-12-31");
  await ada.getByRole("button", { name: "Show", exact: true }).click();
  await expect(rows).toHaveCount(51);
  await ada.getByRole("button", { name: "Show more" }).click();
  await expect(rows.nth(51)).toBeFocused();

  const [file] = await Promise.all([
    ada.waitForEvent("download"),
    ada.getByRole("button", { name: "Export as CSV" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("history-2020-02-01-2099-12-31.csv");
  const lines = readFileSync(await file.path(), "utf8").split("\r\n");
  expect(lines[0]).toContain('"Time (UTC)","By whom","Role","What was done","Client (id)"');
  expect(lines.some((line) => line.includes(client.clientId) && line.includes("Client added"))).toBe(true);
  expect(lines.length).toBeGreaterThan(100);
  await ada.setViewportSize({ width: 320, height: 720 });
  await expectFits(ada, "the practice's history");
  await ada.getByRole("link", { name: /^Client page/ }).first().click();
  await expect(ada.getByRole("navigation", { name: "Client" })).toBeVisible();
});

test("all sessions end by a typed word", async ({ dana, staff }) => {
  const felix = await staff("felix@harbor.example");
  await felix.goto(staffOrigin());
  for (const reserved of ["Settings", "History"]) await expect(place(felix, reserved)).toHaveCount(0);
  await felix.goto(`${staffOrigin()}/settings`);
  await expect(felix.getByRole("heading", { name: "For administrators only" })).toBeFocused();
  await dana.goto(`${staffOrigin()}/settings`);
  await dana.getByRole("button", { name: "End All Sessions…" }).click();
  const dialog = dana.getByRole("dialog", { name: "End all sessions of the practice?" });
  await expect(dialog.getByLabel("Type “end” to confirm")).toBeFocused();
  await expectAccessible(dana, "ending all sessions");
  await dana.keyboard.type("delete");
  await dana.keyboard.press("Enter");
  await expect(dialog.getByRole("alert").filter({ hasText: "Type “end” to continue" })).toBeVisible();
  await dialog.getByRole("textbox").fill("End ");
  await dana.keyboard.press("Enter");
  await expect(dana.getByText("You are signed out.")).toBeVisible();
  await felix.reload();
  await expect(felix.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
  await expect(desk.call("GET", "/api/staff/session")).rejects.toThrow();
});
