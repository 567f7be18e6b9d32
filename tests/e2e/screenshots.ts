// The pictures of the README, taken of the sample practice in a home of its own: `npm run screenshots`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type App, REDIRECT, Room, ROOMS, system } from "./apps";
import {
  ANOTHER,
  CHANGED,
  type Client,
  expect,
  fillBirth,
  fillSignIn,
  GRANTED,
  harborPortal,
  INVITATION,
  linkIn,
  type Page,
  PASSWORD,
  type PortalUser,
  RESET,
  roomOrigin,
  rowOf,
  staffOrigin,
  test,
  toast,
} from "./world";

const MOVED = /^Your e-mail address .* was changed$/;
const RENAMED = /^Your sign-in name .* was changed$/;

const FOLDER = join(import.meta.dirname, "../../site/pictures");
const STILL = { reducedMotion: "reduce" } as const;
mkdirSync(FOLDER, { recursive: true });

/** What another program has of a few clients. */
const ROSTER = [
  "Record number,First name,Last name,Date of birth,E-mail",
  "HP-300001,Ines,Caldwell,03/25/1984,ines.caldwell@mail.example",
  "HP-300002,Ruben,Asante,11/02/1979,ruben.asante@mail.example",
  "HP-300003,Amara,Okafor,03/12/1984,amara@mail.example",
  "HP-300004,Lien,Vos,30753,lien.vos@mail.example",
  "HP-300005,Marek,Sobol,07/19/2001,marek at home",
];

test.describe.configure({ mode: "serial" });

async function picture(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({
    path: join(FOLDER, `${name}.png`),
    animations: "disabled",
    caret: "hide",
    ...options,
  });
}

/** A sample client's page, found as staff find it. */
async function open(page: Page, name: string, section: string): Promise<void> {
  await page.getByRole("searchbox", { name: "Search Clients" }).fill(name);
  await page.getByRole("list", { name: "Clients found" }).getByRole("button", { name }).first().click();
  await page.getByRole("link", { name: "Go to Client Page" }).click();
  await page.getByRole("navigation", { name: "Client" }).getByRole("link", { name: section }).click();
}

test("the first page, and the list of access", async ({ staff, desk }) => {
  const sample = async (recordNumber: string) => {
    const found = await desk.call<{ clients: Client[] }>("POST", "/api/clients/search", { query: recordNumber });
    return found.clients[0] as Client;
  };
  const abbott = await sample("HP-201000");
  const user = await desk.invite(abbott, { email: "amelia.abbott+bounce@mail.example" });
  const bruno = await sample("HP-201001");
  const owner = await desk.invite(bruno, { email: "bruno.abbott@mail.example" });
  const name = { first: "Greta", last: "Abbott" };
  await desk.invite(bruno, { name, email: "greta.abbott@mail.example", relationship: "parent" });
  const path = `/api/clients/${bruno.clientId}/portal-users/${owner.portalUserId}`;
  await desk.call("DELETE", `${path}?confirm=delete`);
  await expect
    .poll(async () => JSON.stringify((await desk.users(abbott)).find((each) => each.email === user.email)))
    .toContain("bounced");
  const page = await staff("dana@harbor.example", STILL);
  await expect(page.getByRole("button", { name: "Choose the owner: Bruno Abbott" })).toBeVisible();
  await picture(page, "today");
  await page.getByRole("link", { name: "Access", exact: true }).click();
  await expect(rowOf(page, "Tomás García Márquez")).toBeVisible();
  await picture(page, "access");
});

test("the pages about the practice", async ({ staff }) => {
  const page = await staff("dana@harbor.example", STILL);
  const go = (name: string) =>
    page.getByRole("navigation", { name: "The practice" }).getByRole("link", { name }).click();
  await go("Import");
  await page.getByLabel("File").setInputFiles({
    name: "clients.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(ROSTER.join("\r\n")),
  });
  await page.getByRole("button", { name: "Check the rows" }).click();
  await expect(page.getByText("4 of 4 rows checked").first()).toBeVisible();
  await page.getByText("4 of 4 rows checked").first().scrollIntoViewIfNeeded();
  await picture(page, "import", { fullPage: true });
  await go("Staff");
  await expect(rowOf(page, "Ada Lindqvist")).toBeVisible();
  await picture(page, "staff");
  await go("Settings");
  await page.getByLabel("Sender of mails").fill("Harbor Practice, front desk");
  await page.getByRole("region", { name: "The invitation as it will be sent" }).scrollIntoViewIfNeeded();
  await picture(page, "settings");
});

test("a change in bulk, before it is started", async ({ staff }) => {
  const page = await staff("dana@harbor.example", STILL);
  await page.goto(`${staffOrigin()}/access?view=without-access`);
  const boxes = page.getByRole("checkbox", { name: /^Choose / });
  await expect(boxes.first()).toBeVisible();
  for (const box of (await boxes.all()).slice(0, 5)) await box.check();
  await page.getByRole("button", { name: "Change 5 chosen…" }).click();
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("heading", { name: /would change$/ })).toBeVisible();
  await picture(page, "bulk", { fullPage: true });
});

test("the last alerts of a client", async ({ staff, desk, admin }) => {
  const registered = { ...system, name: "Lab results" };
  const { app, secret } = await admin.call<{ app: App; secret: string }>("POST", "/api/apps", registered);
  const lab = new Room(app, secret);
  const found = await desk.call<{ clients: Client[] }>("POST", "/api/clients/search", { query: "HP-200001" });
  const { clientId } = found.clients[0] as Client;
  const states = () =>
    desk.call<{ alerts: { state: string }[] }>("GET", `/api/clients/${clientId}/alerts`);
  const arrived = (...wanted: string[]) =>
    expect.poll(async () => (await states()).alerts.map(({ state }) => state)).toEqual(wanted);
  await lab.post({ clientId, kind: "document" });
  await arrived("delivered");
  await lab.post({ clientId, kind: "appointment" });
  await arrived("covered", "delivered");
  const page = await staff("dana@harbor.example", STILL);
  await open(page, "Amara Okafor", "Communications");
  await expect(page.getByRole("list", { name: "Last alerts" }).getByRole("listitem")).toHaveCount(2);
  await picture(page, "communications", { fullPage: true });
  await admin.call("DELETE", `/api/apps/${app.appId}?confirm=delete`);
});

test("a chart is closed", async ({ staff }) => {
  const page = await staff("dana@harbor.example", STILL);
  await open(page, "Amara Okafor", "Overview");
  await page.getByRole("button", { name: "Actions for the chart" }).click();
  await page.getByRole("button", { name: "Close chart" }).click();
  await page.getByRole("radio", { name: /^Left/ }).check();
  await picture(page, "closing");
});

test("the console in the dark, and on a telephone", async ({ staff }) => {
  const dark = await staff("dana@harbor.example", { ...STILL, colorScheme: "dark" });
  await open(dark, "Amara Okafor", "Client Portal");
  await expect(rowOf(dark, "Ngozi Okafor")).toBeVisible();
  await picture(dark, "dark");
  const phone = await staff("dana@harbor.example", { ...STILL, viewport: { width: 320, height: 640 } });
  await open(phone, "Amara Okafor", "Client Portal");
  await expect(phone.getByText("ngozi.O0")).toBeVisible();
  await picture(phone, "narrow");
});

test("the console", async ({ staff }) => {
  const page = await staff("dana@harbor.example", STILL);
  await page.getByRole("searchbox", { name: "Search Clients" }).fill("oka");
  await expect(page.getByRole("button", { name: "Amara Okafor" })).toBeVisible();
  await picture(page, "search");
  await page.getByRole("button", { name: "Amara Okafor" }).click();
  await picture(page, "who");
  await page.getByRole("link", { name: "Go to Client Page" }).click();

  await page.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).click();
  await expect(rowOf(page, "Ngozi Okafor")).toBeVisible();
  await picture(page, "portal-users");

  await page.getByRole("button", { name: "Delete Amara Okafor" }).click();
  await page.getByLabel("Type “delete” to confirm").fill("remove");
  await page.keyboard.press("Enter");
  await picture(page, "delete");
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "Communications" }).click();
  await page.locator("summary").click();
  await page.getByRole("button", { name: "More for Amara Okafor" }).click();
  await picture(page, "menu");
  await page.getByRole("button", { name: "Revoke Access" }).click();
  await picture(page, "revoke");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(page)).toContainText("was revoked");
  await picture(page, "revoked");
  await page.getByRole("button", { name: "Activate Client Portal Access" }).click();
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(toast(page)).toContainText("was activated");
  await page.getByRole("button", { name: "Dismiss this message" }).click();
  await page.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).click();
  await expect(page.getByText("Dana Whitfield activated Amara Okafor’s access")).toBeVisible();
  await picture(page, "history");
});

test("the sample room, open and shut", async ({ browse, desk }) => {
  const page = await browse({ ...STILL, viewport: { width: 720, height: 480 } });
  await page.goto(`${roomOrigin()}/`);
  await fillSignIn(page, "amara.okafor");
  await expect(page.getByRole("heading", { name: "Messages of Amara Okafor" })).toBeVisible();
  await picture(page, "room");
  const found = await desk.call<{ clients: { clientId: string }[] }>("POST", "/api/clients/search", {
    query: "HP-200001",
  });
  const path = `/api/clients/${found.clients[0]?.clientId}/portal-users`;
  const { portalUsers } = await desk.call<{ portalUsers: PortalUser[] }>("GET", path);
  const amara = portalUsers.find(({ username }) => username === "amara.okafor");
  await desk.call("POST", `${path}/${amara?.portalUserId}/revoke`);
  await page.getByRole("link", { name: "Welcome to your messages" }).click();
  await expect(page.getByRole("heading", { name: "Your access has ended" })).toBeVisible();
  await picture(page, "room-shut");
  await desk.call("POST", `${path}/${amara?.portalUserId}/activate`);
});

test("the mails and the portal", async ({ browse, desk, mailbox }) => {
  const found = await desk.call<{ clients: { clientId: string }[] }>("POST", "/api/clients/search", {
    query: "Wren Marsh",
  });
  const { clientId } = found.clients[0] as { clientId: string };
  const client = {
    clientId,
    name: { first: "Wren", last: "Marsh" },
    dateOfBirth: "2014-06-02",
    recordNumber: "",
  };
  const email = "rowan.marsh@mail.example";
  const user = await desk.invite(client, {
    name: { first: "Rowan", last: "Marsh" },
    email,
    relationship: "parent",
    permissions: ["basic", "messaging", "documents", "billing"],
  });
  const page = await browse({ ...STILL, viewport: { width: 1280, height: 720 } });
  await page.goto(linkIn(await mailbox.wait(email, INVITATION)));
  await fillBirth(page, "2014-06-02");
  await page.getByLabel("Client’s last name").fill("Marsh");
  await picture(page, "enroll");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await expect(page.getByRole("heading", { name: "Welcome, Rowan Marsh" })).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("Username").fill(email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("heading", { name: "Check your mail" })).toBeVisible();
  await page.goto(linkIn(await mailbox.wait(email, RESET)));
  await page.getByLabel("New password").fill(ANOTHER);
  await page.getByRole("button", { name: "Save the new password" }).click();
  await expect(page.getByRole("status")).toContainText("Your new password is set.");
  await desk.change(client, user, "revoke");
  await desk.change(client, user, "activate");
  const path = `/api/clients/${clientId}/portal-users`;
  const edit = async (change: object) => {
    const { portalUsers } = await desk.call<{ portalUsers: { portalUserId: string; version: number }[] }>(
      "GET",
      path,
    );
    const now = portalUsers.find(({ portalUserId }) => portalUserId === user.portalUserId);
    await desk.call("PATCH", `${path}/${user.portalUserId}`, { version: now?.version, ...change });
  };
  const moved = "rowan@mail.example";
  await edit({ email: moved });
  await mailbox.wait(email, MOVED);
  await edit({ username: "rowan.marsh" });

  await page.goto(harborPortal("sign-in"));
  await picture(page, "sign-in");
  await fillSignIn(page, "holly.marsh");
  await expect(page.getByRole("heading", { name: "Welcome, Holly Marsh" })).toBeVisible();

  for (const [to, subject, name] of [
    [email, INVITATION, "mail-invitation"],
    [email, GRANTED, "mail-access-granted"],
    [email, RESET, "mail-password-reset"],
    [email, CHANGED, "mail-password-changed"],
    [email, MOVED, "mail-email-replaced"],
    [moved, MOVED, "mail-email-changed"],
    [moved, RENAMED, "mail-username-changed"],
  ] as const) {
    const mail = await mailbox.wait(to, subject);
    const reader = await browse({ ...STILL, viewport: { width: 680, height: 400 } });
    await reader.goto(`${staffOrigin()}/mailbox/${mail.id}/html`);
    await picture(reader, name, { fullPage: true });
  }
  await page.goto(`${staffOrigin()}/mailbox`);
  await picture(page, "mailbox");
});

test("apps and systems, and the tiles that open them", async ({ staff, browse, admin }) => {
  const app = { kind: "portal", redirectUris: [REDIRECT], launchUrl: `${ROOMS}/`, authentication: "secret" };
  const there = (await admin.call<{ apps: App[] }>("GET", "/api/apps")).apps.map(({ name }) => name);
  const wanted = [
    { ...app, name: "Messages", permission: "messaging" },
    { ...app, name: "Documents", permission: "documents" },
    { ...app, name: "Bills", permission: "billing" },
    { name: "Practice record", kind: "system", authentication: "secret", scopes: ["clients", "alerts"] },
  ].filter(({ name }) => !there.includes(name));
  for (const each of wanted) await admin.call("POST", "/api/apps", each);

  const page = await staff("dana@harbor.example", STILL);
  await page.goto(`${staffOrigin()}/apps`);
  await expect(rowOf(page, "Practice record")).toBeVisible();
  await picture(page, "apps");
  const portal = await browse({ ...STILL, viewport: { width: 1280, height: 720 } });
  await portal.goto(harborPortal("sign-in"));
  await fillSignIn(portal, "holly.marsh");
  await expect(portal.getByRole("link", { name: "Documents" }).first()).toBeVisible();
  await picture(portal, "tiles");
});
