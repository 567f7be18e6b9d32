// "Communications": the chart owner's access, from revoking to coming back with the old password.
import {
  clientPage,
  expect,
  find,
  fullName,
  GRANTED,
  harborPortal,
  INVITATION,
  linkIn,
  ownerCard,
  rowOf,
  signIn,
  test,
  toast,
  unique,
} from "../world";

test("revoke, and activate again: the client signs in with the old password", async ({
  dana,
  desk,
  mailbox,
  browse,
}) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.enrolled(client);
  const card = await ownerCard(dana, client);
  await expect(card).toContainText(name);
  await expect(card).toContainText("Portal access");

  await card.getByRole("button", { name: `More for ${name}` }).click();
  for (const item of ["Change Ownership", "Resend Invite", "Revoke Access"]) {
    await expect(card.getByRole("button", { name: item })).toBeVisible();
  }
  await expect(card.getByRole("button", { name: "Resend Invite" })).toContainText(
    `${name} has enrolled already.`,
  );
  await card.getByRole("button", { name: "Revoke Access" }).click();
  const revoke = dana.getByRole("dialog", { name: "Revoke portal access?" });
  await expect(revoke).toContainText(
    `${name} will not be able to sign in until access is activated again. No client information is deleted.`,
  );
  await expect(revoke.getByRole("button", { name: "Cancel" })).toBeFocused();
  await revoke.getByRole("button", { name: "Revoke Access" }).click();
  await expect(toast(dana)).toContainText(`Portal access for ${name} was revoked`);
  await expect(card).toContainText("No Portal Access");

  const door = await browse();
  await signIn(door, user.username);
  await expect(door.getByRole("heading", { name: "Your access is not active" })).toBeVisible();

  await card.getByRole("button", { name: "Activate Client Portal Access" }).click();
  const activate = dana.getByRole("dialog", { name: "Activate portal access?" });
  await expect(activate).toContainText(user.email);
  await expect(activate.getByRole("list", { name: "What stays" })).toHaveText(
    "Permissions stay as they are.",
  );
  await activate.getByRole("button", { name: "Confirm" }).click();
  await expect(toast(dana)).toContainText(`Portal access for ${name} was activated`);
  await expect(card).not.toContainText("No Portal Access");

  const mail = await mailbox.wait(user.email, GRANTED);
  expect(mail.text).toContain("existing credentials");
  expect(linkIn(mail)).toContain(harborPortal());
  await door.goto(linkIn(mail));
  await signIn(door, user.username);
  await expect(door.getByRole("heading", { name: `Welcome, ${name}` })).toBeVisible();
});

test("the chart changes hands", async ({ dana, desk }) => {
  const client = await desk.client();
  const { last } = client.name;
  await desk.enrolled(client);
  const card = await ownerCard(dana, client);
  const menu = card.getByRole("button", { name: `More for ${fullName(client.name)}` });
  await menu.click();
  await card.getByRole("button", { name: "Change Ownership" }).click();
  await expect(dana.getByRole("dialog", { name: "Change Ownership" })).toContainText(
    "Nobody else has access to this client’s portal. Add the person first.",
  );
  await dana.getByRole("button", { name: "Cancel" }).click();

  await desk.enrolled(client, { name: { first: "Marguerite", last }, relationship: "guardian" });
  await dana.reload();
  await dana.locator("summary").click();
  await menu.click();
  await card.getByRole("button", { name: "Change Ownership" }).click();
  const dialog = dana.getByRole("dialog", { name: "Change Ownership" });
  await dialog.getByRole("button", { name: "Change Ownership" }).click();
  await expect(dialog.getByRole("link", { name: "Choose a person" })).toBeVisible();
  await dialog.getByRole("radio", { name: `Marguerite ${last}` }).check();
  await dialog.getByRole("button", { name: "Change Ownership" }).click();
  await expect(toast(dana)).toContainText(`Marguerite ${last} owns the chart now`);
  await expect(card).toContainText(`Marguerite ${last}`);
  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).click();
  await expect(rowOf(dana, "Marguerite")).toContainText("Chart Owner");
  await expect(rowOf(dana, fullName(client.name))).not.toContainText("Chart Owner");
});

test("somebody without any portal user is invited to a known address or to another", async ({
  dana,
  desk,
  mailbox,
}) => {
  const known = `${unique()}@mail.example`;
  const client = await desk.client({ emails: [known] });
  const name = fullName(client.name);
  const card = await ownerCard(dana, client);
  await expect(card).toContainText("No Portal Access");
  await card.getByRole("button", { name: "Activate Client Portal Access" }).click();
  const dialog = dana.getByRole("dialog", { name: "Activate portal access?" });
  await expect(dialog.getByRole("radio", { name: known })).toBeChecked();
  await dialog.getByRole("radio", { name: "Another address" }).check();
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await expect(dialog.getByRole("link", { name: "Enter the e-mail address" })).toBeVisible();
  const other = `${unique()}@mail.example`;
  await dialog.getByLabel("E-mail address").fill(other);
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await expect(toast(dana)).toContainText(`An invitation to ${name} is on its way`);
  await expect(card).toContainText("Invited");
  await mailbox.wait(other, INVITATION);
  expect(await mailbox.sentTo(known)).toHaveLength(0);

  await test.step("without any known address", async () => {
    const bare = await desk.client();
    const card = await ownerCard(dana, bare);
    await card.getByRole("button", { name: "Activate Client Portal Access" }).click();
    await expect(dialog).toContainText(`No e-mail address is known for ${fullName(bare.name)}.`);
    await expect(dialog.getByLabel("E-mail address")).toBeFocused();
    const typed = `${unique()}@mail.example`;
    await dialog.getByLabel("E-mail address").fill(typed);
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await expect(card).toContainText("Invited");
    await mailbox.wait(typed, INVITATION);
  });
});

test("an invitation is resent, and one that ran out too", async ({ dana, desk, mailbox }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.invite(client);
  const first = await mailbox.wait(user.email, INVITATION);
  const card = await ownerCard(dana, client);
  await card.getByRole("button", { name: `More for ${name}` }).click();
  await card.getByRole("button", { name: "Resend Invite" }).click();
  const dialog = dana.getByRole("dialog", { name: "Resend the invitation?" });
  await expect(dialog).toContainText(user.email);
  await expect(dialog).toContainText("The earlier link stops working.");
  await dialog.getByRole("button", { name: "Confirm" }).click();
  await expect(toast(dana)).toContainText(`A new invitation to ${name} is on its way`);
  const second = await mailbox.wait(user.email, INVITATION, 2);
  expect(linkIn(second)).not.toBe(linkIn(first));

  await test.step("of the sample whose invitation ran out", async () => {
    await find(dana, "Ambrose Quill", "Ambrose Quill");
    await expect(dana.getByRole("dialog")).toContainText("Invitation expired");
    await dana.getByRole("link", { name: "Go to Client Page" }).click();
    await dana.getByRole("link", { name: "Communications" }).click();
    await dana.locator("summary").click();
    const card = dana.getByRole("group").filter({ hasText: "Chart Owner" });
    await expect(card).toContainText("Expired");
    await card.getByRole("button", { name: "More for Edith Quill" }).click();
    await card.getByRole("button", { name: "Resend Invite" }).click();
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await expect(card).not.toContainText("Expired");
    await expect(card).toContainText("Invited");
    await mailbox.wait("edith.quill@mail.example", INVITATION);
  });
});

test("revoking somebody who gets the alerts says so, and the inbox gets them", async ({ dana, desk }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  await desk.enrolled(client);
  await dana.goto(clientPage(client, "/portal"));
  await dana.getByRole("radio", { name: `Assign alerts to ${name}` }).check();
  await expect(toast(dana)).toContainText("gets the alerts now");
  await dana.getByRole("button", { name: `More for ${name}` }).click();
  await dana.getByRole("button", { name: "Revoke Access" }).click();
  const dialog = dana.getByRole("dialog");
  await expect(dialog).toContainText("The client’s alerts will go to the practice’s inbox.");
  await dialog.getByRole("button", { name: "Revoke Access" }).click();
  await expect(rowOf(dana, name)).toContainText("No access, no alerts");
  await expect(dana.getByRole("radio", { name: "Assigned alerts to Practice’s inbox" })).toBeChecked();
});
