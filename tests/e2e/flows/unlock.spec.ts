// Somebody is locked out: the front desk sees it, makes sure who asks, and ends it. And the first page, left open, says
// by itself that something is new.
import { expectAccessible, expectFits } from "../accessibility";
import { openUsers } from "../console";
import { tabTo } from "../focus";
import {
  asked,
  expect,
  forward,
  fillSignIn,
  fullName,
  harborPortal,
  holdClock,
  type Page,
  portalOrigin,
  rowOf,
  signInStaff,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

const NARROW = { viewport: { width: 320, height: 640 }, colorScheme: "dark" } as const;
const trouble = (page: Page, name: string) => page.getByRole("region", { name });

/** Fails to sign in until the sign-in name is locked, as somebody without a device that was let in before. */
async function lockOut(username: string): Promise<void> {
  const attempt = () =>
    fetch(`${staffOrigin()}/api/portal/sign-in`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: portalOrigin() },
      body: JSON.stringify({ practice: "harbor", username, password: "not the password at all" }),
    });
  for (let times = 0; times < 5; times++) expect((await attempt()).status).toBe(401);
  expect((await attempt()).status).toBe(429);
}

/** Whether the right password is let in, in a browser that is new. */
async function mayTry(page: Page, username: string): Promise<void> {
  await page.goto(harborPortal("sign-in"));
  await fillSignIn(page, username);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Welcome");
}

test("who is locked out is unlocked on the first page and on the client's, by somebody who made sure", async ({
  browse,
  staff,
  desk,
}) => {
  test.slow();
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const name = fullName(client.name);
  await lockOut(user.username);
  const listed = () => desk.call("POST", "/api/access", { view: "locked", limit: 100 });
  await expect.poll(async () => JSON.stringify(await listed())).toContain(user.portalUserId);
  const dana = await staff("dana@harbor.example", NARROW);
  const dialog = dana.getByRole("dialog");

  await test.step("on the first page, with the keyboard at 320 px", async () => {
    await dana.reload();
    const row = trouble(dana, "Locked out").getByRole("listitem").filter({ hasText: name });
    await expect(row).toContainText("Too many wrong passwords");
    await tabTo(dana, row.getByRole("button", { name: `Unlock: ${name}` }), 80);
    await dana.keyboard.press("Enter");
    await expect(dialog.getByRole("heading", { name: `Unlock ${name}?` })).toBeVisible();
    await expect(dialog).toContainText(`First make sure that it is ${name} who asks`);
    await expectFits(dana, "before somebody is unlocked");
    await expectAccessible(dana, "before somebody is unlocked");
    await tabTo(dana, dialog.getByRole("button", { name: "Unlock" }), 3);
    await dana.keyboard.press("Enter");
    await expect(toast(dana)).toContainText(`${name} can try to sign in now`);
    await expect(row).toHaveCount(0);
    await mayTry(await browse(), user.username);
  });

  await test.step("in the list of the client's portal users", async () => {
    await lockOut(user.username);
    await openUsers(dana, client);
    const row = rowOf(dana, name);
    await expect(row.getByText("Locked", { exact: true })).toBeVisible();
    await expectFits(dana, "somebody who is locked out");
    await expectAccessible(dana, "somebody who is locked out");
    await row.getByRole("button", { name: `Unlock: ${name}` }).click();
    await dialog.getByRole("button", { name: "Unlock" }).click();
    await expect(toast(dana)).toContainText(`${name} can try to sign in now`);
    await expect(row.getByText("Locked", { exact: true })).toHaveCount(0);
    await expect(row.getByRole("button", { name: /^Unlock/ })).toHaveCount(0);
    await mayTry(await browse(), user.username);
  });

  await test.step("and stands in the history", async () => {
    await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).click();
    await expect(dana.getByText(`Dana Whitfield unlocked ${name}’s sign-in`)).toHaveCount(2);
  });
});

test("the first page says by itself that something is new, and shows it when it is asked", async ({
  browse,
  desk,
}) => {
  const page = await browse();
  await holdClock(page);
  await signInStaff(page, "dana@harbor.example");
  await expect(trouble(page, "Alerts that reach only the practice").getByRole("listitem").first()).toBeVisible();
  const news = page.getByRole("button", { name: "Show what is new" });
  await expect(news).toHaveCount(0);
  const client = await desk.client({ name: { first: "Ilse", last: `Aa0${unique()}` } });
  await desk.enrolled(client);

  const requests = asked(page);
  await forward(page, 60_000);
  await expect(news).toBeVisible();
  await expectAccessible(page, "something is new");
  // To look at rows is recorded: nobody did.
  expect(requests).not.toContain("POST /api/access");
  await tabTo(page, news, 30);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Today", level: 1 })).toBeFocused();
  await expect(news).toHaveCount(0);
  const alerts = trouble(page, "Alerts that reach only the practice");
  await expect(alerts.getByRole("listitem").filter({ hasText: fullName(client.name) })).toBeVisible();
});
