// A change in bulk: rows are chosen in Access, what would happen is looked at, and only then it is started. It goes
// on by itself, can be come back to, and its result is taken along.
import { readFile } from "node:fs/promises";
import { expectAccessibleInAll, expectFits } from "../accessibility";
import { capital, type Client, type Desk, expect, INVITATION, type Page, staffOrigin, test, unique } from "../world";

/** Clients of one family, so that a list is narrowed to them. */
async function family(desk: Desk, emails: (string | undefined)[]): Promise<{ last: string; clients: Client[] }> {
  const last = capital(unique());
  const clients = await Promise.all(
    emails.map((email, at) =>
      desk.client({ name: { first: `Kin${at}`, last }, dateOfBirth: "1984-03-12", emails: email ? [email] : [] }),
    ),
  );
  return { last, clients };
}

/** Chooses all of a family in a list of Access, and goes on. */
async function chooseAll(page: Page, view: string, last: string, count: number): Promise<void> {
  await page.goto(`${staffOrigin()}/access${view && `?view=${view}`}`);
  await page.getByLabel("Name, record number or e-mail").fill(last);
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page.getByText(`${count} shown`, { exact: true })).toBeVisible();
  for (const box of await page.getByRole("checkbox", { name: /^Choose / }).all()) await box.check();
  await page.getByRole("button", { name: `Change ${count} chosen…` }).click();
  await expect(page.getByRole("heading", { name: "Change in bulk", level: 1 })).toBeFocused();
}

test("clients are invited in bulk, and the result is taken along", async ({ dana, admin, mailbox }) => {
  const [one, two] = [`${unique()}@mail.example`, `${unique()}@mail.example`];
  const { last } = await family(admin, [one, undefined, two]);
  await chooseAll(dana, "without-access", last, 3);
  await expect(dana.getByRole("heading", { name: "3 rows that you chose" })).toBeVisible();
  await dana.getByRole("button", { name: "Preview" }).click();
  await expect(dana.getByRole("heading", { name: "2 people would change" })).toBeFocused();
  await expect(dana.getByText("No e-mail address to send to: 1")).toBeVisible();
  await expect(dana.getByRole("row", { name: new RegExp(`Kin1 ${last}`) })).toContainText("No e-mail address to send to");
  await expectAccessibleInAll(dana, "the preview");
  expect(await mailbox.sentTo(one)).toEqual([]);

  await dana.getByRole("button", { name: "Invite 2 clients" }).click();
  await expect(dana.getByRole("heading", { name: "Invitations in bulk", level: 1 })).toBeFocused();
  // Going away and coming back.
  await dana.getByRole("link", { name: "Access", exact: true }).click();
  await dana.getByRole("link", { name: "Your last change in bulk" }).click();
  await expect(dana.getByText("Finished", { exact: true })).toBeVisible();
  await expect(dana.getByText("2 of 2 done").first()).toBeVisible();
  await mailbox.wait(one, INVITATION);
  await mailbox.wait(two, INVITATION);
  await expectAccessibleInAll(dana, "the result");
  await dana.setViewportSize({ width: 320, height: 800 });
  await expectFits(dana, "the result");

  const kept = dana.waitForEvent("download");
  await dana.getByRole("button", { name: "Result as CSV" }).click();
  const file = await kept;
  expect(file.suggestedFilename()).toBe("bulk-result.csv");
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  expect(lines.map((line) => line.split(",").at(-1))).toEqual([
    '"Outcome"',
    '"Done"',
    '"Done"',
    '"No e-mail address to send to"',
  ]);
});

test("revoking in bulk is done by the keyboard, asks for the word, and says who was left out", async ({
  dana,
  admin,
}) => {
  const { last, clients } = await family(admin, [undefined, undefined]);
  const [first, second] = clients as [Client, Client];
  await admin.enrolled(first);
  const gone = await admin.invite(second);
  await admin.change(second, gone, "revoke");
  await chooseAll(dana, "", last, 2);
  await dana.getByRole("radio", { name: "Send invitations again" }).focus();
  await dana.keyboard.press("ArrowDown");
  await expect(dana.getByRole("radio", { name: "Revoke access" })).toBeChecked();
  await dana.keyboard.press("Enter");
  await expect(dana.getByRole("heading", { name: "1 person would change" })).toBeFocused();
  await expect(dana.getByText("Access is revoked: 1")).toBeVisible();
  await dana.keyboard.press("Tab");
  await dana.keyboard.press("Enter");
  const dialog = dana.getByRole("dialog", { name: "Revoke access in bulk?" });
  await expect(dialog.getByRole("textbox")).toBeFocused();
  await dana.keyboard.press("Enter");
  await expect(dialog.getByText("Type “revoke” to continue")).toBeVisible();
  await dana.keyboard.type("revoke");
  await dana.keyboard.press("Enter");
  await expect(dana.getByRole("heading", { name: "Access revoked in bulk", level: 1 })).toBeFocused();
  await expect(dana.getByText("Finished", { exact: true })).toBeVisible();
  expect((await admin.users(first)).map(({ status }) => status)).toEqual(["revoked"]);
});

test("a job is stopped and goes on; an auditor looks on", async ({ dana, admin, staff }) => {
  // More than a second's worth, so that it can be stopped.
  const emails = Array.from({ length: 30 }, () => `${unique()}@mail.example`);
  const { clients } = await family(admin, emails);
  const clientIds = clients.map(({ clientId }) => clientId);
  const { bulkId } = await admin.call<{ bulkId: string }>("POST", "/api/bulk", { action: "invite", clientIds });
  await dana.goto(`${staffOrigin()}/bulk/${bulkId}`);
  await dana.getByRole("button", { name: "Invite 30 clients" }).click();
  await dana.getByRole("button", { name: "Stop" }).click();
  await expect(dana.getByText("Somebody of the staff stopped it.")).toBeVisible();
  const ada = await staff("ada@harbor.example");
  await ada.goto(dana.url());
  await expect(ada.getByText("Stopped", { exact: true })).toBeVisible();
  await expect(ada.getByRole("button", { name: "Go on" })).toHaveCount(0);
  await dana.getByRole("button", { name: "Go on" }).click();
  await expect(dana.getByText("Finished", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(dana.getByText("30 of 30 done").first()).toBeVisible();
});
