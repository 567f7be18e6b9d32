// Clients on their way out of an app: signed out everywhere, or asked first where it is not sure who is meant.
import { expectFits } from "../accessibility";
import { GOODBYE, openRooms, type Room, test } from "../apps";
import { tabTo } from "../focus";
import { Portal } from "../portal";
import { type Desk, expect, harborPortal, type Page, portalOrigin, request } from "../world";

const signOut = (asked: Record<string, string> = {}) =>
  `${portalOrigin()}/sign-out?${new URLSearchParams(asked)}`;

/** Signs a client in through the app, and answers the app's ID token. */
async function enter(page: Page, room: Room, desk: Desk): Promise<string> {
  const user = await desk.enrolled(await desk.client());
  await openRooms(page);
  await page.goto(room.authorize({ prompt: "login" }));
  await new Portal(page).signIn(user.username);
  await expect(page.getByRole("heading", { name: "Room" })).toBeVisible();
  return (await room.tokens(page.url())).id_token;
}

/** Whether the browser is signed in to the portal. */
async function isIn(page: Page): Promise<boolean> {
  await page.goto(`${portalOrigin()}/icon.svg`);
  return (await request(page, "GET", "/api/portal/session")).status === 200;
}

test("an app that shows the session's ID token signs out at once, in every tab", async ({
  room,
  desk,
  browse,
}) => {
  const page = await browse();
  const hint = await enter(page, room, desk);
  const other = new Portal(await page.context().newPage());
  await other.page.goto(harborPortal());
  await expect(other.welcome).toBeVisible();

  await page.goto(signOut({ id_token_hint: hint, post_logout_redirect_uri: GOODBYE, state: "x y" }));
  await expect(page).toHaveURL(`${GOODBYE}?state=x+y`);
  await expect(other.heading("signIn.title")).toBeVisible();
  await expect(other.page.getByRole("status")).toHaveText("You signed out in another tab.");
  expect(await isIn(page)).toBe(false);
});

test("nobody is sent to an address that is not registered", async ({ room, desk, browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  const hint = await enter(page, room, desk);
  await page.goto(signOut({ id_token_hint: hint, post_logout_redirect_uri: "https://evil.example/" }));
  await expect(portal.heading("signOut.doneTitle")).toBeFocused();
  expect(new URL(page.url()).origin).toBe(portalOrigin());
  expect(await isIn(page)).toBe(false);
});

test("without an ID token the person is asked, and may stay", async ({ room, desk, browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  await enter(page, room, desk);
  await page.goto(signOut({ client_id: room.app.appId, post_logout_redirect_uri: GOODBYE }));
  await expect(portal.heading("signOut.title")).toBeFocused();
  await expect(page.getByText("Harbor Practice")).toBeVisible();
  await portal.link("signOut.stay").click();
  await expect(portal.welcome).toBeFocused();

  await page.goBack();
  await portal.button("home.signOut").dblclick();
  await expect(page).toHaveURL(GOODBYE);
  expect(await isIn(page)).toBe(false);

  await test.step("also where no app is named, and nobody is signed in", async () => {
    await page.goto(signOut());
    await portal.button("home.signOut").click();
    await expect(portal.heading("signOut.doneTitle")).toBeFocused();
    await expect(portal.link("link.toSignIn")).toBeVisible();
  });
});

test("an app that means another session signs out nobody unasked", async ({ room, desk, browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  const before = await enter(page, room, desk);
  await enter(page, room, desk);
  await page.goto(
    signOut({ id_token_hint: before, client_id: room.app.appId, post_logout_redirect_uri: GOODBYE }),
  );
  await expect(portal.heading("signOut.title")).toBeFocused();
  await expect(page.getByText("means another sign-in than the one of this browser")).toBeVisible();
  expect(await isIn(page)).toBe(true);
  await page.goBack();
  await portal.button("home.signOut").click();
  await expect(page).toHaveURL(GOODBYE);
  expect(await isIn(page)).toBe(false);
});

test("an app that shows what is not its own is not listened to", async ({ room, register, desk, browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  const hint = await enter(page, room, desk);
  const other = await register({ name: "Documents" });
  for (const asked of [
    { id_token_hint: "nonsense" },
    { id_token_hint: hint, client_id: other.app.appId, post_logout_redirect_uri: GOODBYE },
    { id_token_hint: hint, state: "x".repeat(1001) },
  ]) {
    await page.goto(signOut(asked));
    await expect(portal.heading("signOut.title")).toBeFocused();
  }
  const twice = `${signOut({ id_token_hint: hint })}&id_token_hint=${hint}`;
  await page.goto(twice);
  await expect(portal.heading("signOut.title")).toBeFocused();
  expect(await isIn(page)).toBe(true);

  await page.goto(twice);
  await portal.button("home.signOut").click();
  await expect(portal.heading("signOut.doneTitle")).toBeFocused();
  expect(await isIn(page)).toBe(false);
});

test("a line that fails is said, and one press signs out after all", async ({ room, desk, browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  const hint = await enter(page, room, desk);
  const note = page.getByRole("alert").filter({ hasText: "We could not reach the server." });
  await portal.failOnce("**/api/portal/sign-out");
  await page.goto(signOut({ id_token_hint: hint }));
  await expect(note).toBeVisible();
  await portal.button("load.retry").click();
  await expect(portal.heading("signOut.doneTitle")).toBeFocused();

  await page.goto(signOut());
  await portal.failOnce("**/api/portal/sign-out");
  await portal.button("home.signOut").click();
  await expect(note).toBeVisible();
  await expect(portal.button("home.signOut")).toBeFocused();
  await portal.button("home.signOut").click();
  await expect(portal.heading("signOut.doneTitle")).toBeFocused();
});

test("with the keyboard alone, on a screen 320 px wide", async ({ browse }) => {
  const page = await browse({ viewport: { width: 320, height: 640 } });
  const portal = new Portal(page);
  await page.goto(signOut());
  await expect(portal.heading("signOut.title")).toBeFocused();
  await expectFits(page, "the question");
  await tabTo(page, portal.button("home.signOut"), 1);
  await page.keyboard.press("Enter");
  await expect(portal.heading("signOut.doneTitle")).toBeFocused();
  await expectFits(page, "signed out");
  await tabTo(page, portal.link("link.toSignIn"), 1);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
});
