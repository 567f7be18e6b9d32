// Alerts: posted by apps and systems of the practice, sent to who may have them, and shown to staff.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type App, everyAlert, Room, system, test } from "../apps";
import { BUSY, failOnce, section } from "../console";
import { expectFocusKept } from "../focus";
import {
  asked,
  type Client,
  clientPage,
  type Desk,
  expect,
  fullName,
  type Mailbox,
  type Page,
  portalOrigin,
  type PortalUser,
  request,
  staffOrigin,
  toast,
  unique,
} from "../world";

const INBOX = "alerts@harbor.example";
const TO_PERSON = /^Something new is waiting at/;
const TO_INBOX = /client portal: nobody was told of something new$/;

/** A client, and the person who gets their alerts. */
async function told(desk: Desk): Promise<{ client: Client; user: PortalUser }> {
  const client = await desk.client();
  const user = await desk.enrolled(client);
  const { portalUserId } = user;
  await desk.call("PUT", `/api/clients/${client.clientId}/alert-recipient`, { portalUserId });
  return { client, user };
}

const items = (page: Page) => page.getByRole("list", { name: "Last alerts" }).getByRole("listitem");
const again = (page: Page) => page.getByRole("button", { name: "Look again" });

/** Returns when the newest alerts of a client have come that far. */
const arrived = (desk: Desk, client: Client, ...states: string[]) =>
  expect
    .poll(async () => {
      const path = `/api/clients/${client.clientId}/alerts`;
      const { alerts } = await desk.call<{ alerts: { state: string }[] }>("GET", path);
      return alerts.map(({ state }) => state);
    })
    .toEqual(states);

/** The mails to the practice's inbox about a client: other tests have theirs there. */
const toInbox = async (mailbox: Mailbox, { recordNumber }: Client) =>
  (await mailbox.sentTo(INBOX)).filter(({ text }) => text.includes(recordNumber));

test("are shown from the posting on: to whom, how far, and why one was not sent again", async ({
  dana,
  desk,
  mailbox,
  register,
}) => {
  const { client, user } = await told(desk);
  const { recordNumber } = client;
  const name = fullName(client.name);
  const record = await register({ ...system, name: `Record ${unique()}` });
  const requests = asked(dana);
  const looks = () => requests.filter((each) => each.endsWith("/alerts")).length;
  await dana.goto(clientPage(client, "/communications"));
  await expect(dana.getByRole("heading", { name: "Last alerts", level: 3 })).toBeVisible();
  await expect(dana.getByText("No alerts yet")).toContainText("the practice’s apps and systems post");

  await test.step("the first goes to the person, and says nothing but that", async () => {
    const answer = await record.post({ recordNumber, kind: "message" }, "first");
    expect(answer.status).toBe(202);
    expect(JSON.parse(answer.text)).toMatchObject({ to: "portalUser", portalUserId: user.portalUserId });
    const { subject, text } = await mailbox.wait(user.email, TO_PERSON);
    for (const word of [client.name.last, recordNumber, client.clientId, "essage"])
      expect.soft(`${subject} ${text}`).not.toContain(word);
    expect(text).toContain(`${portalOrigin()}/harbor`);
    await arrived(desk, client, "delivered");
    await again(dana).click();
    await expect(toast(dana)).toContainText("The last alerts are up to date");
    await expect(again(dana)).toBeFocused();
    await expect(items(dana)).toHaveText([new RegExp(`^Message · to ${name} · .*Delivered`)]);
  });

  await test.step("another within a quarter of an hour is not sent, nor is the same posted twice", async () => {
    await record.post({ recordNumber, kind: "appointment" });
    await record.post({ recordNumber, kind: "message" }, "first");
    await arrived(desk, client, "covered", "delivered");
    await again(dana).click();
    await expect(items(dana)).toHaveText([
      new RegExp(`^Appointment · to ${name} · .*Not sent again: an alert went a few minutes before`),
      /^Message/,
    ]);
    expect((await mailbox.sentTo(user.email)).filter(({ subject }) => TO_PERSON.test(subject))).toHaveLength(1);
  });

  await test.step("after the person was revoked the practice's inbox is told, with the chart", async () => {
    await desk.change(client, user, "revoke");
    await record.post({ clientId: client.clientId, kind: "document" });
    await arrived(desk, client, "delivered", "covered", "delivered");
    const [mail, ...others] = await toInbox(mailbox, client);
    expect(others).toEqual([]);
    expect(mail?.subject).toMatch(TO_INBOX);
    expect(mail?.text).toContain(clientPage(client));
    expect(`${mail?.subject} ${mail?.text}`).not.toContain(client.name.last);
    await again(dana).click();
    await expect(items(dana).first()).toHaveText(/^Document · to the practice’s inbox · .*Delivered/);
    await expect(items(dana)).toHaveCount(3);
  });

  await test.step("and who was deleted is named no more", async () => {
    const path = `/api/clients/${client.clientId}/portal-users/${user.portalUserId}`;
    await desk.call("DELETE", `${path}?confirm=delete&alertRecipient=practice`);
    expect(looks()).toBe(4);
    await dana.reload();
    await expect(items(dana).last()).toHaveText(/^Message · to a former portal user/);
    // Nobody new is to be found: the list of portal users is not asked for at every look.
    requests.length = 0;
    await again(dana).click();
    await expect(toast(dana)).toContainText("up to date");
    expect(requests).toEqual([`GET /api/clients/${client.clientId}/alerts`]);
  });

  await test.step("every look and every posting is in the history", async () => {
    await section(dana, "History").click();
    const entries = dana.getByRole("group", { name: "What happened, newest first" }).getByRole("listitem");
    await expect(entries.filter({ hasText: "Dana Whitfield looked at the last alerts" })).toHaveCount(6);
    await expect(entries.filter({ hasText: `${record.app.name} posted an alert` })).toHaveCount(3);
  });
});

test("name a person who came after the list of portal users did", async ({ dana, desk, register }) => {
  const { client } = await told(desk);
  const record = await register({ ...system, name: `Record ${unique()}` });
  await dana.goto(clientPage(client, "/communications"));
  await expect(dana.getByText("No alerts yet")).toBeVisible();
  const guest = { first: "Bram", last: client.name.last };
  const { portalUserId } = await desk.enrolled(client, { name: guest, relationship: "spouse" });
  await record.post({ clientId: client.clientId, kind: "message", portalUserId });
  await arrived(desk, client, "delivered");
  await again(dana).click();
  await expect(items(dana)).toHaveText([new RegExp(`^Message · to ${fullName(guest)}`)]);
  await section(dana, "History").click();
  await expect(dana.getByText(`${record.app.name} posted an alert for ${fullName(guest)}`)).toBeVisible();
});

test("that did not come are asked for again, and what was shown stays", async ({ dana, desk, register }) => {
  const { client } = await told(desk);
  const record = await register({ ...system, name: `Record ${unique()}` });
  await record.post({ clientId: client.clientId, kind: "message" });
  await arrived(desk, client, "delivered");
  const failed = dana.getByRole("alert").filter({ hasText: BUSY });
  await failOnce(dana, "GET", /\/alerts$/, "busy");
  await dana.goto(clientPage(client, "/communications"));
  await expect(failed).toBeVisible();
  await expect(dana.getByText("No alerts yet")).toHaveCount(0);
  await dana.getByRole("button", { name: "Try again" }).click();
  await expect(items(dana)).toHaveCount(1);
  await expectFocusKept(dana, "loading the alerts again");

  await failOnce(dana, "GET", /\/alerts$/, "busy");
  await again(dana).click();
  await expect(failed).toBeVisible();
  await expect(items(dana)).toHaveCount(1);
  await dana.getByRole("button", { name: "Try again" }).click();
  await expect(failed).toHaveCount(0);
  await expect(toast(dana)).toContainText("up to date");

  await test.step("nor without the list of who they went to", async () => {
    await failOnce(dana, "GET", /\/portal-users$/, "busy");
    await dana.reload();
    await expect(failed).toBeVisible();
    await expect(items(dana)).toHaveCount(0);
    await dana.getByRole("button", { name: "Try again" }).click();
    await expect(items(dana)).toHaveText([new RegExp(`to ${fullName(client.name)}`)]);
  });

  await test.step("and leave the page with the session", async () => {
    await request(dana, "DELETE", "/api/staff/session");
    await again(dana).click();
    await expect(dana.getByRole("dialog", { name: "Your session has ended" })).toBeVisible();
    await expect(items(dana)).toHaveCount(0);
    expect(await dana.content()).not.toContain(client.name.last);
  });
});

test("say in words how far they came, and where an address is corrected", async ({ dana, desk, staff }) => {
  const client = await desk.client();
  const user = await desk.invite(client);
  const name = fullName(client.name);
  const shown = async (page: Page) => {
    await page.route(/\/alerts$/, (route) => route.fulfill({ json: { alerts: everyAlert([user]) } }));
    await page.goto(clientPage(client, "/communications"));
    await expect(items(page)).toHaveCount(6);
  };
  await shown(dana);
  const words = [
    [`Message · to ${name}`, "On its way"],
    [`Document · to ${name}`, "Not sent again: an alert went a few minutes before"],
    ["Appointment · to the practice’s inbox", "Sent"],
    ["Invoice · to a former portal user", "Delivered"],
    [`Survey · to ${name}`, "Bounced Correct the address"],
    [`Session · to ${name}`, "Reported as unwanted"],
  ];
  await expect(items(dana)).toHaveText(
    words.map(([what, state]) => new RegExp(`^${what} · [^·]*\\d${state}\\s*$`)),
  );
  const correct = dana.getByRole("link", { name: "Correct the address" });
  const auditor = await staff("ada@harbor.example");
  await shown(auditor);
  await expect(auditor.getByRole("link", { name: "Correct the address" })).toHaveCount(0);
  await correct.click();
  await expect(dana.getByRole("dialog").getByLabel("E-mail address")).toHaveValue(user.email);
});

test("are posted by an app that may, about what it serves, with the settings on its page", async ({
  dana,
  admin,
  desk,
}) => {
  const { client } = await told(desk);
  const name = `Messages ${unique()}`;
  const mayPost = dana.getByRole("checkbox", { name: "May post alerts" });
  const fact = dana.locator("dt", { hasText: /^Alerts$/ }).locator("xpath=following-sibling::dd[1]");
  const setting = dana.locator("summary", { hasText: "Post an alert: curl" });
  await dana.goto(`${staffOrigin()}/apps/new`);
  await dana.getByLabel("Name").fill(name);
  await dana.getByLabel("Permission that it serves").selectOption("Messaging");
  await expect(mayPost).not.toBeChecked();
  await expect(mayPost).toHaveAccessibleDescription(/^Tells clients that something new is waiting\./);
  await mayPost.check();
  // What proves itself with nothing does nothing by itself.
  await dana.getByRole("radio", { name: "Nothing" }).check();
  await expect(mayPost).toHaveCount(0);
  await dana.getByRole("radio", { name: "A secret" }).check();
  await expect(mayPost).toBeChecked();
  await dana.getByRole("button", { name: "Register" }).click();
  await expect(dana.getByRole("heading", { name: `Secret of ${name}` })).toBeFocused();
  await expect(fact).toHaveText("May post alerts");
  const secret = await dana.getByRole("region", { name: `Secret of ${name}` }).locator("code").innerText();

  await setting.click();
  const script = await dana.getByRole("region", { name: "Post an alert: curl", exact: true }).innerText();
  await expect(dana.locator("summary", { hasText: "Post an alert: Node" })).toBeVisible();
  // As it stands there, but for what it is about.
  const run = async () => {
    const filled = script
      .replace("put-the-record-number-here", client.recordNumber)
      .replace("put-the-id-of-what-waits-here", "message-17");
    const shell = await promisify(execFile)("sh", ["-c", filled]);
    return JSON.parse(shell.stdout) as { alertId?: string; to?: string; code?: string };
  };
  const posted = await run();
  expect(posted.to).toBe("portalUser");
  expect((await run()).alertId).toBe(posted.alertId);
  await arrived(desk, client, "delivered");

  const { apps } = await admin.call<{ apps: App[] }>("GET", "/api/apps");
  const app = apps.find((each) => each.name === name) as App;
  const room = new Room(app, secret);
  expect((await room.post({ clientId: client.clientId, kind: "invoice" })).status).toBe(403);

  await test.step("until that is taken back", async () => {
    await dana.getByRole("link", { name: `Edit ${name}` }).click();
    await expect(mayPost).toBeChecked();
    await mayPost.uncheck();
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(fact).toHaveText("None");
    await expect(setting).toHaveCount(0);
    expect((await run()).alertId).toBeUndefined();
    await dana.getByRole("link", { name: `Edit ${name}` }).click();
    await mayPost.check();
    await dana.getByRole("button", { name: "Save" }).click();
    await expect(fact).toHaveText("May post alerts");
    expect((await run()).alertId).toBe(posted.alertId);
  });
  await admin.call("DELETE", `/api/apps/${app.appId}?confirm=delete`);
});
