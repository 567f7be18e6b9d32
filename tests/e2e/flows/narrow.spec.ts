// A telephone's screen, 320 px wide: all of it can be reached and read without scrolling sideways.
import { expectFits } from "../accessibility";
import { expect, find, fullName, GRANTED, signIn, test, toast } from "../world";

const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true };

test("revoke and activate on a narrow screen", async ({ staff, browse, desk, mailbox }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.enrolled(client);
  const page = await staff("dana@harbor.example", PHONE);
  await expectFits(page, "home");
  await find(page, client.name.last, name);
  await expectFits(page, "who was found");
  await page.getByRole("link", { name: "Go to Client Page" }).click();

  await page.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).click();
  const row = page.getByRole("row").filter({ hasText: user.username });
  await expect(row).toContainText("Active");
  await expectFits(page, "portal users");

  await page.getByRole("link", { name: "Communications" }).click();
  await page.locator("summary").click();
  const card = page.getByRole("group").filter({ hasText: "Chart Owner" });
  await card.getByRole("button", { name: `More for ${name}` }).click();
  const menu = card.getByRole("button", { name: "Revoke Access" });
  await expect(menu).toBeInViewport({ ratio: 1 });
  await expectFits(page, "menu");
  await menu.click();
  const revoke = page.getByRole("dialog", { name: "Revoke portal access?" });
  await expect(revoke).toBeInViewport({ ratio: 1 });
  await revoke.getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(page)).toContainText(`Portal access for ${name} was revoked`);
  await expectFits(page, "revoked");
  await expect(card).toContainText("No Portal Access");
  await toast(page).getByRole("button", { name: "Dismiss this message" }).click();
  await card.getByRole("button", { name: "Activate Client Portal Access" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
  await expect(card).toContainText("Portal access");
  await mailbox.wait(user.email, GRANTED);

  const phone = await browse(PHONE);
  await signIn(phone, user.username);
  await expect(phone.getByRole("heading", { name: `Welcome, ${name}` })).toBeVisible();
  await expectFits(phone, "charts");
});
