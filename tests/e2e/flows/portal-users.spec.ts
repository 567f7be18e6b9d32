// "Client Portal": who gets the alerts, who is added, changed and deleted.
import {
  capital,
  clientPage,
  expect,
  fillSignIn,
  fullName,
  harborPortal,
  INVITATION,
  portalOrigin,
  rowOf,
  signIn,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

test("the alerts are assigned to one person only", async ({ dana, desk }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  await desk.enrolled(client);
  await desk.enrolled(client, { name: { first: "Bram", last: client.name.last }, relationship: "spouse" });
  await dana.goto(clientPage(client, "/portal"));

  const assigned = dana.getByRole("radio", { name: /^Assigned / });
  await expect(assigned).toHaveAccessibleName("Assigned alerts to Practice’s inbox");
  for (const next of [name, `Bram ${client.name.last}`]) {
    await dana.getByRole("radio", { name: `Assign alerts to ${next}` }).check();
    await expect(toast(dana)).toContainText(`${next} gets the alerts now`);
    await expect(assigned).toHaveCount(1);
    await expect(assigned).toHaveAccessibleName(`Assigned alerts to ${next}`);
  }
  await dana.reload();
  await expect(assigned).toHaveCount(1);
  await expect(assigned).toHaveAccessibleName(`Assigned alerts to Bram ${client.name.last}`);
  await expect(rowOf(dana, name)).toContainText("Assign");

  await test.step("and the overview says whom", async () => {
    await dana.getByRole("link", { name: "Overview" }).click();
    const said = dana.getByRole("definition");
    await expect(said.filter({ hasText: `Bram ${client.name.last}` })).toHaveCount(1);
    await expect(said.filter({ hasText: name })).toHaveCount(2);
  });
});

test("deleting says what ends and stays, asks for the word and for who gets the alerts next", async ({
  dana,
  desk,
  browse,
}) => {
  const client = await desk.client();
  const { last } = client.name;
  const self = await desk.enrolled(client);
  const spouse = await desk.enrolled(client, { name: { first: "Bram", last }, relationship: "spouse" });
  await dana.goto(clientPage(client, "/portal"));
  await dana.getByRole("radio", { name: `Assign alerts to Bram ${last}` }).check();
  await expect(toast(dana)).toContainText(`Bram ${last} gets the alerts now`);

  await dana.getByRole("button", { name: `Delete Bram ${last}` }).click();
  const dialog = dana.getByRole("dialog", { name: `Delete Bram ${last}?` });
  const ends = dialog.getByRole("list", { name: "What ends" });
  await expect(ends).toContainText("will no longer be able to sign in to the Client Portal");
  await expect(ends).toContainText(`The username “${spouse.username}” becomes free.`);
  const stays = dialog.getByRole("list", { name: "What stays" });
  await expect(stays).toContainText("The client’s information and everything in the chart.");
  await expect(stays).toContainText("The history of what happened stays.");
  const next = dialog.getByRole("group", { name: "Who gets the alerts next?" });
  await expect(next.getByRole("radio", { name: "Practice’s inbox" })).toBeChecked();
  await next.getByRole("radio", { name: fullName(client.name) }).check();

  const word = dialog.getByLabel("Type “delete” to confirm");
  await word.fill("remove");
  // The button says that it is not usable yet; pressed all the same, it says why.
  await expect(dialog.getByRole("button", { name: "Delete User" })).toBeDisabled();
  await dialog.getByRole("button", { name: "Delete User" }).click({ force: true });
  await expect(dialog.getByRole("alert").filter({ hasText: "Type “delete” to continue" })).toBeVisible();
  await expect(word).toBeFocused();
  expect(await desk.users(client)).toHaveLength(2);

  await word.fill(" Delete ");
  await dialog.getByRole("button", { name: "Delete User" }).click();
  await expect(dialog).toBeHidden();
  // Enrolling signed Bram in.
  await expect(toast(dana)).toContainText(
    new RegExp(
      `Bram ${last} was deleted from the portal users. Access ended \\d+:\\d\\d:\\d\\d.[AP]M. ` +
        `1 session ended. Alerts now go to ${fullName(client.name)}.`,
    ),
  );
  await expect(rowOf(dana, "Bram")).toHaveCount(0);
  await expect(dana.getByRole("radio", { name: /^Assigned / })).toHaveAccessibleName(
    `Assigned alerts to ${fullName(client.name)}`,
  );
  await expect(dana.getByRole("heading", { name: "Portal users" })).toBeFocused();

  const bram = await browse();
  await signIn(bram, spouse.username);
  await expect(bram.getByRole("alert")).toContainText("The username or the password is not right.");
  await fillSignIn(bram, self.username);
  await expect(bram.getByRole("heading", { name: /^Welcome/ })).toBeVisible();

  await dana.getByRole("link", { name: "Overview" }).click();
  await expect(dana.getByRole("definition").filter({ hasText: client.recordNumber })).toBeVisible();
});

test("the delete dialog can be left without doing anything", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  await dana.goto(clientPage(client, "/portal"));
  const open = dana.getByRole("button", { name: `Delete ${fullName(client.name)}` });
  await open.click();
  await expect(dana.getByRole("dialog")).toContainText(
    "is the chart owner; the chart will have none until you choose another.",
  );
  await dana.keyboard.press("Escape");
  await expect(dana.getByRole("dialog")).toHaveCount(0);
  await expect(open).toBeFocused();
  expect(await desk.users(client)).toHaveLength(1);
});

test("a new client and a new user: known addresses are offered, the mail invites", async ({
  dana,
  mailbox,
}) => {
  const word = unique();
  const email = `${word}@mail.example`;
  await dana.getByRole("link", { name: "+ New Client" }).click();
  await expect(dana.getByRole("heading", { name: "New Client" })).toBeFocused();

  await dana.getByRole("button", { name: "Create Client" }).click();
  const summary = dana.getByRole("alert").filter({ hasText: "There is a problem" });
  await expect(summary).toBeFocused();
  await expect(summary.getByRole("link")).toHaveText([
    "Enter a first name or a last name",
    "Enter the date of birth",
  ]);

  await dana.getByLabel("First name").fill("Odalys");
  await dana.getByLabel("Last name").fill(capital(word));
  await dana.getByLabel("Date of birth").fill("2001-02-03");
  await dana.getByLabel("E-mail address 1", { exact: true }).fill(email);
  await dana.getByRole("button", { name: "Create Client" }).click();
  await expect(dana.getByRole("heading", { name: `Odalys ${capital(word)}` })).toBeVisible();
  await expect(toast(dana)).toContainText(`Odalys ${capital(word)} was added`);

  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).click();
  await expect(dana.getByText("Nobody has access to this client’s portal yet.")).toBeVisible();
  await dana.getByRole("link", { name: "+ Add New User" }).click();
  await expect(dana.getByRole("dialog", { name: "Add New User" }).getByLabel("First name")).toBeFocused();
  await dana.getByLabel("First name").fill("Odalys");
  await dana.getByLabel("Last name").fill(capital(word));
  await dana.getByRole("button", { name: email }).click();
  await expect(dana.getByLabel("E-mail address")).toHaveValue(email);
  await dana.getByRole("radio", { name: "Self" }).check();
  for (const permission of [
    "Basic Functions",
    "Messaging",
    "Access to Documents",
    "Session & Homework",
    "Billing, Invoicing & Insurance",
    "View & Submit Surveys",
  ]) {
    await expect(dana.getByRole("checkbox", { name: permission })).toBeVisible();
  }
  await dana.getByRole("checkbox", { name: "View & Submit Surveys" }).check();
  await dana.getByRole("button", { name: "Add User" }).click();
  await expect(toast(dana)).toContainText(`Odalys ${capital(word)} was added. The invitation is on its way`);
  const row = rowOf(dana, "Odalys");
  await expect(row).toContainText("Invited");
  await expect(row.getByRole("listitem")).toHaveText(["Basic Functions", "View & Submit Surveys"]);

  const mail = await mailbox.wait(email, INVITATION);
  expect(mail.html).toMatch(/<a [^>]*>\s*Enroll in Client Portal\s*<\/a>/);
  expect(mail.text).toContain(harborPortal("enroll#"));
});

test("adding someone says what is missing, keeps what was typed, and refuses a username in use", async ({
  dana,
  desk,
}) => {
  const [client, other] = [await desk.client(), await desk.client()];
  const taken = await desk.enrolled(other);
  await dana.goto(clientPage(client, "/portal/new"));
  await dana.getByRole("button", { name: "Add User" }).click();
  await expect(
    dana.getByRole("alert").filter({ hasText: "There is a problem" }).getByRole("link"),
  ).toHaveText([
    "Enter a first name or a last name",
    "Enter the e-mail address",
    "Choose how this person is related to the client",
  ]);
  await dana.getByLabel("First name").fill("Ilse");
  await dana.getByLabel("E-mail address").fill(`${unique()}@mail.example`);
  await dana.getByLabel("Username").fill(taken.username);
  await dana.getByRole("radio", { name: "Self" }).check();
  await dana.getByRole("button", { name: "Add User" }).click();
  await expect(dana.getByRole("alert").filter({ hasText: "There is a problem" })).toBeFocused();
  await expect(dana.getByLabel("First name")).toHaveValue("Ilse");
  expect(await desk.users(client)).toHaveLength(0);
});

test("permissions are changed, and an edit that comes too late loses nothing", async ({ dana, desk }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  await dana.goto(clientPage(client, "/portal"));
  await dana.getByRole("button", { name: `More for ${fullName(client.name)}` }).click();
  await dana.getByRole("button", { name: "Edit", exact: true }).click();
  await expect(dana.getByRole("dialog").getByLabel("Username")).toHaveValue(user.username);

  const [before] = await desk.users(client);
  await desk.call("PATCH", `/api/clients/${client.clientId}/portal-users/${user.portalUserId}`, {
    version: (before as unknown as { version: number }).version,
    relationship: "guardian",
  });
  await dana.getByRole("checkbox", { name: "Access to Documents" }).check();
  await dana.getByRole("button", { name: "Save" }).click();
  const note = dana.getByRole("alert").filter({ hasText: "Somebody else changed this record" });
  await expect(note).toBeFocused();
  await expect(note).toContainText("Relationship to the client is now “Guardian”.");
  await dana.getByRole("button", { name: "Save" }).click();
  const row = rowOf(dana, fullName(client.name));
  await expect(row.getByRole("listitem")).toHaveText(["Basic Functions", "Messaging", "Access to Documents"]);
  await expect(row).toContainText("Guardian");
});

test("a mail that bounced says why, and the address is corrected from there", async ({ dana, desk }) => {
  const client = await desk.client();
  const mailSays = (state: string) =>
    expect.poll(async () => JSON.stringify(await desk.users(client))).toContain(`"state":"${state}"`);
  await desk.invite(client, { email: `${unique()}+bounce-full@mail.example` });
  await mailSays("bounced");
  await dana.goto(clientPage(client, "/portal"));
  const row = rowOf(dana, fullName(client.name));
  await expect(row).toContainText("Invitation bounced: mailbox full.");
  await row.getByRole("link", { name: "Correct the address" }).click();
  const dialog = dana.getByRole("dialog", { name: `Edit ${fullName(client.name)}` });
  await dialog.getByLabel("E-mail address").fill(`${unique()}@mail.example`);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(toast(dana)).toContainText("access was changed");
  // The link goes with the bounce, and the focus not into nowhere.
  await expect(row.getByRole("link", { name: "Correct the address" })).toHaveCount(0);
  await expect(dana.locator("h1:focus, h2:focus")).toBeVisible();
  await dana.getByRole("button", { name: `More for ${fullName(client.name)}` }).click();
  await dana.getByRole("button", { name: "Resend Invite" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
  await expect(toast(dana)).toContainText("is on its way");
  await mailSays("delivered");
  await dana.reload();
  await expect(row).toContainText(/Invitation delivered \d+:\d\d/);
});

test("a sign-in that is locked says so, and until when", async ({ dana, desk }) => {
  const client = await desk.client();
  const name = fullName(client.name);
  const user = await desk.enrolled(client);
  for (let attempt = 1; attempt <= 5; attempt++) {
    const answer = await fetch(`${staffOrigin()}/api/portal/sign-in`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: portalOrigin() },
      body: JSON.stringify({ practice: "harbor", username: user.username, password: `wrong ${attempt}` }),
    });
    expect(answer.status).toBe(401);
  }
  await dana.goto(clientPage(client, "/portal"));
  const row = rowOf(dana, name);
  await expect(row.getByText("Active", { exact: true })).toBeVisible();
  await expect(row.getByText("Locked", { exact: true })).toBeVisible();
  await expect(row).toContainText(/no sign-in from a new device before \d{1,2}:\d\d/);
});
