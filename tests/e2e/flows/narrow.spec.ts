// A telephone's screen, 320 px wide: all of it can be reached and read without scrolling sideways.
import { expectFits } from "../accessibility";
import { clientPage, expect, find, fullName, GRANTED, rowOf, signIn, test, toast, unique } from "../world";

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

test("a client is added and edited, users are added, edited and deleted, the history is filtered", async ({
  staff,
  desk,
}) => {
  const client = await desk.client();
  await desk.invite(client);
  const page = await staff("dana@harbor.example", PHONE);
  const dialog = page.getByRole("dialog");
  const last = unique();
  await page.getByRole("link", { name: "+ New Client" }).tap();
  await page.getByLabel("Last name").fill(last);
  await page.getByLabel("Date of birth").fill("1990-04-01");
  await expectFits(page, "new client");
  await page.getByRole("button", { name: "Create Client" }).tap();
  await expect(page.getByRole("heading", { name: last, level: 1 })).toBeVisible();
  await page.getByRole("link", { name: "Edit" }).tap();
  await page.getByLabel("First name").fill("Ines");
  await expectFits(page, "edit client");
  await page.getByRole("button", { name: "Save" }).tap();
  await expect(page.getByRole("heading", { name: `Ines ${last}`, level: 1 })).toBeVisible();

  await page.goto(clientPage(client, "/portal"));
  await page.getByRole("link", { name: "+ Add New User" }).tap();
  await dialog.getByLabel("First name").fill("Bram");
  await dialog.getByLabel("E-mail address").fill(`${unique()}@mail.example`);
  await dialog.getByRole("radio", { name: "Spouse" }).tap();
  await expectFits(page, "add user");
  await dialog.getByRole("button", { name: "Add User" }).tap();
  await expect(rowOf(page, "Bram")).toBeVisible();
  await page.getByRole("button", { name: "More for Bram" }).tap();
  await page.getByRole("button", { name: "Edit", exact: true }).tap();
  await dialog.getByRole("radio", { name: "Guardian" }).tap();
  await dialog.getByRole("button", { name: "Save" }).tap();
  await expect(rowOf(page, "Bram")).toContainText("Guardian");
  await toast(page).getByRole("button").tap();
  await page.getByRole("button", { name: "Delete Bram" }).tap();
  // It is longer than the screen: whoever decides begins at its beginning.
  await expect(dialog.getByRole("heading", { name: "Delete Bram?" })).toBeInViewport();
  await dialog.getByLabel("Type “delete” to confirm").fill("delete");
  await dialog.getByRole("button", { name: "Delete User" }).tap();
  await expect(rowOf(page, "Bram")).toHaveCount(0);
  await expect(toast(page).getByText("Bram was deleted")).toBeInViewport();
  await expectFits(page, "the receipt");

  await page.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).tap();
  await page.locator("summary").tap();
  await page.getByLabel("What was done").selectOption("Portal user deleted");
  await expect(page.getByRole("listitem").filter({ hasText: "Dana Whitfield deleted" })).toHaveCount(1);
  await expectFits(page, "history");
});

test("a surname without end scrolls no page sideways", async ({ staff, browse, desk }) => {
  const last = `Wolfeschlegelsteinhausenbergerdorff${unique()}${unique()}${unique()}`;
  const client = await desk.client({
    name: { first: "Hubert", last },
    emails: [`${last.slice(0, 50)}@mail.example`],
  });
  const user = await desk.enrolled(client, { email: `${last.slice(0, 40)}@${unique()}.mail.example` });
  const page = await staff("dana@harbor.example", PHONE);
  const dialog = page.getByRole("dialog");
  const fits = async (what: string) => {
    await expectFits(page, what);
    for (const open of await dialog.all()) {
      const [needs, has] = await open.evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth]);
      expect.soft(needs, `${what}: the dialog`).toBeLessThanOrEqual(has ?? 0);
    }
  };
  await page.getByRole("searchbox").fill(last.slice(0, 20));
  await expect(page.getByRole("search").getByRole("button", { name: last })).toBeVisible();
  await fits("found");
  for (const section of ["", "/edit", "/portal", "/communications", "/history", "/portal/new"]) {
    await page.goto(clientPage(client, section));
    await expect(page.getByRole("heading", { level: 1, name: last })).toBeVisible();
    if (section === "/communications") await page.locator("summary").click();
    await fits(section);
  }
  await page.goto(clientPage(client, "/portal"));
  for (const item of ["Edit", "Revoke Access"]) {
    await page.getByRole("button", { name: `More for Hubert ${last}` }).click();
    await page.getByRole("button", { name: item, exact: true }).click();
    await expect(dialog).toBeVisible();
    await fits(item);
    await dialog.getByRole("button", { name: "Cancel" }).click();
  }
  await page.getByRole("button", { name: `Delete Hubert ${last}` }).click();
  await fits("delete");

  const phone = await browse(PHONE);
  await signIn(phone, user.username);
  await expect(phone.getByRole("heading", { level: 1, name: last })).toBeVisible();
  await expectFits(phone, "charts");
});
