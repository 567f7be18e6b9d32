// The console's session: about to end, ended, left in another tab; and the way back and forward.
import type { Page } from "@playwright/test";
import { choose, openUsers, section } from "../console";
import { expectFocusKept } from "../focus";
import {
  type Client,
  clientPage,
  expect,
  forward,
  fullName,
  holdClock,
  request,
  rowOf,
  signInStaff,
  staffOrigin,
  test,
} from "../world";

/** The session ends at the server without this page's knowing. */
const endAtServer = (page: Page) => request(page, "DELETE", "/api/staff/session");

/** Nothing that the server said of a client is left, neither to be read nor to be found. */
async function expectGone(page: Page, { name, recordNumber }: Client): Promise<void> {
  for (const known of [name.last, recordNumber]) {
    await expect.poll(() => page.locator("html").evaluate((html) => html.outerHTML)).not.toContain(known);
    expect(await page.title()).not.toContain(known);
  }
}

/** The browser brings a page back as it was left; as Chromium does it, which the tests' keeps off. */
const comeBack = (page: Page) =>
  page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));

const ENDED = "Your session has ended";

test("warns two minutes before the end, and stays for one press", async ({ browse, desk }) => {
  const client = await desk.client();
  const page = await browse();
  await holdClock(page);
  await signInStaff(page, "dana@harbor.example");
  await page.goto(clientPage(client, "/edit"));
  await page.getByLabel("First name").fill("Ottilie");

  const warning = page.getByRole("dialog", { name: "Are you still there?" });
  // After a minute the page asks once more for the end that this work has moved.
  await forward(page, "01:05");
  await forward(page, "27:50");
  await expect(warning).toBeHidden();
  await forward(page, "00:20");
  await expect(warning).toContainText("you will be signed out in 2 minutes");
  const stay = warning.getByRole("button", { name: "Stay signed in" });
  await expect(stay).toBeFocused();
  await stay.click();
  await expect(warning).toBeHidden();
  await expect(page.getByLabel("First name")).toBeFocused();

  await test.step("work done meanwhile keeps it without a question", async () => {
    await forward(page, "20:00");
    await page.getByRole("searchbox").fill(client.name.last);
    await forward(page, "00:01");
    await expect(page.getByRole("search").getByRole("button", { name: client.name.last })).toBeVisible();
    await forward(page, "01:05");
    await forward(page, "27:50");
    await expect(warning).toBeHidden();
  });

  await test.step("and when it is over, what was typed can be copied and the way back is kept", async () => {
    await endAtServer(page);
    await forward(page, "31:00");
    const ended = page.getByRole("dialog", { name: "Your session has ended" });
    await expect(ended.getByRole("link", { name: "Sign in" })).toBeFocused();
    await expect(ended.getByLabel("First name")).toHaveValue("Ottilie");
    await expectGone(page, client);
    await ended.getByRole("button", { name: "Not now" }).click();
    await expectFocusKept(page, "putting the end aside");
    await expect(page.getByLabel("First name")).toHaveValue("Ottilie");
    await expect(page.getByRole("textbox")).toHaveCount(1);
    await expectGone(page, client);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("link", { name: /Dana Whitfield/ }).click();
    await expect(page).toHaveURL(clientPage(client, "/edit"));
  });
});

test("signing out in one tab empties the other, and signing in brings it back", async ({ staff, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const name = fullName(client.name);
  const here = await staff();
  await openUsers(here, client);
  const there = await here.context().newPage();
  await there.goto(staffOrigin());
  await there.getByRole("button", { name: "Sign out" }).click();
  await expect(there.getByRole("status")).toHaveText("You are signed out.");

  await expect(here.getByRole("status")).toHaveText(/^You were signed out in another tab\./);
  await expect(here.getByText(name)).toHaveCount(0);
  await here.bringToFront();
  await expect(here.getByRole("heading", { name: "Sign in to Latchkey" })).toBeFocused();
  await here.getByRole("link", { name: "Sign in" }).click();
  await here.getByRole("link", { name: /Dana Whitfield/ }).click();
  await expect(rowOf(here, name)).toBeVisible();
  await there.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect(there.getByRole("heading", { name: "Today", level: 1 })).toBeVisible();

  await test.step("what one tab changes, another that was left open hears of when it acts", async () => {
    await openUsers(there, client);
    await there.getByRole("button", { name: `Delete ${name}` }).click();
    await there.getByLabel("Type “delete” to confirm").fill("delete");
    await there.keyboard.press("Enter");
    await expect(rowOf(there, name)).toHaveCount(0);
    await here.getByRole("radio", { name: `Assign alerts to ${name}` }).click();
    await expect(here.getByRole("status")).toContainText(`Somebody else has deleted ${name} meanwhile.`);
    await expect(rowOf(here, name)).toHaveCount(0);
  });
});

test("a tab that slept through the end says so when it is looked at, and is nobody else's", async ({
  staff,
  desk,
}) => {
  const [earlier, client] = [await desk.client(), await desk.client()];
  const page = await staff();
  const look = () => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  const open = async (name: string) => {
    await page.getByRole("searchbox").fill(name);
    await page.getByRole("search").getByRole("button", { name }).click();
    await page.getByRole("link", { name: "Go to Client Page" }).click();
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  };
  await open(earlier.name.last);
  await open(client.name.last);
  await page.getByRole("searchbox").focus();
  const recent = page.getByRole("list", { name: "Opened last" });
  await expect(recent.getByRole("link")).toHaveCount(2);
  await page.keyboard.press("Escape");
  await endAtServer(page);
  await look();
  await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();

  const other = await page.context().newPage();
  await signInStaff(other, "felix@harbor.example");
  await look();
  await expect(page.getByRole("banner")).toContainText("Felix Moreno");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  // The page that was open is Felix's now; what else Dana had opened is gone.
  await expect(page.getByText("Contact information")).toBeVisible();
  await page.getByRole("searchbox").focus();
  await expect(recent.getByRole("link")).toHaveText([new RegExp(client.name.last)]);
});

test("whoever comes next sees nothing that was left standing", async ({ staff, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const name = fullName(client.name);
  const here = await staff();
  const there = await here.context().newPage();
  const look = () => here.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));

  await test.step("not what was said last", async () => {
    await openUsers(here, client);
    await choose(here, client.name, "Revoke Access");
    await here.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
    await expect(here.getByRole("status")).toContainText(`Portal access for ${name} was revoked.`);
    await here.getByRole("button", { name: "Sign out" }).click();
    await expect(here.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
    await signInStaff(there, "felix@harbor.example");
    await look();
    await expect(here.getByRole("banner")).toContainText("Felix Moreno");
    await expect(here.getByRole("status")).toHaveText("");
  });

  await test.step("nor a page whose session was over before somebody signed out elsewhere", async () => {
    await here.goto(clientPage(client));
    await expect(here.getByRole("heading", { level: 1, name })).toBeVisible();
    await endAtServer(here);
    await look();
    await expect(here.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
    await signInStaff(there, "dana@harbor.example");
    await there.getByRole("button", { name: "Sign out" }).click();
    await expect(here.getByRole("status")).toHaveText(/^You were signed out in another tab\./);
    await expect(here.getByText(name)).toHaveCount(0);
  });
});

for (const [way, end] of [
  [
    "the next answer says so",
    (page: Page) => page.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).click(),
  ],
  [
    "it is looked at again",
    (page: Page) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))),
  ],
  ["its window is chosen", (page: Page) => page.evaluate(() => dispatchEvent(new Event("focus")))],
  ["the browser comes back to it", comeBack],
] as const) {
  test(`a page whose session was ended is empty once ${way}`, async ({ dana, desk }) => {
    const client = await desk.client();
    await openUsers(dana, client, (await desk.invite(client)).name);
    await endAtServer(dana);
    await end(dana);
    await expect(dana.getByRole("dialog", { name: ENDED })).toBeVisible();
    await expectGone(dana, client);
  });
}

test("what was typed is back in its form for the same person, and for nobody else", async ({
  staff,
  desk,
}) => {
  const client = await desk.client();
  const here = await staff();
  const there = await here.context().newPage();
  const look = () => here.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  const form = here.getByRole("dialog", { name: "Add New User" });
  const end = async () => {
    await endAtServer(here);
    await look();
    await expect(here.getByRole("dialog", { name: ENDED }).getByLabel("First name")).toHaveValue("Ottilie");
    await expectGone(here, client);
  };

  await here.goto(clientPage(client, "/portal/new"));
  await form.getByLabel("First name").fill("Ottilie");
  await form.getByRole("checkbox", { name: "Messaging" }).check();
  await end();
  await expect(here.getByLabel("Permissions")).toHaveValue("Basic Functions; Messaging");
  await signInStaff(there, "dana@harbor.example");
  await look();
  await expect(form.getByLabel("First name")).toHaveValue("Ottilie");
  await expect(form.getByRole("checkbox", { name: "Messaging" })).toBeChecked();

  await end();
  await signInStaff(there, "felix@harbor.example");
  await look();
  await expect(here.getByRole("banner")).toContainText("Felix Moreno");
  await expect(form.getByLabel("First name")).toHaveValue("");
});

test("two people, two tabs: a page is of the person it shows, and signs out nobody else", async ({
  staff,
  desk,
}) => {
  const client = await desk.client();
  const here = await staff();
  await openUsers(here, client, (await desk.invite(client)).name);
  const there = await here.context().newPage();

  await test.step("what one practice's tab showed is gone when another practice's staff sign in", async () => {
    await signInStaff(there, "casey@cove.example");
    await expect(here.getByRole("heading", { name: "Client not found" })).toBeVisible();
    await expectGone(here, client);
  });

  await test.step("and a sign-out pressed by the one before ends nothing", async () => {
    await here.goto(staffOrigin());
    await expect(here.getByRole("banner")).toContainText("Cove");
    // Signed in by other means than a page, so that no page says so.
    const address = `${staffOrigin()}/api/staff/sign-in?login_hint=dana@harbor.example&returnTo=/mailbox`;
    await there.goto(address);
    await here.getByRole("button", { name: "Sign out" }).click();
    await expect(here.getByRole("banner")).toContainText("Harbor Practice");
    expect((await request(there, "GET", "/api/staff/session")).status).toBe(200);
  });
});

test("back and forward lead through pages, sections and dialogs", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const name = fullName(client.name);
  const dialog = dana.getByRole("dialog");
  await dana.getByRole("searchbox").fill(client.name.last);
  await dana.getByRole("search").getByRole("button", { name }).click();
  await dana.getByRole("link", { name: "Go to Client Page" }).click();
  await section(dana, "Client Portal").click();
  await dana.getByRole("link", { name: "+ Add New User" }).click();
  await expect(dialog).toBeVisible();
  await dana.goBack();
  await expect(dialog).toHaveCount(0);
  await expect(dana).toHaveURL(clientPage(client, "/portal"));
  await expectFocusKept(dana, "back from the dialog");
  await dana.goForward();
  await expect(dialog.getByLabel("First name")).toBeFocused();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dana.getByRole("link", { name: "+ Add New User" })).toBeFocused();
  await dana.goBack();
  await expect(dialog).toHaveCount(0);
  await dana.goBack();
  await expect(dana.getByRole("heading", { name: "Overview" })).toBeFocused();
  await dana.goBack();
  await expect(dana.getByRole("heading", { name: "Today", level: 1 })).toBeFocused();
  await dana.goForward();
  await expect(dana.getByRole("heading", { name, level: 1 })).toBeFocused();
  await expect(dana.getByText("Contact information")).toBeVisible();
  await dana.goForward();
  await expect(dana.getByRole("heading", { name: "Portal users" })).toBeFocused();

  await test.step("and a dialog opened by its address has a place to go", async () => {
    await dana.goto(clientPage(client, "/portal/new"));
    await expect(dialog.getByLabel("First name")).toBeFocused();
    await dana.keyboard.press("Escape");
    await expect(dana).toHaveURL(clientPage(client, "/portal"));
    await expectFocusKept(dana, "leaving a dialog that was opened by its address");
    await dana.goto(clientPage(client, "/portal/nobody"));
    await expect(dana.getByText("This person was deleted from the client’s portal users")).toBeVisible();
  });
});
