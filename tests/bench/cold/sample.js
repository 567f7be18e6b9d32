// The people among the local home's sample data whom the events are about.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { OUTBOX, key, partitionKey } from "./keys.js";

/** The password of every sample client who has one. */
export const PASSWORD = "tidal lantern orchard 27";

const PRACTICE = "harbor";

class Chart {
  constructor(id, partition, users) {
    Object.assign(this, { id, partition, users });
  }

  /** A client's chart, with the place of each user's account. */
  static async read(home, staff, clientId) {
    const partition = partitionKey("chart", { practice: PRACTICE, client: clientId });
    const { portalUsers } = await home.call("GET", `/api/clients/${clientId}/portal-users`, staff);
    const items = await home.items([partition]);
    const users = portalUsers.map((user) => {
      const { SK } = key("portalUser", { user: user.portalUserId, practice: PRACTICE, client: clientId });
      const { account } = items.find((item) => item.SK.S === SK);
      return { ...user, account: partitionKey("account", { practice: PRACTICE, account: account.S }) };
    });
    return new Chart(clientId, partition, users);
  }

  user(username) {
    return this.users.find((user) => user.username === username);
  }

  /** The partition of the account of one of its users. */
  account(username) {
    return this.user(username).account;
  }

  /** The parameters of a path that names the chart, and perhaps one of its users. */
  ids(username) {
    return { clientId: this.id, ...(username && { portalUserId: this.user(username).portalUserId }) };
  }
}

/** Signs people in, and finds the charts of the sample data. `listener` is where an app listens that is told what
 *  ended. */
export async function sample(home, listener) {
  const staff = await home.staff("dana@harbor.example");
  const chart = async (recordNumber) => {
    const { clients } = await home.call("POST", "/api/clients/search", staff, { query: recordNumber });
    return Chart.read(home, staff, clients[0].clientId);
  };
  const amara = await chart("HP-200001");
  const silas = await chart("HP-200003");
  const nobody = await chart("HP-201000");
  const visitor = await home.client("holly.marsh", PASSWORD);
  return {
    staff,
    auditor: await home.staff("ada@harbor.example"),
    visitor,
    leaver: await lasting(home, amara, "amara.okafor"),
    // Of one app a browser is sent back with codes, of which few are kept; the other has its token all day.
    entrance: await newApp(home, staff),
    room: await withToken(home, await newApp(home, staff), visitor),
    amara,
    silas,
    tomas: await chart("HP-200004"),
    samuel: await chart("HP-200006"),
    nobody,
    invitation: await invitation(home),
    newcomer: await newcomer(home, staff, nobody),
    mail: await waitingMail(home, staff, silas, "holly.marsh"),
    notice: await waitingNotice(home, staff, "holly.marsh", `${listener}/out`),
  };
}

/** Signs in a client for as long as a session may last, whether or not it is used; answers the cookie. */
async function lasting(home, chart, username) {
  const cookie = await home.client(username, PASSWORD);
  const partitions = [chart.account(username)];
  const items = await home.items(partitions);
  for (const { sessions } of items) {
    for (const { M: session } of Object.values(sessions?.M ?? {})) session.idleEndsAt = session.endsAt;
  }
  await home.restore(partitions, items);
  return cookie;
}

/** Where browsers come back to the apps, and where they go on once their people are signed out. */
const REDIRECT = "https://rooms.example/in";
export const GOODBYE = "https://rooms.example/bye";
const VERIFIER = "seven-quiet-kettles-hum-in-the-morning-light";

/** Registers an app: what it proves itself by, and what a browser brings to us from it. */
async function newApp(home, staff, more) {
  const { app, secret } = await home.call("POST", "/api/apps", staff, {
    ...more,
    name: "Messages",
    kind: "portal",
    permission: "messaging",
    redirectUris: [REDIRECT],
    postLogoutRedirectUris: [GOODBYE],
    authentication: "secret",
  });
  return {
    appId: app.appId,
    basic: `Basic ${Buffer.from(`${app.appId}:${secret}`).toString("base64")}`,
    asked: {
      client_id: app.appId,
      redirect_uri: REDIRECT,
      response_type: "code",
      scope: "openid profile email messaging",
      state: "where-we-were",
      code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
      code_challenge_method: "S256",
    },
  };
}

/** The app with a token in a client's session. */
async function withToken(home, app, visitor) {
  const { redirectTo } = await home.visit("POST", "/api/portal/authorization", visitor, app.asked);
  const code = new URL(redirectTo).searchParams.get("code");
  const exchange = { grant_type: "authorization_code", code, code_verifier: VERIFIER };
  const { access_token: token } = await home.form("/api/oauth/token", app.basic, exchange);
  return { ...app, token };
}

/** The token in the one invitation that the sample data send. */
async function invitation(home) {
  const tokens = (await home.mails()).map((mail) => /\/enroll#(\S+)/.exec(mail.text)?.[1]);
  return tokens.find(Boolean);
}

/** Somebody to invite, and the place of the account that they would get, which is named by a secret: they are
 *  invited once, and deleted again. */
async function newcomer(home, staff, { id }) {
  const path = `/api/clients/${id}/portal-users`;
  const name = { last: "Person", first: "Pat" };
  const body = { name, email: "pat@mail.example", relationship: "parent", permissions: ["basic"] };
  const { portalUserId } = await home.call("POST", path, staff, body);
  const account = (await Chart.read(home, staff, id)).account(body.email);
  await home.call("DELETE", `${path}/${portalUserId}?confirm=delete`, staff);
  return { body, account };
}

/** A mail as it waits in the outbox: one that went all its way, put back to the beginning. It says that access
 *  was granted, which can be sent any number of times. */
async function waitingMail(home, staff, chart, username) {
  const { clientId, portalUserId } = chart.ids(username);
  const ids = { practice: PRACTICE, client: clientId };
  const path = `/api/clients/${clientId}/portal-users/${portalUserId}`;
  await home.call("POST", `${path}/revoke`, staff, {});
  await home.call("POST", `${path}/activate`, staff);
  for (let tries = 0; tries < 500; tries++, await pause(20)) {
    const items = await home.items([chart.partition]);
    const user = items.find(({ SK }) => SK.S === key("portalUser", { ...ids, user: portalUserId }).SK);
    const { mailId, state } = user.mail.M;
    if (state.S !== "delivered") continue;
    const sent = items.find(({ SK }) => SK.S === key("mail", { ...ids, mail: mailId.S }).SK);
    const { doneAt, messageId, expiresAt, ...mail } = { ...sent, pending: { S: OUTBOX.pending } };
    state.S = "queued";
    await home.restore([chart.partition], [...items.filter((item) => item !== sent), mail]);
    return mail;
  }
  throw new Error(`the home sends no mail to ${username}`);
}

/** Word of a session that ended, as it waits in the outbox: of one that the app was told, put back to the beginning. */
async function waitingNotice(home, staff, username, logoutUri) {
  const visitor = await home.client(username, PASSWORD);
  await withToken(home, await newApp(home, staff, { logoutUri }), visitor);
  await home.visit("POST", "/api/portal/sign-out", visitor, {});
  const partition = partitionKey("notices", { practice: PRACTICE });
  for (let tries = 0; tries < 500; tries++, await pause(20)) {
    const told = (await home.items([partition])).find(({ pending }) => !pending);
    if (!told) continue;
    const targets = told.targets.L.map(({ M }) => ({ M: { ...M, state: { S: "telling" }, attempts: { N: "0" } } }));
    const notice = { ...told, targets: { L: targets }, pending: { S: OUTBOX.pending } };
    await home.restore([partition], [notice]);
    return notice;
  }
  throw new Error("the home tells no app");
}
