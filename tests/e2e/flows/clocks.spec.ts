// Access with a clock: a last day is given, seen wherever it matters, and taken back; and the rules for when clients
// grow up.
import { expectAccessible, expectAccessibleInAll, expectFits } from "../accessibility";
import { choose, openUsers, section } from "../console";
import { tabTo } from "../focus";
import {
  capital,
  clientPage,
  expect,
  fullName,
  type Page,
  rowOf,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

const DAY_MS = 24 * 60 * 60 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
/** As an American types it into the parts of the field. */
const typed = (date: string) => date.replace(/^(\d+)-(\d+)-(\d+)$/, "$2$3$1");
const said = (date: string) =>
  new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone: "UTC" }).format(Date.parse(date));

const edit = async (page: Page, name: Parameters<typeof choose>[1]) => {
  await choose(page, name, "Edit");
  await expect(page.getByRole("dialog").getByLabel("Access until")).toBeVisible();
};

test("a last day is given with the keyboard alone, seen where it matters, and ends access", async ({ dana, desk }) => {
  const client = await desk.client({ name: { first: "Aaron", last: `Aaa${unique()}` } });
  await desk.enrolled(client);
  const who = fullName(client.name);
  const until = inDays(10);
  const row = rowOf(dana, who);
  const dialog = dana.getByRole("dialog");

  await test.step("given with the keyboard alone", async () => {
    await openUsers(dana, client);
    await edit(dana, client.name);
    await tabTo(dana, dialog.getByLabel("Access until"), 30);
    await dana.keyboard.type(typed(until));
    await expectAccessible(dana, "the dialog");
    await dana.keyboard.press("Enter");
    await expect(toast(dana)).toContainText(`${who}’s access was changed`);
    await expect(row).toContainText(`Until ${said(until)}`);
    await expect(row).toContainText(`Ends on ${said(until)}`);
    await expectAccessibleInAll(dana, "the portal users");
  });

  await test.step("on the first page, with a way to the client", async () => {
    await dana.goto(staffOrigin());
    const soon = dana.getByRole("region", { name: "Ending soon" });
    await expect(soon.getByRole("listitem").filter({ hasText: who })).toContainText(`Ends on ${said(until)}`);
    await expectAccessible(dana, "the first page");
    await soon.getByRole("link", { name: `Open client page: ${who}` }).click();
    await expect(row).toBeVisible();
  });

  await test.step("and in the list of what ends soon", async () => {
    await dana.goto(`${staffOrigin()}/access`);
    await dana.getByRole("radio", { name: "Ending soon" }).check();
    await expect(rowOf(dana, who)).toContainText(`Ends on ${said(until)}`);
    await expect(dana.getByRole("button", { name: "Change all…" })).toHaveCount(0);
    await expectAccessible(dana, "the list of what ends soon");
  });

  await test.step("a part of a day is no day, and takes none away", async () => {
    await openUsers(dana, client);
    await edit(dana, client.name);
    await dialog.getByLabel("Access until").focus();
    await dana.keyboard.press("Delete");
    await dana.keyboard.press("Enter");
    await expect(dialog.getByRole("link", { name: "Access until: enter the whole date" })).toBeVisible();
  });

  await test.step("a day that is over ends access at once", async () => {
    const over = inDays(-2);
    await dialog.getByLabel("Access until").fill(over);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(row).toContainText("No Portal Access");
    await expect(row).toContainText(`The last day was ${said(over)}`);
    await section(dana, "History").click();
    await expect(dana.getByText(`${who}’s access ended`)).toBeVisible();
    await expect(dana.getByText("Why: the last day is over")).toBeVisible();
  });

  await test.step("another day in the form gives it again at once, and the form says so", async () => {
    await openUsers(dana, client);
    await edit(dana, client.name);
    const again = dialog.getByText("Saving gives access again at once.");
    await dialog.getByLabel("Access until").fill(inDays(-3));
    await expect(again).toHaveCount(0);
    await dialog.getByLabel("Access until").fill(until);
    await expect(again).toBeVisible();
    await expectAccessible(dana, "the dialog that gives access again");
    await dialog.getByLabel("Access until").fill("");
    await expect(again).toBeVisible();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(toast(dana)).toContainText(`Access for ${who} was activated again`);
    await expect(row).toContainText("Active");
    await edit(dana, client.name);
    await dialog.getByLabel("Access until").fill(inDays(-2));
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(row).toContainText("No Portal Access");
  });

  await test.step("and is given again without it", async () => {
    await openUsers(dana, client);
    await choose(dana, client.name, "Activate Access");
    await expect(dialog).toContainText("The day until which it was open is removed.");
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await expect(row).toContainText("Active");
    await expect(row).not.toContainText("The last day was");
    const [user] = (await desk.users(client)) as { until?: string }[];
    expect(user?.until).toBeUndefined();
  });
});

test("a day of review and a last day are given with the access, and taken away", async ({ staff, desk }) => {
  const page = await staff("dana@harbor.example", { viewport: { width: 320, height: 700 }, colorScheme: "dark" });
  const client = await desk.client();
  const name = { first: "Ray", last: capital(unique()) };
  const [until, review] = [inDays(400), inDays(20)];
  const dialog = page.getByRole("dialog");
  const row = rowOf(page, fullName(name));
  await page.goto(clientPage(client, "/portal/new"));
  await dialog.getByLabel("First name").fill(name.first);
  await dialog.getByLabel("Last name").fill(name.last);
  await dialog.getByLabel("E-mail address").fill(`${unique()}@mail.example`);
  await dialog.getByRole("radio", { name: "Other" }).check();
  await dialog.getByLabel("Review on").fill(review);
  await expectFits(page, "the dialog to add somebody");
  await dialog.getByLabel("Access until").fill(inDays(-3));
  await dialog.getByRole("button", { name: "Add User", exact: true }).click();
  await expect(dialog.getByRole("link", { name: "Enter today or a later day" })).toBeVisible();
  await dialog.getByLabel("Access until").fill(until);
  await dialog.getByRole("button", { name: "Add User", exact: true }).click();
  await expect(row).toContainText(`Until ${said(until)}`);
  await expect(row).toContainText(`Review on ${said(review)}`);
  await expectAccessible(page, "the portal users");
  await expectFits(page, "the portal users");

  await edit(page, name);
  await dialog.getByLabel("Access until").fill("");
  await dialog.getByLabel("Review on").fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(row).not.toContainText("Until");
  await expect(row).not.toContainText("Review on");
  const [user] = (await desk.users(client)) as { until?: string; reviewOn?: string }[];
  expect([user?.until, user?.reviewOn]).toEqual([undefined, undefined]);
});

test("an admin says what parents and guardians keep when clients grow up", async ({ dana, admin, desk }) => {
  const rule = (n: number) => dana.getByRole("group", { name: `rule ${n}`, exact: true });
  const save = dana.getByRole("button", { name: "Save" });
  const saved = toast(dana).filter({ hasText: "The settings were saved." });
  const group = dana.getByRole("region", { name: "When clients grow up" });
  // Ages that nobody of the other tests has.
  await dana.goto(`${staffOrigin()}/settings`);
  await group.getByRole("button", { name: "Add an age" }).click();
  await expect(rule(1).getByLabel("from the client’s age")).toBeFocused();

  await test.step("mistakes are named where they are", async () => {
    await rule(1).getByLabel("from the client’s age").fill("121");
    await save.click();
    await expect(dana.getByRole("link", { name: "Rule 1: enter an age from 0 to 120" })).toBeVisible();
    await dana.getByRole("link", { name: "Rule 1: tick what they keep" }).click();
    await rule(1).getByLabel("from the client’s age").fill("119");
    await rule(1).getByRole("checkbox", { name: "Basic Functions" }).check();
    await group.getByRole("button", { name: "Add an age" }).click();
    await rule(2).getByLabel("from the client’s age").fill("119");
    await rule(2).getByRole("checkbox", { name: "Messaging" }).check();
    await save.click();
    await dana.getByRole("link", { name: "Each age can have one rule" }).click();
    await expect(rule(2).getByLabel("from the client’s age")).toBeFocused();
    await rule(2).getByLabel("from the client’s age").fill("120");
    await save.click();
    await expect(dana.getByRole("link", { name: "A later age can only take away more" })).toBeVisible();
    await expect(group.getByText("A later age can only take away more").first()).toBeVisible();
  });

  await test.step("what saving does is said, and done", async () => {
    await rule(2).getByRole("checkbox", { name: "No access" }).check();
    await expect(rule(2).getByRole("checkbox", { name: "Messaging" })).not.toBeChecked();
    await expect(dana.getByRole("listitem").filter({ hasText: "from 120: no access" })).toContainText("It counts at once");
    await expectAccessibleInAll(dana, "the rules");
    await dana.setViewportSize({ width: 320, height: 700 });
    await expectFits(dana, "the rules");
    await dana.setViewportSize({ width: 1280, height: 720 });
    await save.click();
    await expect(saved).toBeVisible();
    const { guardianRules } = await admin.call<{ guardianRules: object[] }>("GET", "/api/practice");
    expect(guardianRules).toEqual([
      { fromAge: 119, allows: ["basic"] },
      { fromAge: 120, allows: "none" },
    ]);
  });

  await test.step("an age narrows, and ends: the chart says so", async () => {
    const name = { first: "Gene", last: capital(unique()) };
    const birth = (age: number) => `${new Date().getUTCFullYear() - age}-01-02`;
    const old = await desk.client({ dateOfBirth: birth(119) });
    await desk.enrolled(old, { name, relationship: "guardian" });
    await openUsers(dana, old, name);
    await expect(rowOf(dana, fullName(name))).toContainText("Not at the client’s age: Messaging");
    const { version } = await desk.call<{ version: number }>("GET", `/api/clients/${old.clientId}`);
    await desk.call("PATCH", `/api/clients/${old.clientId}`, { version, dateOfBirth: birth(120) });
    await dana.reload();
    await expect(rowOf(dana, fullName(name))).toContainText("reached an age at which access of parents and guardians ends");
    await choose(dana, name, "Activate Access");
    await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await expect(dana.getByRole("alert").filter({ hasText: "change the relationship under Edit" })).toBeVisible();
    await dana.keyboard.press("Escape");
    await edit(dana, name);
    const dialog = dana.getByRole("dialog");
    await expect(dialog.getByText("Saving gives access again")).toHaveCount(0);
    await dialog.getByRole("radio", { name: "Other" }).check();
    await expect(dialog.getByText("Saving gives access again at once.")).toBeVisible();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(toast(dana)).toContainText(`Access for ${fullName(name)} was activated again`);
    await expect(rowOf(dana, fullName(name))).toContainText("Active");
  });

  await test.step("and rules go", async () => {
    await dana.goto(`${staffOrigin()}/settings`);
    await group.getByRole("button", { name: "Remove rule 2" }).click();
    await group.getByRole("button", { name: "Remove rule 1" }).click();
    await expect(group.getByRole("button", { name: "Add an age" })).toBeFocused();
    await expect(dana.getByRole("listitem").filter({ hasText: "comes back at once" })).toBeVisible();
    await save.click();
    await expect(saved).toBeVisible();
  });
});
