// The first page shows what needs attention, with the one next step; "Access" lists everybody, to be narrowed,
// paged and taken along.
import { readFile } from "node:fs/promises";
import { expectAccessibleInAll } from "../accessibility";
import { tabTo } from "../focus";
import {
  capital,
  type Client,
  clientPage,
  Desk,
  expect,
  fullName,
  INVITATION,
  newClient,
  type Page,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

const trouble = (page: Page, name: string) => page.getByRole("region", { name });
const counts = (desk: Desk) =>
  desk.call<{ views: { view: string; count: number }[] }>("GET", "/api/access/summary");
const countOf = async (desk: Desk, view: string) =>
  (await counts(desk)).views.find((each) => each.view === view)?.count;

test("a trouble stands on the first page, its next step is taken, and it goes", async ({
  staff,
  mailbox,
}) => {
  // A practice in which no other test makes such troubles.
  const desk = await Desk.open("casey@cove.example", mailbox);
  // Names that come first: the page shows the first of each trouble.
  const named = () => desk.client({ name: { first: "Ilse", last: `Aa${unique()}` } });
  const unheard = await named();
  await desk.invite(unheard, { email: `${unique()}+bounce@mail.example` });
  const ownerless = await named();
  const owner = await desk.enrolled(ownerless);
  const name = { first: "Marguerite", last: ownerless.name.last };
  await desk.enrolled(ownerless, { name, relationship: "guardian" });
  const path = `/api/clients/${ownerless.clientId}/portal-users/${owner.portalUserId}`;
  await desk.call("DELETE", `${path}?confirm=delete`);
  await expect.poll(() => countOf(desk, "bounced")).toBe(1);

  const casey = await staff("casey@cove.example");
  const dialog = casey.getByRole("dialog");
  const home = casey.getByRole("heading", { name: "Today", level: 1 });

  await test.step("mail that came back: the address is corrected, and the invitation sent", async () => {
    const bounced = trouble(casey, "1 Mail that did not arrive");
    await expect(bounced.getByRole("listitem")).toContainText("no such mailbox");
    await tabTo(casey, bounced.getByRole("button", { name: "Correct and send" }), 12);
    await casey.keyboard.press("Enter");
    const email = `${unique()}@mail.example`;
    await dialog.getByLabel("E-mail address").fill("nonsense");
    await casey.keyboard.press("Enter");
    await expect(dialog.getByRole("link", { name: "Enter an e-mail address" })).toBeVisible();
    await dialog.getByLabel("E-mail address").fill(email);
    await casey.keyboard.press("Enter");
    await expect(toast(casey)).toContainText(`is on its way to ${email}`);
    await expect(bounced).toHaveCount(0);
    await expect(home).toBeFocused();
    await mailbox.wait(email, INVITATION);
  });

  await test.step("a chart without an owner gets one", async () => {
    const without = trouble(casey, "1 Charts without an owner");
    await without.getByRole("button", { name: `Choose the owner: ${fullName(ownerless.name)}` }).click();
    await dialog.getByRole("radio", { name: fullName(name) }).check();
    await dialog.getByRole("button", { name: "Change Ownership" }).click();
    await expect(toast(casey)).toContainText(`${fullName(name)} owns the chart now`);
    await expect(without).toHaveCount(0);
  });

  await test.step("alerts go to a person, and the focus to the list's heading", async () => {
    const alerts = trouble(casey, "Alerts that reach only the practice");
    const row = alerts.getByRole("listitem").filter({ hasText: fullName(ownerless.name) });
    await row.getByRole("button", { name: "Assign" }).click();
    await dialog.getByRole("button", { name: "Assign alerts" }).click();
    await expect(dialog.getByRole("link", { name: "Choose a person" })).toBeVisible();
    await dialog.getByRole("radio", { name: fullName(name) }).check();
    await dialog.getByRole("button", { name: "Assign alerts" }).click();
    await expect(toast(casey)).toContainText(`${fullName(name)} gets the alerts now`);
    await expect(row).toHaveCount(0);
    await expect(alerts.getByRole("heading")).toBeFocused();
  });
  expect(await countOf(desk, "bounced")).toBe(0);
  expect(await countOf(desk, "without-owner")).toBe(0);
});

test("what somebody else has done meanwhile is said, and goes", async ({ dana, desk }) => {
  const client = await desk.client({ name: { first: "Ilse", last: `Aa${unique()}` } });
  const user = await desk.invite(client);
  await dana.reload();
  const row = trouble(dana, "Alerts that reach only the practice")
    .getByRole("listitem")
    .filter({ hasText: fullName(client.name) });
  await expect(row).toBeVisible();
  const { portalUserId } = user;
  await desk.call("PUT", `/api/clients/${client.clientId}/alert-recipient`, { portalUserId });
  await row.getByRole("button", { name: "Assign" }).click();
  await expect(toast(dana)).toContainText("Somebody else has done this meanwhile.");
  await expect(row).toHaveCount(0);
});

test("alerts are offered to those alone who have an address", async ({ dana, desk }) => {
  const client = await desk.client({ name: { first: "Ilse", last: `Aa${unique()}` } });
  await desk.call("POST", `/api/clients/${client.clientId}/portal-users`, {
    name: client.name,
    username: unique(),
    relationship: "self",
    permissions: ["basic"],
  });
  const open = async () => {
    await dana.goto(staffOrigin());
    await trouble(dana, "Alerts that reach only the practice")
      .getByRole("button", { name: `Assign: ${fullName(client.name)}` })
      .click();
  };
  const dialog = dana.getByRole("dialog", { name: "Who gets the alerts?" });
  await open();
  await expect(dialog).toContainText("nobody who can enter has an e-mail address");
  await expectAccessibleInAll(dana, "nobody can get the alerts");
  await dialog.getByRole("link", { name: "Open Client Portal" }).click();
  await expect(dana).toHaveURL(clientPage(client, "/portal"));

  const vera = { first: "Vera", last: client.name.last };
  const user = await desk.invite(client, { name: vera, relationship: "spouse" });
  await open();
  await expect(dialog.getByRole("radio")).toHaveCount(1);
  await dialog.getByRole("radio", { name: fullName(vera) }).check();
  await desk.change(client, user, "revoke");
  await dialog.getByRole("button", { name: "Assign alerts" }).click();
  const refused = dialog.getByRole("alert").first();
  await expect(refused).toContainText("This person’s access was revoked meanwhile.");
  await expect(dialog).toContainText("nobody who can enter has an e-mail address");
  await expect(refused).toBeFocused();
});

test("the list of access is chosen, narrowed, paged and exported", async ({ dana, desk }) => {
  const professional = `Dr. ${capital(unique())}`;
  const body = { distinct: true, ...newClient(), professional };
  const client = await desk.call<Client>("POST", "/api/clients", body);
  const rows = dana.getByRole("rowheader");
  const link = dana.getByRole("navigation", { name: "The practice" }).getByRole("link", { name: "Access" });
  await link.click();
  await expect(dana.getByRole("heading", { name: "Access", level: 1 })).toBeFocused();
  await dana.getByRole("radio", { name: "Without access" }).check();
  await expect(dana).toHaveURL(`${staffOrigin()}/access?view=without-access`);
  await expect(rows).toHaveCount(50);
  await expect(dana.getByText("50 shown, there are more")).toBeVisible();
  await expect(dana.getByText("By the client’s last and first name")).toBeVisible();

  await dana.getByRole("button", { name: "Show more" }).click();
  await expect(rows).toHaveCount(100);
  await expect(rows.nth(50).getByRole("link")).toBeFocused();

  await test.step("the file has all of it", async () => {
    const coming = dana.waitForEvent("download");
    await dana.getByRole("button", { name: "Export as CSV" }).click();
    const file = await coming;
    expect(file.suggestedFilename()).toMatch(/^access-\d{4}-\d\d-\d\d\.csv$/);
    const lines = (await readFile(await file.path(), "utf8")).split("\r\n");
    expect(lines[0]).toBe('\uFEFF"Client","Record number","Professional"');
    expect(lines.length).toBeGreaterThan(300);
    expect(lines).toContain(`"${fullName(client.name)}","${client.recordNumber}","${professional}"`);
    await expect(rows).toHaveCount(100);
  });

  await test.step("narrowed by professional and by name, and nothing of it in the address", async () => {
    await dana.getByLabel("Professional").fill(professional);
    await dana.keyboard.press("Enter");
    await expect(rows).toHaveText([fullName(client.name)]);
    await dana.getByLabel("Name, record number or e-mail").fill("a");
    await dana.keyboard.press("Enter");
    await expect(dana.getByRole("link", { name: "Type at least two characters" })).toBeVisible();
    await dana.getByLabel("Professional").fill("");
    await dana.getByLabel("Name, record number or e-mail").fill(client.recordNumber);
    await dana.keyboard.press("Enter");
    await expect(rows).toHaveText([fullName(client.name)]);
    await expect(dana).toHaveURL(`${staffOrigin()}/access?view=without-access`);
    await dana.getByLabel("Name, record number or e-mail").fill("qzxwvkjq");
    await dana.keyboard.press("Enter");
    await expect(dana.getByText("Nobody in this list matches.")).toBeVisible();
    await dana.getByRole("button", { name: "Clear" }).click();
    await expect(rows).toHaveCount(50);
  });

  await test.step("a row leads to the client's portal users, and back to the same list", async () => {
    await dana.getByLabel("Name, record number or e-mail").fill(client.recordNumber);
    await dana.keyboard.press("Enter");
    await dana.getByRole("link", { name: fullName(client.name) }).click();
    await expect(dana).toHaveURL(clientPage(client, "/portal"));
    await dana.goBack();
    await expect(dana.getByRole("radio", { name: "Without access" })).toBeChecked();
  });
});

test("an auditor sees what needs attention, and no button", async ({ staff }) => {
  const ada = await staff("ada@harbor.example");
  const main = ada.getByRole("main");
  await expect(trouble(ada, "Alerts that reach only the practice").getByRole("listitem").first()).toBeVisible();
  await expect(main.getByRole("button")).toHaveCount(0);
  await expect(main.getByRole("link", { name: "+ New Client" })).toHaveCount(0);
  await ada.getByRole("link", { name: "Access", exact: true }).click();
  await expect(ada.getByRole("rowheader").first()).toBeVisible();
  await expect(main.getByRole("button")).toHaveText(["Show", "Clear", "Print", "Export as CSV"]);
});
