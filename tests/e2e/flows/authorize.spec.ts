// Clients on their way into an app: let in, asked to sign in first, or told why it leads nowhere.
import { expectFits } from "../accessibility";
import { openRooms, REDIRECT, test } from "../apps";
import { expectFocusKept, tabTo } from "../focus";
import { Portal } from "../portal";
import { asked, expect, harborPortal, type Page, PASSWORD, portalOrigin, unique } from "../world";

/** Where an app's page is reached, with what came along. */
async function arrived(page: Page): Promise<URLSearchParams> {
  await expect(page.getByRole("heading", { name: "Room" })).toBeVisible();
  const { origin, pathname, searchParams } = new URL(page.url());
  expect(origin + pathname).toBe(REDIRECT);
  return searchParams;
}

test("whoever is signed in is let in at once, and the app may ask until access is revoked", async ({
  room,
  desk,
  browse,
}) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeVisible();

  await page.goto(room.authorize());
  const came = await arrived(page);
  expect(came.get("state")).toBe("a state & more");
  expect(came.get("iss")).toBe(portalOrigin());
  const tokens = await room.tokens(page.url());
  expect(await room.isActive(tokens.access_token)).toBe(true);
  await desk.change(client, user, "revoke");
  expect(await room.isActive(tokens.access_token)).toBe(false);

  await test.step("and the way back leads past the page", async () => {
    await page.goBack();
    await expect(page).toHaveURL(harborPortal("sign-in"));
  });
});

test("whoever is signed out signs in on the way, and is told for which app", async ({
  register,
  desk,
  browse,
}) => {
  const room = await register({ name: "Messages & more" });
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(room.authorize({ login_hint: user.username }));
  await expect(portal.heading("signIn.title")).toBeFocused();
  await expect(page).toHaveTitle("Sign in to your Client Portal · Harbor Practice");
  await expect(page.getByText("Messages & more asks you to sign in.")).toBeVisible();
  await expect(portal.field("signIn.username")).toHaveValue(user.username);

  await portal.field("signIn.password").fill("not the password");
  await portal.button("signIn.action").click();
  await expect(page.getByRole("alert")).toContainText("The username or the password is not right.");
  await page.reload();
  await expect(page.getByText("Messages & more asks you to sign in.")).toBeVisible();
  await portal.field("signIn.password").fill(PASSWORD);
  await portal.button("signIn.action").dblclick();
  expect((await arrived(page)).get("state")).toBe("a state & more");
  expect(await room.isActive((await room.tokens(page.url())).access_token)).toBe(true);

  await test.step("and is in everywhere", async () => {
    await page.goto(harborPortal());
    await expect(portal.welcome).toBeVisible();
  });
});

test("an app that wants a fresh sign-in gets one, and then is content", async ({ room, desk, browse }) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeVisible();
  for (const changes of [{ prompt: "login" }, { max_age: "0" }]) {
    // Within the second of the last sign-in it is fresh enough for any age.
    await expect(async () => {
      await page.goto(room.authorize(changes));
      await expect(page.getByText("Messages asks you to sign in.")).toBeVisible({ timeout: 2000 });
    }).toPass();
    await portal.signIn(user.username);
    expect((await arrived(page)).has("code")).toBe(true);
  }
});

test("an app that expects somebody else is told that it is another who came", async ({ room, desk, browse }) => {
  const [ana, bo] = [await desk.enrolled(await desk.client()), await desk.enrolled(await desk.client())];
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(room.authorize());
  await portal.signIn(ana.username);
  await arrived(page);
  const { id_token: hint } = await room.tokens(page.url());
  const other = new Portal(await browse());
  await openRooms(other.page);
  await other.page.goto(room.authorize({ id_token_hint: hint }));
  await other.signIn(bo.username);
  expect((await arrived(other.page)).get("error")).toBe("login_required");
  await other.page.goto(room.authorize({ id_token_hint: hint, prompt: "login" }));
  await other.signIn(ana.username);
  expect((await arrived(other.page)).has("code")).toBe(true);
});

test("what an app may be told, it is told: the page stays out of it", async ({ room, desk, browse }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client, { permissions: ["basic"] });
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(room.authorize({ prompt: "none" }));
  expect((await arrived(page)).get("error")).toBe("login_required");
  await page.goto(room.authorize({ response_type: "token" }));
  expect((await arrived(page)).get("error")).toBe("unsupported_response_type");
  await page.goto(room.authorize());
  await portal.signIn(user.username);
  expect((await arrived(page)).get("error")).toBe("access_denied");
});

test("what is not an app's leads nowhere, and says why", async ({ room, register, admin, browse }) => {
  const off = await register({ name: "Old forms" });
  await admin.call("PATCH", `/api/apps/${off.app.appId}`, { version: 1, enabled: false });
  const page = await browse();
  const portal = new Portal(page);
  const left: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== portalOrigin()) left.push(request.url());
  });
  const invalid = portal.say("authorize.invalid");
  const address = portal.say("authorize.unknown_address");
  const app = portal.say("authorize.unknown_app");
  for (const [at, said, wrong] of [
    [room.authorize({ redirect_uri: "https://evil.example/in" }), address, "redirect_uri: unknown_address"],
    [room.authorize({ redirect_uri: `${REDIRECT}/further` }), address, "redirect_uri: unknown_address"],
    [room.authorize({ redirect_uri: "javascript:alert(1)" }), address, "redirect_uri: unknown_address"],
    [room.authorize({ redirect_uri: "" }), invalid, "redirect_uri: missing"],
    [room.authorize({ client_id: "nonsense" }), app, "client_id: unknown_app"],
    [room.authorize({ client_id: "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV" }), app, "client_id: unknown_app"],
    [off.authorize(), app, "client_id: unknown_app"],
    [`${portalOrigin()}/authorize`, invalid, "client_id: missing"],
    [`${room.authorize()}&redirect_uri=https%3A%2F%2Fevil.example%2F`, "more than once: redirect_uri.", ""],
    [`${room.authorize()}&scope=openid&state=x`, "more than once: scope and state.", ""],
  ] as const) {
    await page.goto(at);
    await expect(portal.heading("authorize.refusedTitle"), at).toBeFocused();
    await expect(page.getByText(said), at).toBeVisible();
    if (wrong) await expect(page.getByText(wrong), at).toBeVisible();
    expect(page.url()).toBe(at);
  }
  expect(left).toEqual([]);
  await page.goto(room.authorize({ redirect_uri: "https://evil.example/in" }));
  await expect(page.getByText("Harbor Practice")).toBeVisible();
  await portal.link("authorize.home").click();
  await expect(portal.heading("signIn.title")).toBeFocused();
});

test("a line that fails is said, and one press goes on where it failed", async ({ room, desk, browse }) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  const portal = new Portal(page);
  await openRooms(page);
  const note = page.getByRole("alert").filter({ hasText: "We could not reach the server." });
  const retry = portal.button("load.retry");

  await portal.failOnce("**/api/portal/authorization");
  await page.goto(room.authorize());
  await expect(note).toBeVisible();
  await expect(portal.heading("authorize.wait")).toBeVisible();
  await retry.click();
  await expect(portal.heading("signIn.title")).toBeFocused();

  const requests = asked(page);
  await portal.failOnce("**/api/portal/authorization");
  await portal.signIn(user.username);
  await expect(note).toBeVisible();
  await retry.dblclick();
  await arrived(page);
  expect(requests.filter((each) => each === "POST /api/portal/sign-in")).toHaveLength(1);

  await test.step("also when it is the page's own code that does not come", async () => {
    await portal.failOnce("**/assets/authorize-*.js");
    await page.goto(room.authorize());
    await expect(note).toBeVisible();
    await expect(portal.heading("load.failed")).toBeVisible();
    await retry.click();
    await arrived(page);
  });
});

test("a busy server is not taken for a refusal", async ({ room, browse }) => {
  const page = await browse();
  const portal = new Portal(page);
  await page.route("**/api/portal/authorization", (route) => route.fulfill({ status: 503, body: "" }), {
    times: 1,
  });
  await page.goto(room.authorize());
  await expect(page.getByRole("alert").filter({ hasText: "could not answer just now" })).toBeVisible();
  await portal.button("load.retry").click();
  await expect(portal.heading("signIn.title")).toBeFocused();
});

test("access that is not active is said on the way, too", async ({ room, desk, browse }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  await desk.change(client, user, "revoke");
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(room.authorize());
  await portal.signIn(user.username);
  await expect(portal.heading("signIn.inactiveTitle")).toBeFocused();
  await portal.button("signIn.back").click();
  await expect(page.getByText("Messages asks you to sign in.")).toBeVisible();
});

test("the app's language is taken, until another one is chosen here", async ({ room, browse }) => {
  const page = await browse();
  await page.goto(room.authorize({ ui_locales: "de fr-CA en" }));
  await expect(page.getByText("Messages vous demande de vous connecter.")).toBeVisible();
  await page.getByLabel("Langue").selectOption("Español");
  await expect(page.getByText("Messages le pide que inicie sesión.")).toBeVisible();
  await page.reload();
  await expect(page.getByText("Messages le pide que inicie sesión.")).toBeVisible();
});

test("with the keyboard alone, on a screen 320 px wide", async ({ register, desk, browse }) => {
  const room = await register({ name: `Messages${unique()}${unique()}${unique()}`.slice(0, 60) });
  const user = await desk.enrolled(await desk.client());
  const page = await browse({ viewport: { width: 320, height: 640 } });
  const portal = new Portal(page);
  await openRooms(page);
  await page.goto(room.authorize({ login_hint: user.username }));
  await expect(portal.heading("signIn.title")).toBeFocused();
  await expectFits(page, "sign-in for an app");
  await tabTo(page, portal.field("signIn.password"), 2);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await arrived(page);

  await page.goto(room.authorize({ redirect_uri: `https://${"long.".repeat(30)}example/` }));
  await expect(portal.heading("authorize.refusedTitle")).toBeFocused();
  await expectFits(page, "refused");
  await tabTo(page, portal.link("authorize.home"), 1);
  await page.keyboard.press("Enter");
  await expect(portal.welcome).toBeFocused();
  await expectFocusKept(page, "going home");
});
