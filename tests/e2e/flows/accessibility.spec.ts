// axe-core over the console's main pages and their states and over the mails, in light and dark and on
// a narrow screen.
import { expectAccessible, expectFits, WCAG } from "../accessibility";
import {
  clientPage,
  expect,
  fullName,
  INVITATION,
  ownerCard,
  signInStaff,
  staffOrigin,
  test,
} from "../world";

for (const [look, options] of [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["narrow", { viewport: { width: 320, height: 640 } }],
] as const) {
  test(`the console, ${look}`, async ({ browse, desk }) => {
    test.slow();
    const client = await desk.client({ emails: ["somebody@mail.example"] });
    const name = fullName(client.name);
    await desk.enrolled(client);
    await desk.invite(client, { name: { first: "Bram", last: client.name.last }, relationship: "spouse" });
    const page = await browse({ reducedMotion: "reduce", ...options });
    const check = async (what: string) => {
      await expectAccessible(page, what);
      await expectFits(page, what);
    };

    await page.goto(staffOrigin());
    await expect(page.getByRole("heading", { name: "Sign in to Latchkey" })).toBeVisible();
    await check("sign-in");
    await page.getByRole("link", { name: "Sign in" }).click();
    await expect(page.getByRole("link", { name: /Dana Whitfield/ })).toBeVisible();
    await check("the local issuer");
    await signInStaff(page, "dana@harbor.example");
    await check("home");
    await page.getByRole("searchbox", { name: "Search Clients" }).fill(client.name.last);
    await expect(page.getByRole("button", { name })).toBeVisible();
    await check("search");
    await page.getByRole("button", { name }).click();
    await check("who was found");
    await page.getByRole("link", { name: "Go to Client Page" }).click();
    await expect(page.getByRole("heading", { name: "Contact information" })).toBeVisible();
    await check("overview");
    await page.getByRole("link", { name: "Edit" }).click();
    await expect(page.getByRole("heading", { name: "Edit client" })).toBeVisible();
    await check("edit client");
    await page.goto(clientPage(client, "/portal"));
    await expect(page.getByRole("radio", { name: `Assign alerts to ${name}` })).toBeVisible();
    await check("portal users");
    await page.getByRole("button", { name: `More for ${name}` }).click();
    await check("menu");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: `Delete ${name}` }).click();
    await page.getByLabel("Type “delete” to confirm").fill("no");
    await page.keyboard.press("Enter");
    await check("delete");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("link", { name: "+ Add New User" }).click();
    await page.getByRole("button", { name: "Add User" }).click();
    await check("add user, with problems");
    await page.goto(clientPage(client, "/history"));
    await expect(page.getByText("added the client")).toBeVisible();
    await check("history");
    const card = await ownerCard(page, client);
    await card.getByRole("button", { name: `More for ${name}` }).click();
    await card.getByRole("button", { name: "Change Ownership" }).click();
    await check("change ownership");
    await page.getByRole("button", { name: "Cancel" }).click();
    await card.getByRole("button", { name: `More for ${name}` }).click();
    await card.getByRole("button", { name: "Revoke Access" }).click();
    await check("revoke");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
    await expect(page.getByRole("status")).toContainText("was revoked");
    await check("revoked");
    await page.goto(`${staffOrigin()}/nothing/here`);
    await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
    await check("not found");
  });

  test(`the mails, ${look}`, async ({ browse, desk, mailbox }) => {
    const user = await desk.invite(await desk.client());
    const mail = await mailbox.wait(user.email, INVITATION);
    const page = await browse({ reducedMotion: "reduce", ...options });
    const check = async (what: string) => {
      await expectAccessible(page, what);
      await expectFits(page, what);
    };
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
