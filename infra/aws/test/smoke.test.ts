// The smoke test by itself: what it calls, and what it takes for a right answer.
import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { operations } from "../lib/api.ts";
import { FUNCTIONS } from "../lib/functions.ts";
import { Deployment } from "../ops/deployment.ts";
import { routes, smoke, type Reach } from "../ops/smoke.ts";
import { Account } from "./account.ts";
import { given } from "./synthesised.ts";

const DOCUMENT = JSON.parse(readFileSync(new URL("../../../shared/openapi.json", import.meta.url), "utf8")) as {
  paths: Record<string, Record<string, { security?: object[]; responses: object }>>;
};
let account: Account;
let asked: { url: string; init: RequestInit }[];
let waited: number;
beforeEach(() => {
  account = new Account();
  account.stacks.set("latchkey", { template: "{}", parameters: {}, guarded: false, status: "CREATE_COMPLETE" });
  [asked, waited] = [[], 0];
});

type Answer = (url: URL, method: string, times: number) => number | Error;
const right = new Map(routes().map((route) => [`${route.method} ${route.path}`, route.right[0]!]));

async function run(answer: Answer = () => 0) {
  const d = new Deployment(given(), () => {}, async () => void (waited += 1));
  const reach: Reach = {
    at: { staff: "https://d1.example", portal: "https://d2.example" },
    origin: { staff: "https://staff.example.org", portal: "https://portal.example.org" },
    fetch: async (url, init) => {
      asked.push({ url, init });
      const times = asked.filter((one) => one.url === url && one.init.method === init.method).length;
      const { pathname } = new URL(url);
      const status = answer(new URL(url), init.method!, times) || right.get(`${init.method} ${pathname}`)!;
      if (status instanceof Error) throw status;
      return new Response(null, { status });
    },
  };
  return smoke(d, reach);
}

test("every route of the API is called, on the site that it is of, as its page calls it, and as nobody", async () => {
  const { called, faults } = await run();
  expect(faults).toEqual([]);
  const calls = asked.map(({ url, init }) => `${init.method} ${new URL(url).pathname}`).sort();
  expect(calls).toEqual(operations().map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, "nobody")}`).sort());
  expect(called).toBeGreaterThan(calls.length);
  for (const { url, init } of asked) {
    const { hostname, pathname } = new URL(url);
    const portal = pathname.startsWith("/api/portal/");
    expect([pathname, hostname]).toEqual([pathname, portal ? "d2.example" : "d1.example"]);
    const headers = init.headers as Record<string, string>;
    expect(headers["origin"]).toBe(portal ? "https://portal.example.org" : "https://staff.example.org");
    expect(Object.keys(headers)).not.toContain("cookie");
    expect(Object.keys(headers)).not.toContain("authorization");
  }
});

test("an answer is right if the API document has it, and nobody gets in by it", () => {
  for (const { method, path, right } of routes()) expect([method, path, right.length > 0]).toEqual([method, path, true]);
  for (const [path, item] of Object.entries(DOCUMENT.paths)) {
    for (const [method, { security, responses }] of Object.entries(item)) {
      const route = routes({ paths: { [path]: item } } as never).find((one) => one.method === method.toUpperCase())!;
      for (const status of route.right) expect(Object.keys(responses)).toContain(String(status));
      if (security?.length) expect(route.right.every((status) => [400, 401].includes(status))).toBe(true);
      for (const status of [403, 404, 429, 500, 502, 503]) expect(route.right).not.toContain(status);
    }
  }
});

test("every function is called, by a route or by itself", async () => {
  for (const name of Object.keys(FUNCTIONS)) {
    account.broken = new Set([`latchkey-${name}`]);
    const { faults } = await run();
    const routed = routes().some((route) => route.function === name);
    expect([name, faults.map(({ what }) => what)]).toEqual([name, routed ? [] : [`function latchkey-${name}`]]);
  }
  account.broken = new Set(["latchkey-ArchivistCopy", "latchkey-ArchivistLook"]);
  expect((await run()).faults.map(({ what }) => what)).toEqual(["function latchkey-ArchivistCopy", "function latchkey-ArchivistLook"]);
});

test.each<[string, number | Error, string]>([
  ["a route that leads nowhere", 404, "answers 404, and not 400 or 401"],
  ["a function that does not start", 502, "answers 502"],
  ["one that lets everybody in", 200, "answers 200"],
  ["a firewall that is in the way", 403, "answers 403"],
  ["no answer", Object.assign(new TypeError("fetch failed"), { cause: new Error("ECONNREFUSED") }), "does not answer: ECONNREFUSED"],
])("%s is found, and named with its function", async (_, status, why) => {
  const { faults } = await run(({ pathname }, method) => (method === "POST" && pathname === "/api/clients" ? status : 0));
  expect(faults).toEqual([{ what: "POST /api/clients (create-client)", why: expect.stringContaining(why) }]);
});

test("what takes a moment to be everywhere is called again, and has time until the fourth call", async () => {
  const slow = (times: number): Answer => ({ pathname }, _, now) => (pathname === "/api/health" && now < times ? 503 : 0);
  expect((await run(slow(4))).faults).toEqual([]);
  expect(waited).toBe(3);
  asked = [];
  expect((await run(slow(5))).faults).toHaveLength(1);
});
