// The portal's home opens the apps: a tile for each that is there for a permission, on each chart that has it.
import { openRooms, ROOMS, test } from "../apps";
import { expectFocusKept, tabTo } from "../focus";
import { Portal } from "../portal";
import {
  type Client,
  type Desk,
  expect,
  fullName,
  harborPortal,
  INVITATION,
  linkIn,
  type Page,
  PASSWORD,
  portalOrigin,
  type PortalUser,
  unique,
} from "../world";

const chartOf = (page: Page, client: Client) =>
  page
    .getByRole("list", { name: "Charts" })
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name: fullName(client.name) }) });

const tile = (page: Page, name: string) => page.getByRole("link", { name });

async function enter(page: Page, { username }: PortalUser): Promise<Portal> {
  const portal = new Portal(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(username);
  await expect(portal.welcome).toBeFocused();
  return portal;
}

const permit = async (desk: Desk, client: Client, user: PortalUser, permissions: string[]) => {
  const path = `/api/clients/${client.clientId}/portal-users`;
  const { portalUsers } = await desk.call<{ portalUsers: { version: number }[] }>("GET", path);
  const version = portalUsers[0]?.version;
  await desk.call("PATCH", `${path}/${user.portalUserId}`, { version, permissions });
};

test("a tile opens its app for the chart it stands on, and no chart has one without the permission", async ({
  register,
  desk,
  browse,
  mailbox,
}) => {
  const rooms = `Sessions ${unique()}`;
  await register({ name: rooms, permission: "sessions", launchUrl: `${ROOMS}/start?from=tile` });
  const [older, younger] = [await desk.client(), await desk.client()];
  const parent = { name: { first: "Greta", last: "Lind" }, email: `${unique()}@mail.example` };
  await desk.enrolled(older, {
    ...parent,
    relationship: "parent",
    permissions: ["basic", "sessions", "surveys"],
  });
  await desk.invite(younger, { ...parent, relationship: "guardian", permissions: ["basic", "surveys"] });
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(linkIn(await mailbox.wait(parent.email, INVITATION, 2)));
  await portal.prove(younger);
  await portal.field("existing.label").fill(PASSWORD);
  await portal.button("enroll.join").click();
  await expect(portal.welcome).toBeFocused();

  const [first, second] = [chartOf(page, older), chartOf(page, younger)];
  await expect(first.getByRole("list", { name: `Open for ${fullName(older.name)}` })).toBeVisible();
  await expect(first.getByRole("link", { name: rooms })).toHaveText(
    `${rooms}Join online sessions and do the homework between them.`,
  );
  await expect(first.getByText("What else you may use")).toBeVisible();
  await expect(first.getByRole("term")).toHaveText(["Basic Functions", "View & Submit Surveys"]);
  await expect(second.getByRole("link", { name: rooms })).toHaveCount(0);
  await expect(second.getByText("What you may use")).toBeVisible();
  await expect(second.getByRole("term")).toHaveText(["Basic Functions", "View & Submit Surveys"]);

  // Tiles of apps that other tests register meanwhile may come before it.
  await tabTo(page, tile(page, rooms), await first.getByRole("link").count());
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Room" })).toBeVisible();
  const { pathname, searchParams } = new URL(page.url());
  expect([pathname, ...searchParams]).toEqual([
    "/start",
    ["from", "tile"],
    ["iss", portalOrigin()],
    ["chart", older.clientId],
  ]);
  await page.goBack();
  await expect(portal.welcome).toBeVisible();
  await expect(tile(page, rooms)).toHaveCount(1);
});

test("an app on the portal's own host is no page of the portal", async ({ register, desk, browse }) => {
  const [rooms, path] = [`Sessions ${unique()}`, `/${unique()}/rooms`];
  await register({ name: rooms, permission: "sessions", launchUrl: portalOrigin() + path });
  const page = await browse();
  await page.route(`**${path}?**`, (route) =>
    route.fulfill({ contentType: "text/html", body: '<html lang="en"><title>Room</title><h1>Room</h1></html>' }),
  );
  await enter(page, await desk.enrolled(await desk.client(), { permissions: ["sessions"] }));
  await tile(page, rooms).click();
  await expect(page.getByRole("heading", { name: "Room" })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe(path);
});

test("there is no tile for an app that has no address, is switched off, or serves nothing of the chart", async ({
  register,
  admin,
  desk,
  browse,
}) => {
  const [bare, off, open] = [`Bare ${unique()}`, `Off ${unique()}`, `Sessions ${unique()}`];
  const launchUrl = `${ROOMS}/`;
  await register({ name: bare, permission: "sessions" });
  const { app } = await register({ name: off, permission: "sessions", launchUrl });
  await admin.call("PATCH", `/api/apps/${app.appId}`, { version: app.version, enabled: false });
  await register({ name: open, permission: "sessions", launchUrl });
  const client = await desk.client();
  const user = await desk.enrolled(client, { permissions: ["sessions", "surveys"] });
  const page = await browse();
  await enter(page, user);
  const chart = chartOf(page, client);
  await expect(tile(page, open)).toBeVisible();
  await expect(tile(page, bare)).toHaveCount(0);
  await expect(tile(page, off)).toHaveCount(0);

  await test.step("a tile whose permission was taken away is gone when the page is looked at again", async () => {
    await permit(desk, client, user, ["surveys"]);
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(tile(page, open)).toHaveCount(0);
    await expect(chart.getByRole("term")).toHaveText("View & Submit Surveys");
  });
  await test.step("and one whose permission was given is there", async () => {
    await permit(desk, client, user, ["sessions", "surveys"]);
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(tile(page, open)).toBeVisible();
  });
});

test("the page says that it loads until the tiles are there too", async ({ register, desk, browse }) => {
  const rooms = `Sessions ${unique()}`;
  await register({ name: rooms, permission: "sessions", launchUrl: `${ROOMS}/` });
  const user = await desk.enrolled(await desk.client(), { permissions: ["sessions"] });
  const page = await browse();
  const portal = await enter(page, user);
  let letGo = () => {};
  const held = new Promise<void>((done) => (letGo = done));
  await page.route("**/api/portal/apps", (route) => held.then(() => route.continue()));
  const session = page.waitForResponse("**/api/portal/session");
  await page.reload();
  await (await session).finished();
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await expect(page.getByText("Loading")).toBeVisible();
  letGo();
  await expect(tile(page, rooms)).toBeVisible();
  await expect(portal.welcome).toBeVisible();
  await expect(page.getByText("Loading")).toHaveCount(0);
});

test("without an answer about the apps, the charts are there, and trying again brings the tiles", async ({
  register,
  desk,
  browse,
}) => {
  const rooms = `Sessions ${unique()}`;
  await register({ name: rooms, permission: "sessions", launchUrl: `${ROOMS}/` });
  const client = await desk.client();
  const user = await desk.enrolled(client, { permissions: ["sessions", "surveys"] });
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(harborPortal("sign-in"));
  await portal.failOnce("**/api/portal/apps");
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
  await expect(page.getByRole("alert").filter({ hasText: "We could not reach the server." })).toBeVisible();
  await expect(chartOf(page, client).getByRole("term")).toHaveText(["Session & Homework", "View & Submit Surveys"]);
  await portal.button("load.retry").click();
  await expect(tile(page, rooms)).toBeVisible();
  await expectFocusKept(page, "trying again");
});
