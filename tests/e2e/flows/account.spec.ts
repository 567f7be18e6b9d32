// A person's own account in the portal: its password, address and language, where it is signed in, and who can
// enter a chart.
import { expectAccessible, expectFits } from "../accessibility";
import { expectFocusKept, tabTo } from "../focus";
import { type Language, LOCALE, Portal, test } from "../portal";
import { ANOTHER, CHANGED, CONFIRM, expect, fullName, harborPortal, linkIn, PASSWORD, unique } from "../world";

const NARROW = { viewport: { width: 320, height: 640 } };

test("a new address, a new password and the end of other sessions, with the keyboard alone at 320 px", async ({
  desk,
  browse,
  mailbox,
}) => {
  test.slow();
  const user = await desk.enrolled(await desk.client());
  const elsewhere = new Portal(await browse());
  await elsewhere.page.goto(harborPortal("sign-in"));
  await elsewhere.signIn(user.username);
  await expect(elsewhere.welcome).toBeFocused();

  const page = await browse(NARROW);
  const portal = new Portal(page);
  const keys = page.keyboard;
  const status = page.getByRole("status");
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(user.username);
  await expect(portal.welcome).toBeFocused();
  await tabTo(page, portal.link("account.open"), 30);
  await keys.press("Enter");
  const title = portal.heading("account.title");
  await expect(title).toBeFocused();
  await expect(page.getByText(user.email).first()).toBeVisible();
  await expectFits(page, "account");
  await expectAccessible(page, "account");

  // A wrong password keeps what was typed, and says beside its field what is wrong.
  const email = `${unique().toLowerCase()}@mail.example`;
  await tabTo(page, portal.button("account.changeEmail"), 30);
  await keys.press("Enter");
  await expect(portal.heading("account.changeEmail")).toBeFocused();
  await tabTo(page, portal.field("account.newEmail"), 30);
  await keys.type(email);
  await tabTo(page, portal.field("account.yourPassword"), 30);
  await keys.type("not the password at all");
  await keys.press("Enter");
  await expect(page.getByRole("alert")).toBeFocused();
  await expect(page.getByRole("alert")).toContainText("This is not your password");
  await expectFits(page, "a wrong password");
  await expectAccessible(page, "a wrong password");
  await tabTo(page, portal.link("invalid.wrong_password"), 30);
  await keys.press("Enter");
  await expect(portal.field("account.yourPassword")).toBeFocused();
  await keys.press("Control+a");
  await keys.type(PASSWORD);
  await keys.press("Enter");
  await expect(title).toBeFocused();
  await expect(status).toContainText(`A link is on its way to ${email}`);

  const mailed = await browse();
  const confirm = new Portal(mailed);
  await mailed.goto(linkIn(await mailbox.wait(email, CONFIRM)));
  await expect(confirm.heading("confirm.title")).toBeFocused();
  await expect(mailed).toHaveURL(harborPortal("confirm-email"));
  await expectAccessible(mailed, "confirming an address");
  await confirm.button("confirm.action").click();
  // Whom the mail reached by mistake stops here.
  await expect(confirm.heading("signIn.title")).toBeFocused();
  await expect(mailed.getByText("Sign in to confirm your new address.")).toBeVisible();
  await expectAccessible(mailed, "signing in to confirm an address");
  await confirm.signIn(user.username, PASSWORD);
  await expect(confirm.heading("confirm.doneTitle")).toBeFocused();
  const former = await mailbox.wait(user.email, /^Your e-mail address .* was changed/);
  expect(former.text).not.toContain(email);

  await tabTo(page, portal.button("account.changePassword"), 30);
  await keys.press("Enter");
  await expect(portal.heading("account.changePassword")).toBeFocused();
  await tabTo(page, portal.field("account.yourPassword"), 30);
  await keys.type(PASSWORD);
  await tabTo(page, portal.field("new.label"), 30);
  await keys.type(ANOTHER);
  await expectFits(page, "a new password");
  await expectAccessible(page, "a new password");
  await keys.press("Enter");
  await expect(title).toBeFocused();
  await expect(status).toHaveText("Your password is changed. You are signed out everywhere else.");
  await expect(page.getByText(email).first()).toBeVisible();
  await mailbox.wait(email, CHANGED);
  await elsewhere.page.reload();
  await expect(elsewhere.heading("signIn.title")).toBeVisible();

  await elsewhere.signIn(user.username, ANOTHER);
  await expect(elsewhere.welcome).toBeFocused();
  await page.reload();
  await expect(title).toBeVisible();
  await tabTo(page, portal.button("account.endOthers"), 30);
  await keys.press("Enter");
  await expect(title).toBeFocused();
  await expect(status).toHaveText("You are signed out everywhere else.");
  await expectFocusKept(page, "other sessions ended");
  await elsewhere.page.reload();
  await expect(elsewhere.heading("signIn.title")).toBeVisible();
});

test("an owner sees who can enter, and others are told that they cannot", async ({ desk, browse }) => {
  const client = await desk.client();
  const owner = await desk.enrolled(client);
  const guardian = await desk.enrolled(client, { relationship: "guardian" });
  const name = fullName(client.name);
  for (const [user, sees] of [
    [owner, true],
    [guardian, false],
  ] as const) {
    const page = await browse(NARROW);
    const portal = new Portal(page);
    await page.goto(harborPortal("sign-in"));
    await portal.signIn(user.username);
    await portal.link("account.open").click();
    await page.getByRole("button", { name: portal.say("who.show", { name }) }).click();
    if (!sees) {
      await expect(page.getByRole("alert")).toHaveText("Only the owner of this chart can see who can enter it.");
      continue;
    }
    const access = page.getByRole("region", { name: portal.say("who.of", { name }) });
    await expect(access.getByRole("heading").first()).toBeFocused();
    await expect(access.getByRole("list").first().getByRole("listitem")).toHaveCount(2);
    await expect(access).toContainText("(you)");
    await expectFocusKept(page, "who can enter");
    await expectFits(page, "who can enter");
    await expectAccessible(page, "who can enter");
  }
});

test("the language that was chosen is that of pages and mails, on another device, too", async ({
  desk,
  browse,
  mailbox,
}) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse(NARROW);
  const portal = new Portal(page);
  await page.goto(harborPortal("sign-in"));
  await portal.signIn(user.username);
  await portal.link("account.open").click();
  for (const language of ["es", "fr"] as const satisfies Language[]) {
    await page.getByLabel(/Language of pages|Idioma de las páginas|Langue des pages/).selectOption(language);
    const spoken = new Portal(page, language);
    await expect(page.getByRole("status")).toHaveText(spoken.say("account.languageSaved"));
    await expect(spoken.heading("account.title")).toBeVisible();
    await expectFits(page, `account, ${language}`);
    await expectAccessible(page, `account, ${language}`);
  }
  const other = await browse({ locale: LOCALE.en });
  const english = new Portal(other);
  await other.goto(harborPortal("sign-in"));
  await english.signIn(user.username);
  await expect(new Portal(other, "fr").link("account.open")).toBeVisible();
  await new Portal(other, "fr").link("account.open").click();
  await new Portal(other, "fr").button("account.changePassword").click();
  const fields = new Portal(other, "fr");
  await fields.field("account.yourPassword").fill(PASSWORD);
  await fields.field("new.label").fill(ANOTHER);
  await fields.button("password.action").click();
  await mailbox.wait(user.email, /^Votre mot de passe .* a été modifié/);
});
