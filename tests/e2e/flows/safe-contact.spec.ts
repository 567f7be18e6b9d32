// Safe contact: the front desk puts a client under it, says which addresses are safe, and ends the access of others in
// one step. The portal tells nobody.
import { expectAccessibleInAll, expectFits } from "../accessibility";
import { choose, failOnce, section } from "../console";
import {
  clientPage,
  type Desk,
  expect,
  fullName,
  harborPortal,
  rowOf,
  signIn,
  test,
  toast,
  unique,
} from "../world";

test("a client is put under safe contact, and the access of others ends in one step", async ({
  dana,
  desk,
  mailbox,
  browse,
}) => {
  test.slow();
  const [safe, shared] = [`${unique()}@mail.example`, `${unique()}@mail.example`];
  const client = await desk.client({ emails: [safe, shared] });
  const [parent, other] = [
    { first: "Vera", last: client.name.last },
    { first: "Egon", last: client.name.last },
  ];
  const her = await desk.enrolled(client, { email: safe });
  const his = await desk.enrolled(client, { name: parent, email: shared, relationship: "spouse" });
  await desk.invite(client, { name: other, relationship: "other" });
  const theirs = await browse();
  await signIn(theirs, his.username);
  await expect(theirs.getByRole("heading", { name: `Welcome, ${fullName(parent)}` })).toBeVisible();

  await test.step("the way to it is at the head of the client's page", async () => {
    await dana.goto(clientPage(client));
    await dana.getByRole("link", { name: "Safe contact" }).click();
    await expect(dana.getByRole("heading", { name: "Safe contact", exact: true })).toBeFocused();
    await expect(dana.getByText("It ends nobody’s access.")).toBeVisible();
  });

  await test.step("the mark and the safe address are set by keyboard alone", async () => {
    const use = dana.getByRole("checkbox", { name: "Use safe contact" });
    await use.focus();
    await dana.keyboard.press("Space");
    await expect(dana.getByText("No address is safe: the client gets no mail at all.")).toBeVisible();
    await dana.keyboard.press("Tab");
    await expect(dana.getByRole("checkbox", { name: safe })).toBeFocused();
    await dana.keyboard.press("Space");
    await expect(dana.getByText("No address is safe")).toHaveCount(0);
    await dana.getByRole("button", { name: "Save" }).focus();
    await dana.keyboard.press("Enter");
    await expect(toast(dana)).toContainText("Safe contact was saved.");
    await expect(dana.getByText("Safe contact is on.", { exact: true })).toBeVisible();
    await expect(dana.getByRole("checkbox", { name: safe })).toBeChecked();
    await expect(dana.getByRole("checkbox", { name: shared })).not.toBeChecked();
    await expect(dana.getByText(`${shared} is not marked as safe`)).toBeVisible();
  });

  await test.step("it can be read in every look and language, and on a telephone", async () => {
    await expectAccessibleInAll(dana, "safe contact");
    await dana.setViewportSize({ width: 320, height: 640 });
    await expectFits(dana, "safe contact, narrow");
    await dana.setViewportSize({ width: 1280, height: 800 });
  });

  await test.step("mail to the other address is not sent, and the desk sees why", async () => {
    await desk.change(client, his, "revoke");
    const before = (await mailbox.sentTo(shared)).length;
    await desk.change(client, his, "activate");
    await section(dana, "Client Portal").click();
    const row = rowOf(dana, fullName(parent));
    await expect(async () => {
      await dana.reload();
      await expect(row).toContainText("was not sent: the address is not marked as safe", { timeout: 2_000 });
    }).toPass();
    expect((await mailbox.sentTo(shared)).length).toBe(before);
    // There is nothing to correct: the way leads to where addresses are marked.
    await expect(row.getByRole("link", { name: "Correct the address" })).toHaveCount(0);
    await row.getByRole("link", { name: "Addresses, and who can enter" }).click();
    await expect(dana).toHaveURL(clientPage(client, "/safe"));
  });

  await test.step("where the mark is set, too", async () => {
    await expect(
      dana.getByText("Access notice was not sent: the address is not marked as safe."),
    ).toBeVisible();
    await dana.setViewportSize({ width: 320, height: 640 });
    await expectFits(dana, "safe contact with a mail that was not sent, narrow");
    await dana.setViewportSize({ width: 1280, height: 800 });
  });

  await test.step("nobody is chosen beforehand, and nothing ends without a choice", async () => {
    for (const name of [client.name, parent, other])
      await expect(dana.getByRole("checkbox", { name: fullName(name) })).not.toBeChecked();
    await dana.getByRole("button", { name: "End access…" }).click();
    await expect(dana.getByRole("alert").first()).toContainText("Choose at least one person.");
  });

  await test.step("the chosen lose their access, all or told who did not", async () => {
    await dana.getByRole("checkbox", { name: fullName(parent) }).check();
    await dana.getByRole("checkbox", { name: fullName(other) }).check();
    await dana.getByRole("button", { name: "End access…" }).click();
    const dialog = dana.getByRole("dialog", { name: "End the access of 2 people?" });
    await expect(dialog).toContainText(`${fullName(parent)}: access ends at once.`);
    await expect(dialog).toContainText(`${fullName(other)}: the open invitation stops working.`);
    await expectAccessibleInAll(dana, "ending access");
    await dana.setViewportSize({ width: 320, height: 640 });
    await expectFits(dana, "ending access, narrow");
    await dana.setViewportSize({ width: 1280, height: 800 });
    await failOnce(dana, "POST", /\/revoke$/, "busy");
    await dialog.getByRole("button", { name: "End access now" }).click();
    await expect(dialog).toContainText(`Access did NOT end for ${fullName(parent)}. Try again.`);
    await dialog.getByRole("button", { name: "End access now" }).click();
    await expect(toast(dana)).toContainText(`Access ended for ${fullName(parent)} and ${fullName(other)}.`);
    await expect(dana.getByRole("checkbox", { name: fullName(parent) })).toHaveCount(0);
    await expect(dana.getByRole("checkbox", { name: fullName(client.name) })).not.toBeChecked();
    const users = await desk.users(client);
    expect(users.map(({ status }) => status).sort()).toEqual(["active", "revoked", "revoked"]);
  });

  await test.step("the portal tells nobody why", async () => {
    await signIn(theirs, his.username);
    await expect(theirs.getByRole("heading", { name: "Your access is not active" })).toBeVisible();
    await expect(theirs.locator("body")).not.toContainText(/safe/i);
    const hers = await browse();
    await signIn(hers, her.username);
    await expect(hers.getByRole("heading", { name: `Welcome, ${fullName(client.name)}` })).toBeVisible();
    await hers.goto(harborPortal("account"));
    await hers.getByRole("button", { name: new RegExp(fullName(client.name)) }).last().click();
    await expect(hers.getByRole("alert").filter({ hasText: /./ })).not.toContainText(/safe/i);
  });

  await test.step("an address that is edited is not safe until it is said again", async () => {
    await dana.goto(clientPage(client, "/edit"));
    const box = dana.getByRole("checkbox", { name: "Safe to write to E-mail address 1" });
    await expect(box).toBeChecked();
    await dana.getByLabel("E-mail address 1", { exact: true }).fill(`${unique()}@mail.example`);
    await expect(box).not.toBeChecked();
    await box.check();
    await expectAccessibleInAll(dana, "editing contact info under safe contact");
    await dana.getByRole("button", { name: "Save" }).click();
    await section(dana, "History").click();
    await expect(dana.getByText("Dana Whitfield put the client under safe contact")).toBeVisible();
    await expect(dana.getByText(`A mail to ${fullName(parent)} was not sent`)).toBeVisible();
  });
});

test("who only looks sees the mark and who can enter, and nothing to press", async ({ admin, staff }) => {
  const client = await admin.client();
  await admin.invite(client);
  const { version } = await admin.call<{ version: number }>("GET", `/api/clients/${client.clientId}`);
  await admin.call("PATCH", `/api/clients/${client.clientId}`, { version, safeContact: true });
  const ada = await staff("ada@harbor.example");
  await ada.goto(clientPage(client, "/safe"));
  await expect(ada.getByText("Safe contact is on.", { exact: true })).toBeVisible();
  await expect(ada.getByRole("main")).toContainText("the client");
  await expect(ada.getByRole("main").getByRole("checkbox")).toHaveCount(0);
  await expect(ada.getByRole("button", { name: "End access…" })).toHaveCount(0);
});

test("a minor's address that somebody else has is refused in words that help", async ({ dana, desk }) => {
  const client = await desk.client({ dateOfBirth: "2016-05-09" });
  const email = `${unique()}@mail.example`;
  await desk.invite(client, { name: { first: "Vera", last: client.name.last }, email, relationship: "parent" });
  await dana.goto(clientPage(client, "/portal/new"));
  const form = dana.getByRole("dialog", { name: "Add New User" });
  await form.getByRole("radio", { name: "Self" }).check();
  await form.getByLabel("First name").fill(client.name.first);
  await form.getByLabel("Last name").fill(client.name.last);
  await form.getByLabel("E-mail address").fill(email);
  await form.getByRole("button", { name: "Add User" }).click();
  await expect(form.getByRole("alert").first()).toContainText("A client under 18 needs an address of their own");
});

test("staff are told of adults who share an address", async ({ dana, desk }) => {
  const client = await desk.client();
  const email = `${unique()}@mail.example`;
  await desk.invite(client, { email });
  const spouse = { first: "Vera", last: client.name.last };
  await desk.call("POST", `/api/clients/${client.clientId}/portal-users`, {
    name: spouse,
    email,
    username: unique(),
    relationship: "spouse",
    permissions: ["basic"],
  });
  await dana.goto(clientPage(client, "/portal"));
  for (const name of [client.name, spouse])
    await expect(rowOf(dana, fullName(name))).toContainText("Somebody else with access has this address too.");
});

/** A client under safe contact, with one address that is marked and one that is not. */
async function underSafeContact(desk: Desk) {
  const [safe, unsafe] = [`${unique()}@mail.example`, `${unique()}@mail.example`];
  const client = await desk.client({ emails: [unsafe, safe] });
  const emails = [unsafe, safe].map((address) => ({ type: "home", address, safe: address === safe }));
  const { version } = await desk.call<{ version: number }>("GET", `/api/clients/${client.clientId}`);
  await desk.call("PATCH", `/api/clients/${client.clientId}`, { version, safeContact: true, emails });
  return { client, safe, unsafe };
}

test("under safe contact only safe addresses are offered, and the others are told apart", async ({ dana, desk }) => {
  const { client, safe, unsafe } = await underSafeContact(desk);
  const dialog = dana.getByRole("dialog");

  await dana.goto(clientPage(client));
  await expect(dana.getByRole("listitem").filter({ hasText: unsafe })).toContainText("Not marked as safe");
  await expect(dana.getByRole("listitem").filter({ hasText: safe })).not.toContainText("Not marked as safe");
  await expectAccessibleInAll(dana, "the overview under safe contact");

  await test.step("for the client's own access", async () => {
    await section(dana, "Communications").click();
    await dana.locator("summary").click();
    await dana.getByRole("button", { name: "Activate Client Portal Access" }).click();
    await expect(dialog.getByRole("radio")).toHaveCount(2);
    await expect(dialog.getByRole("radio", { name: safe })).toBeChecked();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  await test.step("and for anybody else's", async () => {
    await dana.goto(clientPage(client, "/portal/new"));
    await expect(dialog.getByRole("button", { name: safe })).toBeVisible();
    await expect(dialog.getByRole("button", { name: unsafe })).toHaveCount(0);
    expect(await dialog.locator("datalist").innerHTML()).not.toContain(unsafe);
  });

  await test.step("of which there may be none", async () => {
    const { version } = await desk.call<{ version: number }>("GET", `/api/clients/${client.clientId}`);
    const emails = [{ type: "home", address: unsafe, safe: false }];
    await desk.call("PATCH", `/api/clients/${client.clientId}`, { version, emails });
    await dana.goto(clientPage(client, "/communications"));
    await dana.locator("summary").click();
    await dana.getByRole("button", { name: "Activate Client Portal Access" }).click();
    await expect(dialog).toContainText(`No address of ${fullName(client.name)} is marked as safe.`);
    await expect(dialog.getByRole("radio")).toHaveCount(0);
    await expect(dialog.getByLabel("E-mail address")).toHaveValue("");
  });
});

test("no mail is promised that is not sent", async ({ dana, desk, mailbox }) => {
  test.slow();
  const { client, safe, unsafe } = await underSafeContact(desk);
  const dialog = dana.getByRole("dialog");
  const [happens, confirm] = [dialog.getByRole("list", { name: "What happens" }), dialog.getByRole("button", { name: "Confirm" })];
  const vera = { first: "Vera", last: client.name.last };
  const not = (email: string) => `No mail is sent to ${email}: it is not marked as safe.`;

  await test.step("by first access", async () => {
    await dana.goto(clientPage(client, "/communications"));
    await dana.locator("summary").click();
    await dana.getByRole("button", { name: "Activate Client Portal Access" }).click();
    await expect(dialog).toContainText("gets a mail with the button");
    await dialog.getByRole("radio", { name: "Another address" }).check();
    await expect(dialog).not.toContainText("gets a mail");
    await dialog.getByLabel("E-mail address").fill(unsafe);
    await expect(dialog.getByLabel("E-mail address")).toHaveAccessibleDescription(not(unsafe));
    await expectAccessibleInAll(dana, "first access to an unsafe address");
    await confirm.click();
    await expect(toast(dana)).toContainText(`No invitation was sent: ${unsafe} is not marked as safe`);
  });

  await test.step("by adding somebody", async () => {
    await dana.goto(clientPage(client, "/portal/new"));
    await expect(dialog).toContainText("The invitation is sent only to an address that is marked as safe.");
    await dialog.getByLabel("First name").fill(vera.first);
    await dialog.getByLabel("Last name").fill(vera.last);
    await dialog.getByLabel("E-mail address").fill(safe);
    await expect(dialog).toContainText("This person gets a mail");
    const other = `${unique()}@mail.example`;
    await dialog.getByLabel("E-mail address").fill(other);
    await expect(dialog.getByLabel("E-mail address")).toHaveAccessibleDescription(not(other));
    await dialog.getByRole("radio", { name: "Spouse" }).check();
    await dialog.getByRole("button", { name: "Add User" }).click();
    await expect(toast(dana)).toContainText(`Vera ${vera.last} was added. No invitation was sent: ${other}`);
  });

  await test.step("by resending and activating", async () => {
    await choose(dana, client.name, "Resend Invite");
    await expect(happens).toHaveText(not(unsafe));
    await confirm.click();
    await expect(dialog.getByRole("alert").filter({ hasText: "Mark the address as safe first" })).toBeVisible();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await choose(dana, client.name, "Revoke Access");
    await dialog.getByRole("button", { name: "Revoke Access" }).click();
    await choose(dana, client.name, "Activate Access");
    await expect(happens).toHaveText(new RegExp(`^${not(unsafe)} Tell ${fullName(client.name)} yourself`));
    await confirm.click();
    await expect(toast(dana)).toContainText("was activated");
    await expect(toast(dana)).not.toContainText(/mail|invitation/);
    await expect(rowOf(dana, fullName(client.name))).toContainText("was not sent: the address is not marked as safe");
    expect(await mailbox.sentTo(unsafe)).toEqual([]);
  });

  await test.step("by a printed code", async () => {
    const egon = { first: "Egon", last: client.name.last };
    await desk.enrolled(client, { name: egon, email: safe, relationship: "other" });
    const { version } = await desk.call<{ version: number }>("GET", `/api/clients/${client.clientId}`);
    const emails = [{ type: "home", address: safe, safe: false }];
    await desk.call("PATCH", `/api/clients/${client.clientId}`, { version, emails });
    await dana.goto(clientPage(client, "/portal"));
    await choose(dana, egon, "Code for Lost Second Factor");
    await expect(happens).toContainText(not(safe));
    await expect(happens).not.toContainText("is told by e-mail");
  });
});

test("the list of portal users follows the mark", async ({ dana, desk }) => {
  const client = await desk.client();
  const { portalUserId } = await desk.enrolled(client);
  await desk.call("PUT", `/api/clients/${client.clientId}/alert-recipient`, { portalUserId });
  await dana.goto(clientPage(client, "/portal"));
  const alertsTo = (who: string) => dana.getByRole("radio", { name: `Assigned alerts to ${who}` });
  await expect(alertsTo(fullName(client.name))).toBeChecked();
  const mark = async (on: boolean) => {
    await dana.getByRole("link", { name: on ? "Safe contact" : "Addresses, and who can enter" }).click();
    await dana.getByRole("checkbox", { name: "Use safe contact" }).setChecked(on);
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(toast(dana)).toContainText("Safe contact was saved.");
    await section(dana, "Client Portal").click();
  };
  await mark(true);
  await expect(alertsTo("Practice’s inbox")).toBeChecked();
  await mark(false);
  await expect(alertsTo(fullName(client.name))).toBeChecked();
});
