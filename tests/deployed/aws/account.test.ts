// What only a deployment has: one way in, sessions ended by a command, and keys that are turned while people are
// signed in.
import { AdminSetUserPasswordCommand } from "@aws-sdk/client-cognito-identity-provider";
import { expect, test } from "vitest";
import type { Deployment } from "../../../infra/aws/ops/deployment.ts";
import * as keys from "../../../infra/aws/ops/keys.ts";
import { cdkDeploy, ops, settle } from "../aws.ts";
import { SPREAD } from "../edge.ts";
import { around, call, home, mail } from "../home.ts";
import { Desk, INVITATION, tokenIn } from "../people.ts";

test("the API answers nobody who comes around the edge", async () => {
  expect((await around("/api/health")).status).toBe(403);
  expect((await around("/api/health", { "x-latchkey-origin": "a guess" })).status).toBe(403);
  expect((await call(home().staff, "GET", "/api/health")).status).toBe(200);
});

test("one command ends every session of a practice, and of no other", async () => {
  const dana = await Desk.open("dana@harbor.example");
  const casey = await Desk.open("casey@cove.example");
  const { visitor } = await dana.enrolled();
  ops("practice", "revoke-everyone", "harbor");
  expect((await dana.call("GET", "/staff/session")).status).toBe(401);
  expect(await visitor.status()).toBe(401);
  expect((await casey.call("GET", "/staff/session")).status).toBe(200);
  expect((await visitor.signIn()).status).toBe(200);
  expect(await visitor.status()).toBe(200);
});

test("one command ends the sessions of one person", async () => {
  const casey = await Desk.open("casey@cove.example");
  const dana = await Desk.open("dana@harbor.example");
  expect(ops("staff", "end-sessions", "Casey@cove.example")).toContain(
    "sessions of Casey@cove.example in cove are over",
  );
  expect((await casey.call("GET", "/staff/session")).status).toBe(401);
  expect((await dana.call("GET", "/staff/session")).status).toBe(200);
});

test("who is on two lists chooses, and who was removed can come back", { timeout: 300_000 }, async () => {
  const robin = "robin@cove.example";
  const words = ["staff", "add", robin, "--name", "Robin Hale"];
  const known = settle("latchkey");
  const UserPoolId = await known.output("StaffPool");
  ops(...words, "--practice", "cove", "--role", "admin");
  await known.cognito.send(
    new AdminSetUserPasswordCommand({ UserPoolId, Username: robin, Password: home().password!, Permanent: true }),
  );
  ops(...words, "--practice", "harbor", "--role", "auditor");
  const desk = await Desk.open(robin);
  expect(await desk.must(200, "GET", "/staff/session")).toMatchObject({
    role: "admin",
    practice: { id: "cove" },
    practices: [{ id: "cove" }, { id: "harbor" }],
  });
  await desk.must(200, "PUT", "/staff/session", { practice: "harbor" });
  expect(await desk.must(200, "GET", "/staff/session")).toMatchObject({
    role: "auditor",
    practice: { id: "harbor" },
  });
  ops("staff", "remove", robin, "--practice", "harbor");
  expect((await desk.call("GET", "/staff/session")).status).toBe(401);
  const left = await Desk.open(robin);
  expect(await left.must(200, "GET", "/staff/session")).toMatchObject({ practice: { id: "cove" } });
  ops("staff", "remove", robin);
  expect((await left.call("GET", "/staff/session")).status).toBe(401);
  await expect(Desk.open(robin)).rejects.toThrow();
  ops(...words, "--practice", "cove", "--role", "staff");
  const back = await Desk.open(robin);
  expect(await back.must(200, "GET", "/staff/session")).toMatchObject({ role: "staff", practice: { id: "cove" } });
  ops("staff", "remove", robin);
});

test(
  "keys are turned all the way under people who are signed in, with no refusal at any step",
  { timeout: 300_000 },
  async () => {
    const dana = await Desk.open("dana@harbor.example");
    const { visitor } = await dana.enrolled();
    const client = await dana.client();
    const token = tokenIn(await mail((await dana.invite(client)).email, INVITATION));
    const kids = async () => {
      const { keys } = (await call(home().portal, "GET", "/api/portal/jwks.json")).body;
      return keys.map(({ kid }: { kid: string }) => kid) as string[];
    };
    const signer = ({ jar }: Desk) => {
      const [, cookie] = [...jar].find(([name]) => name === "__Host-latchkey-staff")!;
      return JSON.parse(Buffer.from(cookie.split(".")[0]!, "base64url").toString()).kid as string;
    };
    /** Whoever is signed in goes on, and others can sign in; answers by which key. */
    const nobodyRefused = async (desk = dana) => {
      expect((await desk.call("GET", "/staff/session")).status).toBe(200);
      expect((await visitor.signIn()).status).toBe(200);
      expect(await visitor.status()).toBe(200);
      return signer(await Desk.open("felix@harbor.example"));
    };
    /** At once, and when CloudFront has heard of it. */
    const deployed = async () => {
      await cdkDeploy();
      await nobodyRefused();
      expect((await call(home().staff, "GET", SPREAD)).status).toBe(204);
      return nobodyRefused();
    };

    /** A step for both keys. */
    const step = async (take: (d: Deployment, key: keys.KeyName) => Promise<void>, refused?: string) => {
      for (const key of keys.KEYS) {
        const taken = take(settle("latchkey"), key);
        await (refused ? expect(taken).rejects.toThrow(refused) : taken);
      }
    };

    const [old] = await kids();
    await step(keys.makeNext);
    await nobodyRefused();
    await step(keys.useNext, "not accepted yet");
    expect(await deployed()).toBe(old);
    expect(await kids()).toEqual([old, expect.any(String)]);

    await step(keys.useNext);
    // What runs goes on with the key it has: only a deployment starts it anew.
    expect(await nobodyRefused()).toBe(old);
    await step((d, key) => keys.retireOld(d, key, true), "still shown");
    const [, next] = await kids();
    expect(await deployed()).toBe(next);

    await step((d, key) => keys.retireOld(d, key, false), "may be about");
    const later = await Desk.open("felix@harbor.example");
    for (const key of keys.KEYS) ops("keys", key, "retire", "--now");
    ops("keys", "token", "new");
    await nobodyRefused();
    expect((await visitor.call("POST", "/enrollment/check", { token })).body.state).toBe("open");
    await cdkDeploy();
    // Taken away, the old key ends what it signed, and nothing else.
    expect((await dana.call("GET", "/staff/session")).status).toBe(401);
    expect(await nobodyRefused(later)).toBe(next);
    expect(await kids()).toEqual([next]);
  },
);
