// The clients' side: from the mail into the portal and out again.
import {
  ANOTHER,
  CHANGED,
  expect,
  fillBirth,
  fillSignIn,
  forward,
  fullName,
  harborPortal,
  holdClock,
  INVITATION,
  linkIn,
  type Mailbox,
  type Page,
  PASSWORD,
  portalOrigin,
  RESET,
  signIn,
  staffOrigin,
  test,
  unique,
} from "../world";

/** Opens the mailbox's page and clicks the button in the newest mail to that address. */
async function followMail(page: Page, mailbox: Mailbox, email: string, subject: RegExp, button: string) {
  await mailbox.wait(email, subject);
  await page.goto(`${staffOrigin()}/mailbox`);
  await page.getByRole("link").filter({ hasText: email }).first().click();
  await page.frameLocator("iframe").getByRole("link", { name: button }).click();
}

async function prove(page: Page, lastName: string, dateOfBirth: string) {
  await page.getByLabel("Client’s last name").fill(lastName);
  await fillBirth(page, dateOfBirth);
  await page.getByRole("button", { name: "Continue" }).click();
}

test("enrols from the mail, sees charts and permissions, signs out", async ({ desk, browse, mailbox }) => {
  const client = await desk.client();
  const user = await desk.invite(client, { permissions: ["basic", "documents", "surveys"] });
  const page = await browse();
  await followMail(page, mailbox, user.email, INVITATION, "Enroll in Client Portal");

  await expect(page.getByRole("heading", { name: "Whose care is it about?" })).toBeVisible();
  await expect(page).toHaveURL(harborPortal("enroll"));
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert").getByRole("link")).toHaveText([
    "Enter the client’s last name",
    "Enter the client’s date of birth",
  ]);

  await test.step("wrong details are said without telling which", async () => {
    await prove(page, "Nobody", client.dateOfBirth);
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
    await expect(page.getByRole("alert")).toContainText("These details are not the ones the practice has.");
  });

  await prove(page, client.name.last.toUpperCase(), client.dateOfBirth);
  await expect(page.getByRole("heading", { name: "Choose a password" })).toBeFocused();
  await page.getByLabel("New password").fill("too short");
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await expect(page.getByRole("alert")).toContainText(
    "The password is too short: use at least 15 characters",
  );
  await page.getByLabel("New password").fill("passwordpassword");
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await expect(page.getByRole("alert")).toContainText(
    "The password is too easy to guess: add another word or two",
  );
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Show password" }).click();
  await expect(page.getByLabel("New password")).toHaveAttribute("type", "text");
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();

  await expect(page.getByRole("heading", { name: `Welcome, ${fullName(client.name)}` })).toBeVisible();
  await expect(page).toHaveURL(harborPortal());
  const chart = page.getByRole("list", { name: "Charts" }).getByRole("listitem").first();
  await expect(chart.getByRole("heading")).toHaveText(fullName(client.name));
  await expect(chart.getByRole("term")).toHaveText([
    "Basic Functions",
    "Access to Documents",
    "View & Submit Surveys",
  ]);
  await expect(chart.getByText("Read, fill in and send back documents and forms.")).toBeVisible();
  await expect(page.getByText(`sign in with the username ${user.username}`)).toBeVisible();
  await expect(page.getByText(`Signed in as ${user.username}`)).toBeVisible();

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("status")).toHaveText("You are signed out.");
  await page.goto(harborPortal());
  await expect(page.getByRole("heading", { name: "Sign in to your Client Portal" })).toBeVisible();
  await fillSignIn(page, user.username.toUpperCase());
  await expect(page.getByRole("heading", { name: /^Welcome/ })).toBeVisible();
});

test("links that are used, replaced or broken say what to do", async ({ desk, browse, mailbox }) => {
  const client = await desk.client();
  const user = await desk.invite(client);
  const first = linkIn(await mailbox.wait(user.email, INVITATION));
  await desk.change(client, user, "invitation");
  const second = linkIn(await mailbox.wait(user.email, INVITATION, 2));
  const page = await browse();

  await page.goto(first);
  await expect(page.getByRole("heading", { name: "This invitation has expired" })).toBeVisible();
  await expect(
    page.getByText("Look for a newer mail or sheet, or ask Harbor Practice for a new one"),
  ).toBeVisible();

  await page.goto("about:blank");
  await page.goto(second);
  await prove(page, client.name.last, client.dateOfBirth);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await expect(page.getByRole("heading", { name: /^Welcome/ })).toBeVisible();

  await page.goto("about:blank");
  await page.goto(second);
  await expect(page.getByRole("heading", { name: "This invitation cannot be used any more" })).toBeVisible();
  await expect(page.getByText("If you have enrolled, sign in.")).toBeVisible();
  await page.getByRole("link", { name: "Go to sign-in" }).click();
  await expect(page.getByRole("heading", { name: "Sign in to your Client Portal" })).toBeVisible();

  for (const broken of [`${second.slice(0, -5)}`, harborPortal("enroll#nonsense")]) {
    await page.goto("about:blank");
    await page.goto(broken);
    await expect(page.getByRole("heading", { name: "This link does not work" })).toBeVisible();
    await expect(page.getByText("please ask Harbor Practice for a new invitation")).toBeVisible();
    await expect(page).toHaveURL(harborPortal("enroll"));
  }
});

test("a link is out of the address at once, and loading the page again says to open the mail's link again", async ({
  desk,
  browse,
  mailbox,
}) => {
  const client = await desk.client();
  const user = await desk.invite(client);
  const link = linkIn(await mailbox.wait(user.email, INVITATION));
  const page = await browse();
  for (const [address, heading] of [
    [link, "Whose care is it about?"],
    [harborPortal("password#nonsense"), "Choose a new password"],
  ] as const) {
    await page.goto("about:blank");
    await page.goto(address);
    await expect(page.getByRole("heading", { name: heading })).toBeVisible();
    await expect(page).toHaveURL(address.replace(/#.*/, ""));
    await page.reload();
    await expect(page.getByRole("heading", { name: "Open the link again" })).toBeVisible();
    await expect(page.getByText("the link in your mail or on your sheet still works")).toBeVisible();
    expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).toBe("[{},{}]");
  }
  await page.goto(link);
  await prove(page, client.name.last, client.dateOfBirth);
  await expect(page.getByRole("heading", { name: "Choose a password" })).toBeFocused();
});

test("a new password gets advice as it is typed, heard when the typing rests", async ({
  desk,
  browse,
  mailbox,
}) => {
  const client = await desk.client();
  const user = await desk.invite(client);
  const page = await browse();
  await holdClock(page);
  await page.goto(linkIn(await mailbox.wait(user.email, INVITATION)));
  await prove(page, client.name.last, client.dateOfBirth);
  const field = page.getByLabel("New password");
  await expect(field).toHaveAttribute("autocomplete", "new-password");
  const heard = page.locator("[aria-live=polite]");
  for (const [typed, advice] of [
    ["tidal", /5 of 15 characters so far\.$/],
    [client.name.last, new RegExp(`so far\\. Names and dates such as “${client.name.last}” are guessed first`)],
    ["harbor practice 1987", /Long enough, but easy to guess\. Names and dates such as “harbor” are/],
    ["passwordpassword", /Long enough, but easy to guess\. “password” is among the first guesses/],
    ["123456789012345", /Rows such as “1234567890” are easy to guess/],
    [PASSWORD, /Good: long, and hard to guess\.$/],
  ] as const) {
    await field.fill(typed);
    await expect(field).toHaveAccessibleDescription(advice);
    await expect(heard).not.toHaveText(advice);
    await forward(page, 1000);
    await expect(heard).toHaveText(advice);
  }
  // It only advises: what it calls easy is sent, and the server judges.
  await field.fill("passwordpassword");
  await page.getByRole("button", { name: "Enroll in Client Portal" }).click();
  await expect(page.getByRole("alert")).toContainText("too easy to guess");
  await expect(field).toHaveValue("passwordpassword");
});

test("a forgotten password is replaced through the mail", async ({ desk, browse, mailbox }) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const elsewhere = await browse();
  await signIn(elsewhere, user.username);
  await expect(elsewhere.getByRole("heading", { name: /^Welcome/ })).toBeVisible();

  const page = await browse();
  await page.goto(harborPortal("sign-in"));
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("Username").fill(user.username);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("heading", { name: "Check your mail" })).toBeVisible();
  await followMail(page, mailbox, user.email, RESET, "Choose a New Password");
  await expect(page).toHaveURL(harborPortal("password"));
  await page.getByLabel("New password").fill(ANOTHER);
  await page.getByRole("button", { name: "Save the new password" }).click();
  await expect(page.getByRole("status")).toHaveText("Your new password is set. Sign in with it.");
  await mailbox.wait(user.email, CHANGED);

  await fillSignIn(page, user.username);
  await expect(page.getByRole("alert")).toContainText("The username or the password is not right.");
  await fillSignIn(page, user.username, ANOTHER);
  await expect(page.getByRole("heading", { name: /^Welcome/ })).toBeVisible();
  await elsewhere.reload();
  await expect(elsewhere.getByRole("heading", { name: "Sign in to your Client Portal" })).toBeVisible();

  await page.goto("about:blank");
  await page.goto(linkIn(await mailbox.wait(user.email, RESET)));
  await page.getByLabel("New password").fill("another harbour evening 52");
  await page.getByRole("button", { name: "Save the new password" }).click();
  await expect(page.getByRole("heading", { name: "This link does not work any more" })).toBeVisible();
});

test("a username that nobody has is answered like any other", async ({ browse, mailbox }) => {
  const page = await browse();
  const nobody = `${unique()}@mail.example`;
  await signIn(page, nobody);
  await expect(page.getByRole("alert")).toContainText("The username or the password is not right.");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("Username").fill(nobody);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("heading", { name: "Check your mail" })).toBeVisible();
  expect(await mailbox.sentTo(nobody)).toHaveLength(0);
});

test("a revoked client has no way in and is told plainly; activated, the old password opens", async ({
  desk,
  browse,
  mailbox,
}) => {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  await desk.change(client, user, "revoke");
  const page = await browse();
  await signIn(page, user.username);
  await expect(page.getByRole("heading", { name: "Your access is not active" })).toBeFocused();
  await expect(page.getByText("Please ask Harbor Practice to activate it.")).toBeVisible();
  await expect(page.getByText("Nothing is lost")).toBeVisible();
  await signIn(page, user.username, "not the password of anybody");
  await expect(page.getByRole("alert")).toContainText("The username or the password is not right.");
  await page.goto(linkIn(await mailbox.wait(user.email, INVITATION)));
  await expect(
    page.getByRole("heading", { name: /This invitation (cannot be used any more|has expired)/ }),
  ).toBeVisible();

  await desk.change(client, user, "activate");
  await signIn(page, user.username);
  await expect(page.getByRole("heading", { name: /^Welcome/ })).toBeVisible();
});

test("one parent, two children: the second chart joins the account, and losing one leaves the other", async ({
  desk,
  browse,
  mailbox,
}) => {
  const word = unique();
  const parent = {
    name: { first: "Greta", last: word },
    email: `${word}@mail.example`,
    relationship: "parent",
  };
  const older = await desk.client({ name: { first: "Juno", last: word }, dateOfBirth: "2013-04-01" });
  const younger = await desk.client({ name: { first: "Pim", last: word }, dateOfBirth: "2016-09-12" });
  await desk.enrolled(older, parent);
  const second = await desk.invite(younger, parent);
  const page = await browse();
  await page.goto(linkIn(await mailbox.wait(parent.email, INVITATION, 2)));
  await prove(page, word, younger.dateOfBirth);
  await expect(page.getByRole("heading", { name: "Enter your password" })).toBeVisible();
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Add this chart" }).click();

  await expect(page.getByText("You can open these 2 charts.")).toBeVisible();
  const charts = page.getByRole("list", { name: "Charts" }).getByRole("heading");
  await expect(charts).toHaveCount(2);
  await desk.change(younger, second, "revoke");
  await page.reload();
  await expect(charts).toHaveText([fullName(older.name)]);
  await signIn(page, second.username);
  await expect(charts).toHaveText([fullName(older.name)]);
  await desk.change(younger, second, "activate");
  await signIn(page, second.username);
  await expect(charts).toHaveCount(2);
});

test("another practice's portal address leads home", async ({ desk, browse }) => {
  const user = await desk.enrolled(await desk.client());
  const page = await browse();
  await signIn(page, user.username);
  await expect(page.getByRole("heading", { name: /^Welcome/ })).toBeVisible();
  await page.goto(`${portalOrigin()}/cove/`);
  await expect(page).toHaveURL(harborPortal());
  await expect(page.getByRole("heading", { name: /^Welcome/ })).toBeVisible();
  await expect(page.getByText("Harbor Practice").first()).toBeVisible();
});

test("the portal speaks Spanish and French", async ({ browse }) => {
  const page = await browse();
  await page.goto(harborPortal("sign-in"));
  await page.getByLabel("Language").selectOption({ label: "Español" });
  await expect(page.locator("html")).toHaveAttribute("lang", "es");
  await expect(page.getByRole("button", { name: "Iniciar sesión" })).toBeVisible();
  await page.locator("#language").selectOption({ label: "Français" });
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
});
