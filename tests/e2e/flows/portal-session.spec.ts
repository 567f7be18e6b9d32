// A session's end, near and reached, in one tab and in two; and a line that is cut.
import { expectFocusKept } from "../focus";
import { Portal } from "../portal";
import {
  expect,
  forward,
  fullName,
  harborPortal,
  holdClock,
  type Page,
  PASSWORD,
  request,
  test,
} from "../world";

/** Signed in, in a browser whose clock can be turned. */
async function signedIn(page: Page, username: string): Promise<Portal> {
  const portal = new Portal(page);
  await holdClock(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(username);
  await expect(portal.welcome).toBeFocused();
  return portal;
}

/** The server's own end comes ten minutes later than a test can wait; here it is the same to the page. */
const endAtServer = (page: Page) =>
  page.evaluate(async () => (await fetch("/api/portal/session", { method: "DELETE" })).status);

test("warns before the end, stays for one press, and leads to the sign-in when it is over", async ({
  desk,
  browse,
}) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  const portal = await signedIn(page, user.username);
  const warning = page.getByRole("dialog", { name: "Are you still there?" });

  await forward(page, "07:50");
  await expect(warning).toBeHidden();
  await forward(page, "00:20");
  await expect(warning).toContainText("you will be signed out in 2 minutes");
  await expect(portal.button("session.stay")).toBeFocused();
  await forward(page, "01:10");
  await expect(warning).toContainText("you will be signed out in 45 seconds");
  await portal.button("session.stay").dblclick();
  await expect(warning).toBeHidden();
  await expectFocusKept(page, "staying");

  await test.step("Escape means being there too, and a lost answer brings the question back", async () => {
    await forward(page, "08:10");
    await expect(warning).toBeVisible();
    await portal.failOnce("**/api/portal/session");
    await page.keyboard.press("Escape");
    await expect(warning.getByRole("alert")).toContainText("We could not reach the server.");
    await expect(portal.button("session.stay")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(warning).toBeHidden();
    await expectFocusKept(page, "staying after all");
  });

  expect(await endAtServer(page)).toBe(204);
  await forward(page, "10:10");
  await expect(portal.heading("signIn.title")).toBeFocused();
  await expect(page.getByRole("status")).toHaveText("Your session has ended. Please sign in again.");
  await expect(page).toHaveURL(harborPortal("sign-in"));

  // Who comes and goes in another tab is nothing to one where nobody is.
  const other = new Portal(await page.context().newPage());
  await other.page.goto(harborPortal("sign-in"));
  await other.signIn(user.username);
  await other.button("home.signOut").click();
  await expect(other.page.getByRole("status")).toHaveText("You are signed out.");
  await expect(page.getByRole("status")).toHaveText("Your session has ended. Please sign in again.");
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
});

test("two people, two tabs: a page shows who is in, and signs out nobody else", async ({ desk, browse }) => {
  const [ana, bo] = [await desk.client(), await desk.client()];
  const here = await browse();
  const portal = await signedIn(here, (await desk.enrolled(ana)).username);
  const other = await desk.enrolled(bo);
  const there = new Portal(await here.context().newPage());
  const heading = here.getByRole("heading", { level: 1 });

  await there.page.goto(harborPortal("sign-in"));
  await there.signIn(other.username);
  await expect(heading).toHaveText(`Welcome, ${fullName(bo.name)}`);
  expect(await here.content()).not.toContain(ana.name.last);

  await test.step("also where no page said so", async () => {
    const body = { practice: "harbor", username: (await desk.enrolled(ana)).username, password: PASSWORD };
    expect((await request(there.page, "POST", "/api/portal/sign-in", body)).status).toBe(200);
    await portal.button("home.signOut").click();
    await expect(heading).toHaveText(`Welcome, ${fullName(ana.name)}`);
    expect(await here.content()).not.toContain(bo.name.last);
    expect((await request(there.page, "GET", "/api/portal/session")).status).toBe(200);
  });
});

test("a page that the browser comes back to shows no chart before it is known for whom", async ({
  desk,
  browse,
}) => {
  const client = await desk.client();
  const page = await browse();
  const portal = await signedIn(page, (await desk.enrolled(client)).username);
  const transition = (name: string) =>
    page.evaluate((name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })), name);

  await transition("pagehide");
  await expect.poll(() => page.content()).not.toContain(client.name.last);
  await transition("pageshow");
  await expect(portal.welcome).toBeVisible();

  await endAtServer(page);
  let letGo = () => {};
  const held = new Promise<void>((done) => (letGo = done));
  await page.route("**/api/portal/session", (route) => held.then(() => route.continue()));
  await transition("pageshow");
  await expect.poll(() => page.content()).not.toContain(client.name.last);
  letGo();
  await expect(portal.heading("signIn.title")).toBeVisible();
});

test("two tabs: kept in one is kept in both, signed out in one is out in both", async ({ desk, browse }) => {
  const user = await desk.enrolled(await desk.client());
  const here = await browse();
  const portal = await signedIn(here, user.username);
  const there = await here.context().newPage();
  await there.goto(harborPortal());
  await expect(new Portal(there).welcome).toBeVisible();

  await forward(here, "08:10");
  const warning = here.getByRole("dialog");
  await expect(warning).toBeVisible();
  await there.reload();
  await expect(new Portal(there).welcome).toBeVisible();
  await expect(warning).toBeHidden();

  await there.getByRole("button", { name: "Sign out" }).dblclick();
  await expect(there.getByRole("status")).toHaveText("You are signed out.");
  await expect(portal.heading("signIn.title")).toBeVisible();
  await expect(here.getByRole("status")).toHaveText("You signed out in another tab.");
  await here.bringToFront();
  await expectFocusKept(here, "signing out in another tab");
  await here.goBack();
  await expect(portal.welcome).toBeHidden();
});

test("charts closed meanwhile are gone when the page is looked at again", async ({ desk, browse }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const page = await browse();
  const portal = await signedIn(page, user.username);
  await desk.change(client, user, "revoke");
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect(portal.heading("signIn.title")).toBeFocused();
  await portal.signIn(user.username);
  await expect(portal.heading("signIn.inactiveTitle")).toBeFocused();
});

test("a cut line is said, and what was typed goes through when it is back", async ({ desk, browse }) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(harborPortal("sign-in"));
  await portal.field("signIn.username").fill(user.username);
  await portal.field("signIn.password").fill(PASSWORD);
  await page.context().setOffline(true);
  const banner = page.getByRole("alert").filter({ hasText: "You are offline." });
  await expect(banner).toBeVisible();
  await portal.button("signIn.action").click();
  await expect(page.getByRole("alert").filter({ hasText: "We could not reach the server." })).toBeFocused();
  await page.context().setOffline(false);
  await expect(banner).toBeHidden();
  await portal.button("signIn.action").click();
  await expect(portal.welcome).toBeFocused();
});

test("a locked sign-in says when to come back, counts down, and lets in when the time has come", async ({
  desk,
  browse,
}) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  const portal = new Portal(page);
  await holdClock(page);
  await page.goto(harborPortal("sign-in"));
  for (let attempt = 1; attempt <= 6; attempt++) {
    const answered = page.waitForResponse("**/api/portal/sign-in");
    await portal.signIn(user.username, `wrong password number ${attempt}`);
    expect((await answered).status()).toBe(attempt <= 5 ? 401 : 429);
  }
  await expect(portal.heading("locked.title")).toBeFocused();
  const wait = page.getByRole("status");
  await expect(wait).toHaveText(/^You can try again in 1 minute, at \d+:\d\d (AM|PM)\.$/);
  await expect(page.getByText("please tell Harbor Practice")).toBeVisible();
  await forward(page, "00:30");
  await expect(wait).toHaveText(/^You can try again in (30|45) seconds, at /);
  await forward(page, "00:40");
  await expect(wait).toHaveText("You can try again now.");

  // The server's clock was not turned: it still says no, and how long.
  await portal.button("signIn.back").dblclick();
  await expect(portal.heading("signIn.title")).toBeVisible();
  await expectFocusKept(page, "going back");
  await expect(portal.field("signIn.username")).toHaveValue(user.username);
  await portal.button("signIn.action").click();
  await expect(portal.heading("locked.title")).toBeFocused();
  await portal.link("signIn.forgot").click();
  await expect(portal.heading("reset.title")).toBeFocused();
});
