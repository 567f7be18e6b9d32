// The keyboard alone, and the focus always where the eye expects it.
import { tabTo } from "../focus";
import { clientPage, expect, fullName, rowOf, test, toast, unique } from "../world";

test("from the search to a revoked access", async ({ dana, desk }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  await desk.enrolled(client);
  const keys = dana.keyboard;
  const found = dana.getByRole("list", { name: "Clients found" }).getByRole("button", { name });

  await keys.press("Control+k");
  await expect(dana.getByRole("searchbox", { name: "Search Clients" })).toBeFocused();
  await keys.type(client.name.last);
  await expect(found).toBeVisible();
  await keys.press("ArrowDown");
  await expect(dana.getByRole("list", { name: "Clients found" }).getByRole("button").first()).toBeFocused();
  while (!(await found.evaluate((element) => element === document.activeElement)))
    await keys.press("ArrowDown");
  await keys.press("Enter");
  await expect(
    dana.getByRole("dialog", { name }).getByRole("link", { name: "Go to Client Page" }),
  ).toBeFocused();
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name, level: 1 })).toBeFocused();

  await tabTo(dana, dana.getByRole("link", { name: "Communications" }), 5);
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: "Communications" })).toBeFocused();
  await keys.press("Tab");
  await expect(dana.locator("summary")).toBeFocused();
  await keys.press("Enter");
  const menu = dana.getByRole("button", { name: `More for ${name}` });
  await tabTo(dana, menu, 2);
  await keys.press("Enter");
  await expect(dana.getByRole("button", { name: "Revoke Access" })).toBeVisible();
  await keys.press("Escape");
  await expect(dana.getByRole("button", { name: "Revoke Access" })).toBeHidden();
  await expect(menu).toBeFocused();
  await keys.press("ArrowDown");
  await keys.press("ArrowUp");
  await expect(dana.getByRole("button", { name: "Revoke Access" })).toBeFocused();
  await keys.press("Enter");

  const dialog = dana.getByRole("dialog", { name: "Revoke portal access?" });
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await keys.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(menu).toBeFocused();
  await keys.press("ArrowUp");
  await keys.press("Enter");
  await keys.press("Tab");
  await expect(dialog.getByRole("button", { name: "Revoke Access" })).toBeFocused();
  await keys.press("Enter");
  await expect(toast(dana)).toContainText(`Portal access for ${name} was revoked`);
  await expect(dana.getByRole("heading", { name: "Communications" })).toBeFocused();

  await tabTo(dana, dana.getByRole("button", { name: "Activate Client Portal Access" }), 3);
  await keys.press("Enter");
  await expect(dana.getByRole("dialog").getByRole("button", { name: "Confirm" })).toBeFocused();
  await keys.press("Enter");
  await expect(toast(dana)).toContainText("was activated");

  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).focus();
  await keys.press("Enter");
  await tabTo(dana, dana.getByRole("radio", { name: "Assigned alerts to Practice’s inbox" }), 6);
  await keys.press("ArrowUp");
  await expect(toast(dana)).toContainText(`${name} gets the alerts now`);
  await expect(rowOf(dana, name).getByRole("radio")).toBeFocused();
});

// A hand quicker than the browser, which says only some time later that a dialog has closed.
test("what is opened right after a dialog was left stays open", async ({ dana, desk }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  await desk.enrolled(client);
  await dana.goto(clientPage(client, "/portal"));
  const dialog = dana.getByRole("dialog", { name: "Revoke portal access?" });
  await dana.getByRole("button", { name: `More for ${name}` }).click();
  const revoke = dana.getByRole("button", { name: "Revoke Access" });
  const again = await revoke.elementHandle();
  await revoke.click();
  await expect(dialog).toBeVisible();

  await dialog.getByRole("button", { name: "Cancel" }).evaluate(async (cancel, item) => {
    const closed = new Promise((done) => cancel.closest("dialog")?.addEventListener("close", done));
    (cancel as HTMLElement).click();
    await Promise.resolve().then();
    (item as HTMLElement).click();
    await closed;
  }, again);
  await expect(dialog).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
});

test("from a new client to a deleted user", async ({ dana, desk }) => {
  const keys = dana.keyboard;
  const dialog = dana.getByRole("dialog");
  const button = (name: string) => dana.getByRole("button", { name });
  const last = unique();
  await tabTo(dana, dana.getByRole("link", { name: "+ New Client" }), 5);
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: "New Client" })).toBeFocused();
  await tabTo(dana, dana.getByLabel("Last name"), 3);
  await keys.type(last);
  await tabTo(dana, dana.getByLabel("Date of birth"), 3);
  await keys.type("04011990");
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: last, level: 1 })).toBeFocused();

  await tabTo(dana, dana.getByRole("link", { name: "Edit" }), 6);
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: "Edit client" })).toBeFocused();
  await keys.press("Tab");
  await keys.type("Ines");
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: "Overview" })).toBeFocused();

  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).focus();
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: "Portal users" })).toBeFocused();
  await keys.press("Tab");
  await expect(dana.getByRole("link", { name: "+ Add New User" })).toBeFocused();
  await keys.press("Enter");
  await expect(dialog.getByLabel("First name")).toBeFocused();
  await keys.type("Ines");
  // What was typed does not go with a stray Escape.
  await keys.press("Escape");
  await expect(dialog.getByLabel("First name")).toHaveValue("Ines");
  await tabTo(dana, dialog.getByLabel("E-mail address"), 2);
  await keys.type(`${unique()}@mail.example`);
  await tabTo(dana, dialog.getByRole("radio", { name: "Self" }), 3);
  await keys.press("ArrowDown");
  await expect(dialog.getByRole("radio", { name: "Parent" })).toBeChecked();
  await tabTo(dana, dialog.getByRole("checkbox", { name: "Messaging" }), 2);
  await keys.press("Space");
  await tabTo(dana, dialog.getByRole("button", { name: "Add User" }), 16);
  await keys.press("Enter");
  await expect(toast(dana)).toContainText("Ines was added.");
  await expect(dana.getByRole("link", { name: "+ Add New User" })).toBeFocused();

  const menu = button("More for Ines");
  await tabTo(dana, menu, 4);
  await keys.press("ArrowDown");
  await keys.press("Enter");
  await expect(dialog.getByLabel("First name")).toBeFocused();
  await tabTo(dana, dialog.getByRole("checkbox", { name: "Messaging" }), 8);
  await keys.press("Space");
  await keys.press("Enter");
  await expect(toast(dana)).toContainText("Ines’s access was changed");
  await expect(menu).toBeFocused();
  await keys.press("ArrowDown");
  await keys.press("ArrowDown");
  await keys.press("Enter");
  await expect(dialog.getByRole("button", { name: "Confirm" })).toBeFocused();
  await keys.press("Enter");
  await expect(toast(dana)).toContainText("A new invitation to Ines is on its way");

  await dana.getByRole("heading", { name: "Portal users" }).focus();
  await tabTo(dana, button("Delete Ines"), 4);
  await keys.press("Enter");
  await expect(dialog.getByLabel("Type “delete” to confirm")).toBeFocused();
  await keys.type("delete");
  await keys.press("Enter");
  await expect(toast(dana)).toContainText("Ines was deleted");
  await expect(dana.getByRole("heading", { name: "Portal users" })).toBeFocused();
  await expect(dana.getByText("Nobody has access to this client’s portal yet.")).toBeVisible();
  expect(await desk.users({ clientId: new URL(dana.url()).pathname.split("/")[2] ?? "" } as never)).toEqual(
    [],
  );
});

test("the history's filter, the language and the way out", async ({ dana, desk }) => {
  const client = await desk.client();
  const keys = dana.keyboard;
  await dana.goto(clientPage(client, "/history"));
  await expect(dana.getByText("added the client")).toBeVisible();
  await dana.getByRole("heading", { name: "History" }).focus();
  await tabTo(dana, dana.locator("summary"), 3);
  await keys.press("Enter");
  await tabTo(dana, dana.getByLabel("What was done"), 1);
  await keys.type("Client added");
  await expect(dana.getByRole("listitem")).toHaveText([/^Felix Moreno added the client/]);
  await tabTo(dana, dana.getByLabel("Language"), 3);
  await keys.type("Fran");
  await expect(dana.getByRole("heading", { name: "Historique" })).toBeVisible();
  await expect(dana.getByLabel("Langue")).toBeFocused();
  await dana.getByRole("searchbox").focus();
  await keys.press("Escape");
  await tabTo(dana, dana.getByRole("button", { name: "Se déconnecter" }), 8);
  await keys.press("Enter");
  await expect(dana.getByRole("heading", { name: "Connectez-vous à Latchkey" })).toBeFocused();
});
