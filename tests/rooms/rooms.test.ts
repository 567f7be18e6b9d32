// Real apps behind the door: each is registered, signs people in, answers them, and refuses them after their
// access was revoked. They run the pieces of code of the guide (README.md) and the settings that the console
// shows (site/src/staff/apps/settings.ts), and `door-test.ts` judges them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { apache, prepare } from "./apache.ts";
import { ask } from "./ask.ts";
import { Desk, type Client, type PortalUser } from "./desk.ts";
import { snippet, snippets } from "./guide.ts";
import { nginx } from "./nginx.ts";
import { freePorts, Running, write } from "./servers.ts";
import start from "../e2e/home.ts";

const HERE = import.meta.dirname;
const PYTHON = resolve(HERE, process.env["ROOMS_PYTHON"] || "../../.tools/rooms/bin/python");
const PHP = process.env["PHP"] || "/usr/bin/php";
// The guide's figures are of ten.
const ROUNDS = process.env["ROUNDS"] || "3";
const EMAIL = "dana@harbor.example";

interface App {
  appId: string;
  name: string;
}
type Setting = { program: string; text: string };
/** Type checking ends here: the site is checked with settings of its own. */
const { settingsFor } = (await import(join(HERE, "../../site/src/staff/apps/settings.ts"))) as {
  settingsFor: (facts: { app: App; issuer: string; secret: string | null }) => Setting[];
};

let folder: string;
let staff: string;
let portal: string;
let desk: Desk;
let stop = async () => {};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "latchkey-rooms-"));
  // A server that is started by root answers as another user.
  chmodSync(folder, 0o755);
  stop = await start();
  [staff = "", portal = ""] = [process.env["LATCHKEY_STAFF"], process.env["LATCHKEY_PORTAL"]];
  desk = await Desk.open(staff, EMAIL);
});
after(async () => {
  await stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

function place(name: string): string {
  const made = join(folder, name);
  mkdirSync(made);
  return made;
}

/** Registers an app for messages. */
function register(name: string, more: Record<string, unknown>): Promise<{ app: App; secret: string }> {
  const app = { name, kind: "portal", permission: "messaging", authentication: "secret", ...more };
  return desk.call("POST", "/api/apps", app);
}

/** What the console shows for an app. */
function setting(program: string, facts: { app: App; secret: string | null; issuer?: string }): string {
  const found = settingsFor({ issuer: portal, ...facts }).find((each) => each.program === program);
  assert(found, `the console shows nothing for ${program}`);
  return found.text;
}

/** Puts something in for what stands in a text, once. */
function put(text: string, from: string, to: string): string {
  assert.equal(text.split(from).length, 2, `“${from}” stands once in:\n${text}`);
  return text.replace(from, () => to);
}

/** `make door-test`: how it ended, and what it said.
 *
 *  @param interrupt is aborted where somebody presses Ctrl-C
 */
function doorTest(
  variables: Record<string, string>,
  interrupt?: AbortSignal,
): Promise<{ code: number | null; said: string }> {
  const { URL: _, ...inherited } = process.env;
  const env = { ...inherited, ROUNDS, STAFF: staff, PORTAL: portal, STAFF_EMAIL: EMAIL, ...variables };
  const args = ["--import", "tsx", "door-test.ts"];
  const program = spawn(process.execPath, args, { cwd: HERE, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  interrupt?.addEventListener("abort", () => program.kill("SIGINT"));
  program.stdout.on("data", (part) => (said += part));
  program.stderr.on("data", (part) => (said += part));
  return new Promise((ended, failed) => {
    program.once("error", failed).once("close", (code) => ended({ code, said }));
  });
}

const AT_ONCE = /^The first question after each revocation was refused\.$/m;

async function refusesAtOnce(variables: Record<string, string>): Promise<void> {
  const { code, said } = await doorTest(variables);
  console.log(said);
  assert.equal(code, 0, said);
  assert.match(said, AT_ONCE);
  assert.deepEqual((await guests()).people, []);
}

/** It fails, and prints what it measured until then. */
async function staysOpen(variables: Record<string, string>): Promise<void> {
  const { code, said } = await doorTest({ ...variables, ROUNDS: "1", PATIENCE_MS: "2500" });
  console.log(said);
  assert.equal(code, 1, said);
  assert.match(said, /worst never/);
  assert.match(said, /^The worst round is over the limit\.$/m);
}

/** Runs servers while something is tried, one started after the other. */
async function running(starts: (() => Promise<Running>)[], attempt: () => Promise<void>): Promise<void> {
  const started: Running[] = [];
  try {
    for (const start of starts) started.push(await start());
    await attempt();
  } finally {
    for (const each of started) await each.stop();
  }
}

/** An app of this program, while something is tried. */
async function serving(listener: RequestListener, attempt: (port: number) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await attempt((server.address() as AddressInfo).port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** The people with access to the portal of the tool's client. */
async function guests(): Promise<{ client: Client; people: PortalUser[] }> {
  const client = await desk.client("DOOR-TEST", { first: "Door", last: "Test" }, "2000-01-01");
  const path = `/api/clients/${client.clientId}/portal-users`;
  const { portalUsers: people } = await desk.call<{ portalUsers: PortalUser[] }>("GET", path);
  return { client, people };
}

/** A person signs in for an app that serves messages, and may see none: what the app then says, when the browser
 *  comes back from the portal. */
async function comesBackWithout(origin: string): Promise<{ status: number; text: string }> {
  const client = await desk.client("NO-MESSAGES", { first: "No", last: "Messages" }, "1999-12-31");
  const user = await desk.invite(client, ["billing"]);
  const session = await desk.enroll(client, user, portal);
  const out = await ask(`${origin}/`);
  assert.equal(out.status, 302, out.text);
  const wanted = new URL(out.headers.location ?? "");
  assert.equal(wanted.searchParams.get("redirect_uri"), `${origin}/in`);
  // As the portal's page does.
  const { status, text } = await ask(`${portal}/api/portal/authorization`, {
    method: "POST",
    headers: { Cookie: session, Origin: portal, "Content-Type": "application/json" },
    body: JSON.stringify(Object.fromEntries(wanted.searchParams)),
  });
  assert.equal(status, 200, text);
  const Cookie = (out.headers["set-cookie"] ?? []).map((set) => set.split(";")[0]).join("; ");
  return ask((JSON.parse(text) as { redirectTo: string }).redirectTo, { headers: { Cookie } });
}

async function refusesWithoutCharts(origin: string): Promise<void> {
  const { status, text } = await comesBackWithout(origin);
  assert.deepEqual([status, text], [403, "You have no access here."]);
}

test("Node: openid-client with the console's setting and the guide's server", async () => {
  const at = place("node");
  const [port = 0] = await freePorts(1);
  const origin = `http://127.0.0.1:${port}`;
  const facts = await register("Node", { redirectUris: [`${origin}/in`] });
  symlinkSync(join(HERE, "node_modules"), join(at, "node_modules"));
  write(at, { "latchkey.mjs": setting("node", facts), "server.mjs": snippet("server.mjs") });
  const env = { APP_ORIGIN: origin, PORT: String(port) };
  await running(
    [() => Running.start(process.execPath, ["server.mjs"], { port, cwd: at, env })],
    async () => {
      await refusesWithoutCharts(origin);
      await refusesAtOnce({ URL: `${origin}/`, SHOWS: "^Messages about Door$" });
    },
  );
});

test("Python: Authlib with the guide's app", async () => {
  const at = place("python");
  const [port = 0] = await freePorts(1);
  const origin = `http://127.0.0.1:${port}`;
  const { app, secret } = await register("Python", { redirectUris: [`${origin}/in`] });
  write(at, { "app.py": snippet("app.py") });
  const env = { APP_ORIGIN: origin, COOKIE_KEY: "of this test", APP_ID: app.appId, APP_SECRET: secret, LATCHKEY: portal };
  const args = ["-m", "flask", "--app", "app", "run", "--port", String(port)];
  await running(
    [() => Running.start(PYTHON, args, { port, cwd: at, env })],
    async () => {
      await refusesWithoutCharts(origin);
      await refusesAtOnce({ URL: `${origin}/`, SHOWS: "^Messages about Door$" });
    },
  );
});

test("nginx: auth_request with the console's setting, in front of PHP and of static pages", async () => {
  const at = place("nginx");
  const [port = 0, php = 0] = await freePorts(2);
  const origin = `http://portal.localhost:${port}`;
  const facts = await register("Messages", {});
  const settings = put(setting("nginx", facts), "127.0.0.1:8080", `127.0.0.1:${php}`);
  const own = facts.app.appId.split(".")[1]?.toLowerCase();
  const statics = ["/latchkey-check", "@latchkey-sign-in"].reduce(
    (text, name) => put(text, `${name}-of-your-app`, `${name}-${own}`),
    put(snippet("static.conf"), "/srv/leaflets/", `${at}/leaflets/`),
  );
  // The same files by another path, from which browsers may keep them.
  const kept = put(put(statics, "location /leaflets/", "location /kept/"), "no-store", "max-age=3600");
  write(at, { "php/index.php": snippet("index.php"), "leaflets/index.html": "A leaflet" });
  const interpreter = () => {
    const args = ["-S", `127.0.0.1:${php}`, "index.php"];
    return Running.start(PHP, args, { port: php, cwd: join(at, "php") });
  };
  await running([interpreter, () => nginx(at, port, settings + statics + kept)], async () => {
    const forged = { "Latchkey-Charts": "01ARZ3NDEKTSV4RRFFQ69G5FAV=messaging" };
    const out = await ask(`${origin}/messages/`, { headers: forged });
    assert.deepEqual([out.status, out.headers.location], [302, `${portal}/harbor/sign-in`]);
    const client = await desk.client("OWN-CHART", { first: "Own", last: "Chart" }, "1999-12-31");
    const user = await desk.invite(client, ["messaging"]);
    const Cookie = await desk.enroll(client, user, portal);
    const seen = await ask(`${origin}/messages/`, { headers: { ...forged, Cookie } });
    assert.deepEqual([seen.status, seen.text], [200, `Messages about client ${client.clientId}\n`]);
    // Access that does not include messages: nothing that a proxy may let pass.
    const other = await desk.invite(client, ["billing"]);
    const without = await desk.enroll(client, other, portal);
    const denied = await ask(`${origin}/messages/`, { headers: { ...forged, Cookie: without } });
    assert.equal(denied.status, 403);
    await refusesAtOnce({ URL: `${origin}/messages/`, SHOWS: "^Messages about client \\S+\n$" });
    await refusesAtOnce({ URL: `${origin}/leaflets/index.html`, SHOWS: "^A leaflet$" });
    const { code, said } = await doorTest({ URL: `${origin}/kept/index.html`, SHOWS: "^A leaflet$", ROUNDS: "1" });
    assert.equal(code, 1, said);
    assert.match(said, /is shown again in the browser, though it refused before/);
  });
});

test("nginx: two apps on one host, each with the console's setting", async () => {
  const at = place("two");
  const [port = 0] = await freePorts(1);
  const origin = `http://portal.localhost:${port}`;
  const letters = await register("Letters", {});
  const bills = await register("Bills", { permission: "billing" });
  // An app that says what it is told, and lets browsers keep it.
  const echo: RequestListener = ({ headers }, response) => {
    response.setHeader("Cache-Control", "max-age=3600").end(JSON.stringify(headers));
  };
  await serving(echo, async (app) => {
    const settings = [letters, bills].map((facts) =>
      put(setting("nginx", facts), "127.0.0.1:8080", `127.0.0.1:${app}`),
    );
    await running([() => nginx(at, port, settings.join(""))], async () => {
      const client = await desk.client("TWO-APPS", { first: "Two", last: "Apps" }, "1999-12-31");
      const user = await desk.invite(client, ["billing"]);
      const session = await desk.enroll(client, user, portal);
      for (const name of ["portal", "device"]) assert.match(session, new RegExp(`__Host-latchkey-${name}=`));
      const headers = { Cookie: `a=1; ${session}; b=2` };
      assert.equal((await ask(`${origin}/letters/`, { headers })).status, 403);
      const seen = await ask(`${origin}/bills/`, { headers });
      assert.equal(seen.status, 200);
      const told = JSON.parse(seen.text) as Record<string, string>;
      assert.equal(told["cookie"], "a=1; b=2");
      assert.match(told["latchkey-charts"] ?? "", new RegExp(`^${client.clientId}=`));
      assert.match(String(seen.headers["cache-control"]), /\bno-store$/);
    });
  });
});

test("mod_auth_openidc as a resource server, with the console's setting", async () => {
  const places = await prepare(place("api"));
  const origin = `http://127.0.0.1:${places.port}`;
  const redirectUri = `${origin}/in`;
  const launchUrl = `${origin}/records/`;
  const facts = await register("API", { redirectUris: [redirectUri], launchUrl });
  const settings = setting("apache", { ...facts, issuer: places.issuer });
  const bearer = { APP_ID: facts.app.appId, APP_SECRET: facts.secret, REDIRECT_URI: redirectUri };
  const url = { URL: `${launchUrl}index.html`, SHOWS: "^Records$" };
  const server = (text: string) => () => apache(places, portal, text, { "records/index.html": "Records" });
  await running([server(settings)], () => refusesAtOnce({ ...url, ...bearer }));

  // By default it keeps answers.
  const keeping = put(settings, "    OIDCOAuthTokenIntrospectionInterval -1\n", "");
  await running([server(keeping)], () => staysOpen({ ...url, ...bearer }));
});

test("mod_auth_openidc as a client, with the console's setting: within a second", async () => {
  const places = await prepare(place("client"));
  const origin = `http://127.0.0.1:${places.port}`;
  // The page beside the others: all of them are the app's.
  const launchUrl = `${origin}/start`;
  const facts = await register("Pages", { redirectUris: [`${origin}/in`], launchUrl });
  // The portal's addresses in the discovery are those of the local home, which has no TLS.
  const settings = setting("apachePages", facts);
  const pages = { start: "Start", "pages/index.html": "Pages" };
  const url = { URL: `${origin}/pages/index.html`, SHOWS: "^Pages$" };
  await running([() => apache(places, portal, settings, pages)], async () => {
    const headers = { Accept: "text/html", OIDC_userinfo_json: "{}", OIDC_CLAIM_sub: "somebody" };
    for (const page of [launchUrl, url.URL, `${origin}/`]) {
      const forged = await ask(page, { headers });
      assert.equal(forged.status, 302, page);
    }
    // What it may take is its second, and then one question.
    const { code, said } = await doorTest({ ...url, LIMIT_MS: "2000" });
    console.log(said);
    assert.equal(code, 0, said);
  });

  // What is usual does not require an answer.
  const requires = settings.match(/^ +Require expr .*$/m)?.[0] ?? "";
  const usual = put(settings, requires, "    Require valid-user");
  await running([() => apache(places, portal, usual, pages)], () => staysOpen(url));
});

test("the tool fails for a page that is open to everybody, and for one that opens to nobody", async () => {
  const everybody = await doorTest({ URL: `${portal}/harbor/sign-in` });
  assert.equal(everybody.code, 1);
  assert.match(everybody.said, /is open to people who are not signed in/);
  const nobody = await doorTest({ URL: `${portal}/api/portal/session`, SIGN_IN: `${portal}/harbor/sign-in`, SHOWS: "no such words" });
  assert.equal(nobody.code, 1);
  assert.match(nobody.said, /answers 200 after signing in/);
  const without = await doorTest({});
  assert.equal(without.code, 1);
  assert.match(without.said, /needs the address/);
});

test("nobody is left behind, however the tool ends; and else it says who", async () => {
  // The portal's API knows who is signed in, and is no page.
  const broken = await doorTest({ URL: `${portal}/api/portal/session`, SIGN_IN: `${portal}/harbor/sign-in` });
  assert.equal(broken.code, 1, broken.said);
  assert.match(broken.said, /is not shown in the browser/);
  assert.deepEqual((await guests()).people, []);

  /** The tool, interrupted while it waits for the app's answer. */
  async function interrupted(first: () => Promise<void>): Promise<{ code: number | null; said: string }> {
    const interrupt = new AbortController();
    let arrived = () => {};
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    let ended: { code: number | null; said: string } | undefined;
    await serving(
      () => arrived(),
      async (port) => {
        const test = doorTest({ URL: `http://127.0.0.1:${port}/` }, interrupt.signal);
        // If it ends by itself, that is told below.
        await Promise.race([asked, test]);
        await first();
        interrupt.abort();
        ended = await test;
      },
    );
    assert(ended);
    return ended;
  }
  const stopped = await interrupted(async () => assert.equal((await guests()).people.length, 1));
  assert.equal(stopped.code, 1, stopped.said);
  assert.match(stopped.said, /ended by a signal; nothing was left behind/);
  assert.deepEqual((await guests()).people, []);

  // Deleted by somebody else meanwhile: the tool cannot.
  const failed = await interrupted(async () => {
    const { client, people } = await guests();
    for (const user of people) await desk.delete(client, user);
  });
  assert.equal(failed.code, 1, failed.said);
  assert.match(failed.said, /could not be deleted/);
  assert.doesNotMatch(failed.said, /nothing was left behind/);
});

test("every piece of code in the guide is one that was run here", () => {
  assert.deepEqual([...snippets.keys()], ["server.mjs", "app.py", "index.php", "static.conf"]);
});
