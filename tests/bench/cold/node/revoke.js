// `functions/revoke` in Node.
import {
  Problem,
  admit,
  amend,
  at,
  frame,
  get,
  insert,
  json,
  only,
  partition,
  ready,
  record,
  replace,
  ticket,
  typed,
  ulid,
  write,
} from "./latchkey.js";
import { OUTBOX, SORT_KEYS_BEGIN, key, partitionKey } from "../keys.js";
import { serve } from "./runtime.js";

const TRIES = 12;
const WRONG_PROOFS = 10;
const REPLACED = 20;
/** Seconds that a notice to apps is kept. */
const NOTICE_KEPT = 7 * 24 * 60 * 60;
const CODES = ["request", "left-care", "court-order", "safety", "mistake", "other"];
const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

async function revoke(event, caller) {
  const claims = ticket(event);
  const { clientId, portalUserId } = event.pathParameters;
  if (!["admin", "staff"].includes(claims.role)) {
    const [[auditor], there] = await Promise.all([admit(claims, caller), exists(claims.practice, clientId)]);
    throw await refuse(auditor, there ? clientId : undefined, Problem.readOnly());
  }
  if (!ID.test(clientId) || !ID.test(portalUserId)) throw Problem.notFound();
  const body = json(event) ?? {};
  only(["reason"], body);
  const reason = body.reason == null ? undefined : why(body.reason);

  const { practice } = claims;
  const [staff, first] = await admit(claims, caller, chart(practice, clientId));
  for (let [read, tries] = [first, 1]; ; tries++) {
    const { client, users } = read;
    const user = users.find((one) => one.portalUserId === portalUserId);
    if (!user) throw await refuse(staff, clientId, Problem.notFound());
    if (user.access === "revoked") {
      await record(staff.event("portal-user-shown", { clientId }));
      return receipt(client, user);
    }
    const now = at();
    const receivesAlerts = client.alertRecipient === portalUserId;
    const notice = tell(practice, clientId, user, now);
    end(user, now);
    const { code, note } = reason ?? { code: "other" };
    Object.assign(user, { access: "revoked", version: user.version + 1, revoked: { at: now, code, note } });
    if (receivesAlerts) delete client.alertRecipient;
    client.portal = summary(users);

    const changed = ["status", ...(receivesAlerts ? ["alertRecipient"] : []), ...(reason ? ["reason"] : [])];
    const told = staff.event("access-revoked", { clientId, portalUserId, reason: code, changed });
    const changes = [replace(client), replace(user), closeGrant(practice, clientId, user)];
    if (await write([...(notice ? [insert(notice)] : []), ...changes], told)) {
      return receipt(client, user);
    }
    if (tries === TRIES) throw Problem.unavailable();
    await new Promise((resolve) => setTimeout(resolve, tries * tries));
    read = await chart(practice, clientId);
  }
}

/** Records a refusal; answers it. */
async function refuse(staff, clientId, problem) {
  await record(staff.event("refused", { ...(clientId && { clientId }), reason: problem.code }));
  return problem;
}

/** Whether a path names a client. */
async function exists(practice, client) {
  return ID.test(client) && Boolean(await get(key("client", { practice, client })));
}

/** Why access is revoked: a code, and perhaps a note. */
function why(reason) {
  if (typeof reason !== "object" || Array.isArray(reason)) {
    throw Problem.invalid("reason", "wrong_type", "This has the wrong type.");
  }
  only(["code", "note"], reason);
  const { code, note } = reason;
  if (!CODES.includes(code)) throw Problem.invalid("reason.code", "not_an_option", "This is not one of the options.");
  return { code, ...(note != null && { note: typed("reason.note", note, 500) }) };
}

/** A client and its portal users, in one query. */
async function chart(practice, clientId) {
  const [client, ...users] = await partition(partitionKey("chart", { practice, client: clientId }), SORT_KEYS_BEGIN.access);
  if (!client) throw Problem.notFound();
  return { client, users };
}

/** The apps that are open to a portal user, in sessions that live, are told, and listed there. Answers the notice, if
 *  there is one. */
function tell(practice, clientId, user, now) {
  const open = Object.entries(user.openApps ?? {})
    .map(([appId, app]) => ({ appId, ...app, sessions: app.sessions.filter((sid) => user.sessions[sid] > now) }))
    .filter(({ sessions }) => sessions.length)
    .sort((one, other) => (one.appId < other.appId ? -1 : 1));
  delete user.telling;
  if (!open.length) return undefined;
  const state = "telling";
  const notice = ulid();
  user.telling = { notice, apps: open.map(({ appId, name }) => ({ appId, name, state })) };
  return {
    ...key("notice", { practice, notice }),
    noticeId: notice,
    practice,
    account: open.at(-1).subject,
    about: [clientId, user.portalUserId],
    targets: open.flatMap(({ appId: app, sessions }) => sessions.map((sid) => ({ app, sid, state, attempts: 0 }))),
    queuedAt: now,
    pending: OUTBOX.pending,
    expiresAt: Math.floor(Date.parse(now) / 1000) + NOTICE_KEPT,
  };
}

/** Ends what a portal user has open, and notes it. */
function end(user, now) {
  const open = user.access === "invited" && user.invitation && isOpen(user.invitation, now);
  const ended = {
    sessions: Object.values(user.sessions).filter((until) => until > now).length,
    invitations: open ? 1 : 0,
    resets: user.resetUntil > now ? 1 : 0,
  };
  user.sessions = {};
  delete user.openApps;
  user.receipt = { at: now, ended };
  delete user.resetUntil;
  if (!user.enrolledAt && user.invitation) {
    const { hash, expiresAt } = user.invitation;
    const old = { hash, at: expiresAt < now ? expiresAt : now };
    user.replaced = [...(user.replaced ?? []), old].slice(-REPLACED);
    delete user.invitation;
  }
}

const isOpen = ({ usedAt, expiresAt, wrongProofs }, now) => !usedAt && expiresAt > now && wrongProofs < WRONG_PROOFS;

function summary(users) {
  const invited = users.filter(({ access, invitation }) => access === "invited" && invitation);
  const invitedUntil = invited.map(({ invitation }) => invitation.expiresAt).sort().at(-1);
  const active = users.filter(({ access }) => access === "active").length;
  return { users: users.length, active, ...(invitedUntil && { invitedUntil }) };
}

/** Closes the chart to the account of a portal user. */
function closeGrant(practice, clientId, { account }) {
  return amend(
    key("account", { practice, account }),
    {
      UpdateExpression: "SET #n0.#n1.#n2 = :s0 REMOVE #n0.#n1.#n3, #n4 ADD #rev :rev",
      ConditionExpression: "attribute_exists(PK) AND attribute_exists(#n0.#n1)",
      ExpressionAttributeNames: {
        "#n0": "grants",
        "#n1": clientId,
        "#n2": "active",
        "#n3": "invitedUntil",
        "#n4": "reset",
        "#rev": "rev",
      },
      ExpressionAttributeValues: { ":s0": { BOOL: false }, ":rev": { N: "1" } },
    },
  );
}

function receipt(client, user) {
  const last = user.receipt ?? { at: user.enrolledAt ?? at(), ended: { sessions: 0, invitations: 0, resets: 0 } };
  const mail = last.mail && user.mail?.kind === last.mail ? { kind: last.mail, state: user.mail.state } : undefined;
  return {
    portalUser: view(client, user),
    at: last.at,
    ended: last.ended,
    apps: user.telling?.apps ?? [],
    alertRecipient: client.alertRecipient ?? null,
    mail,
  };
}

function view(client, user) {
  const { portalUserId, name, username, email, relationship, permissions, access, invitation, mail, revoked, version } = user;
  const now = at();
  const shownMail = mail && { kind: mail.kind, state: mail.state, at: mail.at, reason: mail.reason };
  const unused = invitation && !invitation.usedAt;
  return {
    portalUserId,
    name,
    username,
    email,
    relationship,
    permissions,
    status: access === "invited" && !(invitation && isOpen(invitation, now)) ? "expired" : access,
    chartOwner: client.chartOwner === portalUserId,
    receivesAlerts: access === "active" && client.alertRecipient === portalUserId,
    invitation: unused ? { sentAt: invitation.sentAt, expiresAt: invitation.expiresAt } : undefined,
    mail: shownMail,
    lastSignInAt: user.lastSignInAt,
    ended: revoked && { at: revoked.at, reason: revoked.code, note: revoked.note },
    // None is open to somebody whose access is revoked.
    apps: user.telling?.apps,
    version,
  };
}

ready().then(() => serve((event) => frame(event, revoke)));
