// axe-core over the mails and the home's own pages, in light and dark and on a narrow screen.
import { expectAccessible, expectFits, WCAG } from "../accessibility";
import { expect, INVITATION, staffOrigin, test } from "../world";

for (const [look, options] of [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 320, height: 640 } }],
] as const) {
  test(`the mails, ${look}`, async ({ browse, desk, mailbox }) => {
    const user = await desk.invite(await desk.client());
    const mail = await mailbox.wait(user.email, INVITATION);
    const page = await browse({ reducedMotion: "reduce", ...options });
    const check = async (what: string) => {
      await expectAccessible(page, what);
      await expectFits(page, what);
    };
    await page.goto(`${staffOrigin()}/api/staff/sign-in?returnTo=/`);
    await expect(page.getByRole("link", { name: /Dana Whitfield/ })).toBeVisible();
    await check("the local issuer");
    await page.goto(`${staffOrigin()}/mailbox`);
    await check("mailbox");
    await page.getByRole("link").filter({ hasText: user.email }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(mail.subject);
    await check("a mail in the mailbox");
    // As a mail program shows it: the mailbox's frame would run no axe.
    await page.goto("about:blank");
    await page.setContent(mail.html);
    await expectAccessible(page, "the mail by itself", WCAG);
    await expectFits(page, "the mail by itself");
  });
}
