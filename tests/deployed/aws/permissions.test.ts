// No permission is idle: a use case of each function asks for something that its policy without that permission refuses,
// for each that it has. With THOROUGH=1 each is also taken away, alone, and what the function is for must then fail, which
// takes a quarter of an hour: it shows besides that no refusal is passed over.
import { AdminSetUserPasswordCommand } from "@aws-sdk/client-cognito-identity-provider";
import { beforeAll, describe, expect, test } from "vitest";
import { FUNCTIONS } from "../../../infra/aws/lib/functions.ts";
import { lists, readWholeHistory, statement, type Right } from "../../../infra/aws/lib/items.ts";
import { STREAMED } from "../../../infra/aws/lib/keys.ts";
import { settle } from "../aws.ts";
import { home, mail, until } from "../home.ts";
import { ANOTHER, CONFIRM, Desk, INVITATION, newClient, newUser, RESET, tokenIn, unique, Visitor } from "../people.ts";
import { BYE, newApp, Room } from "../room.ts";
import { Deployed, type Policy } from "./account.ts";

/** What AWS does in a function's name, and the emulator does without asking its role (it reads streams, writes
 *  logs, decrypts and fills failure destinations itself, and has no X-Ray): that these are there is seen on the
 *  synthesised template. */
const NOT_ASKED_FOR = [
  /^logs:/,
  /^xray:/,
  /^kms:/,
  /^sqs:/,
  /^dynamodb:(DescribeStream|GetRecords|GetShardIterator|ListStreams)$/,
];

let dana: Desk;
let ada: Desk;
let casey: Desk;
beforeAll(async () => {
  dana = await Desk.open("dana@harbor.example");
  ada = await Desk.open("ada@harbor.example");
  casey = await Desk.open("casey@cove.example");
  for (const admin of [dana, casey]) await admin.ask("offered");
});

const at = (client: { clientId: string }, user?: { portalUserId: string }) =>
  `/clients/${client.clientId}${user ? `/portal-users/${user.portalUserId}` : ""}`;

/** The same person, by sign-in name and e-mail address, at another client. */
const sameAs = (user: { name: unknown; email: string }) => ({
  name: user.name,
  email: user.email,
  relationship: "parent",
});

/** Somebody who entered the portals of two clients. */
async function ofTwo() {
  const { client, user, visitor } = await dana.enrolled();
  const sibling = await dana.client();
  const second = await dana.invite(sibling, sameAs(user));
  await visitor.enroll(sibling, 2);
  return { client, user, visitor, sibling, second };
}

/** An auditor is refused, which stands in the client's history. */
const refused = (method: string, path: string) => ada.must(403, method, path);

/** An app that was told, as staff see it. */
interface Told {
  appId: string;
  state: string;
}

/** Says that another site caused the request. */
const ELSEWHERE = { "Sec-Fetch-Site": "same-site" };

/** A system that may post alerts is refused what it has no scope for. */
async function beyond(method: string, path: string, body?: object) {
  await withRoom(Room.ofSystem, (system) => system.beyond(method, path, body));
}

/** The newest alert about a client. */
const alertOf = async (client: { clientId: string }) =>
  (await dana.must(200, "GET", `${at(client)}/alerts`)).alerts[0];

const key = () => ({ "Idempotency-Key": unique() });

async function edit(client: { clientId: string }, user: { portalUserId: string }, what: object) {
  const { portalUsers } = await dana.users(client);
  const { version } = portalUsers.find((one: typeof user) => one.portalUserId === user.portalUserId);
  await dana.must(200, "PATCH", at(client, user), { version, ...what });
}

/** Has the practice end the access of guardians at an age that few reach. */
async function grownUp() {
  const { version, guardianRules } = await dana.must(200, "GET", "/practice");
  if (guardianRules.length > 0) return;
  const rules = [{ fromAge: 120, allows: "none" }];
  await dana.must(200, "PATCH", "/practice", { version, guardianRules: rules });
}

/** Sends invitations until the budget of the address is spent. */
async function spend(client: { clientId: string }, user: { portalUserId: string }, sent: number) {
  for (; sent < 10; sent++) await dana.must(202, "POST", `${at(client, user)}/invitation`);
}

/** Has an app for as long as it is of use: a practice has few. */
async function withRoom<T>(open: (desk: Desk) => Promise<Room>, use: (room: Room) => Promise<T>, desk = dana): Promise<T> {
  const room = await open(desk);
  try {
    return await use(room);
  } finally {
    await room.close(desk);
  }
}

/** That an app asked is noted. When it cannot be, the app gets its answer all the same. */
async function expectNoted(room: Room) {
  const { lastUsedAt } = await dana.must(200, "GET", `/apps/${room.appId}`);
  expect(lastUsedAt).toEqual(expect.any(String));
}

/** A use case of each function that needs everything it may do. */
const USES: Record<string, (deployed: Deployed) => Promise<unknown>> = {
  account: async () => {
    const { user, visitor } = await ofTwo();
    await visitor.must(200, "GET", "/account");
    await visitor.must(403, "GET", "/account", undefined, ELSEWHERE);
    await visitor.must(200, "PATCH", "/account", { language: "en" });
    // A wrong proof is counted, the second beside the first.
    const proof = { password: visitor.password };
    const wrong = { email: `${unique().toLowerCase()}@mail.example`, proof: { password: "not the password at all" } };
    for (let twice = 0; twice < 2; twice++) await visitor.must(422, "POST", "/account/email", wrong);
    // The address before the first is a sign-in name too, by which the client is still found.
    for (let second = 0; second < 2; second++) {
      const email = `${unique().toLowerCase()}@mail.example`;
      const asked = key();
      for (let twice = 0; twice < 2; twice++)
        await visitor.must(202, "POST", "/account/email", { email, proof }, asked);
      const token = tokenIn(await mail(email, CONFIRM));
      const confirmed = key();
      for (let twice = 0; twice < 2; twice++)
        await visitor.must(204, "POST", "/email-confirmation", { token }, confirmed);
      for (let twice = 0; twice < 2; twice++) await visitor.must(409, "POST", "/email-confirmation", { token });
    }
    // In a browser that lost its device the counts of strangers must be as they were read.
    visitor.jar.delete("__Host-latchkey-device");
    await visitor.must(204, "PUT", "/account/password", { password: ANOTHER, proof });
    const other = new Visitor(user, ANOTHER);
    expect((await other.signIn()).status).toBe(200);
    await withRoom(Room.open, async (room) => {
      await room.tokens(other);
      await visitor.must(204, "DELETE", "/account/sessions/others");
    });
  },
  activate: async () => {
    const { client, user } = await dana.enrolled();
    await beyond("POST", `${at(client, user)}/activate`);
    await refused("POST", `${at(client, user)}/activate`);
    await dana.change(client, user, "revoke");
    const once = key();
    for (let twice = 0; twice < 2; twice++)
      await dana.must(200, "POST", `${at(client, user)}/activate`, undefined, once);
    const invited = await dana.invite(client, { relationship: "guardian" });
    await spend(client, invited, 1);
    await dana.change(client, invited, "revoke");
    await dana.must(429, "POST", `${at(client, invited)}/activate`);
  },
  "add-portal-user": async () => {
    const client = await dana.client();
    const body = { ...newUser(client), until: "2099-12-31" };
    const once = key();
    await refused("POST", `${at(client)}/portal-users`);
    await beyond("POST", `${at(client)}/portal-users`, body);
    for (let twice = 0; twice < 2; twice++)
      await dana.must(201, "POST", `${at(client)}/portal-users`, body, once);
    const { portalUsers } = await dana.users(client);
    await spend(client, portalUsers[0], 1);
    const sibling = await dana.client();
    await dana.must(429, "POST", `${at(sibling)}/portal-users`, { ...body, ...sameAs(body) });
    // The client of a duplicate is the client of the right chart, too.
    const twice = await dana.client();
    const right = await dana.client();
    const oneself = { ...newUser(twice), relationship: "self" };
    await dana.must(201, "POST", `${at(twice)}/portal-users`, oneself, key());
    await dana.must(200, "POST", `${at(twice)}/close`, { reason: "duplicate", duplicateOf: right.clientId });
    const again = { ...oneself, samePerson: true };
    await dana.must(201, "POST", `${at(right)}/portal-users`, again, key());
  },
  apps: async () => {
    await refused("GET", "/apps");
    await beyond("GET", "/apps");
    const body = newApp();
    const once = key();
    const { app, secret } = await dana.must(201, "POST", "/apps", body, once);
    expect(secret).toEqual(expect.any(String));
    expect(await dana.must(201, "POST", "/apps", body, once)).toEqual({ app });
    await dana.must(200, "GET", "/apps");
    const path = `/apps/${app.appId}`;
    await dana.must(200, "GET", path);
    const change = { version: app.version, enabled: false };
    await dana.must(403, "PATCH", path, change, ELSEWHERE);
    await dana.must(200, "PATCH", path, change);
    const renewed = key();
    expect(await dana.must(201, "POST", `${path}/secret`, undefined, renewed)).toHaveProperty("secret");
    expect(await dana.must(201, "POST", `${path}/secret`, undefined, renewed)).toEqual({});
    await dana.must(204, "DELETE", `${path}?confirm=delete`);
  },
  "assign-alert": async () => {
    const client = await dana.client();
    const { portalUserId } = await dana.invite(client);
    await refused("PUT", `${at(client)}/alert-recipient`);
    await beyond("PUT", `${at(client)}/alert-recipient`, { portalUserId });
    await dana.must(200, "PUT", `${at(client)}/alert-recipient`, { portalUserId });
  },
  authorize: async (deployed) => {
    const { user, visitor } = await dana.enrolled();
    await withRoom(Room.open, async (room) => {
      // Somebody who is signed out gets a note of what was asked, and comes back with it.
      const stranger = await new Visitor(user).must(401, "POST", "/authorization", room.request());
      const noted = room.request({ prompt: "login", asked: stranger.asked });
      expect((await visitor.must(401, "POST", "/authorization", noted)).asked).toBe(stranger.asked);
      await room.code(visitor);
      await deployed.later(visitor, room);
      await room.code(visitor);
      await expectNoted(room);
      await visitor.must(403, "POST", "/authorization", room.request(), ELSEWHERE);
    });
  },
  bulk: async () => {
    const client = await dana.client();
    const { portalUserId } = await dana.invite(client);
    const again = { action: "resend", portalUserIds: [portalUserId] };
    await refused("POST", "/bulk");
    await beyond("POST", "/bulk", again);
    // The index follows the table.
    await until(
      "the list",
      async () => (await dana.must(201, "POST", "/bulk", again)).willChange === 1,
      10,
    );
    const once = key();
    const { bulkId, rows } = await dana.must(201, "POST", "/bulk", again, once);
    expect(await dana.must(201, "POST", "/bulk", again, once)).toMatchObject({ bulkId, rows });
    const uninvited = await dana.client({ emails: [{ type: "home", address: `${unique()}@mail.example` }] });
    const invite = { action: "invite", clientIds: [uninvited.clientId] };
    expect(await dana.must(201, "POST", "/bulk", invite)).toMatchObject({ willChange: 1 });
    await dana.must(200, "POST", `/bulk/${bulkId}/start`);
    await dana.must(200, "POST", `/bulk/${bulkId}/stop`);
    await dana.must(200, "GET", `/bulk/${bulkId}`);
    await dana.must(200, "GET", `/bulk/${bulkId}/rows`);
  },
  "change-owner": async () => {
    const client = await dana.client();
    await dana.invite(client);
    const { portalUserId } = await dana.invite(client, { relationship: "guardian" });
    await refused("PUT", `${at(client)}/chart-owner`);
    await beyond("PUT", `${at(client)}/chart-owner`, { portalUserId });
    await dana.must(200, "PUT", `${at(client)}/chart-owner`, { portalUserId });
  },
  check: async (deployed) => {
    const { visitor } = await dana.enrolled();
    await withRoom(Room.open, async (room) => {
      await visitor.must(204, "GET", `/check?app=${room.appId}`);
      await deployed.later(visitor, room);
      await visitor.must(204, "GET", `/check?app=${room.appId}`);
      await expectNoted(room);
    });
  },
  client: async () => {
    const { client } = await ofTwo();
    await refused("PATCH", at(client));
    await beyond("GET", at(client));
    const waiting = await dana.client();
    await dana.invite(waiting);
    for (const one of [client, waiting]) {
      const { version } = await dana.must(200, "GET", at(one));
      const { name } = newClient();
      await dana.must(200, "PATCH", at(one), { version, name, recordNumber: unique() });
    }
    // A date of birth at which the practice ends what guardians may.
    await grownUp();
    await dana.invite(waiting, { relationship: "guardian" });
    const { version } = await dana.must(200, "GET", at(waiting));
    await dana.must(200, "PATCH", at(waiting), { version, dateOfBirth: "1900-01-01" });
  },
  "close-client": async () => {
    const { client, user, visitor } = await ofTwo();
    await refused("POST", `${at(client)}/close`);
    const right = await dana.client();
    const closing = { reason: "duplicate", duplicateOf: right.clientId };
    await beyond("POST", `${at(client)}/close`, closing);
    expect((await visitor.forget()).status).toBe(202);
    await mail(user.email, RESET);
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      const { receipts } = await dana.must(200, "POST", `${at(client)}/close`, closing);
      expect(receipts).toHaveLength(1);
    });
    await dana.must(200, "POST", `${at(client)}/reopen`);
  },
  "create-client": async () => {
    await refused("POST", "/clients");
    const body = newClient();
    const once = key();
    await beyond("POST", "/clients", newClient());
    for (let twice = 0; twice < 2; twice++) await dana.must(201, "POST", "/clients", body, once);
    // The same person again.
    await dana.must(409, "POST", "/clients", { ...body, recordNumber: undefined }, key());
  },
  "sync-clients": async () => {
    const { client } = await ofTwo();
    const waiting = await dana.client();
    await dana.invite(waiting);
    const unheard = { ...newClient(), recordNumber: unique() };
    await refused("POST", "/clients/sync");
    await beyond("POST", "/clients/sync", { rows: [unheard] });
    const named = (one: typeof client) => ({ ...one, name: newClient().name });
    const row = ({ recordNumber, name, dateOfBirth }: typeof client) => ({ recordNumber, name, dateOfBirth });
    // The second row of the number looks for it again.
    const rows = [client, waiting].map((one) => row(named(one)));
    rows.push(unheard, unheard, { ...unheard, recordNumber: unique() });
    const outcomes = ({ results }: { results: { outcome: string }[] }) => results.map((one) => one.outcome);
    const expected = ["updated", "updated", "created", "unchanged", "possible_duplicate"];
    expect(outcomes(await dana.must(200, "POST", "/clients/sync", { rows, dryRun: true }))).toEqual(expected);
    const once = key();
    for (let twice = 0; twice < 2; twice++)
      expect(outcomes(await dana.must(200, "POST", "/clients/sync", { rows }, once))).toEqual(expected);
    await grownUp();
    const child = await dana.client();
    await dana.invite(child, { relationship: "guardian" });
    const grown = { ...row(child), dateOfBirth: "1900-01-01" };
    expect(outcomes(await dana.must(200, "POST", "/clients/sync", { rows: [grown] }))).toEqual(["updated"]);
  },
  delete: async () => {
    const { client, user, visitor, sibling, second } = await ofTwo();
    await refused("DELETE", `${at(client, user)}?confirm=delete`);
    await beyond("DELETE", `${at(client, user)}?confirm=delete`);
    // The alerts go to somebody else, who must still be there.
    const { portalUserId } = await dana.invite(client, { relationship: "guardian" });
    const alerts = `${at(client)}/alert-recipient`;
    await dana.must(200, "PUT", alerts, { portalUserId: user.portalUserId });
    // The reset shows on the other chart too.
    expect((await visitor.forget()).status).toBe(202);
    await mail(user.email, RESET);
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await dana.must(200, "DELETE", `${at(client, user)}?confirm=delete&alertRecipient=${portalUserId}`);
    });
    await dana.must(200, "DELETE", `${at(sibling, second)}?confirm=delete`);
    // The answer to the invitation was kept.
    const invited = await dana.must(201, "POST", `${at(sibling)}/portal-users`, newUser(sibling), key());
    await dana.must(200, "DELETE", `${at(sibling, invited)}?confirm=delete`);
    // Where an account is kept to which passkeys lead is forgotten with it.
    const { client: last, user: moved, visitor: mover } = await dana.enrolled();
    await mover.passkey();
    await edit(last, moved, { username: unique() });
    await dana.must(200, "DELETE", `${at(last, moved)}?confirm=delete`);
  },
  alerts: async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    await withRoom(Room.ofSystem, async (system) => {
      const [what, once] = [{ clientId: client.clientId, kind: "message" }, key()];
      const { alertId } = await system.alert({ ...what, portalUserId: user.portalUserId }, once);
      expect((await system.alert({ ...what, portalUserId: user.portalUserId }, once)).alertId).toBe(alertId);
      const { recordNumber } = await dana.must(200, "GET", at(client));
      await system.alert({ recordNumber, kind: "message" });
    });
    const { alerts } = await dana.must(200, "GET", `${at(client)}/alerts`);
    expect(alerts).toHaveLength(2);
  },
  deliver: async (deployed) => {
    const { client, user, visitor } = await dana.enrolled();
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await dana.change(client, user, "revoke");
      const answer = await deployed.invoke({ Records: await deployed.notices() });
      // It has no address to be told at. That the notice is done with was written.
      expect(answer?.batchItemFailures).toEqual([]);
      const [{ apps }] = (await dana.users(client)).portalUsers;
      expect(apps.map(({ appId, state }: Told) => [appId, state])).toEqual([[room.appId, "failed"]]);
      await deployed.invoke({ sweep: true });
    });
  },
  "end-session": async () => {
    const { visitor } = await dana.enrolled();
    await withRoom(Room.open, async (room) => {
      const { id_token } = await room.tokens(visitor);
      const asked = { id_token_hint: id_token, post_logout_redirect_uri: BYE, state: "bye" };
      await visitor.must(403, "POST", "/sign-out", asked, ELSEWHERE);
      expect(await visitor.must(200, "POST", "/sign-out", asked)).toEqual({ redirectTo: `${BYE}?state=bye` });
      expect(await visitor.status()).toBe(401);
    });
  },
  enroll: async (deployed) => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const visitor = new Visitor(user);
    const once = key();
    const token = tokenIn(await mail(user.email, INVITATION));
    await visitor.must(200, "POST", "/enrollment/check", { token });
    const wrong = { ...visitor.proof(client, token), lastName: "Nobody" };
    await visitor.must(422, "POST", "/enrollment", wrong);
    for (let twice = 0; twice < 2; twice++) await visitor.enroll(client, 1, once);
    const sibling = await dana.client();
    await dana.invite(sibling, sameAs(user));
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      // A session that is over goes when another begins, and its app is told.
      await deployed.over(visitor);
      await visitor.enroll(sibling, 2);
    });
    await visitor.must(403, "POST", "/enrollment/check", { token }, ELSEWHERE);
    // Links that do not work are counted: the second finds the first counted against its address.
    const forged = `${token.slice(0, -6)}AAAAAA`;
    for (let twice = 0; twice < 2; twice++)
      await visitor.must(404, "POST", "/enrollment/check", { token: forged });
  },
  "factor-reset": async () => {
    const { client, user, visitor } = await dana.enrolled();
    const path = `${at(client, user)}/factor-reset`;
    await refused("POST", path);
    await beyond("POST", path);
    // That there is a factor is guessed.
    await dana.must(409, "POST", path);
    await visitor.passkey();
    const once = key();
    for (let twice = 0; twice < 2; twice++) await dana.must(201, "POST", path, undefined, once);
  },
  factors: async () => {
    const { user, visitor } = await casey.enrolled("cove");
    await visitor.must(403, "POST", "/account/totp", visitor.stepUp(), ELSEWHERE);
    // A wrong proof is counted, the second beside the first.
    const wrong = { proof: { password: "not the password at all" } };
    for (let twice = 0; twice < 2; twice++) await visitor.must(422, "POST", "/account/totp", wrong);
    const other = new Visitor(user, visitor.password, "cove");
    expect((await other.signIn()).status).toBe(200);
    const add = async (room: Room) => {
      await room.tokens(other);
      return visitor.passkey({}, key());
    };
    const { passkeyId } = await withRoom(Room.open, add, casey);
    await visitor.must(200, "PATCH", `/account/passkeys/${passkeyId}`, { name: "My key" });
    // In a browser that lost its device the counts of strangers must be as they were read.
    visitor.jar.delete("__Host-latchkey-device");
    await visitor.must(201, "POST", "/account/recovery-code", visitor.stepUp());
    await visitor.must(204, "DELETE", `/account/passkeys/${passkeyId}`, visitor.stepUp());
    await casey.ask("required");
    try {
      const { device } = await visitor.passkey(await visitor.challenge("factor_enrollment_required", 403));
      await visitor.enterBy(device);
    } finally {
      await casey.ask("offered");
    }
  },
  health: () => dana.must(200, "GET", "/health"),
  history: async () => {
    const client = await dana.client();
    await ada.must(200, "GET", `${at(client)}/history`);
    await beyond("GET", `${at(client)}/history`);
    await ada.must(200, "GET", `${at(client)}/history?cursor=00000000000000000000000000`);
  },
  "list-access": async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    await beyond("POST", "/access", { view: "all" });
    const listed = async (query: object) => {
      const { rows } = await dana.must(200, "POST", "/access", { view: "invited", ...query });
      return rows.map((row: { portalUser: typeof user }) => row.portalUser.portalUserId);
    };
    // The index follows the table.
    const everywhere = async () => {
      const ids: string[] = [];
      for (let cursor = null; ;) {
        const page = await dana.must(200, "POST", "/access", { view: "invited", limit: 100, ...(cursor && { cursor }) });
        ids.push(...page.rows.map((row: { portalUser: typeof user }) => row.portalUser.portalUserId));
        cursor = page.nextCursor;
        if (!cursor) return ids;
      }
    };
    await until("the list", async () => (await everywhere()).includes(user.portalUserId), 10);
    expect(await listed({ query: client.recordNumber })).toEqual([user.portalUserId]);
    await dana.must(200, "GET", "/access/summary");
  },
  "list-portal-users": async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    await beyond("GET", `${at(client)}/portal-users`);
    await dana.users(client);
    await dana.must(200, "GET", `${at(client, user)}/progress`);
  },
  "mail-events": async (deployed) => {
    const client = await dana.client();
    const user = await dana.invite(client);
    await mail(user.email, INVITATION);
    const [record] = await deployed.mailsOf(client);
    const mailId = (
      record as never as { dynamodb: { Keys: { SK: { S: string } } } }
    ).dynamodb.Keys.SK.S.slice("MAIL#".length);
    const tags = {
      practice: ["harbor"],
      client: [client.clientId],
      portalUser: [user.portalUserId],
      mail: [mailId],
    };
    await deployed.invoke({
      "detail-type": "Email Bounced",
      source: "aws.ses",
      detail: {
        eventType: "Bounce",
        mail: { tags },
        bounce: { bounceType: "Permanent", bounceSubType: "NoEmail" },
      },
    });
    expect((await dana.users(client)).portalUsers[0].mail).toMatchObject({
      state: "bounced",
      reason: "no such mailbox",
    });
    // One that a change for many asked for is counted there.
    const uninvited = await dana.client({ emails: [{ type: "home", address: `${unique()}@mail.example` }] });
    const { bulkId } = await dana.must(201, "POST", "/bulk", { action: "invite", clientIds: [uninvited.clientId] });
    await dana.must(200, "POST", `/bulk/${bulkId}/start`);
    await until("the job's end", async () => (await dana.must(200, "GET", `/bulk/${bulkId}`)).state === "finished");
    const [asked] = await deployed.mailsOf(uninvited);
    const { SK } = (asked as never as { dynamodb: { Keys: { SK: { S: string } } } }).dynamodb.Keys;
    const [invited] = (await dana.users(uninvited)).portalUsers;
    const ofMany = {
      practice: ["harbor"],
      client: [uninvited.clientId],
      portalUser: [invited.portalUserId],
      mail: [SK.S.slice("MAIL#".length)],
      bulk: [bulkId],
    };
    await deployed.invoke({
      "detail-type": "Email Bounced",
      source: "aws.ses",
      detail: { eventType: "Bounce", mail: { tags: ofMany }, bounce: { bounceType: "Permanent" } },
    });
    expect(await dana.must(200, "GET", `/bulk/${bulkId}`)).toMatchObject({ bounced: 1 });
    await withRoom(Room.ofSystem, async (system) => {
      const { alertId } = await system.alert({ clientId: client.clientId, kind: "message" });
      await until("the practice to be told", async () => (await alertOf(client)).state === "sent");
      const mail = {
        tags: { practice: ["harbor"], client: [client.clientId], alert: [alertId], to: ["PRACTICE"] },
      };
      const detail = { eventType: "Complaint", mail, complaint: {} };
      await deployed.invoke({ "detail-type": "Email Complaint Received", source: "aws.ses", detail });
    });
    expect((await alertOf(client)).state).toBe("complained");
    // One that comes back from a person waits again, for the practice's inbox.
    const { client: entered, user: entering } = await dana.enrolled();
    const only = { clientId: entered.clientId, kind: "message", portalUserId: entering.portalUserId };
    await withRoom(Room.ofSystem, async (system) => {
      const { alertId } = await system.alert(only);
      await until("the person to be told", async () => (await alertOf(entered)).state === "sent");
      const mail = {
        tags: {
          practice: ["harbor"],
          client: [entered.clientId],
          alert: [alertId],
          to: [entering.portalUserId],
        },
      };
      const detail = { eventType: "Bounce", mail, bounce: { bounceType: "Permanent", bounceSubType: "NoEmail" } };
      await deployed.invoke({ "detail-type": "Email Bounced", source: "aws.ses", detail });
    });
    const came = await alertOf(entered);
    expect(came.state === "bounced" || came.to === "practice").toBe(true);
  },
  "portal-session": async () => {
    const { visitor } = await dana.enrolled();
    await visitor.must(200, "GET", "/session");
    await withRoom(Room.open, async (room) => {
      const { apps } = await visitor.must(200, "GET", "/apps");
      expect(apps.map(({ appId }: Told) => appId)).toContain(room.appId);
      await room.tokens(visitor);
      await visitor.must(204, "DELETE", "/session");
    });
  },
  practice: async () => {
    await refused("GET", "/practice");
    await beyond("GET", "/practice");
    const { version, invitationDays } = await dana.must(200, "GET", "/practice");
    const guardianRules = [{ fromAge: invitationDays === 7 ? 119 : 118, allows: "none" }];
    const change = { version, invitationDays: invitationDays === 7 ? 8 : 7, guardianRules };
    await dana.must(403, "PATCH", "/practice", change, ELSEWHERE);
    await dana.must(200, "PATCH", "/practice", change);
    const once = key();
    const end = () => dana.must(200, "POST", "/practice/end-sessions", { confirm: "end" }, once);
    try {
      const ended = await end();
      dana = await Desk.open("dana@harbor.example");
      expect(await end()).toEqual(ended);
    } finally {
      dana = await Desk.open("dana@harbor.example");
      ada = await Desk.open("ada@harbor.example");
    }
  },
  "practice-history": async () => {
    const felix = await Desk.open("felix@harbor.example");
    await felix.must(403, "POST", "/history", { from: "2020-01-01", to: "2099-12-31" });
    await beyond("POST", "/history", { from: "2020-01-01", to: "2099-12-31" });
    const { events } = await ada.must(200, "POST", "/history", { from: "2020-01-01", to: "2099-12-31" });
    expect(events.length).toBeGreaterThan(0);
    await dana.must(403, "POST", "/history", {}, ELSEWHERE);
  },
  "resend-invitation": async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const once = key();
    await refused("POST", `${at(client, user)}/invitation`);
    await beyond("POST", `${at(client, user)}/invitation`);
    for (let twice = 0; twice < 2; twice++)
      await dana.must(202, "POST", `${at(client, user)}/invitation`, undefined, once);
    await spend(client, user, 2);
    await dana.must(429, "POST", `${at(client, user)}/invitation`);
    // Of a person who is a client of the practice, their own chart says too whether the mail may go.
    const { client: own, user: person } = await dana.enrolled();
    await edit(own, person, { relationship: "self" });
    const child = await dana.client();
    const parent = await dana.invite(child, { ...sameAs(person), samePerson: true });
    await dana.must(202, "POST", `${at(child, parent)}/invitation`);
  },
  "reset-password": async () => {
    const { visitor } = await dana.enrolled();
    // The second request finds the first counted against its address.
    for (let twice = 0; twice < 2; twice++) expect((await visitor.forget()).status).toBe(202);
    // What another site sends with a session is refused, and recorded where the session belongs.
    await visitor.must(403, "PUT", "/password", { token: "none", password: ANOTHER }, ELSEWHERE);
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await visitor.choose(ANOTHER);
    });
  },
  revoke: async () => {
    const { client, user, visitor } = await ofTwo();
    await refused("POST", `${at(client, user)}/revoke`);
    await beyond("POST", `${at(client, user)}/revoke`);
    const { portalUserId: alertRecipient } = await dana.invite(client, { relationship: "guardian" });
    await dana.must(200, "PUT", `${at(client)}/alert-recipient`, { portalUserId: user.portalUserId });
    expect((await visitor.forget()).status).toBe(202);
    await mail(user.email, RESET);
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await dana.must(200, "POST", `${at(client, user)}/revoke`, { alertRecipient });
    });
  },
  search: async () => {
    const client = await dana.client();
    await beyond("POST", "/clients/search", { query: client.name.last });
    const { clients } = await dana.must(200, "POST", "/clients/search", { query: client.name.last });
    // Others may follow, whose names are nearly the same.
    expect(clients[0].clientId).toBe(client.clientId);
  },
  "send-mail": async (deployed) => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const Records = await deployed.mailsOf(client);
    // Once to send it, once more as streams do.
    for (let twice = 0; twice < 2; twice++) {
      expect(await deployed.invoke({ Records })).toMatchObject({ batchItemFailures: [] });
    }
    await mail(user.email, INVITATION);
    await deployed.invoke({ sweep: true });
    // Resets that were asked for: for somebody with a password, somebody invited, and somebody whose address had
    // all the mails that it may get.
    const [entered, crowded] = [await dana.client(), await dana.client()];
    const entering = await dana.invite(entered);
    const visitor = new Visitor(entering);
    const Invitation = await deployed.mailsOf(entered);
    expect(await deployed.invoke({ Records: Invitation })).toMatchObject({ batchItemFailures: [] });
    await visitor.enroll(entered);
    const full = await dana.invite(crowded);
    await spend(crowded, full, 1);
    for (const who of [visitor, new Visitor(user), new Visitor(full)]) {
      expect((await who.forget()).status).toBe(202);
      const asked = await deployed.asked();
      for (let twice = 0; twice < 2; twice++) {
        expect(await deployed.invoke({ Records: asked })).toMatchObject({ batchItemFailures: [] });
      }
      expect(await deployed.asked()).toEqual([]);
    }
    // An alert to somebody with access.
    await dana.must(200, "PUT", `${at(entered)}/alert-recipient`, { portalUserId: entering.portalUserId });
    await withRoom(Room.ofSystem, async (system) => {
      await system.alert({ clientId: entered.clientId, kind: "message" });
      const alerts = await deployed.alertsOf(entered);
      expect(await deployed.invoke({ Records: alerts })).toMatchObject({ batchItemFailures: [] });
    });
    expect(await alertOf(entered)).toMatchObject({ to: "portalUser", state: "sent" });
    // Changes for many: somebody is invited, invited again, and somebody with an open app and a reset loses access.
    const uninvited = await dana.client({ emails: [{ type: "home", address: `${unique()}@mail.example` }] });
    const many = async (body: object) => {
      const { bulkId } = await dana.must(201, "POST", "/bulk", body);
      await dana.must(200, "POST", `/bulk/${bulkId}/start`, { confirm: "revoke" });
      const steps = await deployed.steps();
      for (let twice = 0; twice < 2; twice++)
        expect(await deployed.invoke({ Records: steps })).toMatchObject({ batchItemFailures: [] });
      const done = await dana.must(200, "GET", `/bulk/${bulkId}`);
      expect([done.state, done.results.map((row: { outcome: string }) => row.outcome)]).toEqual([
        "finished",
        ["done"],
      ]);
    };
    await many({ action: "invite", clientIds: [uninvited.clientId] });
    const [{ portalUserId: added }] = (await dana.users(uninvited)).portalUsers;
    await many({ action: "resend", portalUserIds: [added] });
    expect((await visitor.signIn()).status).toBe(200);
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await many({ action: "revoke", portalUserIds: [entering.portalUserId] });
    });
    await dana.change(entered, entering, "activate");
    // A sign-in name that is locked. Strangers have no device that was let in before.
    const stranger = new Visitor(entering);
    for (let times = 0; times < 5; times++)
      expect((await stranger.signIn("not the password at all")).status).toBe(401);
    expect(await deployed.invoke({ Records: await deployed.lockouts() })).toMatchObject({ batchItemFailures: [] });
    expect(await deployed.lockouts()).toEqual([]);
    const locked = async () => {
      const { rows } = await dana.must(200, "POST", "/access", { view: "locked", limit: 100 });
      return rows.some((row: { portalUser: typeof user }) => row.portalUser.portalUserId === entering.portalUserId);
    };
    // The index follows the table.
    await until("the list of those who are locked out", locked, 10);
  },
  sheet: async () => {
    const client = await dana.client();
    const user = await dana.invite(client, { email: undefined, username: unique() });
    const once = key();
    await refused("POST", `${at(client, user)}/sheet`);
    await beyond("POST", `${at(client, user)}/sheet`);
    for (let twice = 0; twice < 2; twice++)
      await dana.must(201, "POST", `${at(client, user)}/sheet`, undefined, once);
  },
  "sign-in": async () => {
    const { user } = await dana.enrolled();
    const visitor = new Visitor(user);
    for (let twice = 0; twice < 2; twice++)
      expect((await visitor.signIn("not the password at all")).status).toBe(401);
    // The counts must be as they were read.
    expect((await visitor.signIn()).status).toBe(200);
    // A passkey signs in alone; a recovery code, of which a mail tells, in the second step.
    const { device } = await visitor.passkey();
    const { code } = await visitor.must(201, "POST", "/account/recovery-code", visitor.stepUp());
    await visitor.enterBy(device);
    const { challenge } = await visitor.challenge();
    await visitor.must(200, "POST", "/sign-in/factor", { challenge, method: "recovery-code", code });
    await visitor.must(404, "POST", "/sign-in/passkey/options", { practice: "nobody-s" });
    // Another sign-in ends the session that the browser had, and its app is told in the same write.
    await withRoom(Room.open, async (room) => {
      const { access_token: token } = await room.tokens(visitor);
      await visitor.enterBy(device);
      expect(await room.introspect(token)).toEqual({ active: false });
    });
  },
  staff: async () => {
    await refused("GET", "/staff");
    await beyond("GET", "/staff");
    const email = `${unique().toLowerCase()}@harbor.example`;
    const body = { name: "Robin Hale", email, role: "staff" };
    const once = key();
    const { staffId } = await dana.must(201, "POST", "/staff", body, once);
    await dana.must(201, "POST", "/staff", body, once);
    const { staff } = await dana.must(200, "GET", "/staff");
    expect(staff).toContainEqual(expect.objectContaining({ staffId }));
    await dana.must(200, "PATCH", `/staff/${staffId}`, { version: 1, role: "auditor" });
    await dana.must(200, "POST", `/staff/${staffId}/end-sessions`);
    await dana.must(204, "DELETE", `/staff/${staffId}`);
    // The pool knows them still, and that they never used their first password.
    const back = await dana.must(201, "POST", "/staff", body);
    await dana.must(204, "DELETE", `/staff/${back.staffId}`);
  },
  "staff-sign-in": async () => {
    // Somebody who signs in for the first time.
    const email = `${unique().toLowerCase()}@harbor.example`;
    const { staffId } = await dana.must(201, "POST", "/staff", { name: "Robin Hale", email, role: "staff" });
    try {
      const known = settle("latchkey");
      const user = { UserPoolId: await known.output("StaffPool"), Username: email };
      const Password = home().password!;
      await known.cognito.send(new AdminSetUserPasswordCommand({ ...user, Password, Permanent: true }));
      const robin = await Desk.open(email);
      await robin.must(200, "GET", "/staff/session");
      await beyond("GET", "/staff/session");
      await robin.must(200, "PUT", "/staff/session", { practice: "harbor" });
      await robin.must(204, "DELETE", "/staff/session");
    } finally {
      await dana.must(204, "DELETE", `/staff/${staffId}`);
    }
  },
  token: async (deployed) => {
    const { visitor } = await dana.enrolled();
    // What it proves itself by is signed anew for each request, and kept.
    await withRoom(Room.withKey, async (room) => {
      const { access_token: token } = await room.tokens(visitor);
      await deployed.later(visitor, room);
      expect(await room.introspect(token)).toMatchObject({ active: true });
      await expectNoted(room);
      const assertion = room.assertion();
      await room.must(200, "/revoke", { token }, { assertion });
      await room.must(401, "/introspect", { token }, { assertion });
      expect(await room.introspect(token)).toEqual({ active: false });
      // Somebody says to be the app, and is not.
      const forged = { assertion: `${room.assertion().slice(0, -6)}AAAAAA` };
      await room.must(401, "/introspect", { token }, forged);
    });
  },
  unlock: async () => {
    const { client, user } = await ofTwo();
    const path = `${at(client, user)}/unlock`;
    await refused("POST", path);
    await beyond("POST", path);
    // Strangers have no device that was let in before.
    const stranger = new Visitor(user);
    for (let times = 0; times < 5; times++)
      expect((await stranger.signIn("not the password at all")).status).toBe(401);
    const once = key();
    for (let twice = 0; twice < 2; twice++) await dana.must(200, "POST", path, undefined, once);
    expect((await stranger.signIn()).status).toBe(200);
    // That it is locked is guessed, too.
    await dana.must(200, "POST", path);
  },
  "update-portal-user": async () => {
    const { client, user, visitor, sibling, second } = await ofTwo();
    await refused("PATCH", at(client, user));
    await beyond("PATCH", at(client, user), { version: 1 });
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await edit(client, user, { permissions: ["billing"], until: "2099-12-31" });
      // What concerns the person, the account's other chart is told.
      await edit(client, user, { email: `${unique()}@mail.example` });
      // This ends the account's sessions.
      await edit(sibling, second, { username: unique() });
    });
    // Passkeys know where the account was when the first was added: the way there is kept, and goes when it is there again.
    const { client: moving, user: moved, visitor: mover } = await dana.enrolled();
    const { device } = await mover.passkey();
    await edit(moving, moved, { username: unique() });
    await mover.enterBy(device);
    await edit(moving, moved, { username: moved.username });
    // And invited anew there.
    const invited = await dana.invite(client, { relationship: "guardian" });
    await dana.invite(sibling, sameAs(invited));
    await edit(client, invited, { email: `${unique()}@mail.example` });
    // An address that gets no more mails for now.
    const full = await dana.invite(client, { relationship: "spouse" });
    await spend(client, full, 1);
    const late = await dana.invite(sibling);
    const { version } = late;
    await dana.must(429, "PATCH", at(sibling, late), { version, email: full.email, username: unique() });
  },
  userinfo: async (deployed) => {
    const { visitor, sibling, second } = await ofTwo();
    await edit(sibling, second, { permissions: ["basic"] });
    await withRoom(Room.open, async (room) => {
      const { access_token: token } = await room.tokens(visitor);
      await deployed.later(visitor, room);
      // By now the app may show that chart too, whose history tells it.
      await edit(sibling, second, { permissions: ["basic", "messaging"] });
      expect((await Room.who(token)).status).toBe(200);
      await expectNoted(room);
    });
  },
  "who-can-enter": async (deployed) => {
    const { client, user, visitor } = await dana.enrolled();
    const path = `/charts/${client.clientId}/access`;
    await visitor.must(403, "GET", path, undefined, ELSEWHERE);
    await withRoom(Room.open, async (room) => {
      await room.tokens(visitor);
      await deployed.later(visitor, room);
      const { people, entries } = await visitor.must(200, "GET", path);
      expect(people).toMatchObject([{ portalUserId: user.portalUserId, you: true }]);
      expect(entries).toHaveLength(1);
    });
  },
};

/** A policy without one permission. */
interface Lacking {
  what: string;
  policy: (deployed: Deployed) => Policy;
}

/** The rights with one kind of item taken from one of them, kind by kind. */
function withoutEach(name: string): Lacking[] {
  const rights = FUNCTIONS[name]!.rights;
  return rights.flatMap((right, position) => {
    const kinds = typeof right.on === "string" ? [right.on] : right.on;
    return kinds.map((kind) => {
      const left = typeof right.on === "string" ? [] : right.on.filter((one) => one !== kind);
      const fewer: Right[] = rights.flatMap((one, other) => {
        if (other !== position) return [one];
        return left.length ? [{ ...one, on: left }] : [];
      });
      return {
        what: `${right.action} ${kind}`,
        policy: (deployed: Deployed) => ({
          ...deployed.policy,
          Statement: [
            ...beside(deployed),
            ...fewer.map((one) => statement(one, deployed.tables).toStatementJson()),
          ],
        }),
      };
    });
  });
}

/** What a policy allows beside items of the tables. */
function beside({ policy, tables }: Deployed): Policy["Statement"] {
  const items = Object.values(tables).map(({ tableArn }) => tableArn);
  // Of the indexes, those that are among functions' rights.
  for (const right of [lists, readWholeHistory])
    items.push(...[statement(right, tables).toStatementJson().Resource].flat());
  return policy.Statement.filter(({ Resource }) => ![Resource].flat().some((one) => items.includes(one)));
}

/** And each action there, taken away. */
function othersOf(deployed: Deployed): Lacking[] {
  const actions = beside(deployed).flatMap(({ Action }) => [Action].flat());
  const asked = [...new Set(actions)].filter(
    (action) => !NOT_ASKED_FOR.some((pattern) => pattern.test(action)),
  );
  return asked.flatMap((action) =>
    deployed.policy.Statement.flatMap((one, position) => {
      if (![one.Action].flat().includes(action) || !beside(deployed).includes(one)) return [];
      const left = [one.Action].flat().filter((other) => other !== action);
      const Statement = deployed.policy.Statement.flatMap((other, at) => {
        if (at !== position) return [other];
        return left.length ? [{ ...other, Action: left }] : [];
      });
      return [
        {
          what: `${action} ${[one.Resource].flat()[0]?.split(":").pop()}`,
          policy: () => ({ ...deployed.policy, Statement }),
        },
      ];
    }),
  );
}

test("every function has a use case here", () => {
  expect(Object.keys(USES).sort()).toEqual(Object.keys(FUNCTIONS).sort());
});

describe.each(Object.keys(USES))("%s", (name) => {
  test("needs all that it may do", { timeout: 600_000 }, async () => {
    const deployed = await Deployed.find(name);
    const use = USES[name]!;
    if (name in STREAMED) await deployed.onStream(false);
    const idle: string[] = [];
    try {
      await deployed.note();
      await use(deployed);
      const lacking = [...withoutEach(name), ...othersOf(deployed)];
      const missed = await deployed.missed(lacking.map(({ policy }) => policy(deployed)));
      idle.push(...lacking.flatMap(({ what }, at) => (missed[at] ? [] : [what])));
      for (const { what, policy } of process.env["THOROUGH"] ? lacking : []) {
        await deployed.allow(policy(deployed));
        const failed = await use(deployed).then(
          () => false,
          () => true,
        );
        if (!failed) idle.push(what);
      }
      if (process.env["THOROUGH"]) {
        await deployed.allow(deployed.policy);
        await use(deployed);
      }
    } finally {
      await deployed.allow(deployed.policy);
      if (name in STREAMED) await deployed.onStream(true);
      if (name === "send-mail") await dana.caughtUp();
    }
    expect(idle).toEqual([]);
  });
});

test("the archivist needs all that it may do, and can only add to the archive", async () => {
  const deployed = await Deployed.archivist();
  const use = () =>
    deployed.invoke({
      Records: [
        {
          eventID: unique(),
          eventName: "INSERT",
          dynamodb: {
            SequenceNumber: String(Date.now()),
            ApproximateCreationDateTime: 1_767_225_600,
            Keys: { PK: { S: "P#harbor#C#1" }, SK: { S: unique() } },
            NewImage: {
              PK: { S: "P#harbor#C#1" },
              SK: { S: unique() },
              at: { S: "2026-01-01T00:00:00.000Z" },
            },
          },
        },
      ],
    });
  const idle: string[] = [];
  try {
    await use();
    const lacking = othersOf(deployed);
    expect(lacking.map(({ what }) => what.split(" ")[0])).toEqual(["s3:PutObject"]);
    for (const { what, policy } of lacking) {
      await deployed.allow(policy(deployed));
      if (
        await use().then(
          () => true,
          () => false,
        )
      )
        idle.push(what);
    }
  } finally {
    await deployed.allow(deployed.policy);
  }
  await use();
  expect(idle).toEqual([]);
});
