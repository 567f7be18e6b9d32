// Two of the staff work on the same client: nothing anybody wrote is lost, and nothing is done twice.
import { choose, CUT, loseAnswer, openUsers, section } from "../console";
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

test("the client’s own portal user has the new name at once", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  await openUsers(dana, client);
  await section(dana, "Overview").click();
  await dana.getByRole("link", { name: "Edit" }).click();
  await dana.getByLabel("First name").fill("Ottilie");
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(dana.getByRole("heading", { name: "Overview" })).toBeFocused();
  await section(dana, "Client Portal").click();
  await expect(rowOf(dana, `Ottilie ${client.name.last}`)).toBeVisible();
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

test("whoever was to get the alerts next is gone: nobody is said to be deleted who is not", async ({
  dana,
  desk,
}) => {
  const client = await desk.client();
  const name = fullName(client.name);
  await desk.enrolled(client);
  const guest = { first: "Bram", last: client.name.last };
  for (const what of ["delete", "revoke"] as const) {
    await test.step(what, async () => {
      const next = await desk.invite(client, { name: guest, relationship: "spouse" });
      await openUsers(dana, client, guest);
      await dana.getByRole("radio", { name: new RegExp(`alerts to ${name}`) }).check();
      await expect(dana.getByRole("radio", { name: `Assigned alerts to ${name}` })).toBeChecked();
      await dana.getByRole("button", { name: `Delete ${name}` }).click();
      const dialog = dana.getByRole("dialog");
      await dialog.getByRole("radio", { name: fullName(guest) }).check();
      await dialog.getByLabel("Type “delete” to confirm").fill("delete");
      if (what === "delete") await remove(desk, client, next);
      else await desk.change(client, next, "revoke");
      await dialog.getByRole("button", { name: "Delete User" }).click();

      const said = `${fullName(guest)} cannot get the alerts any more: somebody else has changed that access`;
      await expect(dialog.getByRole("alert").filter({ hasText: said })).toContainText(
        `${name} was not deleted.`,
      );
      await expect(dialog.getByRole("radio", { name: fullName(guest) })).toHaveCount(0);
      await expect(dialog.getByRole("radio", { name: "Practice’s inbox" })).toBeChecked();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await expect(rowOf(dana, name)).toContainText("Active");
    });
  }
  await dana.getByRole("button", { name: `Delete ${name}` }).click();
  await dana.getByLabel("Type “delete” to confirm").fill("delete");
  await dana.getByRole("dialog").getByRole("button", { name: "Delete User" }).click();
  await expect(toast(dana)).toContainText(`${name} was deleted from the portal users.`);
  await expect(toast(dana)).toContainText("Alerts now go to the practice’s inbox.");
});

test("an answer that was lost is not taken for somebody else's work", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const name = fullName(client.name);

  await dana.goto(clientPage(client, "/edit"));
  await dana.getByLabel("Professional").fill("Dr. Lima");
  await loseAnswer(dana, "PATCH", `**/api/clients/${client.clientId}`);
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(dana.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(toast(dana)).toContainText(/saved/i);
  await expect(dana.getByRole("definition").filter({ hasText: "Dr. Lima" })).toBeVisible();

  await openUsers(dana, client);
  const dialog = dana.getByRole("dialog");
  await choose(dana, client.name, "Edit");
  await dialog.getByRole("radio", { name: "Guardian" }).check();
  await loseAnswer(dana, "PATCH", "**/portal-users/*");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(toast(dana)).toHaveText(`${name}’s access was changed`);
  await expect(rowOf(dana, name)).toContainText("Guardian");

  await dana.getByRole("button", { name: `Delete ${name}` }).click();
  await dialog.getByLabel("Type “delete” to confirm").fill("delete");
  await loseAnswer(dana, "DELETE", "**/portal-users/*");
  await dialog.getByRole("button", { name: "Delete User" }).click();
  await expect(dialog.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await dialog.getByRole("button", { name: "Delete User" }).click();
  await expect(toast(dana)).toHaveText(`${name} was deleted from the portal users.`);
  await expect(rowOf(dana, name)).toHaveCount(0);
});

test("a late answer takes nobody off what they have gone on to", async ({ dana, desk }) => {
  const [first, second] = [await desk.client(), await desk.client()];
  await dana.goto(clientPage(first, "/edit"));
  await dana.getByLabel("Professional").fill("Dr. Lima");
  let answer = () => {};
  const held = new Promise<void>((release) => (answer = release));
  await dana.route(`**/api/clients/${first.clientId}`, async (route) => {
    if (route.request().method() === "PATCH") await held;
    await route.fallback();
  });
  await dana.getByRole("button", { name: "Save" }).click();
  await dana.getByRole("searchbox").fill(second.name.last);
  await dana.getByRole("search").getByRole("button", { name: second.name.last }).click();
  await dana.getByRole("link", { name: "Go to Client Page" }).click();
  await dana.getByRole("link", { name: "Edit", exact: true }).click();
  await dana.getByLabel("Professional").fill("Dr. Sato");
  answer();
  await expect(toast(dana)).toContainText(fullName(first.name));
  await expect(dana).toHaveURL(clientPage(second, "/edit"));
  await expect(dana.getByLabel("Professional")).toHaveValue("Dr. Sato");
});

test("news that do not come leave a form as it is", async ({ dana, desk }) => {
  const client = await desk.client();
  const user = await desk.invite(client);
  await openUsers(dana, client);
  await choose(dana, client.name, "Revoke Access");
  await dana.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
  await expect(rowOf(dana, fullName(client.name))).toContainText("No Portal Access");
  let answer = () => {};
  const held = new Promise<void>((release) => (answer = release));
  let failed = 0;
  await dana.route(`**/api/clients/${client.clientId}`, async (route) => {
    if (route.request().method() !== "GET" || failed++) return route.fallback();
    await held;
    await route.abort();
  });
  await section(dana, "Overview").click();
  await dana.getByRole("link", { name: "Edit", exact: true }).click();
  await dana.getByLabel("Professional").fill("Dr. Lima");
  const lost = dana.waitForEvent("requestfailed");
  answer();
  await lost;
  await expect(dana.getByLabel("Professional")).toHaveValue("Dr. Lima");
  await desk.change(client, user, "activate");
  await section(dana, "Overview").click();
  await expect.poll(() => failed, { message: "the next visit asks again" }).toBeGreaterThan(1);
});

test("whoever was added meanwhile is named, and whoever was revoked shown as such", async ({ dana, desk }) => {
  const client = await desk.client();
  const owner = await desk.invite(client);
  const alertsTo = (user: PortalUser) =>
    desk.call("PUT", `/api/clients/${client.clientId}/alert-recipient`, { portalUserId: user.portalUserId });
  const add = (first: string) =>
    desk.invite(client, { name: { first, last: client.name.last }, relationship: "spouse" });

  await test.step("on the overview", async () => {
    await openUsers(dana, client);
    await alertsTo(await add("Bram"));
    await choose(dana, client.name, "Resend Invite");
    await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await expect(toast(dana)).toContainText("A new invitation");
    await section(dana, "Overview").click();
    await expect(dana.getByRole("definition").filter({ hasText: "Bram" })).toBeVisible();
  });

  await test.step("in what a revocation ended", async () => {
    await alertsTo(owner);
    await openUsers(dana, client);
    await alertsTo(await add("Cleo"));
    await choose(dana, client.name, "Revoke Access");
    await dana.getByRole("dialog").getByRole("button", { name: "Revoke Access" }).click();
    await expect(toast(dana)).toContainText(`to Cleo ${client.name.last} from enrollment on.`);
  });

  await test.step("when the alerts are to go to them", async () => {
    const late = await add("Dora");
    await openUsers(dana, client, late.name);
    await desk.change(client, late, "revoke");
    await dana.getByRole("radio", { name: `Assign alerts to ${fullName(late.name)}` }).click();
    await expect(rowOf(dana, "Dora")).toContainText("No Portal Access");
    await expect(dana.getByRole("radio", { name: /^Assigned alerts to Cleo/ })).toBeChecked();
  });
});
