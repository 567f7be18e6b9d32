// The sample room, which is an app like any other: entered through the portal, shut by a revocation, left for
// good by signing out anywhere.
import { createSign, generateKeyPairSync } from "node:crypto";
import { request as send } from "node:http";
import { expectAccessible, expectFits } from "../accessibility";
import { tabTo } from "../focus";
import { Portal } from "../portal";
import {
  clientPage,
  type Client,
  expect,
  fullName,
  harborPortal,
  INVITATION,
  linkIn,
  type Page,
  PASSWORD,
  type PortalUser,
  portalOrigin,
  request,
  roomOrigin,
  staffOrigin,
  test as base,
  toast,
} from "../world";

class Room {
  constructor(readonly page: Page) {}

  /** Where a tile of the portal leads. */
  tile = (client: Client, issuer = portalOrigin()) =>
    `${roomOrigin()}/?${new URLSearchParams({ iss: issuer, chart: client.clientId })}`;

  messagesOf = (client: Client) =>
    this.page.getByRole("heading", { level: 1, name: `Messages of ${fullName(client.name)}` });

  get ended() {
    return this.page.getByRole("heading", { level: 1, name: "Your access has ended" });
  }

  /** The page says that access has ended, and nothing of the chart. */
  async expectShut(client: Client): Promise<void> {
    await expect(this.ended).toBeVisible();
    await expect(this.page.getByText(client.name.last)).toHaveCount(0);
    await expect(this.page.getByText("Welcome to your messages")).toHaveCount(0);
  }
}

/** Posts a logout notice, as a program does; answers the status. By address, since Node does not know that
 *  names below `localhost` are this machine. */
const notify = (token: string) =>
  new Promise<number | undefined>((answered, failed) => {
    const { host, port } = new URL(roomOrigin());
    const headers = { host, "Content-Type": "application/x-www-form-urlencoded" };
    const options = { method: "POST", host: "127.0.0.1", port, path: "/logout-notice", headers };
    send(options, (answer) => answered(answer.resume().statusCode))
      .once("error", failed)
      .end(new URLSearchParams({ logout_token: token }).toString());
  });

interface Inside {
  client: Client;
  user: PortalUser;
  room: Room;
  portal: Portal;
}

/** A client in front of their messages. */
const test = base.extend<{ inside: Inside }>({
  inside: async ({ desk, browse }, use) => {
    const client = await desk.client();
    const user = await desk.enrolled(client);
    const room = new Room(await browse());
    const portal = new Portal(room.page);
    await room.page.goto(`${roomOrigin()}/`);
    await expect(room.page.getByText("Messages asks you to sign in.")).toBeVisible();
    await portal.signIn(user.username);
    await expect(room.messagesOf(client)).toBeVisible();
    await use({ client, user, room, portal });
  },
});

test("a sample client opens the room from the portal and sees their chart", async ({ browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn("amara.okafor");
  await expect(portal.welcome).toBeVisible();
  const { text } = await request(page, "GET", "/api/portal/apps");
  const { apps } = JSON.parse(text) as { apps: { name: string; charts: { href: string }[] }[] };
  const tiles = apps.filter(({ charts }) => charts.some(({ href }) => href.startsWith(`${roomOrigin()}/?`)));
  expect(tiles.map(({ name }) => name)).toEqual(["Messages"]);
  await page.goto(tiles[0]?.charts[0]?.href ?? "");
  await expect(page.getByRole("heading", { name: "Messages of Amara Okafor" })).toBeVisible();
  await expect(page.getByText("Chart HP-200001")).toBeVisible();
  await page.getByRole("link", { name: "Before your next visit" }).click();
  await expect(page.getByRole("heading", { name: "Before your next visit" })).toBeVisible();
  await page.getByRole("link", { name: "Messages of Amara Okafor" }).click();
  await expect(page.getByText("Signed in as Amara Okafor")).toBeVisible();
  const cookies = await page.context().cookies(roomOrigin());
  const session = cookies.find(({ name }) => name === "__Host-latchkey-room");
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
});

test("the next click after a revocation is shut, and so is every other way in", async ({ inside, dana }) => {
  const { client, room, portal } = inside;
  await dana.goto(clientPage(client, "/portal"));
  await dana.getByRole("button", { name: `More for ${fullName(client.name)}` }).click();
  await dana.getByRole("button", { name: "Revoke Access" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(dana)).toContainText("was revoked");

  await room.page.getByRole("link", { name: "Welcome to your messages" }).click();
  await room.expectShut(client);
  await test.step("back shows nothing either", async () => {
    await room.page.goBack();
    await expect(room.page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(room.page.getByText(client.name.last)).toHaveCount(0);
  });
  await room.page.goto(room.tile(client));
  await expect(portal.heading("signIn.title")).toBeVisible();
  await portal.signIn(inside.user.username);
  await expect(portal.heading("signIn.inactiveTitle")).toBeFocused();
});

test("a parent of two sees the chart that is left, and no longer the other", async ({
  desk,
  mailbox,
  browse,
}) => {
  const [wren, silas] = [await desk.client(), await desk.client()];
  const email = `${wren.name.last.toLowerCase()}@mail.example`;
  const parent = { name: { first: "Holly", last: "Parent" }, email, relationship: "parent" };
  const first = await desk.enrolled(wren, parent);
  await desk.invite(silas, parent);
  const room = new Room(await browse());
  const portal = new Portal(room.page);
  await room.page.goto(linkIn(await mailbox.wait(email, INVITATION, 2)));
  await portal.prove(silas);
  await portal.field("existing.label").fill(PASSWORD);
  await portal.button("enroll.join").click();
  await expect(portal.welcome).toBeVisible();
  await room.page.goto(room.tile(silas));
  await expect(room.messagesOf(silas)).toBeVisible();
  await room.page.getByRole("navigation", { name: "Charts" }).getByRole("link").click();
  await expect(room.messagesOf(wren)).toBeVisible();

  await desk.change(wren, first, "revoke");
  await room.page.getByRole("link", { name: "Welcome to your messages" }).click();
  // A notice comes too, and ends no more than the chart that it is about.
  await expect(room.page.getByRole("heading", { name: "These messages are not open to you" })).toBeVisible();
  await expect(room.page.getByText(wren.name.last)).toHaveCount(0);
  await room.page.goto(room.tile(silas));
  await expect(room.messagesOf(silas)).toBeVisible();
  await expect(room.page.getByRole("navigation", { name: "Charts" })).toHaveCount(0);
  await room.page.goto(room.tile(wren));
  await expect(room.page.getByRole("heading", { name: "These messages are not open to you" })).toBeVisible();
});

test("a link to one message survives the sign-in", async ({ desk, browse }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const page = await browse();
  const link = `${roomOrigin()}/messages/2?chart=${client.clientId}`;
  await page.goto(link);
  await new Portal(page).signIn(user.username);
  await expect(page.getByRole("heading", { name: "Before your next visit" })).toBeVisible();
  await expect(page).toHaveURL(link);
});

test("signing out in the portal ends the room", async ({ inside }) => {
  const { client, room } = inside;
  const portal = new Portal(await room.page.context().newPage());
  await portal.page.goto(harborPortal());
  await portal.button("home.signOut").click();
  await expect(portal.heading("signIn.title")).toBeVisible();
  await room.page.getByRole("link", { name: "Welcome to your messages" }).click();
  await room.expectShut(client);
});

test("signing out in the room ends the portal", async ({ inside }) => {
  const { room, portal } = inside;
  await room.page.getByRole("button", { name: "Sign out" }).click();
  await expect(room.page.getByRole("heading", { name: "You are signed out" })).toBeVisible();
  await expect(room.page).toHaveURL((url) => url.origin === roomOrigin() && url.pathname === "/signed-out");
  await room.page.getByRole("link", { name: "Sign in again" }).click();
  await expect(portal.heading("signIn.title")).toBeVisible();
  await room.page.goto(harborPortal());
  await expect(portal.heading("signIn.title")).toBeVisible();
});

test("the room shows the person of now, not the one before", async ({ inside, desk }) => {
  const { client, room, portal } = inside;
  const another = await desk.client();
  const user = await desk.enrolled(another);
  await room.page.goto(harborPortal());
  await portal.button("home.signOut").click();
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeVisible();
  await room.page.goto(room.tile(another));
  await expect(room.messagesOf(another)).toBeVisible();
  await expect(room.page.getByText(client.name.last)).toHaveCount(0);
});

test("no other issuer opens the room", async ({ inside }) => {
  const { client, room } = inside;
  for (const issuer of ["https://evil.example", `${portalOrigin()}/`, ""]) {
    await room.page.goto(room.tile(client, issuer));
    await expect(
      room.page.getByRole("heading", { name: "This link does not come from your portal" }),
      issuer,
    ).toBeVisible();
    expect(new URL(room.page.url()).origin).toBe(roomOrigin());
  }
});

test("a forged notice ends nothing", async ({ inside, admin }) => {
  const { client, room } = inside;
  const { apps } = await admin.call<{ apps: { appId: string; launchUrl?: string }[] }>("GET", "/api/apps");
  const app = apps.find(({ launchUrl }) => launchUrl === `${roomOrigin()}/`);
  const keys = (await (await fetch(`${staffOrigin()}/api/portal/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const unsigned = [
    part({ alg: "ES256", typ: "logout+jwt", kid: keys.keys[0]?.kid }),
    part({
      iss: portalOrigin(),
      aud: app?.appId,
      iat: now,
      exp: now + 120,
      jti: "forged",
      sub: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    }),
  ].join(".");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signature = createSign("SHA256")
    .update(unsigned)
    .sign({ key: privateKey, dsaEncoding: "ieee-p1363" })
    .toString("base64url");
  expect(await notify(`${unsigned}.${signature}`)).toBe(400);
  await room.page.reload();
  await expect(room.messagesOf(client)).toBeVisible();
});

test("in every look, with the keyboard, and on a screen 320 px wide", async ({ inside }) => {
  const { client, room } = inside;
  const { page } = room;
  await page.setViewportSize({ width: 320, height: 640 });
  const states = [
    ["the messages", "/"],
    ["a message", `/messages/1?chart=${client.clientId}`],
    ["another chart", "/?chart=nonsense"],
    ["another issuer", "/?iss=https://evil.example"],
    ["not signed in here", "/signed-out"],
  ] as const;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [what, path] of states) {
      await page.goto(roomOrigin() + path);
      await expectAccessible(page, `${what}, ${colorScheme}`);
      await expectFits(page, what);
    }
  }
  await page.goto(`${roomOrigin()}/`);
  await tabTo(page, page.getByRole("link", { name: "Welcome to your messages" }), 1);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Welcome to your messages" })).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "Sign out" }), 2);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "You are signed out" })).toBeVisible();
});
