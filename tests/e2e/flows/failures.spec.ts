// Every request of the console fails once: the page says so beside its cause, keeps what was typed, and
// the second try does it, once.
import type { Locator, Page } from "@playwright/test";
import { BUSY, choose, CUT, failOnce, openUsers, section } from "../console";
import { expectFocusKept } from "../focus";
import {
  capital,
  type Client,
  clientPage,
  expect,
  fullName,
  rowOf,
  staffOrigin,
  test,
  toast,
  unique,
} from "../world";

const SAID = { cut: CUT, busy: BUSY } as const;

/** Presses, hears why it failed within `where`, presses again. */
async function twice(
  page: Page,
  request: [method: string, path: RegExp, how: "cut" | "busy"],
  where: Locator,
  press: Locator,
): Promise<void> {
  await failOnce(page, ...request);
  await press.click();
  await expect(where.getByRole("alert").filter({ hasText: SAID[request[2]] })).toBeVisible();
  await expectFocusKept(page, `${request[0]} ${request[1]} failed`);
  await press.click();
}

test("forms keep what was typed, and are sent once", async ({ dana, desk }) => {
  const main = dana.getByRole("main");
  const dialog = dana.getByRole("dialog");
  const last = capital(unique());

  await test.step("a new client", async () => {
    await dana.goto(`${staffOrigin()}/clients/new`);
    await dana.getByLabel("Last name").fill(last);
    await dana.getByLabel("Date of birth").fill("1990-04-01");
    const create = dana.getByRole("button", { name: "Create Client" });
    await failOnce(dana, "POST", /\/api\/clients$/, "cut");
    await create.click();
    await expect(main.getByRole("alert").filter({ hasText: CUT })).toBeFocused();
    await expect(dana.getByLabel("Last name")).toHaveValue(last);
    await create.click();
    await expect(dana.getByRole("heading", { name: last, level: 1 })).toBeVisible();
    const path = "/api/clients/search";
    const found = await desk.call<{ clients: Client[] }>("POST", path, { query: last });
    expect(found.clients.filter(({ name }) => name.last === last)).toHaveLength(1);
  });

  await test.step("an edit of the client", async () => {
    await dana.getByRole("link", { name: "Edit" }).click();
    await dana.getByLabel("First name").fill("Ines");
    await twice(
      dana,
      ["PATCH", /\/api\/clients\/\w+$/, "busy"],
      main,
      dana.getByRole("button", { name: "Save" }),
    );
    await expect(dana.getByRole("heading", { name: `Ines ${last}`, level: 1 })).toBeVisible();
  });

  await test.step("a new portal user, whose invitation goes out once", async () => {
    await section(dana, "Client Portal").click();
    await dana.getByRole("link", { name: "+ Add New User" }).click();
    await dialog.getByLabel("First name").fill("Ines");
    const email = `${unique()}@mail.example`;
    await dialog.getByLabel("E-mail address").fill(email);
    await dialog.getByRole("radio", { name: "Self" }).check();
    // Served, but the answer is lost: the same key brings the same answer.
    await dana.route(/\/portal-users$/, async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      await dana.unroute(/\/portal-users$/);
      await route.fetch();
      await route.abort();
    });
    await dialog.getByRole("button", { name: "Add User" }).click();
    await expect(dialog.getByRole("alert").filter({ hasText: CUT })).toBeFocused();
    await expect(dialog.getByLabel("E-mail address")).toHaveValue(email);
    await dialog.getByRole("button", { name: "Add User" }).click();
    await expect(toast(dana)).toContainText(`Ines ${last} was added.`);
    await expect(dana.getByRole("row")).toHaveCount(2);
    await expect.poll(async () => (await desk.mailbox.sentTo(email)).length).toBe(1);
  });

  await test.step("an edit of the portal user", async () => {
    await choose(dana, { first: "Ines", last: "" }, "Edit");
    await dialog.getByRole("radio", { name: "Guardian" }).check();
    await twice(
      dana,
      ["PATCH", /\/portal-users\/\w+$/, "cut"],
      dialog,
      dialog.getByRole("button", { name: "Save" }),
    );
    await expect(rowOf(dana, "Ines")).toContainText("Guardian");
  });
});

test("decisions stay in their dialogs until they are done", async ({ dana, desk }) => {
  const client = await desk.client();
  const { name } = client;
  const self = fullName(name);
  await desk.enrolled(client);
  const guest = { first: "Bram", last: name.last };
  const invited = await desk.invite(client, { name: guest, relationship: "spouse" });
  const dialog = dana.getByRole("dialog");
  const in_ = (button: string) => dialog.getByRole("button", { name: button });
  await openUsers(dana, client);

  await choose(dana, name, "Revoke Access");
  await twice(dana, ["POST", /\/revoke$/, "cut"], dialog, in_("Revoke Access"));
  await expect(toast(dana)).toContainText(`Portal access for ${self} was revoked.`);
  await choose(dana, name, "Activate Access");
  await twice(dana, ["POST", /\/activate$/, "busy"], dialog, in_("Confirm"));
  await expect(rowOf(dana, self)).toContainText("Active");
  await choose(dana, guest, "Resend Invite");
  await twice(dana, ["POST", /\/invitation$/, "cut"], dialog, in_("Confirm"));
  await expect(toast(dana)).toContainText("A new invitation to Bram");
  await desk.mailbox.wait(invited.email, /^Your invitation/, 2);

  await failOnce(dana, "PUT", /\/alert-recipient$/, "cut");
  await dana.getByRole("radio", { name: `Assign alerts to ${self}` }).check({ force: true });
  const said = dana.getByRole("alert").filter({ hasText: CUT });
  await expect(said).toBeVisible();
  await expect(dana.getByRole("radio", { name: "Assigned alerts to Practice’s inbox" })).toBeChecked();
  await said.getByRole("button", { name: "Try again" }).click();
  await expect(toast(dana)).toContainText(`${self} gets the alerts now`);
  await expectFocusKept(dana, "assigning again");

  await dana.getByRole("button", { name: `Delete Bram ${name.last}` }).click();
  await dialog.getByLabel("Type “delete” to confirm").fill("delete");
  await twice(dana, ["DELETE", /\/portal-users\/\w+/, "busy"], dialog, in_("Delete User"));
  await expect(dana.getByRole("row")).toHaveCount(2);

  await test.step("ownership, and a first access", async () => {
    await desk.invite(client, { name: guest, relationship: "spouse" });
    await section(dana, "Communications").click();
    await dana.reload();
    await dana.locator("summary").click();
    await choose(dana, name, "Change Ownership");
    await dialog.getByRole("radio", { name: "Bram" }).check();
    await twice(dana, ["PUT", /\/chart-owner$/, "cut"], dialog, in_("Change Ownership"));
    await expect(toast(dana)).toContainText(`Bram ${name.last} owns the chart now`);

    const bare = await desk.client({ emails: [`${unique()}@mail.example`] });
    await dana.goto(clientPage(bare, "/communications"));
    await dana.locator("summary").click();
    await dana.getByRole("button", { name: "Activate Client Portal Access" }).click();
    await twice(dana, ["POST", /\/portal-users$/, "busy"], dialog, in_("Confirm"));
    await expect(toast(dana)).toContainText("is on its way");
    expect(await desk.users(bare)).toHaveLength(1);
  });
});

test("what cannot be loaded says so, and is there after another try", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const name = fullName(client.name);
  const again = dana.getByRole("button", { name: "Try again" });
  /** Goes there while that request fails, and tries again. */
  const retried = async (path: RegExp, how: "cut" | "busy", go: () => Promise<unknown>, there: Locator) => {
    await failOnce(dana, "GET", path, how);
    await go();
    await expect(dana.getByRole("alert").filter({ hasText: SAID[how] })).toBeVisible();
    await again.click();
    await expect(there).toBeVisible();
    await expectFocusKept(dana, `${path} loaded again`);
  };
  const heading = dana.getByRole("heading", { name, level: 1 });
  await retried(/\/api\/staff\/session$/, "cut", () => dana.goto(clientPage(client)), heading);
  await retried(/\/api\/clients\/\w+$/, "busy", () => dana.reload(), dana.getByText("Contact information"));
  const list = clientPage(client, "/portal");
  await retried(/\/portal-users$/, "cut", () => dana.goto(list), rowOf(dana, name));
  await retried(
    /\/history$/,
    "busy",
    () => section(dana, "History").click(),
    dana.getByText(/added the client/),
  );

  await test.step("the search", async () => {
    const box = dana.getByRole("searchbox", { name: "Search Clients" });
    await failOnce(dana, "POST", /\/clients\/search$/, "cut");
    await box.fill(client.name.last);
    const hits = dana.getByRole("search");
    await expect(hits.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
    await again.click();
    await expect(hits.getByRole("button", { name })).toBeVisible();
    await expect(box).toBeFocused();
    await box.fill("ma");
    await expect(hits.getByRole("button", { name: "Show more" })).toBeVisible();
    await failOnce(dana, "POST", /\/clients\/search$/, "busy");
    const shown = await hits.getByRole("listitem").count();
    await hits.getByRole("button", { name: "Show more" }).click();
    await expect(hits.getByRole("alert").filter({ hasText: BUSY })).toBeVisible();
    await hits.getByRole("button", { name: "Show more" }).click();
    await expect(hits.getByRole("listitem").nth(shown)).toBeVisible();
    await dana.keyboard.press("Escape");
  });

  await test.step("a language, and signing out", async () => {
    const language = dana.getByLabel("Language");
    await failOnce(dana, "GET", /staff\.es-[\w-]+\.json$/, "cut");
    await language.selectOption("Español");
    await expect(dana.getByRole("contentinfo").getByRole("alert").filter({ hasText: CUT })).toBeVisible();
    await expect(language).toHaveValue("en");
    await failOnce(dana, "DELETE", /\/api\/staff\/session$/, "busy");
    await dana.getByRole("button", { name: "Sign out" }).click();
    await expect(dana.getByRole("main").getByRole("alert").filter({ hasText: BUSY })).toBeVisible();
    await dana.getByRole("button", { name: "Sign out" }).click();
    await expect(dana.getByRole("status")).toHaveText("You are signed out.");
  });
});

test("a page's own file that does not come can be fetched again", async ({ dana, desk }) => {
  const client = await desk.client();
  await failOnce(dana, "GET", /\/assets\/page-[\w-]+\.js$/, "cut");
  await dana.getByRole("searchbox", { name: "Search Clients" }).fill(client.name.last);
  await dana.getByRole("button", { name: fullName(client.name) }).click();
  await dana.getByRole("link", { name: "Go to Client Page" }).click();
  await expect(dana.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await dana.getByRole("button", { name: "Try again" }).click();
  await expect(dana.getByText("Contact information")).toBeVisible();
});

test("a cut line is said calmly, comes and goes, and costs nothing", async ({ dana, desk }) => {
  const client = await desk.client();
  await dana.goto(clientPage(client, "/edit"));
  await dana.getByLabel("First name").fill("Ottilie");
  const banner = dana.getByRole("alert").filter({ hasText: "You are offline." });
  await dana.context().setOffline(true);
  await expect(banner).toBeVisible();
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(dana.getByRole("alert").filter({ hasText: CUT })).toBeFocused();
  await dana.context().setOffline(false);
  await expect(banner).toBeHidden();
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(dana.getByRole("heading", { name: `Ottilie ${client.name.last}` })).toBeVisible();
});

test("on a slow line the page shows that something is coming, and every step is done once", async ({
  staff,
  desk,
}) => {
  test.slow();
  const client = await desk.client();
  const name = fullName(client.name);
  await desk.enrolled(client);
  const page = await staff();
  const line = await page.context().newCDPSession(page);
  // What browsers call "Slow 3G".
  await line.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: 50_000,
    uploadThroughput: 50_000,
  });
  await page.goto(clientPage(client, "/portal"));
  await expect(page.locator(".skeleton").first()).toBeVisible();
  await expect(rowOf(page, name)).toBeVisible();
  await choose(page, client.name, "Revoke Access");
  const revoke = page.getByRole("dialog").getByRole("button", { name: "Revoke Access" });
  let answer = () => {};
  const held = new Promise<void>((free) => (answer = free));
  await page.route(/\/revoke$/, async (route) => {
    await held;
    await route.fallback();
  });
  await revoke.click();
  await expect(revoke).toHaveAttribute("aria-busy", "true");
  await revoke.click({ force: true });
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeVisible();
  answer();
  await expect(toast(page)).toContainText("was revoked");
  await section(page, "History").click();
  await expect(page.getByText(/revoked .* access/)).toHaveCount(1);
});

test("after a refusal the focus stays where somebody goes on", async ({ dana, desk }) => {
  const client = await desk.client();
  await desk.invite(client);
  const refused = dana.getByRole("alert").filter({ hasText: "There is a problem" });

  await test.step("at a tick", async () => {
    await dana.goto(clientPage(client, "/safe"));
    const use = dana.getByRole("checkbox", { name: "Use safe contact" });
    await use.check();
    await failOnce(dana, "PATCH", /\/api\/clients\/[^/]+$/, "busy");
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(refused).toBeFocused();
    await use.focus();
    await dana.keyboard.press("Space");
    await expect(use).not.toBeChecked();
    await expect(use).toBeFocused();
  });

  await test.step("at a letter, and a second refusal takes it again", async () => {
    await openUsers(dana, client);
    await choose(dana, client.name, "Revoke Access");
    const dialog = dana.getByRole("dialog");
    await dialog.getByLabel("Why?").selectOption({ label: "Another reason" });
    const note = dialog.getByLabel("Note");
    await note.fill("x".repeat(3_000));
    const revoke = dialog.getByRole("button", { name: "Revoke Access" });
    await revoke.click();
    await expect(refused).toBeFocused();
    await note.focus();
    await dana.keyboard.type("yz");
    await expect(note).toBeFocused();
    await expect(note).toHaveValue(/xyz$/);
    await revoke.click();
    await expect(refused).toBeFocused();
  });
});
