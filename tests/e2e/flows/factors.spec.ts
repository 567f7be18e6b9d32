// Second factors in the portal: a passkey, an authenticator app and a code on paper, in Chromium with an authenticator
// of its own. The practice `cove` is theirs alone, since it changes what it asks for.
import type { CDPSession, Page } from "@playwright/test";
import { expectAccessible, expectFits } from "../accessibility";
import { codeOf, timeLeft } from "../authenticator";
import { readBy } from "../camera";
import { tabTo } from "../focus";
import { choose, loseAnswer, openUsers } from "../console";
import { LOCALE, Portal, test as base, type Language } from "../portal";
import {
  Desk,
  expect,
  fullName,
  PASSWORD,
  portalOrigin,
  rowOf,
  signInStaff,
  toast,
  unique,
  type PortalUser,
} from "../world";

const NARROW = { viewport: { width: 320, height: 640 } };
const covePortal = (page = "") => `${portalOrigin()}/cove/${page}`;

const test = base.extend<{ casey: Desk }>({
  casey: async ({ mailbox }, use) => use(await Desk.open("casey@cove.example", mailbox)),
});
test.describe.configure({ mode: "serial" });

/** Has cove ask for a second factor, or not. */
async function ask(casey: Desk, secondFactor: "off" | "offered" | "required"): Promise<void> {
  const { version } = await casey.call<{ version: number }>("GET", "/api/practice");
  await casey.call("PATCH", "/api/practice", { version, secondFactor });
}

/** A device that holds passkeys, as Chromium makes one up. */
class Device {
  private constructor(
    readonly devtools: CDPSession,
    readonly id: string,
  ) {}

  static async of(page: Page): Promise<Device> {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Device(devtools, authenticatorId);
  }

  async verifies(isUserVerified: boolean): Promise<void> {
    await this.devtools.send("WebAuthn.setUserVerified", { authenticatorId: this.id, isUserVerified });
  }

  async passkeys(): Promise<{ credentialId: string; signCount: number; rpId?: string }[]> {
    const { credentials } = await this.devtools.send("WebAuthn.getCredentials", { authenticatorId: this.id });
    return credentials;
  }
}

const enrolled = async (casey: Desk): Promise<PortalUser> => casey.enrolled(await casey.client());

test("a passkey is added with the keyboard at 320 px, suggested at the next sign-in, and removed", async ({
  casey,
  browse,
  mailbox,
}) => {
  test.slow();
  await ask(casey, "offered");
  const user = await enrolled(casey);
  const page = await browse(NARROW);
  const device = await Device.of(page);
  const portal = new Portal(page);
  const keys = page.keyboard;
  await page.goto(covePortal("sign-in"));
  await expect(portal.button("signIn.passkey")).toHaveCount(0);
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
  await page.goto(covePortal("account"));
  await expect(portal.heading("account.title")).toBeFocused();
  await tabTo(page, portal.button("first.passkey"), 30);
  await keys.press("Enter");
  await expect(portal.heading("first.passkey")).toBeFocused();
  await expectFits(page, "adding a passkey");
  await expectAccessible(page, "adding a passkey");
  await tabTo(page, portal.field("account.yourPassword"), 30);
  await keys.type(PASSWORD);
  await keys.press("Enter");
  await expect(page.getByRole("status")).toHaveText(portal.say("factors.doneAdded"));
  const [passkey] = await device.passkeys();
  expect(passkey?.rpId).toBe(new URL(portalOrigin()).hostname);
  await mailbox.wait(user.email, /was added$/);
  await expectFits(page, "an account with a passkey");
  await expectAccessible(page, "an account with a passkey");

  // Suggested where the username is typed; the device that is made up takes it at once.
  await page.goto(covePortal());
  await portal.button("home.signOut").click();
  await expect
    .poll(async () => (await device.passkeys())[0]?.signCount)
    .toBeGreaterThan(passkey?.signCount ?? 0);
  await expect(portal.welcome).toBeFocused();

  await page.goto(covePortal("account"));
  const name = portal.say("passkey.firstName");
  await page.getByRole("button", { name: portal.say("factors.removeOf", { name }) }).click();
  await portal.field("account.yourPassword").fill(PASSWORD);
  await portal.button("factors.go").click();
  await expect(page.getByRole("status")).toHaveText(portal.say("factors.doneRemoved"));
  await mailbox.wait(user.email, /was removed$/);
});

test("a device that does not verify the person adds nothing, and says so", async ({ casey, browse }) => {
  const user = await enrolled(casey);
  const page = await browse();
  const device = await Device.of(page);
  await device.verifies(false);
  const portal = new Portal(page);
  await page.goto(covePortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
  await page.goto(covePortal("account"));
  await portal.button("first.passkey").click();
  await portal.field("account.yourPassword").fill(PASSWORD);
  await portal.button("factors.go").click();
  await expect(page.getByText(portal.say("factor.passkeyStopped"))).toBeVisible();
  expect(await device.passkeys()).toEqual([]);
});

test("a person without an address is told of no mail", async ({ casey, browse }) => {
  const client = await casey.client();
  const username = unique();
  const { portalUserId } = await casey.call<PortalUser>("POST", `/api/clients/${client.clientId}/portal-users`, {
    name: client.name,
    username,
    relationship: "self",
    permissions: ["basic"],
  });
  const { link } = await casey.call<{ link: string }>(
    "POST",
    `/api/clients/${client.clientId}/portal-users/${portalUserId}/sheet`,
  );
  const page = await browse();
  await Device.of(page);
  const portal = new Portal(page);
  await page.goto(link);
  await portal.prove(client);
  await portal.field("new.label").fill(PASSWORD);
  await portal.button("enroll.finish").click();
  await expect(portal.welcome).toBeFocused();
  await page.goto(covePortal("account"));
  const prove = async () => {
    await portal.field("account.yourPassword").fill(PASSWORD);
    await portal.button("factors.go").click();
  };
  const status = page.getByRole("status");
  await portal.button("first.passkey").click();
  await prove();
  await expect(status).toHaveText("Added.");
  await expect(page.getByText("Beside your password.")).toHaveText("Beside your password. Each change asks for your password.");
  await portal.button("factors.makeCode").click();
  await prove();
  await portal.button("factor.kept").click();
  await expect(status).toHaveText("Your recovery code is ready.");
  const name = portal.say("passkey.firstName");
  await page.getByRole("button", { name: portal.say("factors.removeOf", { name }) }).click();
  await prove();
  await expect(status).toHaveText("Removed.");
});

test("an authenticator app and a recovery code, in French", async ({ casey, browse }) => {
  test.slow();
  const language: Language = "fr";
  const user = await enrolled(casey);
  const page = await browse({ locale: LOCALE[language] });
  const portal = new Portal(page, language);
  await page.goto(covePortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
  await page.goto(covePortal("account"));
  await portal.button("first.app").click();
  await portal.field("account.yourPassword").fill(PASSWORD);
  await portal.button("factors.go").click();
  await expect(portal.heading("app.title")).toBeFocused();
  await expectAccessible(page, "adding an app");
  const link = page.getByRole("link", { name: portal.say("app.link") });
  const picture = page.getByRole("img", { name: portal.say("app.picture") });
  expect(await readBy(page, picture)).toBe(await link.getAttribute("href"));
  const key = (await page.locator(".code").textContent()) ?? "";
  await portal.field("factor.code.totp").fill("000000");
  await portal.button("app.confirm").click();
  await expect(page.getByRole("alert")).toContainText(portal.say("invalid.wrong_code"));
  // The one before is taken, too: so the current one is left for signing in.
  await timeLeft();
  await portal.field("factor.code.totp").fill(codeOf(key, -1));
  await portal.button("app.confirm").click();
  await expect(page.getByRole("status")).toHaveText(portal.say("factors.doneAdded"));

  await portal.button("factors.makeCode").click();
  await portal.field("account.yourPassword").fill(PASSWORD);
  await portal.button("factors.go").click();
  await expect(portal.heading("factors.code")).toBeFocused();
  const code = (await page.locator(".code").textContent()) ?? "";
  await expectAccessible(page, "a recovery code");
  await portal.button("factor.kept").click();
  await expect(page.getByRole("status")).toHaveText(portal.say("factors.doneCode"));

  const elsewhere = await browse({ ...NARROW, locale: LOCALE[language] });
  const there = new Portal(elsewhere, language);
  await elsewhere.goto(covePortal("sign-in"));
  await there.signIn(user.username);
  await expect(there.heading("factor.title")).toBeFocused();
  await expectFits(elsewhere, "the second step");
  await expectAccessible(elsewhere, "the second step");
  await there.field("factor.code.totp").fill(codeOf(key));
  await there.button("signIn.action").click();
  await expect(there.welcome).toBeFocused();

  const lost = await browse({ locale: LOCALE[language] });
  const without = new Portal(lost, language);
  await lost.goto(covePortal("sign-in"));
  await without.signIn(user.username);
  await without.button("factor.by.recovery-code").click();
  await without.field("factor.code.recovery-code").fill(code.toLowerCase());
  await without.button("signIn.action").click();
  await expect(without.heading("factor.newCodeTitle")).toBeFocused();
  expect(await lost.locator(".code").textContent()).not.toBe(code);
  await without.button("factor.kept").click();
  await expect(without.welcome).toBeFocused();
});

test("where one is required, the sign-in leads to it", async ({ casey, browse }) => {
  test.slow();
  await ask(casey, "required");
  try {
    const client = await casey.client();
    const user = await casey.invite(client);
    await ask(casey, "offered");
    await ask(casey, "required");
    const page = await browse(NARROW);
    await Device.of(page);
    const portal = new Portal(page);
    const invitation = await casey.mailbox.wait(user.email, /^Your invitation/);
    await page.goto(invitation.text.match(/https?:\/\/\S+/)?.[0] ?? "");
    await portal.prove(client);
    await portal.field("new.label").fill(PASSWORD);
    await portal.button("enroll.finish").click();
    await expect(portal.heading("signIn.title")).toBeFocused();
    await expect(page.getByRole("status")).toHaveText(portal.say("signIn.enrolled"));
    await portal.signIn(user.username);
    await expect(portal.heading("first.title")).toBeFocused();
    await expectFits(page, "a first factor");
    await expectAccessible(page, "a first factor");
    await portal.button("first.passkey").click();
    await expect(portal.welcome).toBeFocused();
  } finally {
    await ask(casey, "off");
  }
});

test("the code that the front desk printed signs in once", async ({ casey, browse }) => {
  test.slow();
  await ask(casey, "offered");
  const client = await casey.client();
  const user = await casey.enrolled(client);
  const page = await browse();
  const portal = new Portal(page);
  await page.goto(covePortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
  await page.goto(covePortal("account"));
  await portal.button("first.app").click();
  await portal.field("account.yourPassword").fill(PASSWORD);
  await portal.button("factors.go").click();
  const key = (await page.locator(".code").textContent()) ?? "";
  await portal.field("factor.code.totp").fill(codeOf(key));
  await portal.button("app.confirm").click();
  await expect(page.getByRole("status")).toHaveText(portal.say("factors.doneAdded"));

  const desk = await browse(NARROW);
  await signInStaff(desk, "casey@cove.example");
  await openUsers(desk, client);
  await expect(rowOf(desk, fullName(client.name))).toContainText("Signs in with a second factor");
  await choose(desk, client.name, "Code for Lost Second Factor");
  const dialog = desk.getByRole("dialog");
  const make = dialog.getByRole("button", { name: "Make the code" });
  await expect(dialog).toContainText(`First see ${fullName(client.name)} in person`);
  await expectFits(desk, "before a code is made");
  await expectAccessible(desk, "before a code is made");
  // An answer that was lost is not told again; the next press makes another code.
  await loseAnswer(desk, "POST", `**/portal-users/${user.portalUserId}/factor-reset`);
  await make.click();
  await expect(dialog.locator(".failure")).toBeVisible();
  await make.click();
  await expect(dialog.getByText("it was lost on its way here")).toBeVisible();
  await make.click();
  await expect(dialog.locator(".code")).toBeFocused();
  await expectFits(desk, "a code that was made");
  await expectAccessible(desk, "a code that was made");
  await desk.keyboard.press("Escape");
  const code = (await dialog.locator(".code").textContent()) ?? "";
  await dialog.getByRole("button", { name: "I have handed it over" }).click();
  await expect(toast(desk)).toContainText(`A sign-in code was made for ${fullName(client.name)}.`);
  const lost = await browse();
  const without = new Portal(lost);
  for (const works of [true, false]) {
    await lost.goto(covePortal("sign-in"));
    if (works) {
      await without.signIn(user.username);
      await without.button("factor.by.reset-code").click();
      await without.field("factor.code.reset-code").fill(code);
      await without.button("signIn.action").click();
      await expect(without.welcome).toBeFocused();
      await without.button("home.signOut").click();
    } else {
      await without.signIn(user.username);
      await expect(without.heading("factor.title")).toBeFocused();
      await expect(without.button("factor.by.reset-code")).toHaveCount(0);
    }
  }
  await ask(casey, "off");
});
