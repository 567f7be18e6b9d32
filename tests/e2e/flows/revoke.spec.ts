// Revoking bites at once, wherever the person is.
import {
  clientPage,
  expect,
  fillBirth,
  fullName,
  harborPortal,
  INVITATION,
  linkIn,
  request,
  rowOf,
  signIn,
  test,
  toast,
} from "../world";

test("a page left open is signed out by its next request", async ({ dana, desk, browse }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.enrolled(client);
  const phone = await browse();
  await signIn(phone, user.username);
  await expect(phone.getByRole("heading", { name: `Welcome, ${name}` })).toBeVisible();
  const laptop = await browse();
  await signIn(laptop, user.username);
  await expect(laptop.getByRole("heading", { name: `Welcome, ${name}` })).toBeVisible();

  await dana.goto(clientPage(client, "/portal"));
  await dana.getByRole("button", { name: `More for ${name}` }).click();
  await dana.getByRole("button", { name: "Revoke Access" }).click();
  await expect(dana.getByRole("dialog")).toContainText(`If ${name} is signed in now, that ends at once.`);
  await dana.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(dana)).toContainText(`Portal access for ${name} was revoked`);

  const answer = await request(phone, "GET", "/api/portal/session");
  expect(answer.status).toBe(401);
  expect(JSON.parse(answer.text)).toMatchObject({ code: "signed_out" });
  // Coming back to the tab asks again.
  await phone.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect(phone.getByRole("status")).toHaveText("Your session has ended. Please sign in again.");
  await expect(phone).toHaveURL(harborPortal("sign-in"));
  await laptop.getByRole("button", { name: "Sign out" }).click();
  await expect(laptop.getByRole("heading", { name: "Sign in to your Client Portal" })).toBeVisible();
  await signIn(laptop, user.username);
  await expect(laptop.getByRole("heading", { name: "Your access is not active" })).toBeVisible();

  await test.step("and activating revives no old session", async () => {
    await desk.change(client, user, "activate");
    await phone.goto(harborPortal());
    await expect(phone.getByRole("heading", { name: "Sign in to your Client Portal" })).toBeVisible();
  });
});

test("an open invitation dies with the access", async ({ dana, desk, browse, mailbox }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.invite(client);
  const invited = await browse();
  await invited.goto(linkIn(await mailbox.wait(user.email, INVITATION)));
  await invited.getByLabel("Client’s last name").fill(client.name.last);
  await fillBirth(invited, client.dateOfBirth);
  await invited.getByRole("button", { name: "Continue" }).click();
  await invited.getByLabel("New password").fill("tidal lantern orchard 27");

  await dana.goto(clientPage(client, "/portal"));
  await dana.getByRole("button", { name: `More for ${name}` }).click();
  await dana.getByRole("button", { name: "Revoke Access" }).click();
  await expect(dana.getByRole("dialog")).toContainText("open invitation will stop working");
  await dana.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(rowOf(dana, name)).toContainText("No Portal Access");

  await invited.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await expect(invited.getByRole("heading", { name: /^This (invitation|link)/ })).toBeVisible();

  await test.step("and activating sends a new one", async () => {
    await dana.getByRole("button", { name: `More for ${name}` }).click();
    await dana.getByRole("button", { name: "Activate Access" }).click();
    await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await expect(rowOf(dana, name)).toContainText("Invited");
    await mailbox.wait(user.email, INVITATION, 2);
  });
});
