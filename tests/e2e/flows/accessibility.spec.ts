// axe-core over the clients' pages and their states, in light and dark and on a narrow screen.
import { expectAccessible, expectFits } from "../accessibility";
import { expect, harborPortal, INVITATION, linkIn, signIn, staffOrigin, test } from "../world";

for (const [look, options] of [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 320, height: 640 } }],
] as const) {
  test(`the portal and the mails, ${look}`, async ({ browse, desk, mailbox }) => {
    test.slow();
    const client = await desk.client();
    const user = await desk.invite(client);
    const mail = await mailbox.wait(user.email, INVITATION);
    const page = await browse({ reducedMotion: "reduce", ...options });
    const check = async (what: string) => {
      await expectAccessible(page, what);
      await expectFits(page, what);
    };
    const heading = (name: string | RegExp) =>
      expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();

    await page.goto(linkIn(mail));
    await heading("Whose care is it about?");
    await check("proof");
    await page.getByLabel("Client’s last name").fill(client.name.last);
    await page.getByLabel("Client’s date of birth").fill(client.dateOfBirth);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByLabel("New password").fill("short");
    await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
    await expect(page.getByRole("alert")).toContainText("too short");
    await check("password, refused");
    await page.getByLabel("New password").fill("tidal lantern orchard 27");
    await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
    await heading(/^Welcome/);
    await check("charts");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("status")).toHaveText("You are signed out.");
    await check("sign-in");
    await page.getByRole("button", { name: "Sign in" }).click();
    await check("sign-in, with problems");
    await page.goto(harborPortal("reset"));
    await heading("Forgot your password?");
    await check("forgot");
    await page.goto(harborPortal("password#anything"));
    await heading("Choose a new password");
    await check("new password");
    await page.goto(harborPortal("enroll"));
    await heading("This link does not work");
    await check("dead link");
    await desk.change(client, user, "revoke");
    await signIn(page, user.username);
    await heading("Your access is not active");
    await check("not active");
    await page.goto(`${staffOrigin()}/mailbox`);
    await check("mailbox");
    await page.getByRole("link").filter({ hasText: user.email }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(mail.subject);
    await check("a mail in the mailbox");
    // As a mail program shows it: the mailbox's frame would run no axe.
    await page.goto("about:blank");
    await page.setContent(mail.html);
    await check("the mail by itself");
  });
}
