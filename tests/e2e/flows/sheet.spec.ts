// Enrollment on paper: a person without an e-mail address is added, gets a printed sheet, and enrolls with its picture.
import { expectAccessible, expectFits } from "../accessibility";
import { readBy } from "../camera";
import { choose, loseAnswer, openUsers } from "../console";
import { expectFocusKept, tabTo } from "../focus";
import { Portal } from "../portal";
import {
  capital,
  type Client,
  clientPage,
  CONFIRM,
  type Desk,
  expect,
  fullName,
  harborPortal,
  linkIn,
  PASSWORD,
  portalOrigin,
  type PortalUser,
  request,
  rowOf,
  signInStaff,
  test,
  toast,
  unique,
} from "../world";

const NARROW = { viewport: { width: 320, height: 640 }, colorScheme: "dark" } as const;

/** Somebody without an address, of this name, who may enter the client's portal. */
const added = (desk: Desk, client: Client): Promise<PortalUser> =>
  desk.call("POST", `/api/clients/${client.clientId}/portal-users`, {
    name: client.name,
    username: unique(),
    relationship: "self",
    permissions: ["basic"],
  });

const pagesOf = (pdf: Buffer): number => pdf.toString("latin1").match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;

test("a person without an address is added, and enrolls with the printed picture", async ({
  staff,
  desk,
  browse,
  mailbox,
}) => {
  test.slow();
  const client = await desk.client();
  const last = capital(unique());
  // As fine as a printer, for what has to be read.
  const dana = await staff(undefined, { deviceScaleFactor: 2 });
  await dana.goto(clientPage(client, "/portal/new"));
  const form = dana.getByRole("dialog", { name: "Add New User" });
  await form.getByLabel("First name").fill("Rosa");
  await form.getByLabel("Last name").fill(last);
  await form.getByRole("checkbox", { name: "This person has no e-mail" }).check();
  await expect(form.getByLabel("E-mail address")).toHaveCount(0);
  const username = form.getByLabel("Username");
  await expect(username).toHaveValue(/^rosa\.\d{3}$/);
  await form.getByRole("radio", { name: "Parent" }).check();
  await username.fill("");
  await form.getByRole("button", { name: "Add User" }).click();
  await expect(form.getByRole("alert").getByRole("link")).toHaveText(["Enter a username"]);
  const name = unique();
  await username.fill(name);
  await expectAccessible(dana, "adding a person without an address");
  await form.getByRole("button", { name: "Add User" }).click();

  const dialog = dana.getByRole("dialog");
  await expect(dialog).toHaveAccessibleName(`Print an enrollment sheet for Rosa ${last}?`);
  await expect(dialog.getByRole("list", { name: "What ends" })).toContainText("An earlier sheet or invitation");
  await expectAccessible(dana, "before a sheet is made");
  await dialog.getByRole("button", { name: "Make the sheet" }).click();
  await expect(dialog).toHaveAccessibleName(`Enrollment sheet for Rosa ${last}`);
  await expect(dialog.getByText("Print it now")).toBeFocused();
  await expectAccessible(dana, "a sheet");
  const sheet = dialog.locator(".sheet");
  const link = (await sheet.locator(".address").first().textContent()) ?? "";
  expect(link).toContain(`${portalOrigin()}/harbor/enroll#harbor.`);

  await test.step("the sheet says what is needed, and tells a finder no proof", async () => {
    await expect(sheet).toContainText("For Rosa");
    await expect(sheet).toContainText(name);
    await expect(sheet).toContainText(harborPortal("sign-in"));
    await expect(sheet).toContainText("come to us in person");
    for (const secret of [last, client.name.last, client.name.first, client.dateOfBirth, client.recordNumber])
      await expect(sheet).not.toContainText(secret);
    await expect(sheet.getByRole("link")).toHaveCount(0);
  });

  await test.step("it speaks the person's language", async () => {
    for (const [language, words] of [
      ["Español", "Qué necesita"],
      ["Français", "Ce qu’il vous faut"],
      ["English", "What you need"],
    ] as const) {
      await dialog.getByLabel("Language of the sheet").selectOption({ label: language });
      await expect(sheet.getByRole("heading", { name: words })).toBeVisible();
    }
  });

  await test.step("the picture is the link", async () => {
    expect(await readBy(dana, sheet.getByRole("img", { name: "The link as a picture" }))).toBe(link);
  });

  await test.step("the token stands nowhere but on the sheet", async () => {
    const token = link.split("#")[1] ?? "";
    const kept = await dana.evaluate(() =>
      JSON.stringify([location.href, document.title, history.state, { ...localStorage }, { ...sessionStorage }]),
    );
    expect(kept).not.toContain(token.slice(-20));
    expect(await dana.title()).toBe("Harbor Practice");
    expect(JSON.stringify(await dana.context().cookies())).not.toContain(token.slice(-20));
  });

  await test.step("on paper there is the sheet alone, on one page of either size", async () => {
    await dana.emulateMedia({ media: "print" });
    await expect(sheet).toBeVisible();
    for (const hidden of [
      dana.getByRole("banner"),
      dana.getByText(fullName(client.name)),
      dialog.getByText("Print it now"),
      dialog.getByRole("button", { name: "I have handed it over" }),
    ])
      await expect(hidden.filter({ visible: true })).toHaveCount(0);
    expect(await readBy(dana, sheet.getByRole("img"))).toBe(link);
    for (const format of ["A4", "Letter"]) expect(pagesOf(await dana.pdf({ format })), format).toBe(1);
    await dana.emulateMedia({ media: null });
  });

  await dana.evaluate(() => {
    window.print = () => document.body.setAttribute("data-printed", "yes");
  });
  await dialog.getByRole("button", { name: "Print", exact: true }).click();
  await expect(dana.locator("body")).toHaveAttribute("data-printed", "yes");
  await dialog.getByRole("button", { name: "I have handed it over" }).click();
  await expect(toast(dana)).toContainText(`An enrollment sheet was printed for Rosa ${last}.`);
  expect(await dana.content()).not.toContain(link.slice(-20));
  await expect(dana).toHaveTitle(/Ilse/);
  const row = rowOf(dana, `Rosa ${last}`);
  await expect(row).toContainText("No e-mail address");
  await expect(row).toContainText("Invitation open until");

  const page = await browse();
  const portal = new Portal(page);
  await page.goto(link);
  await portal.prove(client);
  await page.getByLabel("New password").fill(PASSWORD);
  await portal.button("enroll.finish").click();
  await expect(portal.welcome).toBeFocused();
  expect((await mailbox.all()).filter(({ text }) => text.includes(name))).toEqual([]);
});

test("at 320 px with the keyboard: a lost answer makes another sheet, and the last one ends those before", async ({
  staff,
  desk,
  browse,
}) => {
  test.slow();
  const client = await desk.client();
  const user = await added(desk, client);
  const old = await desk.call<{ link: string }>(
    "POST",
    `/api/clients/${client.clientId}/portal-users/${user.portalUserId}/sheet`,
  );
  const page = await staff(undefined, NARROW);
  const keys = page.keyboard;
  await openUsers(page, client);
  await tabTo(page, page.getByRole("button", { name: `More for ${fullName(client.name)}` }), 40);
  await keys.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Print Enrollment Sheet" }), 6);
  await expect(page.getByRole("button", { name: "Resend Invite" })).toHaveCount(0);
  await keys.press("Enter");
  const dialog = page.getByRole("dialog");
  const make = dialog.getByRole("button", { name: "Make the sheet" });
  await expect(make).toBeVisible();
  await expectFits(page, "before a sheet is made");
  await expectAccessible(page, "before a sheet is made");
  await loseAnswer(page, "POST", `**/portal-users/${user.portalUserId}/sheet`);
  await tabTo(page, make, 6);
  await keys.press("Enter");
  await expect(dialog.locator(".failure")).toBeVisible();
  await expect(make).toBeFocused();
  await keys.press("Enter");
  await expect(dialog.getByText("it was lost on its way here")).toBeVisible();
  await expect(make).toBeFocused();
  await keys.press("Enter");
  await expect(dialog.getByText("Print it now")).toBeFocused();
  await expectFits(page, "a sheet");
  await expectAccessible(page, "a sheet");
  await keys.press("Escape");
  await expect(dialog).toBeVisible();
  const link = (await dialog.locator(".sheet .address").first().textContent()) ?? "";
  await tabTo(page, dialog.getByRole("button", { name: "I have handed it over" }), 6);
  await keys.press("Enter");
  await expect(toast(page)).toContainText("An enrollment sheet was printed");
  await expect(page.getByRole("heading", { name: "Portal users" })).toBeFocused();

  const phone = await browse(NARROW);
  const portal = new Portal(phone);
  await phone.goto(old.link);
  await expect(portal.heading("enroll.expiredTitle")).toBeVisible();
  await phone.goto(link);
  await portal.prove(client);
  await phone.getByLabel("New password").fill(PASSWORD);
  await portal.button("enroll.finish").click();
  await expect(portal.welcome).toBeFocused();

  await test.step("and then the desk reads what to do about a forgotten password", async () => {
    await openUsers(page, client);
    await choose(page, client.name, "Print Enrollment Sheet");
    await expect(dialog).toHaveAccessibleName(`${fullName(client.name)} has enrolled already`);
    await expect(dialog).toContainText("Then delete this access, add");
    await expectFits(page, "a person who has enrolled");
    await expectAccessible(page, "a person who has enrolled");
    await dialog.getByRole("button", { name: "Close" }).click();
    await choose(page, client.name, "Revoke Access");
    await dialog.getByRole("button", { name: "Revoke Access" }).click();
    await expect(toast(page)).toContainText("was revoked");
    await choose(page, client.name, "Activate Access");
    await expect(dialog).toContainText("has no e-mail address: tell them yourself");
    await dialog.getByRole("button", { name: "Confirm" }).click();
    await expect(toast(page)).toContainText("was activated");
    await expect(toast(page)).not.toContainText("mail");
  });

  await test.step("a new username is theirs to be told", async () => {
    await choose(page, client.name, "Edit");
    await expect(dialog.getByLabel("Username")).toHaveAccessibleDescription(
      `A new username ends all sessions of this account. No mail says so: tell ${fullName(client.name)} yourself.`,
    );
    await expectFits(page, "editing a person without an address");
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  await test.step("and the person adds an address of their own", async () => {
    await phone.goto(harborPortal("sign-in"));
    await portal.signIn(user.username);
    await expect(portal.welcome).toBeFocused();
    await phone.goto(harborPortal("account"));
    await expect(phone.getByText(portal.say("account.noEmail"))).toBeVisible();
    await expectFits(phone, "an account without an address");
    await expectAccessible(phone, "an account without an address");
    await portal.button("account.addEmail").click();
    await expect(phone.getByText(portal.say("account.addEmailLead"))).toBeVisible();
    const email = `${unique()}@mail.example`;
    await portal.field("account.newEmail").fill(email);
    await portal.field("account.yourPassword").fill(PASSWORD);
    await portal.button("account.sendLink").click();
    await expect(phone.getByRole("status")).toHaveText(portal.say("account.addLinkSent", { email }));
    await phone.goto(linkIn(await desk.mailbox.wait(email, CONFIRM)));
    await portal.button("confirm.action").click();
    await expect(portal.heading("confirm.doneTitle")).toBeFocused();
    await phone.goto(harborPortal("account"));
    await expect(phone.getByText(email)).toBeVisible();
  });
});

test("the sheet of a client with one name greets nobody, and its username has no name", async ({ dana, desk }) => {
  const only = capital(unique());
  const client = await desk.client({ name: { first: only, last: "" } });
  await dana.goto(clientPage(client, "/portal/new"));
  const dialog = dana.getByRole("dialog");
  await dialog.getByLabel("First name").fill(only);
  await dialog.getByRole("radio", { name: "Self" }).check();
  await dialog.getByRole("checkbox", { name: "This person has no e-mail" }).check();
  await expect(dialog.getByLabel("Username")).toHaveValue(/^\d{6}$/);
  await dialog.getByRole("button", { name: "Add User" }).click();
  await dialog.getByRole("button", { name: "Make the sheet" }).click();
  const sheet = dialog.locator(".sheet");
  await expect(sheet.getByText("This sheet works once")).toBeVisible();
  await expect(sheet).not.toContainText("For ");
  await expect(sheet).not.toContainText(new RegExp(only, "i"));
  await dialog.getByRole("button", { name: "I have handed it over" }).click();
});

test("once added, a person is in the list, whatever becomes of the sheet", async ({ dana, desk }) => {
  const client = await desk.client();
  const last = capital(unique());
  const dialog = dana.getByRole("dialog");
  const add = async (first: string) => {
    await dana.goto(clientPage(client, "/portal/new"));
    await dialog.getByLabel("First name").fill(first);
    await dialog.getByLabel("Last name").fill(last);
    await dialog.getByRole("checkbox", { name: "This person has no e-mail" }).check();
    await dialog.getByLabel("Username").fill(unique());
    await dialog.getByRole("radio", { name: "Parent" }).check();
    await dialog.getByRole("button", { name: "Add User" }).click();
    await expect(dialog).toHaveAccessibleName(`Print an enrollment sheet for ${first} ${last}?`);
    await expect(dana).toHaveURL(clientPage(client, "/portal"));
  };

  await test.step("without it", async () => {
    await add("Rosa");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect(toast(dana)).toContainText(`Rosa ${last} was added`);
    await expect(rowOf(dana, `Rosa ${last}`)).toBeVisible();
    await expectFocusKept(dana, "leaving the question about the sheet");
  });

  await test.step("and when the session ends over it, nothing is left to be saved", async () => {
    await add("Egon");
    await request(dana, "DELETE", "/api/staff/session");
    await dana.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    const ended = dana.getByRole("dialog", { name: "Your session has ended" });
    await expect(ended).toBeVisible();
    await expect(dana.getByRole("textbox")).toHaveCount(0);
    await expect.poll(() => dana.locator("html").evaluate((html) => html.outerHTML)).not.toContain(last);
    const there = await dana.context().newPage();
    await signInStaff(there, "dana@harbor.example");
    await dana.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await expect(rowOf(dana, `Egon ${last}`)).toBeVisible();
    await expect(dialog).toHaveCount(0);
  });
});

test("staff enter an address later, and the invitation is mailed", async ({ dana, desk, mailbox }) => {
  const client = await desk.client();
  await added(desk, client);
  await openUsers(dana, client);
  await choose(dana, client.name, "Edit");
  const form = dana.getByRole("dialog");
  const without = form.getByRole("checkbox", { name: "This person has no e-mail" });
  await expect(without).toBeChecked();
  await without.uncheck();
  const email = `${unique()}@mail.example`;
  await form.getByLabel("E-mail address").fill(email);
  await form.getByRole("button", { name: "Save" }).click();
  await expect(rowOf(dana, fullName(client.name))).toContainText(email);
  await mailbox.wait(email, /^Your invitation/);
  await choose(dana, client.name, "Edit");
  await expect(form.getByLabel("E-mail address")).toHaveValue(email);
  await expect(without).toHaveCount(0);
});
