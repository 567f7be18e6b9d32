// axe-core over the main pages and their states, in light and dark and on a narrow screen.
import { expectAccessible, expectFits } from "../accessibility";
import {
  clientPage,
  expect,
  fullName,
  harborPortal,
  INVITATION,
  linkIn,
  ownerCard,
  signIn,
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
