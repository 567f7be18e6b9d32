// Staff who end an access see which apps are open to the person, and how far word of it comes to them.
import { openRooms, REDIRECT, type Room, test } from "../apps";
import { choose, openUsers } from "../console";
import { Portal } from "../portal";
import {
  type Desk,
  expect,
  forward,
  fullName,
  harborPortal,
  holdClock,
  ownerCard,
  type Page,
  type PortalUser,
  rowOf,
  toast,
  unique,
} from "../world";

const name = () => `Messages ${unique()}`;

/** Signs in to apps as somebody, and answers the tokens that they got. */
async function open(page: Page, { username }: PortalUser, ...rooms: Room[]): Promise<string[]> {
  await openRooms(page);
  await page.goto(harborPortal("sign-in"));
  const portal = new Portal(page);
  await portal.signIn(username);
  await expect(portal.welcome).toBeVisible();
  const tokens: string[] = [];
  for (const room of rooms) {
    await page.goto(room.authorize());
    await expect(page).toHaveURL(new RegExp(`^${REDIRECT}`));
    tokens.push((await room.tokens(page.url())).access_token);
  }
  return tokens;
}

/** A client of whom the apps are open. */
async function clientIn(desk: Desk, browse: () => Promise<Page>, ...rooms: Room[]) {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  return { client, tokens: await open(await browse(), user, ...rooms) };
}

test("revoking says which apps are open, that they are told, and a moment later that they answered", async ({
  dana,
  desk,
  browse,
  register,
  listener,
}) => {
  const [app, deaf] = [name(), `Deaf ${unique()}`];
  const room = await register({ name: app, logoutUri: listener.logoutUri });
  const { client, tokens } = await clientIn(desk, browse, room, await register({ name: deaf }));
  const row = rowOf(dana, fullName(client.name));
  await openUsers(dana, client);
  await expect(row).not.toContainText(app);
  await choose(dana, client.name, "Revoke Access");
  const dialog = dana.getByRole("dialog");
  await expect(dialog.getByRole("list", { name: "What ends" })).toContainText(
    new RegExp(`(${app} and ${deaf}|${deaf} and ${app}) are open now, and are refused at their next question\\.`),
  );
  expect(listener.heard).toHaveLength(0);
  await dialog.getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(dana)).toContainText(`${app} is being told; no answer yet.`);
  await expect(row).toContainText(`${app} is being told; no answer yet.`);
  expect(await room.isActive(tokens[0] ?? "")).toBe(false);

  listener.answer();
  const told = new RegExp(`${app} told \\d+:\\d\\d:\\d\\d (AM|PM)\\.`);
  await expect(toast(dana)).toContainText(told);
  await expect(row).toContainText(told);
  const refused = `${deaf} could not be told. It is refused when it next asks.`;
  await expect(toast(dana)).toContainText(refused);
  await expect(row).toContainText(refused);
  // A try that was given up is followed by another.
  expect(listener.heard).not.toHaveLength(0);

  await test.step("and whoever comes later reads it, without a time that nobody saw", async () => {
    await dana.reload();
    await expect(row).toContainText(`${app} was told.`);
    await expect(row).toContainText(refused);
  });
  await test.step("until the person is back in", async () => {
    await choose(dana, client.name, "Activate Access");
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await expect(row).toContainText("Active");
    await expect(row).not.toContainText(app);
    await choose(dana, client.name, "Revoke Access");
    await expect(dialog.getByRole("list", { name: "What ends" })).toBeVisible();
    await expect(dialog).not.toContainText(app);
  });
});

test("the owner's card tells it too", async ({ dana, desk, browse, register, listener }) => {
  const app = name();
  const { client } = await clientIn(desk, browse, await register({ name: app, logoutUri: listener.logoutUri }));
  await holdClock(dana);
  const card = await ownerCard(dana, client);
  await card.getByRole("button", { name: `More for ${fullName(client.name)}` }).click();
  await card.getByRole("button", { name: "Revoke Access" }).click();
  const dialog = dana.getByRole("dialog");
  await expect(dialog).toContainText(`${app} is open now, and is refused at its next question.`);
  await dialog.getByRole("button", { name: "Revoke Access" }).click();
  await expect(card).toContainText(`${app} is being told; no answer yet.`);
  await toast(dana).getByRole("button", { name: "Dismiss this message" }).hover();
  listener.answer();
  await expect(card).toContainText(`${app} told `);
  await expect(toast(dana)).toContainText(`${app} told `);
  await test.step("for as long as the pointer rests on it, whatever was told meanwhile", async () => {
    await forward(dana, "00:11");
    await expect(toast(dana)).toContainText(`${app} told `);
    await dana.mouse.move(0, 0);
    await forward(dana, "00:11");
    await expect(toast(dana)).toHaveText("");
  });
});

test("deleting says which apps are open, and that they are told", async ({
  dana,
  desk,
  browse,
  register,
  listener,
}) => {
  const app = name();
  const room = await register({ name: app, logoutUri: listener.logoutUri });
  const { client, tokens } = await clientIn(desk, browse, room);
  await openUsers(dana, client);
  await dana.getByRole("button", { name: `Delete ${fullName(client.name)}` }).click();
  await expect(dana.getByRole("dialog")).toContainText(`${app} is open now, and is refused at its next question.`);
  await dana.getByLabel("Type “delete” to confirm").fill("delete");
  await dana.keyboard.press("Enter");
  await expect(toast(dana)).toContainText(`${app} is sent word of it.`);
  await expect.poll(() => listener.heard.length).toBeGreaterThan(0);
  expect(await room.isActive(tokens[0] ?? "")).toBe(false);
  listener.answer();
});
