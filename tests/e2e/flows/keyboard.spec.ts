// The keyboard alone, and the focus always where the eye expects it.
import { tabTo } from "../focus";
import { expect, fullName, rowOf, test, toast } from "../world";

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
