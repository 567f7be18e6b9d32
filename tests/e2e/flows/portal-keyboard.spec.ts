// The portal with the keyboard alone, on a screen 320 px wide.
import { expectFits } from "../accessibility";
import { tabTo } from "../focus";
import { Portal, test } from "../portal";
import { ANOTHER, CHANGED, expect, forward, fullName, holdClock, INVITATION, linkIn, PASSWORD, RESET } from "../world";

test("from the mail in and out, forgotten and in again, without a mouse", async ({
  desk,
  browse,
  mailbox,
}) => {
  const client = await desk.client({ dateOfBirth: "1987-05-09" });
  const user = await desk.invite(client, { permissions: ["basic", "messaging"] });
  const page = await browse({ viewport: { width: 320, height: 640 } });
  const portal = new Portal(page);
  const keys = page.keyboard;
  const welcome = portal.heading("home.title", { name: fullName(client.name) });

  await holdClock(page);
  await page.goto(linkIn(await mailbox.wait(user.email, INVITATION)));
  await expect(portal.heading("enroll.proveTitle")).toBeFocused();
  await tabTo(page, portal.field("enroll.lastName"), 1);
  await keys.press("Enter");
  const summary = page.getByRole("alert");
  await expect(summary).toBeFocused();
  await expectFits(page, "problems");
  await keys.press("Tab");
  await keys.press("Enter");
  await expect(portal.field("enroll.lastName")).toBeFocused();
  await keys.type(client.name.last);
  await keys.press("Tab");
  for (const [part, figures] of [
    ["month", "05"],
    ["day", "09"],
    ["year", "1987"],
  ] as const) {
    await expect(portal.field(`birth.label.${part}`)).toBeFocused();
    await keys.type(figures);
    if (part !== "year") await keys.press("Tab");
  }
  await keys.press("Enter");

  await expect(portal.heading("enroll.passwordTitle")).toBeFocused();
  await tabTo(page, portal.field("new.label"), 1);
  await keys.type("too short");
  await keys.press("Enter");
  await expect(summary).toBeFocused();
  await tabTo(page, portal.link("invalid.too_short", { limit: "15" }), 1);
  await keys.press("Enter");
  await expect(portal.field("new.label")).toBeFocused();
  await keys.press("Control+a");
  await keys.type(PASSWORD);
  await tabTo(page, page.getByRole("button", { name: "Show password" }), 1);
  await keys.press("Space");
  await expect(page.getByRole("button", { name: "Hide password" })).toBeFocused();
  await expect(portal.field("new.label")).toHaveValue(PASSWORD);
  await expectFits(page, "password");
  await tabTo(page, portal.button("enroll.finish"), 1);
  await keys.press("Enter");

  await expect(welcome).toBeFocused();
  await expectFits(page, "home");
  await forward(page, "08:10");
  await expect(portal.button("session.stay")).toBeFocused();
  await expectFits(page, "warning");
  await keys.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(welcome).toBeFocused();
  // The sample room's, and those of apps that other tests register for messaging meanwhile.
  const tiles = page.getByRole("list", { name: `Open for ${fullName(client.name)}` }).getByRole("link");
  const count = await tiles.count();
  await tabTo(page, tiles.filter({ hasText: `Messages${portal.say("may.messaging")}` }), count);
  // Past who can enter, and the account.
  await tabTo(page, portal.button("home.signOut"), count + 2);
  await keys.press("Enter");

  await expect(portal.heading("signIn.title")).toBeFocused();
  await tabTo(page, portal.link("signIn.forgot"), 5);
  await keys.press("Enter");
  await expect(portal.heading("reset.title")).toBeFocused();
  await tabTo(page, portal.field("reset.who"), 1);
  await keys.type(user.username);
  await keys.press("Enter");
  await expect(portal.heading("reset.sentTitle")).toBeFocused();
  await expectFits(page, "sent");

  await page.goto(linkIn(await mailbox.wait(user.email, RESET)));
  await expect(portal.heading("password.title")).toBeFocused();
  await tabTo(page, portal.field("new.label"), 1);
  await keys.type(ANOTHER);
  await keys.press("Enter");
  await expect(portal.heading("signIn.title")).toBeFocused();
  await mailbox.wait(user.email, CHANGED);
  await tabTo(page, portal.field("signIn.username"), 1);
  await keys.type(user.username);
  await keys.press("Tab");
  await keys.type(ANOTHER);
  await keys.press("Enter");
  await expect(welcome).toBeFocused();

  await tabTo(page, portal.field("language"), (await tiles.count()) + 4);
  await keys.press("ArrowDown");
  await expect(page.locator("html")).toHaveAttribute("lang", "es");
  await expect(page.locator("#language")).toBeFocused();
  await expectFits(page, "home in Spanish");
});

test("password managers find what they look for", async ({
  invited: { client, user, link, page, portal },
}) => {
  await page.goto(link);
  await expect(portal.field("enroll.lastName")).toHaveAttribute("autocomplete", "off");
  await portal.prove(client);
  await expect(portal.field("new.label")).toHaveAttribute("autocomplete", "new-password");
  await expect(page.locator("input[autocomplete=username]")).toBeHidden();

  await page.goto(new URL("sign-in", page.url()).href);
  await expect(portal.field("signIn.username")).toHaveAttribute("autocomplete", "username");
  await expect(portal.field("signIn.username")).toHaveAttribute("inputmode", "email");
  await expect(portal.field("signIn.password")).toHaveAttribute("autocomplete", "current-password");
  for (const [field, text] of [
    ["signIn.username", user.username],
    ["signIn.password", PASSWORD],
  ] as const) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate((text) => navigator.clipboard.writeText(text), text);
    await portal.field(field).focus();
    await page.keyboard.press("Control+v");
    await expect(portal.field(field)).toHaveValue(text);
  }
});
