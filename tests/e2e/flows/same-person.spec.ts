// Two people are never taken for one, nor one for two, without somebody having said so.
import type { Page } from "@playwright/test";
import { expectAccessibleInAll, expectFits } from "../accessibility";
import {
  expect,
  fullName,
  test,
  toast,
  unique,
  clientPage,
  rowOf,
  ownerCard,
  type Client,
  type Desk,
  capital,
} from "../world";

/** What the page sends when it gives somebody access. */
function given(page: Page): Record<string, unknown>[] {
  const sent: Record<string, unknown>[] = [];
  page.on("request", (request) => {
    if (request.method() !== "POST" || !/\/portal-users$/.test(request.url())) return;
    sent.push(request.postDataJSON() as Record<string, unknown>);
  });
  return sent;
}

/** Hugh, a client who signs in with this address. */
async function hugh(desk: Desk, email: string): Promise<Client> {
  const client = await desk.client({ name: { first: "Hugh", last: "Lark" } });
  await desk.enrolled(client, { email });
  return client;
}

async function add(page: Page, client: Client, email: string): Promise<void> {
  await page.goto(clientPage(client, "/portal/new"));
  const form = page.getByRole("dialog", { name: "Add New User" });
  await form.getByLabel("First name").fill("Wilma");
  await form.getByLabel("Last name").fill("Lark");
  await form.getByLabel("E-mail address").fill(email);
  await form.getByRole("radio", { name: "Spouse" }).check();
  await form.getByRole("button", { name: "Add User" }).click();
}

test("an address that opens somebody's account is asked about: somebody else gets a username of their own", async ({
  dana,
  desk,
}) => {
  const email = `${unique()}@mail.example`;
  const other = await hugh(desk, email);
  const client = await desk.client();
  const sent = given(dana);
  await add(dana, client, email);
  const question = dana.getByRole("dialog", { name: "Is this the same person?" });
  await expect(question).toContainText(`${email} is how Hugh Lark signs in.`);
  await expect(question.getByRole("listitem")).toHaveText([`${fullName(other.name)}, self`]);
  const username = question.getByLabel("Username for Wilma Lark");
  await expect(username).toHaveValue("wilma.lark");
  await username.fill("");
  await question.getByRole("button", { name: /^Somebody else/ }).click();
  await expect(question.getByRole("alert")).toContainText("Enter a username");
  const own = `wilma.${unique()}`;
  await username.fill(own);
  await question.getByRole("button", { name: `Somebody else: invite ${own}` }).dblclick();
  await expect(toast(dana)).toContainText("Wilma Lark was added.");
  await expect(dana.getByRole("dialog")).toHaveCount(0);
  expect(sent.map(({ username, samePerson }) => [username, samePerson])).toEqual([
    [undefined, undefined],
    [own, undefined],
  ]);
  await expect(rowOf(dana, "Wilma Lark")).toContainText(own);
  await expect(rowOf(dana, "Wilma Lark")).toContainText(email);
});

test("the same person is said to be, also where the client's own access is activated", async ({
  dana,
  desk,
}) => {
  const email = `${unique()}@mail.example`;
  const child = await desk.client();
  await desk.enrolled(child, { name: { first: "Hugo", last: "Lark" }, email, relationship: "parent" });
  const client = await desk.client({ name: { first: "Hugh", last: "Lark" }, emails: [email] });
  const sent = given(dana);
  await ownerCard(dana, client);
  await dana.getByRole("button", { name: "Activate Client Portal Access" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
  const question = dana.getByRole("dialog", { name: "Is this the same person?" });
  await question.getByRole("button", { name: "The same person" }).click();
  await expect(toast(dana)).toContainText("is on its way");
  await expect(dana.getByRole("dialog")).toHaveCount(0);
  expect(sent.map(({ samePerson }) => samePerson)).toEqual([undefined, true]);
});

test("another client's own account is nobody else's, whatever is said", async ({ dana, desk }) => {
  const email = `${unique()}@mail.example`;
  await hugh(desk, email);
  const client = await desk.client({ emails: [email] });
  await ownerCard(dana, client);
  await dana.getByRole("button", { name: "Activate Client Portal Access" }).click();
  await dana.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
  const question = dana.getByRole("dialog", { name: "This is another client’s account" });
  await expect(question).toContainText("Two clients never share one account.");
  await expect(question.getByRole("button", { name: "The same person" })).toHaveCount(0);
  const own = `own.${unique()}`;
  await question.getByLabel(`Username for ${fullName(client.name)}`).fill(own);
  await question.getByRole("button", { name: /^Somebody else/ }).click();
  await expect(toast(dana)).toContainText("is on its way");
  expect((await desk.users(client)).map(({ username }) => username)).toEqual([own]);
});

test("who was revoked is activated instead of added again", async ({ dana, desk }) => {
  const client = await desk.client();
  const user = await desk.invite(client, {
    name: { first: "Wilma", last: "Lark" },
    relationship: "spouse",
  });
  await desk.change(client, user, "revoke");
  await add(dana, client, user.email);
  const form = dana.getByRole("dialog", { name: "Add New User" });
  await expect(form).toContainText(
    `Wilma Lark (${user.username}) had access to this client, and it was revoked.`,
  );
  await form.getByRole("button", { name: "Activate Access" }).click();
  await expect(toast(dana)).toContainText("Access for Wilma Lark was activated again");
  await expect(rowOf(dana, "Wilma Lark")).toContainText("Invited");
});

for (const [code, said, headers] of [
  ["username_taken", "Somebody with another e-mail address has this username.", {}],
  ["username_confusable", "This username looks like one that exists.", {}],
  ["mail_budget_spent", "Try again in 3 hours", { "Retry-After": "10000" }],
] as const) {
  test(`${code} has words of its own`, async ({ dana, desk }) => {
    await dana.route(/\/portal-users$/, (route) =>
      route.request().method() === "POST"
        ? route.fulfill({
            status: code === "mail_budget_spent" ? 429 : 409,
            headers,
            contentType: "application/problem+json",
            body: JSON.stringify({ status: 409, title: "Conflict", code }),
          })
        : route.fallback(),
    );
    await add(dana, await desk.client(), `${unique()}@mail.example`);
    await expect(dana.getByRole("dialog").getByRole("alert")).toContainText(said);
  });
}

test("a client who may be there already is offered, and created only when staff say so", async ({
  dana,
  desk,
}) => {
  const there = await desk.client({
    name: { first: "Ilse", last: capital(unique()) },
    dateOfBirth: "1990-04-01",
  });
  await desk.enrolled(there, { relationship: "parent" });
  await desk.invite(there, { relationship: "spouse" });
  const sent: Record<string, unknown>[] = [];
  dana.on("request", (request) => {
    if (/\/api\/clients$/.test(request.url())) {
      sent.push(request.postDataJSON() as Record<string, unknown>);
    }
  });
  const create = async () => {
    await dana.getByRole("link", { name: "+ New Client" }).click();
    await dana.getByLabel("First name").fill("Ilse");
    await dana.getByLabel("Last name").fill(there.name.last);
    await dana.getByLabel("Date of birth").fill("1990-04-01");
    await dana.getByRole("button", { name: "Create Client" }).click();
  };
  const question = dana.getByRole("dialog", { name: "Is it one of these?" });
  await create();
  await expect(question.getByRole("listitem")).toContainText(
    `Born April 1, 1990 · ${there.recordNumber} · Active · 2 portal users`,
  );
  await question.getByRole("link", { name: fullName(there.name) }).click();
  await expect(dana).toHaveURL(clientPage(there));

  await dana.getByRole("link", { name: "Harbor Practice" }).click();
  await create();
  await question.getByRole("button", { name: "Back to the form" }).click();
  await expect(dana.getByLabel("Last name")).toHaveValue(there.name.last);
  await dana.getByRole("button", { name: "Create Client" }).click();
  await question.getByRole("button", { name: "No, create" }).dblclick();
  await expect(toast(dana)).toContainText(`${fullName(there.name)} was added`);
  expect(sent.map(({ distinct }) => distinct)).toEqual([undefined, undefined, undefined, true]);
});

for (const width of [1280, 320]) {
  test(`these questions are readable by everybody, ${width} px wide`, async ({ staff, desk }) => {
    test.setTimeout(120_000);
    const page = await staff("dana@harbor.example", {
      viewport: { width, height: 700 },
      reducedMotion: "reduce",
    });
    const email = `${unique()}@mail.example`;
    await hugh(desk, email);
    await add(page, await desk.client(), email);
    await expect(page.getByRole("dialog", { name: "Is this the same person?" })).toBeVisible();
    await expectAccessibleInAll(page, "the same person");
    await expectFits(page, "the same person");
  });
}
