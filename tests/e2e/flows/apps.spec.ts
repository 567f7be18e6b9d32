// "Apps & systems": registered, set up, switched off and on, given new secrets and deleted, by administrators
// alone.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expectFits } from "../accessibility";
import { type App, openRooms, REDIRECT, Room, ROOMS, test } from "../apps";
import { BUSY, CUT, failOnce, loseAnswer } from "../console";
import { expectFocusKept, tabTo } from "../focus";
import { asked, capital, type Desk, expect, type Page, portalOrigin, rowOf, staffOrigin, toast, unique } from "../world";

const APPS = () => `${staffOrigin()}/apps`;
const pageOf = ({ appId }: App) => `${APPS()}/${appId.split(".")[1]}`;
const name = () => `Messages ${capital(unique())}`;

/** The app as the API has it, which is to be deleted when its test is over. */
async function find(admin: Desk, name: string): Promise<App> {
  const { apps } = await admin.call<{ apps: App[] }>("GET", "/api/apps");
  const [found, ...others] = apps.filter((app) => app.name === name);
  if (!found || others.length) throw new Error(`${others.length + 1} apps named ${name}`);
  return found;
}

const discard = (admin: Desk, { appId }: App) =>
  admin.call("DELETE", `/api/apps/${appId}?confirm=delete`);

/** An address of the form's list. */
const address = (page: Page, n: number, list = "Addresses for sign-in") =>
  page.getByRole("textbox", { name: `Address ${n} of: ${list}` });

const fact = (page: Page, term: string) =>
  page.locator("dt", { hasText: term }).locator("xpath=following-sibling::dd[1]");

test("an app is registered, its secret is shown once, and its settings have everything filled in", async ({
  dana,
  admin,
}) => {
  const messages = name();
  await dana.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const clipboard = () => dana.evaluate(() => navigator.clipboard.readText());
  const nav = dana.getByRole("navigation", { name: "The practice" });
  await nav.getByRole("link", { name: "Apps", exact: true }).click();
  await expect(dana.getByRole("heading", { name: "Apps & systems", level: 1 })).toBeFocused();
  await expect(dana).toHaveTitle("Apps & systems · Harbor Practice");
  await expect(nav.locator("[aria-current=page]")).toHaveText("Apps");
  await dana.getByRole("link", { name: "+ Register" }).click();
  await expect(dana.getByRole("heading", { name: "Register an app or a system" })).toBeFocused();

  await dana.getByLabel("Name").fill(messages);
  await dana.getByLabel("Permission that it serves").selectOption("Messaging");
  await address(dana, 1).fill(REDIRECT);
  await dana.getByRole("button", { name: "Add an address" }).first().click();
  await expect(address(dana, 2)).toBeFocused();
  await dana.getByLabel("Address of the tile").fill(`${portalOrigin()}/rooms`);
  await dana.getByRole("button", { name: "Register" }).dblclick();

  const secretOf = `Secret of ${messages}`;
  await expect(dana.getByRole("heading", { name: secretOf })).toBeFocused();
  await expect(toast(dana)).toContainText(`${messages} was registered`);
  await expect(dana.getByText("It is shown this once")).toBeVisible();
  const app = await find(admin, messages);
  await expect(dana).toHaveURL(pageOf(app));
  await expect(dana).toHaveTitle(`${messages} · Harbor Practice`);
  await dana.getByRole("button", { name: `Copy: ${secretOf}` }).click();
  await expect(toast(dana)).toContainText(`Copied: ${secretOf}`);
  const secret = await clipboard();
  const room = new Room(app, secret);
  expect(await room.status()).toBe(200);
  expect(await room.status(`${secret.slice(0, -1)}_`)).toBe(401);
  await dana.getByRole("button", { name: "Copy: Client ID" }).click();
  await expect.poll(clipboard).toBe(app.appId);
  for (const [term, value] of [
    ["Kind", "App"],
    ["Serves", "Messaging"],
    ["How it proves itself", "A secret"],
    ["Addresses for sign-in", REDIRECT],
    ["Addresses after signing out", "None"],
  ] as const)
    await expect(fact(dana, term)).toHaveText(value);

  await test.step("the settings", async () => {
    for (const [program, has] of [
      ["nginx: auth_request", [`${portalOrigin()}/api/portal/check?app=${app.appId};`, "location /rooms/ {"]],
      ["Caddy: forward_auth", [`uri /api/portal/check?app=${app.appId}`, "handle /rooms/* {"]],
      ["Apache: mod_auth_openidc", [`OIDCOAuthClientSecret ${secret}`, "TokenIntrospectionInterval -1"]],
      ["Node: openid-client", [`ClientSecretBasic("${secret}")`, `redirect_uri: "${REDIRECT}"`]],
    ] as const) {
      await dana.locator("summary", { hasText: program }).click();
      const text = dana.getByRole("region", { name: program, exact: true });
      for (const each of has) await expect(text).toContainText(each);
      await dana.getByRole("button", { name: `Copy: ${program}` }).click();
      await expect(toast(dana)).toContainText(`Copied: ${program}`);
      expect((await clipboard()).trim()).toBe((await text.innerText()).trim());
    }
  });

  await test.step("and nobody sees the secret again", async () => {
    await dana.getByRole("button", { name: "I have copied it" }).click();
    await expect(dana.getByRole("heading", { name: secretOf })).toHaveCount(0);
    await expect(dana.getByRole("heading", { name: messages })).toBeFocused();
    await dana.locator("summary", { hasText: "Apache" }).click();
    expect(await dana.content()).not.toContain(secret);
    await expect(dana.getByText("put it in for put-the-secret-here")).toBeVisible();
    await dana.getByRole("link", { name: "Apps", exact: true }).click();
    await expect(rowOf(dana, messages)).toContainText("Messaging");
    await expect(rowOf(dana, messages)).toContainText("On");
    await dana.getByRole("link", { name: `Open ${messages}` }).click();
    await expect(dana.getByRole("heading", { name: messages })).toBeFocused();
    expect(await dana.content()).not.toContain(secret);
  });
  await discard(admin, app);
});

test("what the API refuses is said at its field, and nothing that was typed is lost", async ({ dana, admin }) => {
  test.slow();
  const messages = name();
  const summary = dana.getByRole("alert").filter({ hasText: "There is a problem" });
  const register = dana.getByRole("button", { name: "Register" });
  await dana.goto(`${APPS()}/new`);
  await register.click();
  await expect(summary.getByRole("link")).toHaveText(["Enter a name"]);
  await dana.getByLabel("Name").fill(messages);
  await dana.getByRole("radio", { name: "Nothing" }).check();
  await dana.getByRole("button", { name: "Add an address" }).first().click();
  await address(dana, 1).fill("https://rooms.example/in");
  for (const [typed, said] of [
    ["rooms", "Enter an address such as"],
    ["https://10.0.0.1/in", "Enter the address of a public host"],
    ["http://rooms.example/in", "Enter an address with https"],
    ["https://rooms.example:22/in", "Use port 443"],
    ["https://ann@rooms.example/in", "Leave out the name or password before the @"],
    ["https://rooms.example/in#here", "Leave out the # and what follows it"],
    ["https://*.rooms.example/in", "there are no wildcards"],
    ["https://rooms.example/a/../in", "Write the address as https://rooms.example/in"],
    ["https://rooms.example/in", "This is there twice"],
  ] as const) {
    await address(dana, 2).fill(typed);
    await register.click();
    const problem = summary.getByRole("link", { name: said });
    await expect(problem, typed).toBeVisible();
    await expect(address(dana, 2)).toHaveAccessibleDescription(new RegExp(said.replace(/[*#]/g, "\\$&")));
    await problem.click();
    await expect(address(dana, 2)).toBeFocused();
    await expect(address(dana, 2)).toHaveValue(typed);
    await expect(address(dana, 1)).not.toHaveAttribute("aria-invalid", "true");
  }
  await dana.getByRole("button", { name: "Remove Address 2" }).click();
  await expectFocusKept(dana, "removing an address");
  await dana.getByLabel("Address of the tile").fill("rooms");
  await register.click();
  await expect(dana.getByLabel("Address of the tile")).toHaveAttribute("aria-invalid", "true");
  await dana.getByLabel("Address of the tile").fill("");
  for (let n = 2; n <= 11; n++) {
    await dana.getByRole("button", { name: "Add an address" }).first().click();
    await address(dana, n).fill(`https://rooms.example/in/${n}`);
  }
  await register.click();
  await summary.getByRole("link", { name: "Too many: 10 is the most" }).click();
  await expect(dana.getByRole("group", { name: "Addresses for sign-in" })).toBeFocused();
  await dana.getByRole("button", { name: "Remove Address 11" }).click();
  await register.click();
  // Without a secret there is nothing to be shown once.
  await expect(dana.getByRole("heading", { name: messages, level: 1 })).toBeFocused();
  await expect(dana.getByRole("heading", { name: "Secret of" })).toHaveCount(0);
  await expect(dana.getByRole("button", { name: "New secret" })).toHaveCount(0);
  await expect(fact(dana, "Addresses for sign-in").getByRole("listitem")).toHaveCount(10);
  await discard(admin, await find(admin, messages));
});

test("a system is registered with its keys, and never with a private one", async ({ dana, admin }) => {
  const system = `OpenEMR ${capital(unique())}`;
  const generated = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
  const key = async (kid: string) => {
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", generated.publicKey);
    return { kty, crv, x, y, kid };
  };
  const box = (n: number) => dana.getByRole("textbox", { name: `Public key ${n}` });
  const summary = dana.getByRole("alert").filter({ hasText: "There is a problem" });
  const register = dana.getByRole("button", { name: "Register" });
  await dana.goto(`${APPS()}/new`);
  await dana.getByLabel("Name").fill(system);
  await dana.getByRole("radio", { name: "Nothing" }).check();
  await dana.getByRole("radio", { name: "System" }).check();
  // A system proves itself in some way.
  await expect(dana.getByRole("radio", { name: "Nothing" })).toHaveCount(0);
  await dana.getByRole("radio", { name: "A key of its own" }).check();
  await box(1).fill(" ");
  await register.click();
  await expect(summary.getByRole("link")).toHaveText(["Enter a public key", "Tick at least one"]);
  await dana.getByRole("checkbox", { name: "Alerts" }).check();
  await dana.getByRole("checkbox", { name: "Clients" }).check();

  const requests = asked(dana);
  await box(1).fill(JSON.stringify(await crypto.subtle.exportKey("jwk", generated.privateKey)));
  await register.click();
  await expect(summary).toContainText("This is a private key. It was not sent.");
  await box(1).fill("-----BEGIN PUBLIC KEY-----");
  await register.click();
  await expect(summary).toContainText("Paste a public key as JSON (JWK)");
  expect(requests).toEqual([]);

  await box(1).fill(JSON.stringify({ keys: [await key("one"), { ...(await key("two")), kid: "" }] }));
  await register.click();
  // "publicKeys[1].kid", of which the form has but the whole key.
  await summary.getByRole("link", { name: "for the kid" }).click();
  await expect(box(2)).toBeFocused();
  await expect(box(2)).toHaveAccessibleDescription(/for the kid/);
  await expect(box(1)).not.toHaveAttribute("aria-invalid", "true");
  await box(2).fill(JSON.stringify({ ...(await key("two")), crv: "P-384" }));
  await register.click();
  await expect(box(2)).toHaveAccessibleDescription("Paste a public key for ES256: EC, P-256");
  await box(2).fill(JSON.stringify(await key("two")));
  await register.click();
  await expect(dana.getByRole("heading", { name: system, level: 1 })).toBeFocused();
  await expect(fact(dana, "What it may do")).toHaveText("Clients and Alerts");
  await expect(fact(dana, "How it proves itself").getByRole("listitem")).toHaveText(["one", "two"]);
  await dana.locator("summary", { hasText: /^curl$/ }).click();
  const curl = dana.getByRole("region", { name: "curl", exact: true });
  await expect(curl).toContainText("kid one or two.");
  await expect(curl).toContainText('"client_assertion=$ASSERTION"');
  await dana.goto(APPS());
  await expect(rowOf(dana, system)).toContainText("System");
  await expect(rowOf(dana, system)).toContainText("Clients and Alerts");
  await discard(admin, await find(admin, system));
});

test("a system's settings get it a token, with which it calls the API until it is switched off", async ({
  dana,
  admin,
  desk,
}) => {
  const client = await desk.client();
  const record = `Record ${unique()}`;
  await dana.goto(`${APPS()}/new`);
  await dana.getByLabel("Name").fill(record);
  await dana.getByRole("radio", { name: "System" }).check();
  await dana.getByRole("checkbox", { name: "Clients" }).check();
  await dana.getByRole("button", { name: "Register" }).click();
  await expect(dana.getByRole("heading", { name: `Secret of ${record}` })).toBeFocused();
  await expect(dana.getByText("How the system gets a token")).toBeVisible();
  await expect(dana.getByRole("heading", { name: "Test sign-in" })).toHaveCount(0);
  await expect(dana.locator("summary")).toHaveText(["curl", "Node: openid-client"]);
  await dana.locator("summary", { hasText: "curl" }).click();
  const script = await dana.getByRole("region", { name: "curl", exact: true }).innerText();
  // As it stands there, but for whom it looks for.
  const run = async () => {
    const shell = await promisify(execFile)("sh", ["-c", script.replace("Okafor", client.name.last)]);
    return JSON.parse(shell.stdout) as { clients?: { clientId: string }[]; code?: string };
  };
  expect((await run()).clients?.map(({ clientId }) => clientId)).toEqual([client.clientId]);

  const app = await find(admin, record);
  await dana.getByRole("button", { name: "Switch off" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "Switch off" }).click();
  await expect(toast(dana)).toContainText(`${record} is switched off`);
  expect((await run()).clients).toBeUndefined();
  await discard(admin, app);
});

test("a sign-in is tested from the app's page, as its tile opens it", async ({ dana, register }) => {
  const { app } = await register({ name: name(), launchUrl: `${ROOMS}/start?from=tile` });
  await openRooms(dana);
  await dana.goto(pageOf(app));
  const link = dana.getByRole("link", { name: `Open ${app.name}` });
  await expect(link).toHaveAccessibleDescription(/The portal should say that .* asks for a sign-in/);
  const [tab] = await Promise.all([dana.context().waitForEvent("page"), link.click()]);
  await expect(tab.getByRole("heading", { name: "Room" })).toBeVisible();
  const { searchParams } = new URL(tab.url());
  expect([...searchParams]).toEqual([
    ["from", "tile"],
    ["iss", portalOrigin()],
  ]);
  await dana.getByRole("button", { name: "Switch off" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "Switch off" }).click();
  await expect(link).toHaveCount(0);
});

test("an edit keeps what somebody else changed meanwhile", async ({ dana, admin, register }) => {
  const { app } = await register({ name: name() });
  await dana.goto(pageOf(app));
  await dana.getByRole("link", { name: `Edit ${app.name}` }).click();
  await expect(dana.getByRole("heading", { name: `Edit ${app.name}` })).toBeFocused();
  // What an app is cannot be changed, only what is known of it.
  await expect(dana.getByRole("radio")).toHaveCount(0);
  await dana.getByLabel("Name").fill("Rooms");
  await dana.getByLabel("Permission that it serves").selectOption("Whatever it asks for");
  await admin.call("PATCH", `/api/apps/${app.appId}`, {
    version: 1,
    name: "Chambers",
    launchUrl: "https://rooms.example/",
  });
  await dana.getByRole("button", { name: "Save" }).click();
  const note = dana.getByRole("alert").filter({ hasText: "Somebody else changed" });
  await expect(note).toBeFocused();
  await expect(note.getByRole("listitem")).toHaveText([
    `Name is now “Chambers”. It was “${app.name}”; you typed “Rooms”.`,
    "Address of the tile is now “https://rooms.example/”. It was empty.",
  ]);
  await expect(dana.getByLabel("Address of the tile")).toHaveValue("https://rooms.example/");
  await failOnce(dana, "PATCH", /\/api\/apps\//, "busy");
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(dana.getByRole("alert").filter({ hasText: BUSY })).toBeFocused();
  await dana.getByRole("button", { name: "Save" }).click();
  await expect(toast(dana)).toContainText("Changes to Rooms were saved");
  await expect(dana.getByRole("heading", { name: "Rooms", level: 1 })).toBeFocused();
  await expect(fact(dana, "Serves")).toHaveText("Whatever it asks for");
  await expect(fact(dana, "Address of the tile")).toHaveText("https://rooms.example/");
});

test("switched off, an app is refused from its next question on; switched on, it is answered", async ({
  dana,
  admin,
  register,
}) => {
  const room = await register({ name: name(), launchUrl: "http://rooms.localhost:9/" });
  const { app } = room;
  const dialog = dana.getByRole("dialog");
  await dana.goto(pageOf(app));
  await dana.getByRole("button", { name: "Switch off" }).click();
  await expect(dana.getByRole("dialog", { name: `Switch ${app.name} off?` })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  const ends = dialog.getByRole("list", { name: "What ends" }).getByRole("listitem");
  await expect(ends).toHaveText([
    `${app.name} is refused from its next question on.`,
    "Its tile goes from the portal’s home.",
  ]);
  await expect(dialog.getByRole("list", { name: "What stays" })).toContainText("stay signed in");
  // Somebody edits it meanwhile: what is switched is the app as it is then.
  await admin.call("PATCH", `/api/apps/${app.appId}`, { version: 1, permission: "documents" });
  expect(await room.status()).toBe(200);
  await dialog.getByRole("button", { name: "Switch off" }).dblclick();
  await expect(toast(dana)).toContainText(`${app.name} is switched off`);
  await expect(dana.getByRole("heading", { name: app.name, level: 1 })).toBeFocused();
  expect(await room.status()).toBe(401);
  await expect(fact(dana, "Serves")).toHaveText("Access to Documents");
  await dana.goto(APPS());
  await expect(rowOf(dana, app.name)).toContainText("Off");

  await dana.goto(pageOf(app));
  await dana.getByRole("button", { name: "Switch on" }).click();
  await loseAnswer(dana, "PATCH", `**/api/apps/${app.appId}`);
  await dialog.getByRole("button", { name: "Switch on" }).click();
  await expect(dialog.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await dialog.getByRole("button", { name: "Switch on" }).click();
  await expect(toast(dana)).toContainText(`${app.name} is switched on`);
  expect(await room.status()).toBe(200);
});

for (const [locale, words] of [
  ["es-ES", { off: "Desactivar", ends: "Qué termina", now: "desde su próxima pregunta", tag: "Fuera de servicio" }],
  ["fr-FR", { off: "Désactiver", ends: "Ce qui prend fin", now: "dès sa prochaine question", tag: "Hors service" }],
] as const) {
  test(`what switching off means is said in ${locale}`, async ({ browse, register }) => {
    const { app } = await register({ name: name() });
    const page = await browse({ locale });
    const returnTo = new URL(pageOf(app)).pathname;
    await page.goto(`${staffOrigin()}/api/staff/sign-in?login_hint=dana@harbor.example&returnTo=${returnTo}`);
    await page.getByRole("button", { name: words.off }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.getByRole("list", { name: words.ends })).toContainText(words.now);
    await dialog.getByRole("button", { name: words.off }).click();
    await expect(page.getByRole("main").getByText(words.tag, { exact: true })).toBeVisible();
  });
}

test("a new secret works beside the one before it", async ({ dana, register }) => {
  const room = await register({ name: name() });
  const dialog = dana.getByRole("dialog", { name: `A new secret for ${room.app.name}?` });
  const shown = dana.getByRole("region", { name: `Secret of ${room.app.name}` }).locator("code");
  await dana.goto(pageOf(room.app));
  const renew = async () => {
    await dana.getByRole("button", { name: "New secret" }).click();
    await expect(dialog.getByRole("list", { name: "What stays" })).toContainText("works for a day more");
    await dialog.getByRole("button", { name: "New secret" }).dblclick();
    await expect(dana.getByRole("heading", { name: `Secret of ${room.app.name}` })).toBeFocused();
    return shown.innerText();
  };
  const second = await renew();
  expect([await room.status(), await room.status(second)]).toEqual([200, 200]);
  // Longer than to the app's own form, it does not stay.
  await dana.getByRole("link", { name: `Edit ${room.app.name}` }).click();
  await dana.getByRole("link", { name: "Cancel" }).click();
  await expect(shown).toHaveText(second);
  const third = await renew();
  expect(third).not.toBe(second);
  expect([await room.status(), await room.status(second), await room.status(third)]).toEqual([401, 200, 200]);
  await dana.getByRole("link", { name: "Harbor Practice" }).click();
  await dana.goBack();
  await expect(dana.getByRole("heading", { name: room.app.name, level: 1 })).toBeFocused();
  await expect(shown).toHaveCount(0);
});

test("an app is deleted by typing the word", async ({ dana, register }) => {
  const room = await register({ name: name() });
  const { app } = room;
  const dialog = dana.getByRole("dialog", { name: `Delete ${app.name}?` });
  const word = dialog.getByLabel("Type “delete” to confirm");
  const button = dialog.getByRole("button", { name: "Delete app" });
  await dana.goto(pageOf(app));
  await dana.getByRole("button", { name: "Delete" }).click();
  await expect(word).toBeFocused();
  await expect(button).toHaveAttribute("aria-disabled", "true");
  await word.fill("remove");
  await word.press("Enter");
  await expect(word).toHaveAccessibleDescription("Type “delete” to continue");
  expect(await room.status()).toBe(200);
  await word.fill(" Delete ");
  await loseAnswer(dana, "DELETE", `**/api/apps/${app.appId}**`);
  await button.click();
  await expect(dialog.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await button.dblclick();
  await expect(toast(dana)).toContainText(`${app.name} was deleted`);
  await expect(dana).toHaveURL(APPS());
  await expect(dana.getByRole("heading", { name: "Apps & systems", level: 1 })).toBeFocused();
  await expect(rowOf(dana, app.name)).toHaveCount(0);
  expect(await room.status()).toBe(401);
  await dana.goBack();
  await expect(dana.getByRole("heading", { name: "App not found" })).toBeFocused();
  await dana.getByRole("main").getByRole("link", { name: "Go to Apps & systems" }).click();
  await expect(dana.getByRole("heading", { name: "Apps & systems", level: 1 })).toBeFocused();
});

test("a registration whose answer was lost is made once, and asks for a new secret", async ({ dana, admin }) => {
  const messages = name();
  await dana.goto(`${APPS()}/new`);
  await dana.getByLabel("Name").fill(messages);
  await loseAnswer(dana, "POST", "**/api/apps");
  await dana.getByRole("button", { name: "Register" }).click();
  await expect(dana.getByRole("alert").filter({ hasText: CUT })).toBeFocused();
  await dana.getByRole("button", { name: "Register" }).click();
  await expect(dana.getByText("The answer with the secret was lost on its way")).toBeVisible();
  await dana.getByRole("button", { name: "OK" }).click();
  await expect(dana.getByRole("heading", { name: messages, level: 1 })).toBeFocused();
  await dana.getByRole("button", { name: "New secret" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "New secret" }).click();
  const app = await find(admin, messages);
  const secret = await dana.getByRole("region", { name: `Secret of ${messages}` }).locator("code").innerText();
  expect(await new Room(app, secret).status()).toBe(200);
  await discard(admin, app);
});

test("a new secret whose answer was lost is made once, and asks for another", async ({ dana, register }) => {
  const room = await register({ name: name() });
  const dialog = dana.getByRole("dialog", { name: `A new secret for ${room.app.name}?` });
  const button = dialog.getByRole("button", { name: "New secret" });
  await dana.goto(pageOf(room.app));
  await dana.getByRole("button", { name: "New secret" }).click();
  await loseAnswer(dana, "POST", `**/api/apps/${room.app.appId}/secret`);
  await button.click();
  await expect(dialog.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await button.click();
  await expect(dana.getByText("The answer with the secret was lost on its way")).toBeVisible();
  // The second secret from here would have ended this one.
  expect(await room.status()).toBe(200);
  await dana.getByRole("button", { name: "New secret" }).click();
  await button.click();
  const secret = dana.getByRole("region", { name: `Secret of ${room.app.name}` }).locator("code");
  expect(await room.status(await secret.innerText())).toBe(200);
});

test("lists and pages that do not come say so, and come with one press", async ({ dana, register }) => {
  const { app } = await register({ name: name() });
  const main = dana.getByRole("main");
  const retry = main.getByRole("button", { name: "Try again" });
  await failOnce(dana, "GET", /\/api\/apps$/, "busy");
  await dana.goto(APPS());
  await expect(main.getByRole("alert").filter({ hasText: BUSY })).toBeVisible();
  await retry.click();
  await expect(rowOf(dana, app.name)).toBeVisible();
  await expectFocusKept(dana, "the list came");
  await failOnce(dana, "GET", /\/api\/apps\//, "cut");
  await failOnce(dana, "GET", /\/openid-configuration$/, "cut");
  await dana.getByRole("link", { name: `Open ${app.name}` }).click();
  await expect(main.getByRole("alert").filter({ hasText: CUT })).toBeVisible();
  await retry.click();
  await expect(dana.getByRole("heading", { name: app.name, level: 1 })).toBeVisible();
  await expectFocusKept(dana, "the app came");
  await retry.click();
  await expect(dana.locator("summary")).toHaveCount(5);
  await expectFocusKept(dana, "the settings came");
});

test("where a page may not copy, the text is selected", async ({ dana, register }) => {
  const { app } = await register({ name: name() });
  await dana.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await dana.goto(pageOf(app));
  await dana.getByRole("button", { name: "Copy: Client ID" }).click();
  await expect(toast(dana)).toContainText("Selected instead: Client ID. Copy it with the keyboard");
  expect(await dana.evaluate(() => getSelection()?.toString())).toBe(app.appId);
});

test("for administrators alone, and for those of the practice itself", async ({ staff, register }) => {
  const { app } = await register({ name: name() });
  for (const [email, places] of [
    ["felix@harbor.example", ["Today", "Access"]],
    ["ada@harbor.example", ["Today", "Access", "History"]],
  ] as const) {
    const page = await staff(email);
    const nav = page.getByRole("navigation", { name: "The practice" });
    await expect(nav.getByRole("link")).toHaveText(places);
    for (const at of [APPS(), `${APPS()}/new`, pageOf(app), `${pageOf(app)}/edit`]) {
      const requests = asked(page);
      await page.goto(at);
      await expect(page.getByRole("heading", { name: "For administrators only" })).toBeFocused();
      expect(requests.filter((each) => each.includes("/apps"))).toEqual([]);
    }
  }
  const casey = await staff("casey@cove.example");
  await casey.goto(APPS());
  await expect(casey.getByText("Nothing is registered yet.")).toBeVisible();
  await casey.goto(pageOf(app));
  await expect(casey.getByRole("heading", { name: "App not found" })).toBeFocused();
});

test("what was typed into the form is there again after a session's end", async ({ dana }) => {
  await dana.goto(`${APPS()}/new`);
  await dana.getByLabel("Name").fill("Messages");
  await address(dana, 1).fill(REDIRECT);
  await dana.evaluate(() => fetch("/api/staff/session", { method: "DELETE" }));
  await dana.getByRole("button", { name: "Register" }).click();
  const ended = dana.getByRole("dialog", { name: "Your session has ended" });
  await expect(ended.getByLabel("Name")).toHaveValue("Messages");
  await expect(ended.getByLabel("Addresses for sign-in")).toHaveValue(REDIRECT);
});

test("with the keyboard alone, on a screen 320 px wide", async ({ staff, admin }) => {
  const messages = name();
  const page = await staff("dana@harbor.example", { viewport: { width: 320, height: 640 } });
  const keys = page.keyboard;
  const dialog = page.getByRole("dialog");
  await page.getByRole("searchbox").focus();
  await tabTo(page, page.getByRole("link", { name: "Apps", exact: true }), 4);
  await keys.press("Enter");
  await expect(page.getByRole("heading", { name: "Apps & systems", level: 1 })).toBeFocused();
  await tabTo(page, page.getByRole("link", { name: "+ Register" }), 1);
  await keys.press("Enter");
  await expect(page.getByRole("heading", { name: "Register an app or a system" })).toBeFocused();
  await tabTo(page, page.getByLabel("Name"), 1);
  await keys.type(messages);
  await tabTo(page, page.getByLabel("Permission that it serves"), 2);
  await keys.type("Mess");
  await tabTo(page, address(page, 1), 1);
  await keys.type(REDIRECT);
  await expectFits(page, "the form");
  await keys.press("Enter");
  await expect(page.getByRole("heading", { name: `Secret of ${messages}` })).toBeFocused();
  await expectFits(page, "the secret");
  await tabTo(page, page.getByRole("button", { name: "I have copied it" }), 2);
  await keys.press("Enter");
  await expect(page.getByRole("heading", { name: messages, level: 1 })).toBeFocused();
  await tabTo(page, page.getByRole("button", { name: "Switch off" }), 4);
  await keys.press("Enter");
  await expectFits(page, "switching off");
  await keys.press("Escape");
  await expect(page.getByRole("button", { name: "Switch off" })).toBeFocused();
  const node = page.locator("summary", { hasText: "Node" });
  await tabTo(page, node, 6);
  await keys.press("Enter");
  await keys.press("Tab");
  await expect(page.getByRole("region", { name: "Node: openid-client" })).toBeFocused();
  await expectFits(page, "the settings");
  await page.getByRole("button", { name: "Switch off" }).focus();
  await tabTo(page, page.getByRole("button", { name: "Delete" }), 1);
  await keys.press("Enter");
  await keys.type("delete");
  await keys.press("Enter");
  await expect(toast(page)).toContainText(`${messages} was deleted`);
  await expect(dialog).toHaveCount(0);
  await expectFits(page, "the list");
  const { apps } = await admin.call<{ apps: App[] }>("GET", "/api/apps");
  expect(apps.filter((app) => app.name === messages)).toEqual([]);
});
