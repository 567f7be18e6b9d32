// What only a deployment has: one way in, every session of a practice ended by a command, and keys that are turned
// while people are signed in.
import { expect, test } from "vitest";
import { cdkDeploy, ops } from "../aws.ts";
import { around, call, home } from "../home.ts";
import { Desk } from "../people.ts";

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

test(
  "keys are turned under people who are signed in, and end their sessions only when taken away",
  { timeout: 300_000 },
  async () => {
    const dana = await Desk.open("dana@harbor.example");
    const kids = async () => {
      const { keys } = (await call(home().portal, "GET", "/api/portal/jwks.json")).body;
      return keys.map(({ kid }: { kid: string }) => kid) as string[];
    };
    const [old] = await kids();
    ops("keys", "signing", "new");
    ops("keys", "origin", "new");
    await cdkDeploy();
    expect(await kids()).toEqual([old, expect.any(String)]);
    expect((await dana.call("GET", "/staff/session")).status).toBe(200);
    ops("keys", "signing", "use");
    await cdkDeploy();
    const felix = await Desk.open("felix@harbor.example");
    const [, cookie] = [...felix.jar].find(([name]) => name === "__Host-latchkey-staff")!;
    const { kid } = JSON.parse(Buffer.from(cookie.split(".")[0]!, "base64url").toString());
    expect((await kids())[1]).toBe(kid);
    expect((await dana.call("GET", "/staff/session")).status).toBe(200);
    expect(() => ops("keys", "signing", "retire")).toThrow("still about");
    ops("keys", "signing", "retire", "--now");
    await cdkDeploy();
    expect(await kids()).toEqual([kid]);
    expect((await dana.call("GET", "/staff/session")).status).toBe(401);
    expect((await felix.call("GET", "/staff/session")).status).toBe(200);
  },
);
