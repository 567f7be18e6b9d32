// axe-core over every page and state of the portal: in light, dark and forced colours, in every language;
// and each of them on a telephone's screen and with its text twice as large.
import { expectAccessible, expectFits } from "../accessibility";
import { GOODBYE, openRooms, ROOMS, test } from "../apps";
import { expectFocusKept } from "../focus";
import { type Language, LOCALE, Portal } from "../portal";
import {
  ANOTHER,
  expect,
  forward,
  fullName,
  harborPortal,
  holdClock,
  INVITATION,
  linkIn,
  type Page,
  PASSWORD,
  portalOrigin,
  type PortalUser,
  RESET,
} from "../world";

const LOOKS = [
  ["light", { colorScheme: "light", forcedColors: "none" }],
  ["dark", { colorScheme: "dark", forcedColors: "none" }],
  ["forced colours", { colorScheme: "dark", forcedColors: "active" }],
] as const;

async function expectGood(page: Page, what: string): Promise<void> {
  await expectFocusKept(page, what);
  for (const [look, media] of LOOKS) {
    await page.emulateMedia(media);
    await expectAccessible(page, `${what}, ${look}`);
  }
  const text = (size: string) => page.evaluate((size) => (document.documentElement.style.fontSize = size), size);
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  await expectFits(page, `${what}, narrow`);
  await page.setViewportSize({ width: 640, height: 640 });
  await text("200%");
  await expectFits(page, `${what}, large`);
  await text("");
  if (wide) await page.setViewportSize(wide);
}

for (const language of ["en", "es", "fr"] as const satisfies Language[]) {
  const browser = { locale: LOCALE[language], reducedMotion: "reduce" } as const;

  test(`the portal for who enrols, ${language}`, async ({ browse, desk, mailbox }) => {
    test.slow();
    const client = await desk.client();
    const user = await desk.invite(client, {
      permissions: ["basic", "messaging", "documents", "sessions", "billing", "surveys"],
    });
    const page = await browse(browser);
    const portal = new Portal(page, language);
    await holdClock(page);
    const good = (what: string) => expectGood(page, what);
    const link = linkIn(await mailbox.wait(user.email, INVITATION));

    await page.goto(harborPortal("enroll"));
    await expect(portal.heading("link.goneTitle")).toBeFocused();
    await good("a link that was not kept");
    await page.goto(harborPortal("enroll#nonsense"));
    await expect(portal.heading("enroll.deadTitle")).toBeFocused();
    await good("a dead link");
    await page.goto("about:blank");
    await portal.failOnce("**/api/portal/enrollment/check");
    await page.goto(link);
    await expect(portal.button("load.retry")).toBeVisible();
    await good("an invitation that could not be looked at");
    await portal.button("load.retry").click();
    await expect(portal.heading("enroll.proveTitle")).toBeFocused();
    await good("proof");
    await portal.button("enroll.next").click();
    await expect(portal.link("enroll.needLastName")).toBeVisible();
    await good("proof, with problems");
    await portal.prove(client);
    await portal.field("new.label").fill("harbor");
    await good("password, with advice");
    await portal.button("enroll.finish").click();
    await expect(page.getByRole("alert")).toContainText(portal.say("invalid.too_short", { limit: "15" }));
    await good("password, refused");
    await portal.button("enroll.back").click();
    await portal.prove({ name: { first: "", last: "Nobody" }, dateOfBirth: client.dateOfBirth });
    await portal.field("new.label").fill(PASSWORD);
    await portal.button("enroll.finish").click();
    await expect(page.getByRole("alert")).toContainText(portal.say("enroll.proofFailed"));
    await good("proof, refused");
    await portal.prove(client);
    await portal.field("new.label").fill(PASSWORD);
    await portal.button("enroll.finish").click();
    await expect(portal.heading("home.title", { name: fullName(client.name) })).toBeFocused();
    await good("home, just enrolled");
    await page.context().setOffline(true);
    await expect(page.getByRole("alert")).toHaveText(portal.say("offline"));
    await good("offline");
    await forward(page, "08:10");
    await portal.button("session.stay").click();
    await expect(page.getByRole("dialog").getByRole("alert")).toHaveText(portal.say("failure.unreachable"));
    await good("session about to end");
    await page.context().setOffline(false);
    await portal.button("session.stay").click();
    await expect(page.getByRole("dialog")).toBeHidden();

    await page.goto("about:blank");
    await page.goto(link);
    await expect(portal.heading("enroll.usedTitle")).toBeFocused();
    await good("an invitation that was used");
    const other = await desk.invite(client, { relationship: "spouse" });
    const replaced = linkIn(await mailbox.wait(other.email, INVITATION));
    await desk.change(client, other, "invitation");
    await page.goto(replaced);
    await expect(portal.heading("enroll.expiredTitle")).toBeFocused();
    await good("an invitation that expired");
    const again = await desk.client({ name: client.name, dateOfBirth: "1990-02-03" });
    await desk.invite(again, { email: user.email, relationship: "parent" });
    await page.goto(linkIn(await mailbox.wait(user.email, INVITATION, 2)));
    await portal.prove(again);
    await expect(portal.heading("enroll.existingTitle")).toBeFocused();
    await good("the password that one has");
  });

  test(`the portal for who comes back, ${language}`, async ({ browse, desk, mailbox }) => {
    test.slow();
    const client = await desk.client();
    const user = await desk.enrolled(client, { permissions: [] });
    const page = await browse(browser);
    const portal = new Portal(page, language);
    await holdClock(page);
    const good = (what: string) => expectGood(page, what);

    await portal.failOnce(`**/assets/portal.${language}-*.json`);
    await page.goto(portalOrigin());
    await expect(page.getByRole("alert")).toContainText("We could not reach the server.");
    await page.getByRole("button", { name: "Try again" }).focus();
    await good("without words");
    await portal.failOnce("**/config.json");
    await page.goto(portalOrigin());
    await expect(portal.heading("load.failed")).toBeFocused();
    await good("without practices");
    await portal.button("load.retry").click();
    await expect(portal.heading("choose.title")).toBeFocused();
    await good("the choice of practices");
    await page.goto(harborPortal("nothing"));
    await expect(portal.heading("notFound.title")).toBeFocused();
    await good("not found");
    await portal.link("link.toSignIn").click();
    await expect(portal.heading("signIn.title")).toBeFocused();
    await good("sign-in");
    await portal.button("signIn.action").click();
    await expect(portal.link("signIn.needPassword")).toBeVisible();
    await good("sign-in, with problems");
    await portal.signIn(user.username);
    await expect(portal.heading("home.title", { name: fullName(client.name) })).toBeFocused();
    await good("home, without permissions");
    await portal.button("home.signOut").click();
    await expect(page.getByRole("status")).toHaveText(portal.say("signIn.out"));
    await good("signed out");
    await desk.change(client, user, "revoke");
    await portal.signIn(user.username);
    await expect(portal.heading("signIn.inactiveTitle")).toBeFocused();
    await good("not active");
    await desk.change(client, user, "activate");

    await page.goto(harborPortal("reset"));
    await expect(portal.heading("reset.title")).toBeFocused();
    await good("forgotten password");
    await portal.field("reset.who").fill(user.username);
    await portal.button("reset.action").click();
    await expect(portal.heading("reset.sentTitle")).toBeFocused();
    await good("a link was sent");
    const link = linkIn(await mailbox.wait(user.email, RESET));
    await page.goto(link);
    await expect(portal.heading("password.title")).toBeFocused();
    await portal.field("new.label").fill(ANOTHER);
    await good("new password");
    await portal.button("password.action").click();
    await expect(page.getByRole("status")).toHaveText(portal.say("signIn.changed"));
    await good("a password was set");
    await page.goto(link);
    await portal.field("new.label").fill("copper window gallery 42");
    await portal.button("password.action").click();
    await expect(portal.heading("password.deadTitle")).toBeFocused();
    await good("a reset that was used");

    await page.goto(harborPortal("sign-in"));
    for (let attempt = 1; attempt <= 6; attempt++) {
      const answered = page.waitForResponse("**/api/portal/sign-in");
      await portal.signIn(user.username, `wrong password number ${attempt}`);
      await answered;
    }
    await expect(portal.heading("locked.title")).toBeFocused();
    await good("locked");
    await forward(page, "01:10");
    await expect(page.getByRole("status")).toHaveText(portal.say("locked.over"));
    await good("no longer locked");
  });

  test(`the portal on the way into an app and out of it, ${language}`, async ({ browse, desk, register }) => {
    test.slow();
    const name = "Messages, appointments and documents of the care team";
    const room = await register({ name, launchUrl: `${ROOMS}/` });
    const [user, other] = [await desk.enrolled(await desk.client()), await desk.enrolled(await desk.client())];
    const page = await browse(browser);
    const portal = new Portal(page, language);
    const good = (what: string) => expectGood(page, what);
    const asks = portal.say("authorize.asks", { app: room.app.name });
    const signOut = (hint = "") => `${portalOrigin()}/sign-out?id_token_hint=${hint}&client_id=${room.app.appId}`;
    await openRooms(page);

    await portal.failOnce("**/assets/authorize-*.js");
    await page.goto(room.authorize());
    await expect(portal.heading("load.failed")).toBeVisible();
    await portal.button("load.retry").focus();
    await good("without the page's code");
    await portal.failOnce("**/api/portal/authorization");
    await page.goto(room.authorize());
    await expect(portal.button("load.retry")).toBeVisible();
    await good("an app that could not be asked about");
    await portal.button("load.retry").click();
    await expect(page.getByText(asks)).toBeVisible();
    await good("sign-in for an app");
    await page.goto(room.authorize({ redirect_uri: `https://${"long.".repeat(30)}example/` }));
    await expect(portal.heading("authorize.refusedTitle")).toBeFocused();
    await good("an address that is not the app's");
    await page.goto(`${room.authorize()}&state=x&redirect_uri=x`);
    await expect(portal.heading("authorize.refusedTitle")).toBeFocused();
    await good("something that comes twice");

    const enter = async ({ username }: PortalUser) => {
      await page.goto(room.authorize({ prompt: "login" }));
      await portal.signIn(username);
      await expect(page).toHaveURL(/[?&]code=/);
      return (await room.tokens(page.url())).id_token;
    };
    const before = await enter(other);
    await enter(user);
    await page.goto(harborPortal());
    await expect(page.getByRole("link", { name })).toBeVisible();
    await good("home, with a tile");
    await portal.failOnce("**/api/portal/apps");
    await page.reload();
    await expect(portal.button("load.retry")).toBeVisible();
    await good("home, whose tiles did not come");
    await page.goto(signOut(before));
    await expect(portal.heading("signOut.title")).toBeFocused();
    await expect(page.getByText(portal.say("signOut.another"))).toBeVisible();
    await good("somebody else's session is meant");
    await page.goto(signOut());
    await expect(portal.heading("signOut.title")).toBeFocused();
    await good("signing out, asked");
    await portal.failOnce("**/api/portal/sign-out");
    await portal.button("home.signOut").click();
    await expect(page.getByRole("alert").filter({ hasText: portal.say("failure.unreachable") })).toBeVisible();
    await good("signing out, failed");
    await portal.button("home.signOut").click();
    await expect(portal.heading("signOut.doneTitle")).toBeFocused();
    await good("signed out of an app");
    await page.goto(`${signOut()}&post_logout_redirect_uri=${GOODBYE}`);
    await portal.button("home.signOut").click();
    await expect(page).toHaveURL(GOODBYE);
  });
}
