// A line that fails, one that is slow, and hands that are too quick: nothing is lost, nothing is done twice.
import { expectFocusKept } from "../focus";
import { LOCALE, Portal, test } from "../portal";
import {
  ANOTHER,
  asked,
  CHANGED,
  expect,
  harborPortal,
  INVITATION,
  linkIn,
  PASSWORD,
  RESET,
} from "../world";

const UNREACHABLE = "We could not reach the server.";

test("every request failed once: said, nothing lost, and it goes on with one press", async ({
  invited: { client, user, link, page, portal },
  mailbox,
}) => {
  const note = page.getByRole("alert").filter({ hasText: UNREACHABLE });
  const retry = page.getByRole("button", { name: "Try again" }).first();

  const openWithout = async (address: string) => {
    await page.goto("about:blank");
    await portal.failOnce(address);
    await page.goto(link);
    await expect(note).toBeVisible();
  };

  await test.step("the words", async () => {
    await openWithout("**/assets/portal.en-*.json");
    await expect(page.getByText("Le serveur est injoignable.")).toBeVisible();
    await retry.dblclick();
    await expect(portal.heading("enroll.proveTitle")).toBeVisible();
    await expectFocusKept(page, "the words came");
  });

  await test.step("the practice", async () => {
    await openWithout("**/practices/*.json");
    await retry.dblclick();
    await expect(portal.heading("enroll.proveTitle")).toBeVisible();
    await expectFocusKept(page, "the practice came");
  });

  await test.step("the invitation", async () => {
    await openWithout("**/api/portal/enrollment/check");
    await retry.click();
    await expect(portal.heading("enroll.proveTitle")).toBeFocused();
  });

  await test.step("another language", async () => {
    await portal.failOnce("**/assets/portal.fr-*.json");
    await portal.field("language").selectOption({ label: "Français" });
    await expect(note).toBeVisible();
    await expectFocusKept(page, "a language that did not come");
    await expect(portal.field("language")).toHaveValue("en");
    await portal.field("language").selectOption({ label: "Français" });
    await expect(page.locator("html")).toHaveAttribute("lang", "fr");
    await page.locator("#language").selectOption({ label: "English" });
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
  });

  await test.step("enrolling, whose answer was lost too", async () => {
    await portal.prove(client);
    await portal.field("new.label").fill(PASSWORD);
    await portal.failOnce("**/api/portal/enrollment");
    await portal.button("enroll.finish").click();
    await expect(note).toBeFocused();
    await expect(portal.field("new.label")).toHaveValue(PASSWORD);
    await portal.button("enroll.finish").dblclick();
    await expect(portal.welcome).toBeVisible();
    await expectFocusKept(page, "enrolling");
  });

  await test.step("the home", async () => {
    await portal.failOnce("**/api/portal/session");
    await page.reload();
    await expect(note).toBeVisible();
    await retry.click();
    await expect(portal.welcome).toBeFocused();
  });

  await test.step("signing out and in", async () => {
    await portal.failOnce("**/api/portal/session");
    await portal.button("home.signOut").click();
    await expect(note).toBeVisible();
    await expect(portal.welcome).toBeVisible();
    await expectFocusKept(page, "signing out in vain");
    await portal.button("home.signOut").click();
    await expect(portal.heading("signIn.title")).toBeFocused();
    await portal.failOnce("**/api/portal/sign-in");
    await portal.signIn(user.username);
    await expect(note).toBeFocused();
    await expect(portal.field("signIn.username")).toHaveValue(user.username);
    await expect(portal.field("signIn.password")).toHaveValue(PASSWORD);
    await portal.button("signIn.action").click();
    await expect(portal.welcome).toBeFocused();
  });

  await test.step("a new password", async () => {
    await page.goto(harborPortal("reset"));
    await portal.field("reset.who").fill(user.username);
    await portal.failOnce("**/api/portal/password-reset");
    await portal.button("reset.action").click();
    await expect(note).toBeFocused();
    await expect(portal.field("reset.who")).toHaveValue(user.username);
    await portal.button("reset.action").click();
    await expect(portal.heading("reset.sentTitle")).toBeFocused();
    await page.goto(linkIn(await mailbox.wait(user.email, RESET)));
    await portal.field("new.label").fill(ANOTHER);
    await portal.failOnce("**/api/portal/password");
    await portal.button("password.action").click();
    await expect(note).toBeFocused();
    await expect(portal.field("new.label")).toHaveValue(ANOTHER);
    await portal.button("password.action").click();
    await expect(portal.heading("signIn.title")).toBeFocused();
    await mailbox.wait(user.email, CHANGED);
  });
});

test("on a slow line every wait is seen, and a second press does nothing more", async ({
  invited: { client, user, link, page, portal },
}) => {
  test.slow();
  const line = await page.context().newCDPSession(page);
  await line.send("Network.enable");
  await line.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: 50_000,
    uploadThroughput: 50_000,
  });
  const requests = asked(page);

  let letGo = () => {};
  const held = new Promise<void>((done) => (letGo = done));
  await page.route("**/api/portal/enrollment/check", (route) => held.then(() => route.continue()), {
    times: 1,
  });
  await page.goto(link);
  await expect(page.getByText("Loading")).toBeVisible();
  letGo();
  await expect(portal.heading("enroll.proveTitle")).toBeVisible();
  await portal.prove(client);
  await portal.field("new.label").fill(PASSWORD);
  await portal.button("enroll.finish").dblclick();
  await expect(portal.button("enroll.finish")).toHaveAttribute("aria-busy", "true");
  await page.keyboard.press("Enter");
  await expect(portal.welcome).toBeVisible();
  await portal.button("home.signOut").dblclick();
  await expect(portal.button("home.signOut")).toHaveAttribute("aria-busy", "true");
  await page.keyboard.press("Enter");
  await expect(portal.heading("signIn.title")).toBeVisible();
  await portal.field("signIn.username").fill(user.username);
  await portal.field("signIn.password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect(portal.welcome).toBeVisible();
  await expect
    .poll(() => requests)
    .toEqual([
      "POST /api/portal/enrollment/check",
      "POST /api/portal/enrollment",
      "GET /api/portal/apps",
      "GET /api/portal/session",
      // Signing out asks once more who is in: it ends nobody else's session.
      "GET /api/portal/session",
      "DELETE /api/portal/session",
      "POST /api/portal/sign-in",
      "GET /api/portal/apps",
      "GET /api/portal/session",
    ]);
});

test("double clicks on every button have one effect", async ({
  invited: { client, user, link, page, portal },
  mailbox,
}) => {
  await page.goto(harborPortal("sign-in"));
  const requests = asked(page);
  await page.goto(link);
  await portal.field("enroll.lastName").fill(client.name.last);
  await portal.bornOn(client.dateOfBirth);
  await portal.button("enroll.next").dblclick();
  await expect(portal.heading("enroll.passwordTitle")).toBeVisible();
  await expectFocusKept(page, "Continue");
  await portal.button("enroll.back").dblclick();
  await expect(portal.heading("enroll.proveTitle")).toBeVisible();
  await expectFocusKept(page, "Back");
  await portal.button("enroll.next").dblclick();
  await portal.field("new.label").fill(PASSWORD);
  await page.getByRole("button", { name: "Show password" }).dblclick();
  await expect(portal.field("new.label")).toHaveAttribute("type", "text");
  await expectFocusKept(page, "Show");
  await portal.button("enroll.finish").dblclick();
  await expect(portal.welcome).toBeVisible();
  await expectFocusKept(page, "Enroll");
  await portal.button("home.signOut").dblclick();
  await expect(portal.heading("signIn.title")).toBeVisible();
  await expectFocusKept(page, "Sign out");

  await portal.link("signIn.forgot").dblclick();
  await expect(portal.heading("reset.title")).toBeVisible();
  await expectFocusKept(page, "Forgot your password?");
  await portal.field("reset.who").fill(user.username);
  await portal.button("reset.action").dblclick();
  await expect(portal.heading("reset.sentTitle")).toBeVisible();
  await expectFocusKept(page, "Send the link");
  await portal.button("reset.other").dblclick();
  await expect(portal.field("reset.who")).toHaveValue(user.username);
  await expectFocusKept(page, "Try another username");
  await page.goto(linkIn(await mailbox.wait(user.email, RESET)));
  await portal.field("new.label").fill(ANOTHER);
  await portal.button("password.action").dblclick();
  await expect(portal.heading("signIn.title")).toBeVisible();
  await expectFocusKept(page, "Save the new password");
  await mailbox.wait(user.email, CHANGED);
  await portal.field("signIn.username").fill(user.username);
  await portal.field("signIn.password").fill(ANOTHER);
  await portal.button("signIn.action").dblclick();
  await expect(portal.welcome).toBeVisible();
  await expectFocusKept(page, "Sign in");
  expect(requests).toEqual([
    "POST /api/portal/enrollment/check",
    "POST /api/portal/enrollment",
    "GET /api/portal/apps",
    "GET /api/portal/session",
    "GET /api/portal/session",
    "DELETE /api/portal/session",
    "POST /api/portal/password-reset",
    "PUT /api/portal/password",
    "POST /api/portal/sign-in",
    "GET /api/portal/apps",
    "GET /api/portal/session",
  ]);
});

test("back and forward go between the questions, and never into what is over", async ({
  invited: { client, link, page, portal },
}) => {
  await page.goto(harborPortal("reset"));
  await page.goto(link);
  await portal.prove(client);
  await expect(portal.heading("enroll.passwordTitle")).toBeFocused();
  await portal.field("new.label").fill(PASSWORD);
  await page.goBack();
  await expect(portal.heading("enroll.proveTitle")).toBeFocused();
  await expect(portal.field("enroll.lastName")).toHaveValue(client.name.last);
  await page.goForward();
  await expect(portal.heading("enroll.passwordTitle")).toBeFocused();
  await expect(portal.field("new.label")).toHaveValue(PASSWORD);

  const second = await page.context().newPage();
  const other = new Portal(second);
  await second.goto(link);
  await expect(other.heading("enroll.proveTitle")).toBeVisible();
  await portal.button("enroll.finish").click();
  await expect(portal.welcome).toBeFocused();
  await page.goBack();
  await expect(page).toHaveURL(harborPortal());
  await expect(portal.welcome).toBeVisible();

  await test.step("the same link in another tab", async () => {
    await other.prove(client);
    await other.field("new.label").fill(ANOTHER);
    await other.button("enroll.finish").click();
    await expect(other.heading("enroll.usedTitle")).toBeFocused();
    await second.close();
  });

  await portal.button("home.signOut").click();
  await expect(portal.heading("signIn.title")).toBeFocused();
  await page.goBack();
  await expect(portal.welcome).toBeHidden();
  await page.goForward();
  await expect(portal.heading("signIn.title")).toBeVisible();
});

test("come back to from elsewhere, the questions begin anew, and a refusal is said at once", async ({
  desk,
  browse,
  mailbox,
}) => {
  const client = await desk.client();
  const { email } = await desk.enrolled(client);
  const other = await desk.client({ name: client.name, dateOfBirth: "1990-02-03" });
  await desk.invite(other, { email, relationship: "parent" });
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(linkIn(await mailbox.wait(email, INVITATION, 2)));
  await portal.prove(other);
  await expect(portal.heading("enroll.existingTitle")).toBeFocused();
  await portal.link("signIn.forgot").click();
  await expect(portal.heading("reset.title")).toBeFocused();
  await page.goBack();
  await expect(portal.heading("enroll.proveTitle")).toBeFocused();
  await portal.prove(other);
  await portal.field("existing.label").fill(ANOTHER);
  const asking = asked(page);
  await portal.button("enroll.join").click();
  await expect(page.getByRole("alert")).toContainText(portal.say("enroll.proofOrPassword"));
  await expect(portal.heading("enroll.proveTitle")).toBeVisible();
  expect(asking).toEqual(["POST /api/portal/enrollment"]);
});

for (const language of ["en", "es", "fr"] as const) {
  test(`a server that cannot answer is spoken of in the reader's language, ${language}`, async ({ browse }) => {
    const page = await browse({ locale: LOCALE[language] });
    const portal = new Portal(page, language);
    await page.goto(harborPortal("sign-in"));
    const body = JSON.stringify({ status: 503, code: "unavailable", title: "-", detail: "In English." });
    await page.route("**/api/portal/sign-in", (route) =>
      route.fulfill({ status: 503, contentType: "application/problem+json", body }),
    );
    await portal.signIn("somebody@mail.example");
    await expect(page.getByRole("alert")).toContainText(portal.say("failure.unavailable"));
  });
}
