// axe-core over every page and state of the console, in every look and language, wide and narrow.
import type { Page } from "@playwright/test";
import { expectAccessibleInAll } from "../accessibility";
import { type App, everyAlert } from "../apps";
import { choose, failOnce, openUsers } from "../console";
import {
  type Client,
  clientPage,
  type Desk,
  expect,
  forward,
  fullName,
  holdClock,
  ownerCard,
  request,
  rowOf,
  signInStaff,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

const STILL = { reducedMotion: "reduce" } as const;
const NARROW = { ...STILL, viewport: { width: 320, height: 640 } };
const GUEST = "Bram";

/** A chart with everything that a row can say. */
async function chart(desk: Desk): Promise<Client> {
  const client = await desk.client({ emails: ["somebody@mail.example"], phones: ["207-555-0100"] });
  await desk.enrolled(client);
  const name = { first: GUEST, last: client.name.last };
  const email = `${unique()}+bounce@mail.example`;
  const guest = await desk.invite(client, { name, relationship: "spouse", email });
  const revoked = await desk.invite(client, { name: { first: "Noa", last: "Levi" }, relationship: "other" });
  await desk.change(client, revoked, "revoke");
  await expect
    .poll(async () => JSON.stringify((await desk.users(client)).find((each) => each.email === guest.email)))
    .toContain("bounced");
  return client;
}

/** The states of a page, one after the other; `check` is called in each. */
type Walk = (page: Page, desk: Desk, check: (what: string) => Promise<void>) => Promise<void>;

const PAGES: Record<string, Walk> = {
  "signing in and searching": async (page, desk, check) => {
    const client = await chart(desk);
    await page.goto(staffOrigin());
    await expect(page.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
    await check("sign-in");
    await page.goto(`${staffOrigin()}/sign-in?problem=no_role`);
    await expect(page.getByRole("alert").first()).toBeVisible();
    await check("sign-in refused");
    await signInStaff(page, "dana@harbor.example");
    await expect(page.getByRole("button", { name: /^Correct and send/ }).first()).toBeVisible();
    await check("home");
    await page.getByRole("searchbox").fill(client.name.last);
    const found = page.getByRole("search").getByRole("button", { name: fullName(client.name) });
    await expect(found).toBeVisible();
    await check("search");
    await page.getByRole("searchbox").fill("qzxwvkjq");
    await expect(page.getByText("No client matches").last()).toBeVisible();
    await check("nothing found");
    await failOnce(page, "POST", /\/search$/, "cut");
    await page.getByRole("searchbox").fill(`${client.name.last} ${client.name.first}`);
    await expect(page.getByRole("search").getByRole("alert")).toBeVisible();
    await check("search failed");
    await page.getByRole("button", { name: "Try again" }).click();
    await found.click();
    await check("who was found");
    await page.getByRole("link", { name: "Go to Client Page" }).click();
    await expect(page.getByText("Contact information")).toBeVisible();
    await check("overview");
    await page.getByRole("searchbox").focus();
    await check("opened last");
    await page.goto(`${staffOrigin()}/nothing/here`);
    await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
    await check("not found");
    await page.goto(clientPage({ clientId: "nonsense" }));
    await expect(page.getByRole("heading", { name: "Client not found" })).toBeVisible();
    await check("no such client");
  },
  "the first page and the list of access": async (page, desk, check) => {
    await chart(desk);
    await signInStaff(page, "dana@harbor.example");
    await page.getByRole("button", { name: /^Correct and send/ }).first().click();
    await page.getByRole("dialog").getByLabel("E-mail address").fill("nonsense");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
    await check("an address is corrected, with a problem");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: /^Assign/ }).first().click();
    await expect(page.getByRole("dialog").getByRole("radio").first()).toBeVisible();
    await check("alerts are assigned");
    await failOnce(page, "GET", /\/api\/access\/summary$/, "busy");
    await page.reload();
    await expect(page.getByRole("alert").first()).toBeVisible();
    await check("home, failed");
    await page.goto(`${staffOrigin()}/access`);
    await expect(page.getByRole("rowheader").first()).toBeVisible();
    await check("access");
    await page.getByLabel("Name, record number or e-mail").fill("q");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("alert").first()).toBeVisible();
    await page.getByLabel("Name, record number or e-mail").fill("qzxwvkjq");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Nobody in this list matches.")).toBeVisible();
    await check("access, with nobody in it");
  },
  "the forms of a client": async (page, desk, check) => {
    const client = await chart(desk);
    await signInStaff(page, "dana@harbor.example");
    await page.goto(`${staffOrigin()}/clients/new`);
    await page.getByRole("button", { name: "Create Client" }).click();
    await expect(page.getByRole("alert").first()).toBeVisible();
    await check("new client, with problems");
    await page.goto(clientPage(client, "/edit"));
    await page.getByLabel("Professional").fill("Dr. Lima");
    const { version } = await desk.call<{ version: number }>("GET", `/api/clients/${client.clientId}`);
    await desk.call("PATCH", `/api/clients/${client.clientId}`, { version, professional: "Dr. Sato" });
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Somebody else changed" })).toBeVisible();
    await check("edit, too late");
    await page.goto(clientPage(client, "/history"));
    await expect(page.getByText("added the client")).toBeVisible();
    await page.locator("summary").click();
    await expect(page.getByLabel("By whom")).toBeVisible();
    await check("history, with its filter");
    await failOnce(page, "GET", /\/api\/.*\/history$/, "busy");
    await page.reload();
    await expect(page.getByRole("alert").first()).toBeVisible();
    await check("history, failed");
  },
  "the portal users": async (page, desk, check) => {
    const client = await chart(desk);
    const guest = { first: GUEST, last: client.name.last };
    await signInStaff(page, "dana@harbor.example");
    await openUsers(page, client);
    await check("portal users");
    await page.getByRole("button", { name: `More for ${fullName(client.name)}` }).click();
    await check("menu");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: `Delete ${fullName(client.name)}` }).click();
    await page.getByLabel("Type “delete” to confirm").fill("no");
    await page.keyboard.press("Enter");
    await check("delete, with a problem");
    await page.getByRole("button", { name: "Cancel" }).click();
    await choose(page, guest, "Resend Invite");
    await failOnce(page, "POST", /\/invitation$/, "busy");
    await page.getByRole("button", { name: "Confirm" }).click();
    await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
    await check("resend, failed");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("link", { name: "+ Add New User" }).click();
    await page.getByRole("button", { name: "Add User" }).click();
    await check("add, with problems");
    await page.getByRole("button", { name: "Cancel" }).click();
    await choose(page, client.name, "Revoke Access");
    await check("revoke");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
    await expect(toast(page)).toContainText("was revoked");
    await check("revoked");
    const bare = await desk.client();
    await page.goto(clientPage(bare, "/portal"));
    await expect(page.getByText("Nobody has access")).toBeVisible();
    await check("no portal users");
  },
  "communications, and the ends of a session": async (page, desk, check) => {
    const client = await chart(desk);
    const name = fullName(client.name);
    await holdClock(page);
    await signInStaff(page, "dana@harbor.example");
    const card = await ownerCard(page, client);
    await check("communications");
    await card.getByRole("button", { name: `More for ${name}` }).click();
    await card.getByRole("button", { name: "Change Ownership" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Change Ownership" }).click();
    await check("change ownership, with a problem");
    await page.keyboard.press("Escape");
    const bare = await desk.client({ emails: [`${unique()}@mail.example`] });
    await ownerCard(page, bare);
    await page.getByRole("button", { name: "Activate Client Portal Access" }).click();
    await check("first access");
    await page.getByRole("button", { name: "Cancel" }).click();
    await forward(page, "01:05");
    await forward(page, "28:10");
    await expect(page.getByRole("dialog", { name: "Are you still there?" })).toBeVisible();
    await check("about to end");
    await page.getByRole("button", { name: "Stay signed in" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await request(page, "DELETE", "/api/staff/session");
    await page.getByRole("link", { name: "Overview" }).click();
    await forward(page, "32:00");
    await expect(page.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
    await check("ended");
  },
  "the last alerts": async (page, desk, check) => {
    const client = await chart(desk);
    await signInStaff(page, "dana@harbor.example");
    await page.goto(clientPage(client, "/communications"));
    await expect(page.getByText("No alerts yet")).toBeVisible();
    await check("no alerts");
    const path = /\/alerts$/;
    await page.route(path, async (route) => route.fulfill({ json: { alerts: everyAlert(await desk.users(client)) } }), {
      times: 1,
    });
    await page.getByRole("button", { name: "Look again" }).click();
    await expect(page.getByRole("list", { name: "Last alerts" }).getByRole("listitem")).toHaveCount(6);
    await check("alerts in every state");
    await failOnce(page, "GET", path, "busy");
    await page.getByRole("button", { name: "Look again" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "could not answer" })).toBeVisible();
    await check("looking again failed");
    await failOnce(page, "GET", path, "busy");
    await page.reload();
    await expect(page.getByRole("alert").filter({ hasText: "could not answer" })).toBeVisible();
    await check("alerts, failed");
  },
  "apps and systems": async (page, _, check) => {
    await signInStaff(page, "dana@harbor.example");
    const main = page.getByRole("main");
    const dialog = page.getByRole("dialog");
    const apps = `${staffOrigin()}/apps`;
    const list = /\/api\/apps$/;
    await page.route(list, (route) => route.fulfill({ json: { apps: [] } }), { times: 1 });
    await page.goto(apps);
    await expect(page.getByText("Nothing is registered yet.")).toBeVisible();
    await check("no apps");
    await failOnce(page, "GET", list, "busy");
    await page.reload();
    await expect(main.getByRole("alert").filter({ hasText: "could not answer" })).toBeVisible();
    await check("apps, failed");
    await page.goto(`${apps}/new`);
    await page.getByRole("radio", { name: "System" }).check();
    await page.getByRole("radio", { name: "A key of its own" }).check();
    await page.getByRole("textbox", { name: "Public key 1" }).fill("{");
    await page.getByRole("button", { name: "Register" }).click();
    await expect(main.getByRole("alert").first()).toBeVisible();
    await check("a new system, with problems");
    await page.getByRole("radio", { name: "App" }).check();
    await page.getByRole("radio", { name: "A secret" }).check();
    const name = `Rooms ${unique()}`;
    await page.getByLabel("Name").fill(name);
    await page.getByRole("textbox", { name: "Address 1 of: Addresses for sign-in" }).fill("rooms");
    await page.getByRole("button", { name: "Register" }).click();
    await expect(main.getByRole("alert").first()).toBeVisible();
    await check("a new app, with problems");
    await page
      .getByRole("textbox", { name: "Address 1 of: Addresses for sign-in" })
      .fill(`https://${"rooms.".repeat(20)}example/in`);
    await page.getByLabel("Address of the tile").fill("https://rooms.example/");
    await page.getByRole("button", { name: "Register" }).click();
    await expect(page.getByRole("heading", { name: `Secret of ${name}` })).toBeVisible();
    await expect(page.getByRole("heading", { name: "Test sign-in" })).toBeVisible();
    const settings = page.locator("summary");
    await expect(settings).toHaveCount(5);
    for (const setting of await settings.all()) await setting.click();
    await expect(page.getByRole("region", { name: "nginx: auth_request", exact: true })).toBeVisible();
    await check("an app, with its secret and its settings");
    await page.getByRole("button", { name: "New secret" }).click();
    await check("a new secret");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("Type “delete” to confirm").fill("no");
    await page.keyboard.press("Enter");
    await check("deleting an app, with a problem");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Switch off" }).click();
    await check("switching off");
    await dialog.getByRole("button", { name: "Switch off" }).click();
    await expect(toast(page)).toContainText("is switched off");
    const system = { name: `Record ${unique()}`, kind: "system", authentication: "secret", scopes: ["clients", "alerts"] };
    const registered = JSON.parse((await request(page, "POST", "/api/apps", system)).text) as { app: App };
    await page.goto(`${apps}/${registered.app.appId.split(".")[1]}`);
    await expect(settings).toHaveCount(4);
    for (const setting of await settings.all()) await setting.click();
    await expect(page.getByRole("region", { name: "curl", exact: true })).toBeVisible();
    await check("a system, with its settings");
    await request(page, "DELETE", `/api/apps/${registered.app.appId}?confirm=delete`);
    await page.getByRole("main").getByRole("link", { name: "Apps & systems" }).click();
    await expect(rowOf(page, name)).toContainText("Off");
    await check("apps");
    await page.getByRole("link", { name: `Open ${name}` }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("Type “delete” to confirm").fill("delete");
    await page.keyboard.press("Enter");
    await expect(toast(page)).toContainText("was deleted");
    await page.goBack();
    await expect(page.getByRole("heading", { name: "App not found" })).toBeVisible();
    await check("no such app");
  },
  "what an auditor sees": async (page, desk, check) => {
    const client = await chart(desk);
    await signInStaff(page, "ada@harbor.example");
    await page.goto(`${staffOrigin()}/clients/new`);
    await expect(page.getByRole("heading", { name: "Your role cannot change anything" })).toBeVisible();
    await check("forbidden");
    await page.goto(`${staffOrigin()}/apps`);
    await expect(page.getByRole("heading", { name: "For administrators only" })).toBeVisible();
    await check("for administrators only");
    await openUsers(page, client);
    await expect(rowOf(page, GUEST)).toContainText("bounced");
    await check("portal users");
    // As the banner is drawn by what the browser says of its line.
    await page.evaluate(() => {
      Object.defineProperty(navigator, "onLine", { value: false });
      dispatchEvent(new Event("offline"));
    });
    await expect(page.getByText("You are offline.")).toBeVisible();
    await check("offline");
  },
};

for (const [width, options] of [
  ["wide", STILL],
  ["narrow", NARROW],
] as const) {
  for (const [pages, walk] of Object.entries(PAGES)) {
    test(`${pages}, ${width}`, async ({ browse, desk }) => {
      test.setTimeout(120_000);
      const page = await browse(options);
      await walk(page, desk, (what) => expectAccessibleInAll(page, what));
    });
  }
}
