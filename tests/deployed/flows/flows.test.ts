// Every flow of the API, over the wire, as it is in either home.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeOf } from "../../e2e/authenticator.ts";
import { answered, call, home, mail, mailsTo, until } from "../home.ts";
import {
  ALERT,
  ANOTHER,
  capital,
  CHANGED,
  Desk,
  GRANTED,
  INVITATION,
  RESET,
  tokenIn,
  unique,
  Visitor,
} from "../people.ts";
import { BYE, metadata, newApp, Room } from "../room.ts";

let dana: Desk;
beforeAll(async () => {
  dana = await Desk.open("dana@harbor.example");
});

const at = (client: { clientId: string }, user?: { portalUserId: string }) =>
  `/clients/${client.clientId}${user ? `/portal-users/${user.portalUserId}` : ""}`;

describe("staff", () => {
  test("sign in, are known, and sign out", async () => {
    const felix = await Desk.open("felix@harbor.example");
    expect(await felix.must(200, "GET", "/staff/session")).toMatchObject({
      email: "felix@harbor.example",
      role: "staff",
      practice: { id: "harbor" },
    });
    const stolen = new Map(felix.jar);
    await felix.must(204, "DELETE", "/staff/session");
    const again = await call(home().staff, "GET", "/api/staff/session", { jar: stolen });
    expect([again.status, again.body.code]).toEqual([401, "signed_out"]);
  });

  test("who only look are refused a change, and it is told", async () => {
    const ada = await Desk.open("ada@harbor.example");
    const client = await dana.client();
    const refused = await ada.call("PATCH", at(client), { version: 1, name: { first: "No", last: "No" } });
    expect([refused.status, refused.body.code]).toEqual([403, "read_only"]);
    const { events } = await ada.must(200, "GET", `${at(client)}/history`);
    expect(events[0]).toMatchObject({ action: "refused", actor: { role: "auditor" } });
  });

  test("of another practice find nothing", async () => {
    const client = await dana.client();
    const casey = await Desk.open("casey@cove.example");
    for (const path of [at(client), `${at(client)}/history`, `${at(client)}/portal-users`]) {
      expect((await casey.call("GET", path)).status).toBe(404);
    }
  });

  test("are on the practice's list, which says what they may", async () => {
    const email = `${unique().toLowerCase()}@harbor.example`;
    const made = await dana.must(201, "POST", "/staff", { name: "Robin Hale", email, role: "staff" });
    const path = `/staff/${made.staffId}`;
    expect((await dana.must(200, "GET", "/staff")).staff).toContainEqual(made);
    await dana.must(200, "PATCH", path, { version: made.version, role: "auditor" });
    await dana.must(200, "POST", `${path}/end-sessions`);
    await dana.must(204, "DELETE", path);
    await dana.must(200, "PUT", "/staff/session", { practice: "harbor" });
  });

  test("decide about the practice, read what everybody did, and end every session", async () => {
    // The sessions of the other practice are this test's alone.
    const casey = await Desk.open("casey@cove.example");
    const { version, invitationDays } = await casey.must(200, "GET", "/practice");
    const days = invitationDays === 3 ? 7 : 3;
    const edited = await casey.must(200, "PATCH", "/practice", { version, invitationDays: days });
    expect(edited).toMatchObject({ version: version + 1, invitationDays: days });
    const date = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    const [from, to] = [date(Date.now() - 86_400_000), date(Date.now() + 86_400_000)];
    // An index follows its table.
    await until("the history", async () => {
      const { events } = await casey.must(200, "POST", "/history", { from, to, action: "practice-updated" });
      return events.some((event: { changed: string[] }) => event.changed.includes("invitationDays"));
    });
    await casey.must(200, "POST", "/practice/end-sessions", { confirm: "end" });
    expect((await casey.call("GET", "/staff/session")).status).toBe(401);
    await dana.must(200, "GET", "/staff/session");
  });

  test("see who has access, close a chart and open it again", async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const found = await dana.must(200, "POST", "/access", { view: "invited", query: client.recordNumber });
    expect(found.rows).toMatchObject([{ portalUser: { portalUserId: user.portalUserId } }]);
    await dana.must(200, "GET", "/access/summary");
    const { receipts } = await dana.must(200, "POST", `${at(client)}/close`, { reason: "left" });
    expect(receipts).toMatchObject([{ portalUser: { status: "revoked" } }]);
    await dana.must(200, "POST", `${at(client)}/reopen`);
  });

  test("invite and revoke in bulk, and see what became of it", async () => {
    const emails = () => [{ type: "home", address: `${unique()}@mail.example` }];
    const clients = [await dana.client({ emails: emails() }), await dana.client({ emails: emails() })];
    const mute = await dana.client();
    const clientIds = [...clients, mute].map((client) => client.clientId);
    const job = await dana.must(201, "POST", "/bulk", { action: "invite", clientIds });
    expect(job).toMatchObject({ willChange: 2, skipped: [{ why: "no-email", count: 1 }] });
    const finish = async (bulkId: string, body?: object) => {
      await dana.must(200, "POST", `/bulk/${bulkId}/start`, body);
      await until("the end", async () => (await dana.must(200, "GET", `/bulk/${bulkId}`)).state === "finished");
      return dana.must(200, "GET", `/bulk/${bulkId}`);
    };
    const done = await finish(job.bulkId);
    expect(done).toMatchObject({ done: 2, total: 2, results: [{ outcome: "done" }, { outcome: "done" }] });
    expect((await dana.must(200, "GET", `/bulk/${job.bulkId}/rows`)).rows).toHaveLength(3);
    expect(await dana.must(200, "POST", `/bulk/${job.bulkId}/stop`)).toEqual(done);
    for (const client of clients) await mail(client.emails[0].address, INVITATION);
    const users = await Promise.all(clients.map(async (client) => (await dana.users(client)).portalUsers[0]));
    const portalUserIds = users.map((user: { portalUserId: string }) => user.portalUserId);
    // Where somebody is, an index says, which follows the table.
    let revoke = { bulkId: "", willChange: 0 };
    await until("the index", async () => {
      revoke = await dana.must(201, "POST", "/bulk", { action: "revoke", portalUserIds });
      return revoke.willChange === 2;
    });
    await dana.must(422, "POST", `/bulk/${revoke.bulkId}/start`);
    await finish(revoke.bulkId, { confirm: "revoke" });
    for (const client of clients) expect((await dana.users(client)).portalUsers[0].status).toBe("revoked");
  });

  test("bring a list of clients in line", async () => {
    const row = { name: { first: "Ann", last: unique() }, dateOfBirth: "1984-03-12", recordNumber: unique() };
    for (const outcome of ["created", "unchanged"]) {
      const { results } = await dana.must(200, "POST", "/clients/sync", { rows: [row] });
      expect(results).toMatchObject([{ outcome }]);
    }
  });

  test("come from their own pages only", async () => {
    const answer = await dana.call(
      "POST",
      "/clients/search",
      { query: "ma" },
      { origin: "https://elsewhere.example" },
    );
    expect(answer.status).toBe(403);
  });

  test("a sign-in that nobody began leads back", async () => {
    const answer = await call(home().staff, "GET", "/api/staff/callback?code=x&state=y");
    expect([answer.status, answer.headers["location"]]).toEqual([303, "/sign-in?problem=expired"]);
  });
});

describe("clients", () => {
  test("are made once, found by what identifies them, and edited at their newest version", async () => {
    const last = capital(unique());
    const body = { name: { first: "Zoë", last }, dateOfBirth: "1990-02-28", recordNumber: `R ${last}` };
    const key = { "Idempotency-Key": `make-${last}` };
    const made = await dana.must(201, "POST", "/clients", body, key);
    expect(await dana.must(201, "POST", "/clients", body, key)).toEqual(made);
    expect((await dana.call("POST", "/clients", { ...body, dateOfBirth: "1990-02-27" }, key)).status).toBe(
      422,
    );
    const alike = await dana.call("POST", "/clients", { ...body, recordNumber: undefined });
    expect([alike.status, alike.body.code]).toEqual([409, "possible_duplicate"]);
    const taken = await dana.call("POST", "/clients", { ...body, distinct: true });
    expect([taken.status, taken.body.code]).toEqual([409, "record_number_taken"]);

    const { clients } = await dana.must(200, "POST", "/clients/search", { query: `zoe ${last.slice(0, 5)}` });
    expect(clients.map((hit: { clientId: string }) => hit.clientId)).toContain(made.clientId);

    const edited = await dana.must(200, "PATCH", at(made), {
      version: made.version,
      name: { first: "Zoë", last: `${last}a` },
      recordNumber: `S ${last}`,
      emails: [{ type: "home", address: `${last}@mail.example` }],
    });
    expect(await dana.must(200, "GET", at(made))).toEqual(edited);
    const stale = await dana.call("PATCH", at(made), { version: made.version, dateOfBirth: "1990-03-01" });
    expect([stale.status, stale.body.code]).toEqual([409, "stale"]);
    // The number it had is free again.
    await dana.must(201, "POST", "/clients", { distinct: true, ...body, recordNumber: `r${last}` });
  });

  test("input that is wrong is named", async () => {
    const wrong = await dana.call("POST", "/clients", {
      name: { first: "A", last: "B" },
      dateOfBirth: "2001-02-30",
    });
    expect([wrong.status, wrong.headers["content-type"]]).toEqual([400, "application/problem+json"]);
    expect(wrong.body.fields).toEqual([expect.objectContaining({ field: "dateOfBirth" })]);
  });
});

describe("access", () => {
  test("is given, used, revoked at once, and given back without its old sessions", async () => {
    const { client, user, visitor } = await dana.enrolled();
    expect(await visitor.must(200, "GET", "/session")).toMatchObject({
      practice: "harbor",
      username: user.username,
      charts: [{ clientId: client.clientId }],
    });
    const receipt = await dana.must(200, "POST", `${at(client, user)}/revoke`, {
      reason: { code: "request", note: "asked for it" },
    });
    expect(receipt).toMatchObject({ portalUser: { status: "revoked" }, ended: { sessions: 1 } });
    expect(await visitor.status()).toBe(401);
    const shut = await visitor.signIn();
    expect([shut.status, shut.body.code]).toEqual([403, "access_not_active"]);
    const { at: when, ended } = receipt;
    expect(await dana.change(client, user, "revoke")).toMatchObject({ at: when, ended });

    expect((await dana.change(client, user, "activate")).portalUser.status).toBe("active");
    await mail(user.email, GRANTED);
    expect(await visitor.status()).toBe(401);
    expect((await visitor.signIn()).status).toBe(200);
    expect(await visitor.status()).toBe(200);
    await visitor.must(204, "DELETE", "/session");
    expect(await visitor.status()).toBe(401);
  });

  test("of somebody who never enrolled is given back by an invitation", async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const first = tokenIn(await mail(user.email, INVITATION));
    await dana.change(client, user, "revoke");
    const visitor = new Visitor(user);
    expect((await visitor.must(200, "POST", "/enrollment/check", { token: first })).state).toBe("expired");
    expect((await dana.change(client, user, "activate")).portalUser.status).toBe("invited");
    await visitor.enroll(client, 2);
  });

  test("of a person without an address begins with a printed sheet", async () => {
    const client = await dana.client();
    const user = await dana.invite(client, { email: undefined, username: unique() });
    expect([user.status, user.email, user.mail]).toEqual(["invited", undefined, undefined]);
    const key = { "Idempotency-Key": unique() };
    const printed = await dana.must(201, "POST", `${at(client, user)}/sheet`, undefined, key);
    expect(printed.link).toMatch(/\/harbor\/enroll#harbor\./);
    const again = await dana.must(201, "POST", `${at(client, user)}/sheet`, undefined, key);
    expect([again.link, again.expiresAt]).toEqual([undefined, printed.expiresAt]);
    const visitor = new Visitor(user);
    await visitor.must(201, "POST", "/enrollment", visitor.proof(client, printed.link.split("#")[1]));
    expect((await visitor.signIn()).status).toBe(200);
    const late = await dana.call("POST", `${at(client, user)}/sheet`);
    expect([late.status, late.body.code]).toEqual([409, "already_enrolled"]);
    expect((await dana.change(client, user, "revoke")).mail).toBeUndefined();
  });

  test("invitations: the newest works, looking spends nothing, wrong proofs are counted", async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const first = tokenIn(await mail(user.email, INVITATION));
    await dana.must(202, "POST", `${at(client, user)}/invitation`);
    const token = tokenIn(await mail(user.email, INVITATION, 2));
    const visitor = new Visitor(user);
    expect((await visitor.must(200, "POST", "/enrollment/check", { token: first })).state).toBe("expired");
    expect(await visitor.must(200, "POST", "/enrollment/check", { token })).toMatchObject({
      state: "open",
      account: "new",
    });
    const wrong = await visitor.call("POST", "/enrollment", {
      ...visitor.proof(client, token),
      lastName: "Nobody",
    });
    expect([wrong.status, wrong.body.code]).toEqual([422, "proof_failed"]);
    const weak = await visitor.call("POST", "/enrollment", {
      ...visitor.proof(client, token),
      password: "password1234567",
    });
    expect(weak.status).toBe(422);
    const key = { "Idempotency-Key": `enrol-${user.portalUserId}` };
    const session = await visitor.enroll(client, 2, key);
    expect(await visitor.enroll(client, 2, key)).toEqual(session);
    const spent = await visitor.call("POST", "/enrollment", visitor.proof(client, token));
    expect([spent.status, spent.body.code]).toEqual([409, "invitation_used"]);
  });

  test("one person opens two charts with one account, and loses one without the other", async () => {
    const { client, user, visitor } = await dana.enrolled();
    const sibling = await dana.client();
    const second = await dana.invite(sibling, { name: user.name, email: user.email, relationship: "parent" });
    const taken = await dana.call("POST", `${at(sibling)}/portal-users`, {
      name: user.name,
      email: `${unique()}@mail.example`,
      username: user.username,
      relationship: "other",
      permissions: ["basic"],
    });
    expect([taken.status, taken.body.code]).toEqual([409, "username_taken"]);
    const joined = await visitor.enroll(sibling, 2);
    expect(joined.charts).toHaveLength(2);
    await dana.must(200, "DELETE", `${at(client, user)}?confirm=delete`);
    expect((await visitor.must(200, "GET", "/session")).charts).toMatchObject([
      { clientId: sibling.clientId },
    ]);
    await dana.must(200, "DELETE", `${at(sibling, second)}?confirm=DELETE`);
    expect(await visitor.status()).toBe(401);
    expect((await visitor.signIn()).status).toBe(401);
  });

  test("is changed: permissions, an address, the chart's owner and who gets the alerts", async () => {
    const { client, user, visitor } = await dana.enrolled();
    const guardian = await dana.invite(client, { relationship: "guardian", chartOwner: true });
    expect((await dana.users(client)).chartOwner).toBe(guardian.portalUserId);
    await dana.must(200, "PUT", `${at(client)}/chart-owner`, { portalUserId: user.portalUserId });
    await dana.must(200, "PUT", `${at(client)}/alert-recipient`, { portalUserId: guardian.portalUserId });
    const now = (await dana.users(client)).portalUsers.find(
      (one: { portalUserId: string }) => one.portalUserId === user.portalUserId,
    );
    await dana.must(200, "PATCH", at(client, user), {
      version: now.version,
      permissions: ["billing"],
    });
    const mine = { version: now.version + 1, name: { first: "Ilsa", last: "Q" } };
    const named = await dana.call("PATCH", at(client, user), mine);
    expect([named.status, named.body.code]).toEqual([422, "name_of_client"]);
    expect((await visitor.must(200, "GET", "/session")).charts[0].permissions).toEqual(["billing"]);
    const gone = await dana.must(
      200,
      "DELETE",
      `${at(client, guardian)}?confirm=delete&alertRecipient=${user.portalUserId}`,
    );
    expect(gone).toMatchObject({
      portalUser: null,
      alertRecipient: user.portalUserId,
      ended: { invitations: 1 },
    });
    const unsure = await dana.call("DELETE", `${at(client, user)}?confirm=yes`);
    expect(unsure.status).toBe(400);
  });

  test("an invited person's new address gets a new invitation", async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    const email = `${unique()}@mail.example`;
    await dana.must(200, "PATCH", at(client, user), { version: user.version, email });
    await mail(email, INVITATION);
  });

  test("is given once for one Idempotency-Key", async () => {
    const client = await dana.client();
    const body = {
      name: client.name,
      email: `${unique()}@mail.example`,
      relationship: "self",
      permissions: ["basic"],
    };
    const key = { "Idempotency-Key": `invite-${client.clientId}` };
    const made = await dana.must(201, "POST", `${at(client)}/portal-users`, body, key);
    expect(await dana.must(201, "POST", `${at(client)}/portal-users`, body, key)).toEqual(made);
    await mail(body.email, INVITATION);
    expect(await mailsTo(body.email)).toHaveLength(1);
  });
});

describe("the door", () => {
  test("answers a wrong password and an unknown name alike, and slows guessing at either", async () => {
    const { user, visitor } = await dana.enrolled();
    const stranger = new Visitor({ username: `${unique()}@mail.example`, email: "" });
    for (const one of [visitor, stranger]) {
      for (let attempt = 0; attempt < 5; attempt++) {
        const answer = await one.signIn("not the password at all");
        expect([answer.status, answer.body.code]).toEqual([401, "sign_in_failed"]);
      }
      const locked = await one.signIn();
      expect([locked.status, locked.body.code]).toEqual([429, "too_many_attempts"]);
      expect(Number(locked.headers["retry-after"])).toBeGreaterThan(0);
    }
    // A lock ends no session.
    expect(await visitor.status()).toBe(200);
    // A reset opens it.
    await visitor.forget();
    await visitor.choose(ANOTHER);
    expect((await visitor.signIn()).status).toBe(200);
    await mail(user.email, CHANGED);
  });

  test("a lock ends when staff say so", async () => {
    const { client, user, visitor } = await dana.enrolled();
    const stranger = new Visitor(user);
    for (let attempt = 0; attempt < 5; attempt++)
      expect((await stranger.signIn("not the password at all")).status).toBe(401);
    expect((await stranger.signIn()).status).toBe(429);
    const unlocked = await dana.must(200, "POST", `${at(client, user)}/unlock`);
    expect(unlocked).toMatchObject({ portalUserId: user.portalUserId, status: "active" });
    expect((await stranger.signIn()).status).toBe(200);
    expect(await visitor.status()).toBe(200);
  });

  test("an account is changed by its person, who proves the password again", async () => {
    const { client, user, visitor } = await dana.enrolled();
    const elsewhere = new Visitor(user);
    expect((await elsewhere.signIn()).status).toBe(200);
    const account = await visitor.must(200, "GET", "/account");
    expect(account).toMatchObject({ email: user.email, language: "en", secondFactors: { passkeys: [] } });
    expect(account.sessions.map(({ current }: { current: boolean }) => current)).toEqual([true, false]);
    expect((await visitor.must(200, "PATCH", "/account", { language: "es" })).language).toBe("es");
    await visitor.must(204, "DELETE", `/account/sessions/${account.sessions[1].sessionId}`);
    expect(await elsewhere.status()).toBe(401);

    const [email, proof] = [`${unique().toLowerCase()}@mail.example`, { password: visitor.password }];
    const wrong = await visitor.call("POST", "/account/email", { email, proof: { password: ANOTHER } });
    expect([wrong.status, wrong.body.code]).toEqual([422, "wrong_password"]);
    await visitor.must(202, "POST", "/account/email", { email, proof });
    const token = tokenIn(await mail(email, /^Confirme su dirección/));
    // Whom the mail reached by mistake has no session.
    await new Visitor(user).must(401, "POST", "/email-confirmation", { token });
    await visitor.must(204, "POST", "/email-confirmation", { token });
    expect((await visitor.must(200, "GET", "/account")).email).toBe(email);
    await mail(user.email, /^Se ha cambiado su dirección/);
    await visitor.must(204, "PUT", "/account/password", { password: ANOTHER, proof });
    await mail(email, /^Se ha cambiado su contraseña/);
    expect(await visitor.status()).toBe(200);

    const { people, entries } = await visitor.must(200, "GET", `/charts/${client.clientId}/access`);
    expect(people).toMatchObject([{ portalUserId: user.portalUserId, you: true }]);
    expect(entries).toHaveLength(2);
  });

  test("asks for a second factor where there is one", async () => {
    // What cove asks for is this test's alone.
    const casey = await Desk.open("casey@cove.example");
    await casey.ask("offered");
    const { client, user, visitor } = await casey.enrolled("cove");
    const secret = await visitor.app();
    await mail(user.email, /was added$/);
    const second = async (method: string, code: string) => {
      const { challenge } = await visitor.challenge();
      return visitor.call("POST", "/sign-in/factor", { challenge, method, code });
    };
    const code = codeOf(secret);
    expect((await second("totp", code)).status).toBe(200);
    const again = await second("totp", code);
    expect([again.status, again.body.code]).toEqual([401, "factor_failed"]);

    const { device, passkeyId } = await visitor.passkey();
    const path = `/account/passkeys/${passkeyId}`;
    expect(await visitor.must(200, "PATCH", path, { name: "My key" })).toMatchObject({ name: "My key" });
    expect(await visitor.enterBy(device)).toMatchObject({ username: user.username });
    const made = await visitor.must(201, "POST", "/account/recovery-code", visitor.stepUp());
    const used = await second("recovery-code", made.code);
    expect([used.status, used.body.recoveryCode]).toEqual([200, expect.any(String)]);
    const printed = await casey.must(201, "POST", `${at(client, user)}/factor-reset`);
    expect((await second("reset-code", printed.code)).status).toBe(200);

    await casey.ask("required");
    await visitor.must(204, "DELETE", "/account/totp", visitor.stepUp());
    const last = await visitor.call("DELETE", path, visitor.stepUp());
    expect([last.status, last.body.code]).toEqual([409, "last_factor"]);
    await casey.ask("off");
    await visitor.must(204, "DELETE", path, visitor.stepUp());
    expect((await visitor.signIn()).status).toBe(200);
  });

  test("forgets failures once somebody is in", async () => {
    const { visitor } = await dana.enrolled();
    for (let round = 0; round < 2; round++) {
      for (let attempt = 0; attempt < 3; attempt++) await visitor.signIn("not the password at all");
      expect((await visitor.signIn()).status).toBe(200);
    }
  });

  test("a new password ends every session, and its link works once", async () => {
    const { user, visitor } = await dana.enrolled();
    expect((await visitor.forget()).status).toBe(202);
    expect((await new Visitor({ username: "nobody@mail.example", email: "" }).forget()).status).toBe(202);
    const token = tokenIn(await mail(user.email, RESET));
    const elsewhere = new Visitor(user);
    expect((await elsewhere.signIn()).status).toBe(200);
    await visitor.choose(ANOTHER);
    expect([await visitor.status(), await elsewhere.status()]).toEqual([401, 401]);
    const again = await visitor.call("PUT", "/password", { token, password: ANOTHER });
    expect([again.status, again.body.code]).toEqual([409, "reset_expired"]);
    expect((await visitor.signIn()).status).toBe(200);
  });

  test("its tokens are verified by anybody with the public keys", async () => {
    const { keys } = (await call(home().portal, "GET", "/api/portal/jwks.json")).body;
    expect(keys).toEqual([expect.objectContaining({ kty: "EC", crv: "P-256", alg: "ES256" })]);
  });
});

describe("apps", () => {
  test("are registered, given another secret, switched off and deleted by admins alone", async () => {
    const felix = await Desk.open("felix@harbor.example");
    await felix.must(403, "POST", "/apps", newApp());
    const room = await Room.open(dana);
    const path = `/apps/${room.appId}`;
    const app = await dana.must(200, "GET", path);
    expect((await dana.must(200, "GET", "/apps")).apps).toContainEqual(app);
    const { secret } = await dana.must(201, "POST", `${path}/secret`);
    // The one before works for a day more.
    for (const one of [room, room.knowing(secret)])
      expect(await one.introspect("no token")).toEqual({ active: false });
    await dana.must(200, "PATCH", path, { version: app.version + 1, enabled: false });
    const off = await room.must(401, "/introspect", { token: "no token" });
    expect(off.error).toBe("invalid_client");
    await room.close(dana);
    await dana.must(404, "GET", path);
  });

  test("let somebody in on our word, ask again at either host, and fall shut with the access", async () => {
    const { client, user, visitor } = await dana.enrolled();
    const room = await Room.open(dana);
    const { issuer, token_endpoint } = (await metadata()).body;
    expect([issuer, token_endpoint]).toEqual([home().portal, `${home().portal}/api/oauth/token`]);
    const { access_token: token } = await room.tokens(visitor);
    const charts = [{ clientId: client.clientId, permissions: ["messaging"] }];
    for (const host of [home().portal, home().staff])
      expect(await room.must(200, "/introspect", { token }, { host })).toMatchObject({ active: true, charts });
    for (const method of ["GET", "POST"] as const)
      expect(await Room.who(token, method)).toMatchObject({ status: 200, body: { charts } });
    const passed = await visitor.call("GET", `/check?app=${room.appId}&clientId=${client.clientId}`);
    expect([passed.status, passed.headers["latchkey-charts"]]).toEqual([204, `${client.clientId}=messaging`]);

    const app = { appId: room.appId, name: expect.any(String) };
    const [open] = (await dana.users(client)).portalUsers;
    expect(open.openApps).toEqual([app]);
    const { apps } = await dana.change(client, user, "revoke");
    expect(apps).toEqual([{ ...app, state: "telling" }]);
    expect(await room.introspect(token)).toEqual({ active: false });
    const shut = await Room.who(token);
    expect([shut.status, shut.body.error]).toEqual([401, "invalid_token"]);
    expect(shut.headers["www-authenticate"]).toContain("Bearer");
    expect((await visitor.call("GET", `/check?app=${room.appId}`)).status).toBe(401);
    // It is to be told, and has no address for that.
    await until("staff to see that the app cannot be told", async () => {
      const [ended] = (await dana.users(client)).portalUsers;
      expect([ended.openApps ?? [], ended.apps]).toEqual([[], [{ ...app, state: expect.any(String) }]]);
      return ended.apps[0].state === "failed";
    });
    await room.close(dana);
  });

  test("are shown to people for the charts that they serve, and lead there", async () => {
    const { client, visitor } = await dana.enrolled();
    const room = await Room.open(dana);
    const tiles = async () =>
      (await visitor.must(200, "GET", "/apps")).apps.filter((one: { appId: string }) => one.appId === room.appId);
    const there = new URLSearchParams({ iss: home().portal, chart: client.clientId });
    expect(await tiles()).toEqual([
      {
        appId: room.appId,
        name: expect.any(String),
        permission: "messaging",
        charts: [{ clientId: client.clientId, href: `https://rooms.example/?${there}` }],
      },
    ]);
    await room.close(dana);
    expect(await tiles()).toEqual([]);
  });

  test("with a key sign anew for each request, end their tokens, and sign people out", async () => {
    const { visitor } = await dana.enrolled();
    const room = await Room.withKey(dana);
    const { access_token: token, id_token } = await room.tokens(visitor);
    const assertion = room.assertion();
    await room.must(200, "/revoke", { token }, { assertion });
    await room.must(401, "/revoke", { token }, { assertion });
    expect(await room.introspect(token)).toEqual({ active: false });
    const asked = { id_token_hint: id_token, post_logout_redirect_uri: BYE, state: "bye" };
    expect(await visitor.must(200, "POST", "/sign-out", asked)).toEqual({ redirectTo: `${BYE}?state=bye` });
    expect(await visitor.status()).toBe(401);
    await room.close(dana);
  });
});

describe("alerts", () => {
  test("go to the alert recipient, and to the practice once that person is revoked", async () => {
    const { client, user } = await dana.enrolled();
    await dana.must(200, "PUT", `${at(client)}/alert-recipient`, { portalUserId: user.portalUserId });
    const system = await Room.ofSystem(dana);
    try {
      const posted = await system.alert({ clientId: client.clientId, kind: "message" });
      expect(posted).toMatchObject({ to: "portalUser", portalUserId: user.portalUserId });
      const told = await mail(user.email, ALERT);
      expect(told.text).toContain("Something new is waiting at the Client Portal of Harbor ");
      expect(told.text).not.toContain(client.name.last);
      await dana.change(client, user, "revoke");
      const { recordNumber } = await dana.must(200, "GET", at(client));
      expect((await system.alert({ recordNumber, kind: "message" })).to).toBe("practice");
      // Each home's practice has an inbox of its own.
      const inboxes = async () =>
        (await Promise.all(["alerts@harbor.example", "desk@harbor.example"].map(mailsTo))).flat();
      await until("the practice to hear of it", async () =>
        (await inboxes()).some(({ text }) => text.includes(recordNumber)),
      );
      const states = async () => {
        const { alerts } = await dana.must(200, "GET", `${at(client)}/alerts`);
        return alerts.map(({ to, state }: { to: string; state: string }) => [to, state]);
      };
      await until("both to have gone", async () => !(await states()).flat().includes("queued"));
      expect((await states()).map(([to]: string[]) => to)).toEqual(["practice", "portalUser"]);
      expect(await mailsTo(user.email)).not.toContainEqual(expect.objectContaining({ text: expect.stringContaining(recordNumber) }));
    } finally {
      await system.close(dana);
    }
  });
});

describe("mail", () => {
  test("is shown as sent to staff, with what became of it", async () => {
    const client = await dana.client();
    const user = await dana.invite(client);
    await mail(user.email, INVITATION);
    await until("the mail to show as sent", async () => {
      const [shown] = (await dana.users(client)).portalUsers;
      return ["sent", "delivered"].includes(shown.mail.state);
    });
    const progress = await dana.must(200, "GET", `${at(client, user)}/progress`);
    expect(["sent", "delivered"]).toContain(progress.mail.state);
  });
});

describe("every answer", () => {
  test("carries what browsers must know, and is kept by nobody", async () => {
    const answer = await call(home().portal, "GET", "/api/health");
    expect([answer.status, answer.body]).toEqual([200, { status: "ok" }]);
    expect(answer.headers).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-opener-policy": "same-origin",
      "permissions-policy": expect.stringContaining("camera=()"),
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  });

  test("to what is not there is a problem too", async () => {
    const answer = await call(home().staff, "GET", "/api/nothing");
    expect([answer.status, answer.headers["content-type"], answer.body.code]).toEqual([
      404,
      "application/problem+json",
      "not_found",
    ]);
  });
});

afterAll(async (): Promise<void> => {
  const document = JSON.parse(readFileSync(new URL("../../../shared/openapi.json", import.meta.url), "utf8"));
  expect((await call(home().staff, "GET", "/api/openapi.json")).body).toEqual(document);
  const tried = [...answered];
  const untried = Object.entries(document.paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => ["get", "put", "post", "patch", "delete"].includes(key))
      .map((key) => `${key.toUpperCase()} ${path}`)
      .filter((operation) => {
        const pattern = new RegExp(`^${operation.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`);
        return !tried.some((one) => pattern.test(one));
      }),
  );
  expect(untried).toEqual([]);
});
