// The people among the local home's sample data whom the events are about.
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { OUTBOX, key, partitionKey } from "./keys.js";

/** The password of every sample client who has one. */
export const PASSWORD = "tidal lantern orchard 27";

const PRACTICE = "harbor";

/** Where an account lives: named by a digest of its practice and username. */
export function account(username) {
  const digest = createHash("sha256").update(`${PRACTICE}\0${username.toLowerCase()}`).digest();
  return partitionKey("account", { practice: PRACTICE, account: digest.subarray(0, 16).toString("base64url") });
}

class Chart {
  constructor(client, users) {
    const partition = partitionKey("chart", { practice: PRACTICE, client: client.clientId });
    Object.assign(this, { id: client.clientId, users, partition });
  }

  user(username) {
    return this.users.find((user) => user.username === username);
  }

  /** The parameters of a path that names the chart, and perhaps one of its users. */
  ids(username) {
    return { clientId: this.id, ...(username && { portalUserId: this.user(username).portalUserId }) };
  }
}

/** Signs people in, and finds the charts of the sample data. */
export async function sample(home) {
  const staff = await home.staff("dana@harbor.example");
  const chart = async (recordNumber) => {
    const { clients } = await home.call("POST", "/api/clients/search", staff, { query: recordNumber });
    const { portalUsers } = await home.call("GET", `/api/clients/${clients[0].clientId}/portal-users`, staff);
    return new Chart(clients[0], portalUsers);
  };
  const silas = await chart("HP-200003");
  return {
    staff,
    auditor: await home.staff("ada@harbor.example"),
    visitor: await home.client("holly.marsh", PASSWORD),
    amara: await chart("HP-200001"),
    silas,
    tomas: await chart("HP-200004"),
    samuel: await chart("HP-200006"),
    nobody: await chart("HP-201000"),
    invitation: await invitation(home),
    mail: await waitingMail(home, staff, silas, "holly.marsh"),
  };
}

/** The token in the one invitation that the sample data send. */
async function invitation(home) {
  const tokens = (await home.mails()).map((mail) => /\/enroll#(\S+)/.exec(mail.text)?.[1]);
  return tokens.find(Boolean);
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
