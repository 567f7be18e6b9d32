// Two of the staff at the marks of safe contact, and a session that ends over them: nothing that was ticked is lost, and
// no mark comes back that somebody took away.
import type { Page } from "@playwright/test";
import {
  type Client,
  clientPage,
  type Desk,
  expect,
  request,
  signInStaff,
  test,
  toast,
  unique,
} from "../world";

interface Marked extends Client {
  safeContact: boolean;
  emails: { type: string; address: string; safe: boolean }[];
  version: number;
}

const as = (desk: Desk, client: Client) => desk.call<Marked>("GET", `/api/clients/${client.clientId}`);

/** Felix's change of the client, of whatever version. */
async function change(desk: Desk, client: Client, edit: object): Promise<void> {
  const { version } = await as(desk, client);
  await desk.call("PATCH", `/api/clients/${client.clientId}`, { version, ...edit });
}

const emailsOf = (...marks: [address: string, safe: boolean][]) => ({
  emails: marks.map(([address, safe]) => ({ type: "home", address, safe })),
});

/** The session ends, and Dana signs in again in another tab. */
async function endAndReturn(page: Page): Promise<void> {
  const look = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await request(page, "DELETE", "/api/staff/session");
  await look();
  await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
  const there = await page.context().newPage();
  await signInStaff(there, "dana@harbor.example");
  await there.close();
  await look();
}

const late = (page: Page) => page.getByRole("alert").filter({ hasText: "Somebody else changed this record" });
const save = (page: Page) => page.getByRole("button", { name: "Save" });

for (const [when, meanwhile] of [
  ["while the form was open", async () => {}],
  ["while the session was over", endAndReturn],
] as const) {
  test(`an address that was unmarked ${when} is not made safe again by an edit`, async ({ dana, desk }) => {
    const client = await desk.client();
    const [address, added] = [`${unique()}@mail.example`, `${unique()}@mail.example`];
    await change(desk, client, { safeContact: true, ...emailsOf([address, true]) });
    await dana.goto(clientPage(client, "/edit"));
    await dana.getByRole("button", { name: "Add an e-mail address" }).click();
    await dana.getByLabel("E-mail address 2", { exact: true }).fill(added);
    await change(desk, client, emailsOf([address, false]));
    await meanwhile(dana);
    await expect(dana.getByLabel("E-mail address 2", { exact: true })).toHaveValue(added);
    await save(dana).click();

    await expect(late(dana)).toBeFocused();
    await expect(late(dana).getByRole("listitem")).toHaveText(
      `E-mail addresses is now “${address}”. It was “${address} (marked as safe)”; you typed “${address}, ${added}”.`,
    );
    await expect(dana.getByRole("checkbox", { name: "Safe to write to E-mail address 1" })).not.toBeChecked();
    await save(dana).click();
    await expect(dana.getByRole("heading", { name: "Overview" })).toBeFocused();
    const { emails } = await as(desk, client);
    expect(emails).toEqual(emailsOf([address, false], [added, false]).emails);
  });
}

test("ticks of safe contact stay when somebody else has changed the client, and what they changed is named", async ({
  dana,
  desk,
}) => {
  const [safe, other] = [`${unique()}@mail.example`, `${unique()}@mail.example`];
  const client = await desk.client({ emails: [safe, other] });
  await change(desk, client, emailsOf([safe, false], [other, true]));
  await dana.goto(clientPage(client, "/safe"));
  const use = dana.getByRole("checkbox", { name: "Use safe contact" });
  await use.check();
  await dana.getByRole("checkbox", { name: safe }).check();
  await change(desk, client, { professional: "Dr. Sato", ...emailsOf([safe, false], [other, false]) });
  await save(dana).click();

  await expect(late(dana)).toBeFocused();
  await expect(late(dana).getByRole("listitem")).toHaveText(
    `E-mail addresses is now “${safe}, ${other}”. It was “${safe}, ${other} (marked as safe)”; ` +
      `you typed “${safe} (marked as safe), ${other}”.`,
  );
  await expect(use).toBeChecked();
  await expect(dana.getByRole("checkbox", { name: safe })).toBeChecked();
  await expect(dana.getByRole("checkbox", { name: other })).not.toBeChecked();
  await save(dana).click();
  await expect(toast(dana)).toContainText("Safe contact was saved.");
  await expect(dana.getByText("Safe contact is on.", { exact: true })).toBeVisible();
  await expect(late(dana)).toHaveCount(0);
  expect(await as(desk, client)).toMatchObject({
    safeContact: true,
    professional: "Dr. Sato",
    ...emailsOf([safe, true], [other, false]),
  });
});

test("ticks of safe contact outlast the session", async ({ dana, desk }) => {
  const safe = `${unique()}@mail.example`;
  const client = await desk.client({ emails: [safe] });
  await dana.goto(clientPage(client, "/safe"));
  await dana.getByRole("checkbox", { name: "Use safe contact" }).check();
  await dana.getByRole("checkbox", { name: safe }).check();
  await endAndReturn(dana);
  await expect(dana.getByRole("checkbox", { name: "Use safe contact" })).toBeChecked();
  await save(dana).click();
  await expect(toast(dana)).toContainText("Safe contact was saved.");
  expect(await as(desk, client)).toMatchObject({ safeContact: true, ...emailsOf([safe, true]) });
});
