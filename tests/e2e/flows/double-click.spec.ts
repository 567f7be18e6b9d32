// Double clicks, out of habit: each does what one click does, and the second half hits nothing else.
import { choose, openUsers } from "../console";
import { asked, capital, clientPage, expect, fullName, rowOf, test, toast, unique } from "../world";

/** The changes that were asked for, whoever's they are. */
const changes = (requests: string[]) =>
  requests
    .filter((request) => !/^GET|\/search$|\/access$/.test(request))
    .map((request) => request.replace(/[0-9A-Z]{26}/g, "…"));

test("every button of the portal users is pressed twice, and counts once", async ({ dana, desk }) => {
  const client = await desk.client();
  const { name } = client;
  const self = fullName(name);
  const user = await desk.enrolled(client);
  const dialog = dana.getByRole("dialog");
  const twice = (button: string) => dialog.getByRole("button", { name: button }).dblclick();
  const choosing = async (item: string) => {
    await dana.getByRole("button", { name: `More for ${self}` }).dblclick();
    await dana.getByRole("button", { name: item, exact: true }).dblclick();
    await expect(dialog).toBeVisible();
  };
  await openUsers(dana, client);
  const requests = asked(dana);

  await choosing("Revoke Access");
  await twice("Revoke Access");
  await expect(toast(dana)).toContainText("was revoked. Access ended");
  await toast(dana).getByRole("button").dblclick();
  await choosing("Activate Access");
  await twice("Confirm");
  await expect(rowOf(dana, self)).toContainText("Active");
  await desk.mailbox.wait(user.email, /^Your access/, 1);

  await dana.getByRole("radio", { name: `Assign alerts to ${self}` }).dblclick();
  await expect(toast(dana)).toContainText("gets the alerts now");

  await dana.getByRole("link", { name: "+ Add New User" }).dblclick();
  await dialog.getByLabel("First name").fill("Bram");
  const email = `${unique()}@mail.example`;
  await dialog.getByLabel("E-mail address").fill(email);
  await dialog.getByRole("radio", { name: "Spouse" }).check();
  await twice("Add User");
  await expect(rowOf(dana, "Bram")).toHaveCount(1);
  const bram = { first: "Bram", last: "" };
  await choose(dana, bram, "Resend Invite");
  await twice("Confirm");
  await desk.mailbox.wait(email, /^Your invitation/, 2);
  await choose(dana, bram, "Edit");
  await dialog.getByRole("checkbox", { name: "Messaging" }).check();
  await twice("Save");
  await expect(rowOf(dana, "Bram").getByRole("listitem")).toHaveText(["Basic Functions", "Messaging"]);

  await dana.getByRole("button", { name: "Delete Bram" }).dblclick();
  await dialog.getByLabel("Type “delete” to confirm").fill("delete");
  await twice("Delete User");
  await expect(rowOf(dana, "Bram")).toHaveCount(0);

  expect(changes(requests)).toEqual([
    "POST /api/clients/…/portal-users/…/revoke",
    "POST /api/clients/…/portal-users/…/activate",
    "PUT /api/clients/…/alert-recipient",
    "POST /api/clients/…/portal-users",
    "POST /api/clients/…/portal-users/…/invitation",
    "PATCH /api/clients/…/portal-users/…",
    "DELETE /api/clients/…/portal-users/…",
  ]);

  await test.step("the history has each of it once", async () => {
    await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).dblclick();
    for (const deed of [
      `revoked ${self}’s access`,
      `activated ${self}’s access`,
      `assigned the alerts to ${self}`,
      "gave a former portal user access",
      "sent a former portal user a new invitation",
      "changed a former portal user’s access",
      "deleted a former portal user",
    ]) {
      await expect(dana.getByRole("listitem").filter({ hasText: `Dana Whitfield ${deed}` })).toHaveCount(1);
    }
  });
});

test("forms, menus and whatever opens", async ({ dana, desk }) => {
  const requests = asked(dana);
  const last = capital(unique());
  await dana.getByRole("link", { name: "+ New Client" }).dblclick();
  await dana.getByLabel("Last name").fill(last);
  await dana.getByLabel("Date of birth").fill("1990-04-01");
  await dana.getByRole("button", { name: "Add a phone number" }).dblclick();
  const phones = dana.getByRole("textbox", { name: /^Phone number \d/ });
  await expect(phones).toHaveCount(2);
  await dana.getByRole("button", { name: "Remove Phone number 2" }).dblclick();
  await expect(phones).toHaveCount(1);
  await dana.getByRole("button", { name: "Create Client" }).dblclick();
  await expect(dana.getByRole("heading", { name: last, level: 1 })).toBeVisible();
  await dana.getByRole("searchbox").fill(last);
  const hit = dana.getByRole("search").getByRole("button", { name: last });
  await expect(hit).toHaveCount(1);
  await hit.dblclick();
  await expect(dana.getByRole("dialog", { name: last })).toBeVisible();
  await dana.getByRole("link", { name: "Go to Client Page" }).dblclick();

  await dana.getByRole("link", { name: "Edit" }).dblclick();
  await dana.getByLabel("First name").fill("Ines");
  await dana.getByRole("button", { name: "Save" }).dblclick();
  await expect(dana.getByRole("heading", { name: `Ines ${last}` })).toBeVisible();

  const client = await desk.client({ emails: [`${unique()}@mail.example`] });
  await dana.goto(clientPage(client, "/communications"));
  await dana.locator("summary").dblclick();
  await dana.getByRole("button", { name: "Activate Client Portal Access" }).dblclick();
  await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).dblclick();
  await expect(toast(dana)).toContainText("is on its way");
  expect(await desk.users(client)).toHaveLength(1);

  await dana.getByRole("button", { name: "Sign out" }).dblclick();
  await expect(dana.getByRole("status")).toHaveText("You are signed out.");
  expect(changes(requests)).toEqual([
    "POST /api/clients",
    "PATCH /api/clients/…",
    "POST /api/clients/…/portal-users",
    "DELETE /api/staff/session",
  ]);
});

test("the second half of a double click confirms nothing, wherever the dialog opens", async ({
  staff,
  desk,
}) => {
  const client = await desk.client();
  await desk.enrolled(client);
  const page = await staff("dana@harbor.example", { viewport: { width: 320, height: 900 } });
  await openUsers(page, client);
  // Once to learn where the button that does it will be.
  await choose(page, client.name, "Revoke Access");
  const danger = page.getByRole("dialog").getByRole("button", { name: "Revoke Access" });
  const place = await danger.boundingBox();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `More for ${fullName(client.name)}` }).click();
  const item = page.getByRole("button", { name: "Revoke Access", exact: true });
  // The menu's item is brought under the pointer, exactly there.
  await item.evaluate(
    (element, at) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        `.menu-list:popover-open { inset: ${at.y - 100}px auto auto ${at.x}px; position-area: none; margin: 0 }`,
      );
      document.adoptedStyleSheets = [sheet];
      (element as HTMLElement).scrollIntoView({ block: "nearest" });
    },
    place ?? { x: 0, y: 0 },
  );
  const over = await item.boundingBox();
  await page.mouse.dblclick((over?.x ?? 0) + 20, (over?.y ?? 0) + 10);
  await expect(page.getByRole("dialog", { name: "Revoke portal access?" })).toBeVisible();
  expect((await desk.users(client))[0]?.status).toBe("active");
});
