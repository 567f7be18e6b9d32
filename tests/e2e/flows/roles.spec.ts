// Who may look, who may change, and whose clients they are.
import { clientPage, expect, find, fullName, request, rowOf, signIn, staffOrigin, test } from "../world";

test("an auditor sees everything and changes nothing", async ({ staff, desk }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.enrolled(client);
  const ada = await staff("ada@harbor.example");
  await expect(ada.getByRole("link", { name: "+ New Client" })).toHaveCount(0);
  await find(ada, client.name.last, name);
  await ada.getByRole("link", { name: "Go to Client Page" }).click();
  await expect(
    ada.getByText("You can look at everything here. Your role cannot change anything."),
  ).toBeVisible();

  const main = ada.getByRole("main");
  // Looking again and copies of the history change nothing.
  const buttons: Record<string, string[]> = {
    Communications: ["Look again"],
    History: ["Print", "Export as CSV"],
  };
  for (const [section, seen] of [
    ["Overview", client.recordNumber],
    ["Client Portal", user.username],
    ["Communications", "Client Portal"],
    ["History", "enrolled in the Client Portal"],
  ] as const) {
    await ada.getByRole("navigation", { name: "Client" }).getByRole("link", { name: section }).click();
    if (section === "Communications") await ada.locator("summary").click();
    await expect(main.getByText(seen).last()).toBeVisible();
    await expect(main.getByRole("button")).toHaveText(buttons[section] ?? []);
    await expect(main.getByRole("radio")).toHaveCount(0);
    for (const link of ["+ Add New User", "Edit"])
      await expect(main.getByRole("link", { name: link })).toHaveCount(0);
  }

  const change = await request(
    ada,
    "POST",
    `/api/clients/${client.clientId}/portal-users/${user.portalUserId}/revoke`,
    {},
  );
  expect(change.status).toBe(403);
  expect((await desk.users(client))[0]?.status).toBe("active");

  await test.step("and is shown no form, by whatever address", async () => {
    for (const address of [`${staffOrigin()}/clients/new`, clientPage(client, "/edit")]) {
      await ada.goto(address);
      await expect(ada.getByRole("heading", { name: "Your role cannot change anything" })).toBeFocused();
    }
    await ada.goto(clientPage(client, "/portal/new"));
    await expect(rowOf(ada, name)).toBeVisible();
    await expect(ada.getByRole("dialog")).toHaveCount(0);
  });
});

test("another practice's staff find no such client", async ({ staff, desk }) => {
  const client = await desk.client();
  const casey = await staff("casey@cove.example");
  await expect(casey.getByRole("link", { name: "Cove Counseling" })).toBeVisible();
  for (const address of [
    clientPage(client),
    clientPage({ clientId: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }),
    clientPage({ clientId: "nonsense" }),
  ]) {
    await casey.goto(address);
    await expect(casey.getByRole("heading", { name: "Client not found" })).toBeVisible();
    await expect(casey.getByText("There is no client at this address in your practice.")).toBeVisible();
    await expect(casey.getByText(client.name.last)).toHaveCount(0);
  }
  await casey.getByRole("searchbox", { name: "Search Clients" }).fill(client.recordNumber);
  await expect(casey.getByText(`No client matches “${client.recordNumber}”.`).last()).toBeVisible();
});

test("the history tells what happened in sentences", async ({ dana, desk, browse }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.enrolled(client);
  const door = await browse();
  await signIn(door, user.username);
  await expect(door.getByRole("heading", { name: /^Welcome/ })).toBeVisible();
  await desk.change(client, user, "revoke");
  await desk.change(client, user, "activate");

  await dana.goto(clientPage(client, "/history"));
  const events = dana.getByRole("group", { name: "What happened, newest first" }).getByRole("listitem");
  const told = async () => {
    const sentences = await events.locator("p:first-child").allTextContents();
    return sentences
      .filter((each) => !/opened the client’s page|looked at/.test(each))
      .map((each) => each.replace(/ · \d+:\d\d.[AP]M$/, ""));
  };
  await expect
    .poll(told)
    .toEqual([
      `Felix Moreno activated ${name}’s access`,
      `Felix Moreno revoked ${name}’s access`,
      `${name} signed in to the Client Portal`,
      `${name} enrolled in the Client Portal`,
      `Felix Moreno gave ${name} access and sent an invitation`,
      "Felix Moreno added the client",
    ]);
  await expect(events.filter({ hasText: "Dana Whitfield opened the client’s page" }).first()).toBeVisible();

  await test.step("and forgets nobody's deeds with the person", async () => {
    await desk.call(
      "DELETE",
      `/api/clients/${client.clientId}/portal-users/${user.portalUserId}?confirm=delete`,
    );
    await dana.reload();
    await expect(
      events.filter({ hasText: "Felix Moreno deleted a former portal user from the portal users" }),
    ).toBeVisible();
    await expect(rowOf(dana, name)).toHaveCount(0);
  });
});

test("signing out of the console asks to sign in again, and leads back", async ({ dana, desk }) => {
  const client = await desk.client();
  await dana.goto(clientPage(client, "/portal"));
  await expect(dana.getByRole("heading", { name: "Portal users" })).toBeVisible();
  // The session ends elsewhere; the next thing done here says so.
  await request(dana, "DELETE", "/api/staff/session");
  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "History" }).click();
  const ended = dana.getByRole("dialog", { name: "Your session has ended" });
  await ended.getByRole("link", { name: "Sign in" }).click();
  await dana.getByRole("link", { name: /Dana Whitfield/ }).click();
  await expect(dana).toHaveURL(clientPage(client, "/history"));
  await expect(dana.getByRole("heading", { name: "History" })).toBeVisible();
  await dana.getByRole("button", { name: "Sign out" }).click();
  await expect(dana.getByRole("status")).toHaveText("You are signed out.");
});
