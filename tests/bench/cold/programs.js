// What is measured: every function's own program, each with one event of a kind that it gets all day; the
// floor; and two of the functions as Node has them. An event's answer is right whenever it comes: what a
// program changes (`touches`: partitions of charts and accounts) is put back before the next one.
import { build } from "esbuild";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { delivered, inserted, request } from "./events.js";
import { GOODBYE, PASSWORD } from "./sample.js";

/** Functions that sign tokens: only they are given the key. */
const SIGNERS = ["deliver", "enroll", "sign-in", "staff-sign-in", "token"];
/** Functions that hash a password, which takes its time on purpose. */
const HASHERS = ["enroll", "sign-in"];
/** Functions that are there in Node too. */
const NODE = ["revoke", "search"];

const CLIENT = "/api/clients/{clientId}";
const USER = `${CLIENT}/portal-users/{portalUserId}`;

/** What each function is asked: a request and the status of its answer, or an event; and what makes an answer
 *  right where a status does not say it. */
function calls(world) {
  const { staff, visitor, leaver, entrance, room, amara, silas, tomas, samuel, nobody, newcomer, invitation, mail, notice } = world;
  const chidi = amara.ids("c.okafor1l");
  const onAmara = { cookie: staff, parameters: amara.ids() };
  const onChidi = { cookie: staff, parameters: chidi };
  const onTomas = { cookie: staff, parameters: tomas.ids("tomas") };
  const toChidi = { ...onAmara, body: { portalUserId: chidi.portalUserId } };
  const pat = { last: "Person", first: "Pat" };
  const newClient = {
    name: pat,
    dateOfBirth: "1984-03-12",
    emails: [{ type: "home", address: "pat.person@mail.example" }],
    phones: [{ type: "mobile", number: "(207) 555-0142" }],
    // Each call makes another one.
    distinct: true,
  };
  const proof = { token: invitation, lastName: "García Márquez", dateOfBirth: "1990-08-17", password: PASSWORD };
  const credentials = { practice: "harbor", username: "amara.okafor", password: PASSWORD };
  const forgotten = { practice: "harbor", username: "amara.okafor" };
  const edit = { version: amara.user("c.okafor1l").version, permissions: ["basic", "billing"] };
  const holly = silas.user("holly.marsh");
  const goodbye = { client_id: room.appId, post_logout_redirect_uri: GOODBYE, state: "bye" };
  const tags = { practice: "harbor", client: silas.id, portalUser: holly.portalUserId, mail: mail.mailId.S };
  return [
    { name: "account", request: ["GET", "/api/portal/account", { cookie: visitor }], status: 200 },
    {
      name: "activate",
      request: ["POST", `${USER}/activate`, { cookie: staff, parameters: samuel.ids("samuel.ames") }],
      status: 200,
      touches: [samuel.partition, samuel.account("samuel.ames")],
    },
    {
      name: "add-portal-user",
      request: ["POST", `${CLIENT}/portal-users`, { cookie: staff, parameters: nobody.ids(), body: newcomer.body }],
      status: 201,
      touches: [nobody.partition, newcomer.account],
    },
    { name: "alerts", request: ["GET", `${CLIENT}/alerts`, onAmara], status: 200 },
    { name: "apps", request: ["GET", "/api/apps", { cookie: staff }], status: 200 },
    { name: "assign-alert", request: ["PUT", `${CLIENT}/alert-recipient`, toChidi], status: 200, touches: [amara.partition] },
    {
      name: "authorize",
      request: ["POST", "/api/portal/authorization", { cookie: visitor, body: entrance.asked }],
      status: 200,
      right: (answer) => JSON.parse(answer.body).redirectTo.includes("code="),
    },
    { name: "change-owner", request: ["PUT", `${CLIENT}/chart-owner`, toChidi], status: 200, touches: [amara.partition] },
    {
      name: "check",
      request: ["GET", "/api/portal/check", { cookie: visitor, query: { app: room.appId } }],
      status: 204,
    },
    { name: "client", request: ["GET", CLIENT, onAmara], status: 200 },
    {
      name: "close-client",
      request: ["POST", `${CLIENT}/close`, { cookie: staff, parameters: tomas.ids(), body: { reason: "left" } }],
      status: 200,
      touches: [tomas.partition, tomas.account("tomas")],
    },
    // These clients stay: each has a number of its own, which the function makes.
    { name: "create-client", request: ["POST", "/api/clients", { cookie: staff, body: newClient }], status: 201 },
    {
      name: "delete",
      request: ["DELETE", USER, { cookie: staff, parameters: amara.ids("ngozi.O0"), query: { confirm: "delete" } }],
      status: 200,
      touches: [amara.partition, amara.account("ngozi.O0")],
    },
    {
      name: "deliver",
      event: () => inserted(notice),
      right: (answer) => answer.batchItemFailures.length === 0,
      touches: [notice.PK.S],
    },
    {
      name: "end-session",
      request: ["POST", "/api/portal/sign-out", { cookie: leaver, body: goodbye }],
      status: 200,
      right: (answer) => JSON.parse(answer.body).redirectTo.startsWith(GOODBYE),
      touches: [amara.partition, amara.account("amara.okafor")],
    },
    {
      name: "enroll",
      request: ["POST", "/api/portal/enrollment", { body: proof }],
      status: 201,
      touches: [tomas.partition, tomas.account("tomas")],
    },
    { name: "health", request: ["GET", "/api/health", {}], status: 200 },
    { name: "history", request: ["GET", `${CLIENT}/history`, onAmara], status: 200 },
    { name: "list-portal-users", request: ["GET", `${CLIENT}/portal-users`, onAmara], status: 200 },
    {
      name: "mail-events",
      event: () => delivered(holly.email, tags),
      right: (answer) => answer === null,
      touches: [silas.partition],
    },
    { name: "portal-session", request: ["GET", "/api/portal/session", { cookie: visitor }], status: 200 },
    { name: "resend-invitation", request: ["POST", `${USER}/invitation`, onTomas], status: 202, touches: [tomas.partition, tomas.account("tomas")] },
    {
      name: "reset-password",
      request: ["POST", "/api/portal/password-reset", { body: forgotten }],
      status: 202,
      touches: [amara.partition, amara.account("amara.okafor")],
    },
    {
      name: "revoke",
      request: ["POST", `${USER}/revoke`, { ...onChidi, body: { reason: { code: "left-care", note: "Moved away" } } }],
      status: 200,
      touches: [amara.partition, amara.account("c.okafor1l")],
    },
    {
      name: "search",
      request: ["POST", "/api/clients/search", { cookie: staff, body: { query: "abbott" } }],
      status: 200,
    },
    {
      name: "send-mail",
      event: () => inserted(mail),
      right: (answer) => answer.batchItemFailures.length === 0,
      touches: [silas.partition],
    },
    {
      name: "sign-in",
      request: ["POST", "/api/portal/sign-in", { body: credentials }],
      status: 200,
      touches: [amara.partition, amara.account("amara.okafor")],
    },
    { name: "staff", request: ["GET", "/api/staff", { cookie: staff }], status: 200 },
    { name: "staff-sign-in", request: ["GET", "/api/staff/session", { cookie: staff }], status: 200 },
    // What an app asks with every page that it shows.
    {
      name: "token",
      request: ["POST", "/api/oauth/introspect", { authorization: room.basic, form: { token: room.token } }],
      status: 200,
      right: (answer) => JSON.parse(answer.body).active,
    },
    {
      name: "update-portal-user",
      request: ["PATCH", USER, { ...onChidi, body: edit }],
      status: 200,
      touches: [amara.partition, amara.account("c.okafor1l")],
    },
    {
      name: "userinfo",
      request: ["GET", "/api/oauth/userinfo", { authorization: `Bearer ${room.token}` }],
      status: 200,
    },
    {
      name: "who-can-enter",
      request: ["GET", "/api/portal/charts/{clientId}/access", { cookie: visitor, parameters: amara.ids() }],
      status: 200,
    },
  ];
}

/** All programs, the floor first. `lambda` is the folder of the programs that cargo-lambda built, `scratch`
 *  one for what is built here. */
export async function programs(world, environment, lambda, scratch) {
  const { SIGNING_KEY, SIGNING_KEY_ID, ...usual } = environment;
  const hello = { name: "floor", request: ["GET", "/", {}], status: 200 };
  const rust = [hello, ...calls(world)].map((call) => {
    const file = join(lambda, call.name, "bootstrap");
    const signs = SIGNERS.includes(call.name);
    return {
      name: call.name,
      file,
      command: [file],
      environment: signs ? environment : usual,
      hashes: HASHERS.includes(call.name),
      partitions: call.touches ?? [],
      ...eventOf(call, environment),
    };
  });
  const node = NODE.map(async (name) => {
    const file = await bundle(name, scratch);
    const same = rust.find((program) => program.name === name);
    return { ...same, name: `${name} in Node`, file, command: [process.execPath, ...V8_FLAGS, file], instead: name };
  });
  return [...rust, ...(await Promise.all(node))];
}

function eventOf({ request: asked, status, event, right = () => true }, environment) {
  if (event) return { event, right };
  const [method, path, rest] = asked;
  const ours = path.startsWith("/api/portal/") ? environment.PORTAL_ORIGIN : environment.STAFF_ORIGIN;
  // An app's own server is no page.
  const origin = method === "GET" || rest.form ? undefined : ours;
  return {
    event: () => request(method, path, { origin, ...rest }),
    right: (answer) => answer.statusCode === status && right(answer),
  };
}

/** What Lambda's own start of Node 20 sets for a function of 256 MB. */
const V8_FLAGS = ["--max-semi-space-size=12", "--max-old-space-size=230", "--max-http-header-size=81920"];

/** One file for a function in Node, as it is usually uploaded. */
async function bundle(name, folder) {
  const outfile = join(folder, `${name}.cjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(`./node/${name}.js`, import.meta.url))],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
  return outfile;
}
