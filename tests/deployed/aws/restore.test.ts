// A restored copy of the table put in its place: whoever was shut out since stays out, and everybody else comes in.
import { GetFunctionConcurrencyCommand } from "@aws-sdk/client-lambda";
import { RestoreTableToPointInTimeCommand } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, test } from "vitest";
import { FUNCTIONS } from "../../../infra/aws/lib/functions.ts";
import { Deployment } from "../../../infra/aws/ops/deployment.ts";
import { restore } from "../../../infra/aws/ops/restore.ts";
import { ops, settle } from "../aws.ts";
import { mail } from "../home.ts";
import { ANOTHER, Desk, INVITATION, RESET, tokenIn, Visitor } from "../people.ts";

/** Of the deployment, with what is said and what is waited for by the test. */
let d: Deployment;
const waits: (() => Promise<void>)[] = [];
const said: string[] = [];
beforeAll(() => {
  const { settings } = settle("latchkey");
  d = new Deployment(
    settings,
    (line) => said.push(line),
    async () => waits.shift()?.(),
  );
});

const concurrency = async () => {
  const all = Object.keys(FUNCTIONS).map((name) =>
    d.lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: `latchkey-${name}` })),
  );
  return new Set((await Promise.all(all)).map((one) => one.ReservedConcurrentExecutions));
};

test("a copy is restored without the access that was closed since", { timeout: 300_000 }, async () => {
  const dana = await Desk.open("dana@harbor.example");
  const revoked = await dana.enrolled();
  const deleted = await dana.enrolled();
  const renewed = await dana.enrolled();
  const moved = await dana.enrolled();
  const same = await dana.enrolled();
  const invitedTo = await dana.client();
  const invited = await dana.invite(invitedTo);
  const token = tokenIn(await mail(invited.email, INVITATION));
  const edited = await dana.client();

  const TargetTableName = "latchkey-restored";
  const moment = new Date().toISOString();
  await d.dynamodb.send(
    new RestoreTableToPointInTimeCommand({ SourceTableName: await d.output("Table"), TargetTableName }),
  );

  await dana.change(revoked.client, revoked.user, "revoke");
  const at = ({ client, user }: typeof deleted) =>
    `/clients/${client.clientId}/portal-users/${user.portalUserId}`;
  await dana.must(200, "DELETE", `${at(deleted)}?confirm=delete`);
  await renewed.visitor.forget();
  await renewed.visitor.choose(ANOTHER);
  const [{ version }] = (await dana.users(moved.client)).portalUsers;
  await dana.must(200, "PATCH", at(moved), { version, email: `new.${moved.user.email}` });
  await dana.must(
    202,
    "POST",
    `/clients/${invitedTo.clientId}/portal-users/${invited.portalUserId}/invitation`,
  );
  const newer = tokenIn(await mail(invited.email, INVITATION, 2));
  await dana.must(200, "PATCH", `/clients/${edited.clientId}`, {
    version: edited.version,
    name: { first: "Other", last: edited.name.last },
  });
  const later = await dana.enrolled();

  // It tells first, and does nothing.
  const plan = ops("restore", TargetTableName, "--at", moment);
  expect(plan).toContain("--confirm restore");
  expect(plan).toMatch(/\d+ accesses revoked, \d+ deleted, \d+ passwords ended, \d+ second factors or codes taken away, \d+ with open links ended/);
  expect((await later.visitor.signIn()).status).toBe(200);

  // While it is under way nobody comes in; and when it is interrupted, it stays so until it is said again.
  waits.push(async () => {
    expect(await concurrency()).toEqual(new Set([0]));
    expect((await same.visitor.signIn()).status).toBeGreaterThanOrEqual(429);
    throw new Error("interrupted");
  });
  const confirmed = { at: moment, confirmed: true };
  await expect(restore(d, TargetTableName, confirmed)).rejects.toThrow("interrupted");
  expect((await same.visitor.signIn()).status).toBeGreaterThanOrEqual(429);
  waits.push(async () => {});
  await restore(d, TargetTableName, confirmed);
  expect(await concurrency()).toEqual(new Set([undefined, 5, 10]));

  // Shut out: by the right password, too.
  expect((await revoked.visitor.signIn()).status).toBe(403);
  expect((await deleted.visitor.signIn()).status).toBe(401);
  expect((await moved.visitor.signIn()).status).toBe(403);
  expect((await renewed.visitor.signIn()).status).toBe(401);
  const before = new Visitor(renewed.user);
  expect((await before.signIn()).status).toBe(401);
  expect((await later.visitor.signIn()).status).toBe(401);
  const check = (of: string) => same.visitor.call("POST", "/enrollment/check", { token: of });
  expect((await check(token)).body.state).toBe("expired");
  // The table knows nothing any more of what was sent since.
  expect((await check(newer)).status).toBe(404);
  expect((await dana.call("GET", "/staff/session")).status).toBe(401);
  expect(await same.visitor.status()).toBe(401);

  // And everybody else comes in, to what was there.
  expect((await same.visitor.signIn()).status).toBe(200);
  const again = await Desk.open("dana@harbor.example");
  const named = await again.must(200, "GET", `/clients/${edited.clientId}`);
  expect(named.name).toEqual(edited.name);
  expect((await again.call("GET", `/clients/${later.client.clientId}`)).status).toBe(404);
  const [shown] = (await again.users(revoked.client)).portalUsers;
  expect(shown).toMatchObject({ status: "revoked", receivesAlerts: false });
  expect((await again.users(deleted.client)).portalUsers).toEqual([]);
  const { events } = await again.must(200, "GET", `/clients/${moved.client.clientId}/history`);
  const closing = events.find(({ action }: { action: string }) => action === "access-revoked");
  expect(closing.actor).toEqual({ id: "", name: "Latchkey", role: "system" });
  const ended = await again.must(200, "GET", `/clients/${invitedTo.clientId}/history`);
  const actions = (ended.events as { action: string }[]).map(({ action }) => action);
  // It was begun twice, and told once.
  expect(actions.filter((action) => action === "links-ended")).toHaveLength(1);

  // The rules go on: what was closed opens as always.
  await again.change(revoked.client, revoked.user, "activate");
  expect((await revoked.visitor.signIn()).status).toBe(200);
  await renewed.visitor.forget();
  const password = "quiet harbor lantern 84 birch";
  const link = tokenIn(await mail(renewed.user.email, RESET, 2));
  await renewed.visitor.must(204, "PUT", "/password", { token: link, password });
  expect((await renewed.visitor.signIn(password)).status).toBe(200);
  await again.must(
    202,
    "POST",
    `/clients/${invitedTo.clientId}/portal-users/${invited.portalUserId}/invitation`,
  );
  await new Visitor(invited).enroll(invitedTo, 3);
  await again.must(200, "DELETE", `${at(same)}?confirm=delete`);
});
