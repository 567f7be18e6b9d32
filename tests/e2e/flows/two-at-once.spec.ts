// Two of the staff work on the same client: nothing anybody wrote is lost, and nothing is done twice.
import { choose, openUsers, section } from "../console";
import {
  type Client,
  clientPage,
  type Desk,
  expect,
  fullName,
  type PortalUser,
  rowOf,
  test,
  toast,
} from "../world";

const remove = (desk: Desk, client: Client, user: PortalUser) =>
  desk.call("DELETE", `/api/clients/${client.clientId}/portal-users/${user.portalUserId}?confirm=delete`);

test("an edit of the client that comes too late says what was, what is and what was typed", async ({
  dana,
  desk,
}) => {
  const client = await desk.client({ phones: ["207-555-0100"] });
  await dana.goto(clientPage(client, "/edit"));
  await dana.getByLabel("First name").fill("Ottilie");
  await dana.getByLabel("Professional").fill("Dr. Lima");
  const { version } = await desk.call<{ version: number }>("GET", `/api/clients/${client.clientId}`);
  await desk.call("PATCH", `/api/clients/${client.clientId}`, {
    version,
    professional: "Dr. Sato",
    phones: [{ type: "mobile", number: "207-555-0199" }],
  });
  await dana.getByRole("button", { name: "Save" }).click();

  const note = dana.getByRole("alert").filter({ hasText: "Somebody else changed this record" });
  await expect(note).toBeFocused();
  await expect(note.getByRole("listitem")).toHaveText([
    "Professional is now “Dr. Sato”. It was empty; you typed “Dr. Lima”.",
    "Phone numbers is now “207-555-0199”. It was “207-555-0100”.",
  ]);
  await expect(dana.getByLabel("First name")).toHaveValue("Ottilie");
  await expect(dana.getByLabel("Professional")).toHaveValue("Dr. Lima");
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(dana.getByRole("definition").filter({ hasText: "Dr. Lima" })).toBeVisible();
  await expect(dana.getByText("207-555-0199")).toBeVisible();
});

test("somebody deleted meanwhile is said to be, whatever was to be done with them", async ({
  dana,
  desk,
}) => {
  const client = await desk.client();
  await desk.invite(client);
  const dialog = dana.getByRole("dialog");
  const confirm = (name: string) => dialog.getByRole("button", { name }).click();

  for (const [what, act] of [
    [
      "edit",
      async (guest) => {
        await choose(dana, guest, "Edit");
        await dialog.getByRole("radio", { name: "Guardian" }).check();
        return () => confirm("Save");
      },
    ],
    [
      "revoke",
      async (guest) => {
        await choose(dana, guest, "Revoke Access");
        return () => confirm("Revoke Access");
      },
    ],
    [
      "resend",
      async (guest) => {
        await choose(dana, guest, "Resend Invite");
        return () => confirm("Confirm");
      },
    ],
    [
      "delete",
      async (guest) => {
        await dana.getByRole("button", { name: `Delete ${fullName(guest)}` }).click();
        await dialog.getByLabel("Type “delete” to confirm").fill("delete");
        return () => confirm("Delete User");
      },
    ],
    [
      "own",
      async (guest) => {
        await section(dana, "Communications").click();
        await dana.locator("summary").click();
        await choose(dana, client.name, "Change Ownership");
        await dialog.getByRole("radio", { name: guest.first }).check();
        return () => confirm("Change Ownership");
      },
    ],
  ] as [string, (guest: { first: string; last: string }) => Promise<() => Promise<void>>][]) {
    await test.step(what, async () => {
      const guest = { first: "Bram", last: client.name.last };
      const user = await desk.invite(client, { name: guest, relationship: "spouse" });
      await openUsers(dana, client, guest);
      const press = await act(guest);
      await remove(desk, client, user);
      await press();
      await expect(toast(dana)).toContainText(`Somebody else has deleted ${fullName(guest)} meanwhile.`);
      await expect(dialog).toHaveCount(0);
      await expect(dana.getByRole("heading", { level: 2 }).first()).toBeFocused();
      await section(dana, "Client Portal").click();
      await expect(rowOf(dana, fullName(client.name))).toBeVisible();
      await expect(rowOf(dana, "Bram")).toHaveCount(0);
    });
  }
});

test("what somebody else did already is said, and the list shows it", async ({ dana, desk }) => {
  const client = await desk.client();
  const user = await desk.invite(client);
  await openUsers(dana, client);
  await choose(dana, client.name, "Resend Invite");
  await desk.change(client, user, "revoke");
  await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
  await expect(dana.getByRole("alert")).toContainText("The access was revoked meanwhile. Activate it first.");
  await dana.getByRole("button", { name: "Cancel" }).click();
  await expect(rowOf(dana, fullName(client.name))).toContainText("No Portal Access");

  // Revoked here and there: the same receipt, and one event.
  await desk.change(client, user, "activate");
  await dana.reload();
  await choose(dana, client.name, "Revoke Access");
  await desk.change(client, user, "revoke");
  await dana.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(dana)).toContainText("1 invitation ended.");
});
