// "Search Clients": whatever is known of a client finds the client.
import { capital, expect, find, fullName, rowOf, test, unique } from "../world";

test("finds a client by everything that is known of them", async ({ dana, desk }) => {
  const word = unique();
  const email = `${word}@mail.example`;
  const client = await desk.client({
    name: { first: "Ottoline", last: capital(word) },
    dateOfBirth: "1931-02-27",
    emails: [email],
    phones: ["(207) 644-9173"],
  });
  const found = dana
    .getByRole("list", { name: "Clients found" })
    .getByRole("button", { name: fullName(client.name) });
  for (const query of [
    "Ottoline",
    `${word.slice(0, 4)} otto`,
    email,
    "9173",
    client.recordNumber,
    "1931-02-27",
    "2/27/1931",
    "02/27/1931",
  ]) {
    await test.step(query, async () => {
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill(query);
      await expect(found).toBeVisible();
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill("");
      await expect(found).toBeHidden();
    });
  }
});

test("finds names written in other ways", async ({ dana, desk }) => {
  const word = unique();
  await desk.client({ name: { first: "Zoë", last: `D’Angelo-Müller ${capital(word)}` } });
  const found = dana
    .getByRole("list", { name: "Clients found" })
    .getByRole("button", { name: "D’Angelo-Müller" });
  for (const query of [
    `d'angelo muller ${word}`,
    `dangelo ${word}`,
    `zoe müller ${word}`,
    `MULLER ${word.slice(0, 5)}`,
  ]) {
    await test.step(query, async () => {
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill(query);
      await expect(found).toBeVisible();
      await dana.getByRole("searchbox", { name: "Search Clients" }).fill("");
      await expect(found).toBeHidden();
    });
  }
});

test("says who was found, and leads from there to everybody with access", async ({ dana, desk }) => {
  const client = await desk.client({ dateOfBirth: "1979-11-30" });
  const name = fullName(client.name);
  const enrolled = await desk.enrolled(client, { permissions: ["basic", "documents"] });
  const invited = await desk.invite(client, {
    name: { first: "Bram", last: client.name.last },
    relationship: "spouse",
    permissions: ["billing"],
  });
  await desk.mailbox.wait(invited.email, /^Your invitation/);

  await find(dana, client.name.last, name);
  const dialog = dana.getByRole("dialog", { name });
  await expect(dialog).toContainText("November 30, 1979");
  await expect(dialog).toContainText(client.recordNumber);
  await dialog.getByRole("link", { name: "Go to Client Page" }).click();

  await expect(dana.getByRole("heading", { name, level: 1 })).toBeFocused();
  await expect(dana.getByText("Born November 30, 1979")).toBeVisible();
  await dana.getByRole("navigation", { name: "Client" }).getByRole("link", { name: "Client Portal" }).click();
  await expect(dana.getByRole("table").getByRole("columnheader")).toContainText([
    "Name",
    "Username",
    "Permissions",
    "Access",
    "Alerts",
  ]);

  const self = rowOf(dana, name);
  await expect(self).toContainText("Self");
  await expect(self).toContainText("Chart Owner");
  await expect(self.getByRole("cell").nth(0)).toContainText(enrolled.username);
  await expect(self.getByRole("listitem")).toHaveText(["Basic Functions", "Access to Documents"]);
  await expect(self).toContainText("Active");
  await expect(self).toContainText(/Last sign-in [A-Z][a-z]+\s\d+/);
  await expect(self).toContainText(/Invitation (sent|delivered|is on its way)/);

  const spouse = rowOf(dana, "Bram");
  await expect(spouse).toContainText("Spouse");
  await expect(spouse).toContainText("Invited");
  await expect(spouse).toContainText("Never signed in");
  await expect(spouse).toContainText("Invitation open until");
  await expect(spouse.getByRole("listitem")).toHaveText(["Billing, Invoicing & Insurance"]);
});

test("says plainly when nobody matches, or too little was typed", async ({ dana }) => {
  const box = dana.getByRole("searchbox", { name: "Search Clients" });
  await box.fill("q");
  await expect(dana.getByText("Type at least two characters.").last()).toBeVisible();
  await box.fill("qzxwvkjq");
  await expect(dana.getByText("No client matches “qzxwvkjq”.").last()).toBeVisible();
});

test("marks what matched, and says by what else somebody was found", async ({ dana, desk }) => {
  const last = capital(unique());
  const client = await desk.client({
    name: { first: "Zoë", last: `D’Angelo-${last}` },
    phones: ["(207) 644-9173"],
  });
  const hit = dana.getByRole("search").getByRole("button", { name: `D’Angelo-${last}` });
  const box = dana.getByRole("searchbox", { name: "Search Clients" });
  await box.fill(`dangelo zoe ${last.slice(0, 4)}`);
  await expect(hit.locator("mark")).toHaveText(["Zoë", "D’Angelo", last.slice(0, 4)]);
  await box.fill(`${last} 9173`);
  await expect(hit).toContainText("(207) 644-9173");
  await expect(hit.locator("mark")).toHaveText([last, "9173"]);
  await box.fill(client.recordNumber);
  await expect(hit.locator("mark")).toHaveText([client.recordNumber]);
});

test("many hits come page by page, and a question that newer typing overtook is given up", async ({
  dana,
}) => {
  const box = dana.getByRole("searchbox", { name: "Search Clients" });
  const hits = dana.getByRole("list", { name: "Clients found" }).getByRole("button");
  const more = dana.getByRole("button", { name: "Show more" });
  await box.fill("ma");
  await expect(hits).toHaveCount(20);
  await expect(dana.getByText("20 clients shown, there are more")).toBeAttached();
  await more.focus();
  await dana.keyboard.press("Enter");
  await expect(hits.nth(20)).toBeFocused();
  await dana.keyboard.press("ArrowUp");
  await expect(hits.nth(19)).toBeFocused();
  await dana.keyboard.press("Escape");
  await expect(hits).toHaveCount(0);
  await expect(box).toBeFocused();

  const given = dana.waitForEvent("requestfailed");
  // The first answer never comes; it is not waited for either.
  await dana.route("**/api/clients/search", () => {}, { times: 1 });
  const asked = dana.waitForRequest("**/api/clients/search");
  await box.fill("ama");
  await asked;
  await box.fill("amara okafor");
  expect((await given).failure()?.errorText).toBe("net::ERR_ABORTED");
  await expect(hits).toHaveText([/Amara Okafor/]);
});

test("goes on looking when the clients read first do not match", async ({ dana, desk }) => {
  const client = await desk.client();
  const box = dana.getByRole("searchbox", { name: "Search Clients" });
  // As the API answers when several words are those of very many clients.
  await dana.route(
    "**/api/clients/search",
    (route) => route.fulfill({ json: { clients: [], nextCursor: "bmV4dA" } }),
    { times: 1 },
  );
  await box.fill("maria garcia lopez");
  await expect(dana.locator(".hits-note")).toHaveText(/^Nobody yet for “maria garcia lopez”/);
  await expect(dana.locator("#search-hits").getByRole("link")).toHaveCount(0);
  await dana.route(
    "**/api/clients/search",
    async (route) => {
      expect(route.request().postDataJSON()).toMatchObject({ cursor: "bmV4dA" });
      await route.fulfill({ json: { clients: [], nextCursor: null } });
    },
    { times: 1 },
  );
  await dana.getByRole("button", { name: "Show more" }).click();
  await expect(dana.locator("#search-hits")).toContainText("No client matches “maria garcia lopez”");
  await expect(box).toBeFocused();
  await box.fill(client.name.last);
  await expect(dana.getByRole("list", { name: "Clients found" }).getByRole("button")).toHaveCount(1);
});

test("offers the clients opened last, and leaves nothing of them behind", async ({ dana, desk }) => {
  const [first, second] = [await desk.client(), await desk.client()];
  const box = dana.getByRole("searchbox", { name: "Search Clients" });
  const recent = dana.getByRole("list", { name: "Opened last" }).getByRole("link");
  for (const { name } of [first, second]) {
    await find(dana, name.last, fullName(name));
    await dana.getByRole("link", { name: "Go to Client Page" }).click();
    await expect(dana.getByText("Contact information")).toBeVisible();
  }
  await dana.getByRole("link", { name: "Harbor Practice" }).click();
  await dana.keyboard.press("ControlOrMeta+k");
  await expect(box).toBeFocused();
  await expect(recent).toHaveText([new RegExp(second.name.last), new RegExp(first.name.last)]);
  await dana.keyboard.press("ArrowDown");
  await dana.keyboard.press("ArrowDown");
  await dana.keyboard.press("Enter");
  await expect(dana.getByRole("heading", { name: fullName(first.name), level: 1 })).toBeFocused();

  const kept = await dana.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toContain(first.clientId);
  expect(kept).not.toContain(first.name.last);
  await dana.reload();
  await expect(dana.getByText("Contact information")).toBeVisible();
  await box.focus();
  await expect(recent).toHaveText([new RegExp(first.name.last)]);
});
