// The staff lists of the practices, and the people of the pool that the stack made: how the first admin comes in, and
// what to do when no admin can. The items are those that `shared/src/team.rs` reads.
import { createHmac, randomBytes } from "node:crypto";
import {
  AdminCreateUserCommand,
  AdminDeleteSoftwareTokenCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  UserNotFoundException,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { paginateQuery, TransactWriteCommand, type TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import { key, partitionKey } from "../lib/keys.ts";
import { ROLES } from "../lib/staff.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { load } from "./practice.ts";

export type Role = (typeof ROLES)[number];

export interface Person {
  email: string;
  name: string;
  practice: string;
  role: Role;
}

/** A person of a list as stored: `shared/src/team.rs` has the meaning. */
interface Member {
  staffId: string;
  name: string;
  email: string;
  role: Role;
  subject?: string;
  epoch: string;
  lastSignInAt?: string;
  version: number;
  rev: number;
}

type Writes = NonNullable<TransactWriteCommandInput["TransactItems"]>;

/** The name of a person in the pool, however the address was typed; also how addresses compare. */
const folded = (email: string) => email.trim().toLowerCase();

/** Puts a person on a practice's list, or gives them another role or name there: then their sessions end, and they are
 *  matched anew by the address, whoever they were at the issuer. New people of our own pool get a mail with a password
 *  for once, and enrol their second factor at the first sign-in. Those who did not use the password in time get another
 *  one by being added again. */
export async function add(d: Deployment, person: Person): Promise<void> {
  const { name, practice, role } = person;
  const email = person.email.trim();
  if (!ROLES.includes(role)) throw new Refusal(`The role is one of ${ROLES.join(", ")}.`);
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) throw new Refusal("Give the person's e-mail address.");
  if (!name.trim() || name.length > 100) throw new Refusal("Give the person's name, of 100 characters at most.");
  if (!(await load(d, practice))) throw new Refusal(`There is no practice ${practice}. First: practice put`);
  const login = await emailKey(d, email);
  // Before the list: nobody is on it whom the pool does not know.
  await letIn(d, email, name);
  await change(d, practice, (members) => {
    const known = members.find((member) => folded(member.email) === folded(email));
    const staffId = known?.staffId ?? ulid();
    const { subject, ...before } = known ?? {};
    const after = { ...before, staffId, name, email, role, epoch: ulid() };
    const Key = key("member", { practice, staff: staffId });
    const writes: Writes = [
      known
        ? { Put: put({ ...Key, ...after, version: known.version + 1, rev: known.rev + 1 }, known.rev) }
        : { Put: put({ ...Key, ...after, version: 1, rev: 1 }) },
    ];
    if (!known) writes.push({ Put: put({ ...key("login", { login, practice }), practice, staffId, rev: 1 }) });
    if (subject) writes.push({ Delete: { TableName: undefined, Key: key("login", { login: subject, practice }) } });
    return { writes, action: known ? "staff-updated" : "staff-added", of: { staffId, name } };
  });
  d.say(`${name} may sign in to ${await d.output("StaffSite")} as ${role} of ${practice}.`);
}

/** Takes a person off the list of a practice, or off all of them: the sessions end with the next request. One who is on
 *  no list any more cannot sign in to our own pool either. */
export async function remove(d: Deployment, email: string, practice?: string): Promise<void> {
  const login = await emailKey(d, email);
  const all = await practicesOf(d, login);
  const from = all.filter((one) => !practice || one === practice);
  if (!from.length) throw new Refusal(`${email} is not on that staff list.`);
  if (from.length === all.length) await shutOut(d, email);
  for (const practice of from) await change(d, practice, (members) => off(members, practice, email, login));
  d.say(`${email} is off the staff list of ${from.join(", ")}; their sessions there are over.`);
}

function off(members: Member[], practice: string, email: string, login: string): Changed | undefined {
  const member = members.find((member) => folded(member.email) === folded(email));
  if (!member) return undefined;
  const { staffId, name, subject, rev } = member;
  const gone = [{ login, practice }, ...(subject ? [{ login: subject, practice }] : [])];
  return {
    writes: [
      { Delete: { TableName: undefined, Key: key("member", { practice, staff: staffId }), ...seen(rev) } },
      ...gone.map((values) => ({ Delete: { TableName: undefined, Key: key("login", values) } })),
    ],
    action: "staff-removed",
    of: { staffId, name },
  };
}

/** For a lost authenticator: it is forgotten, the sessions end, and the person enrols another at the next sign-in. The
 *  pool requires a second factor, so that to switch it off by preference would do nothing. */
export async function reset(d: Deployment, email: string): Promise<void> {
  const user = { UserPoolId: await d.output("StaffPool"), Username: folded(email) };
  await d.cognito.send(new AdminDeleteSoftwareTokenCommand(user));
  await end(d, email);
  d.say(`${email} enrols an authenticator at the next sign-in; the sessions of before are over.`);
}

/** Ends a person's sessions in every practice. */
export async function endSessions(d: Deployment, email: string): Promise<void> {
  const ended = await end(d, email);
  if (!ended.length) throw new Refusal(`${email} is on no staff list.`);
  d.say(`The sessions of ${email} in ${ended.join(", ")} are over. Whether they may sign in again, the lists say.`);
}

async function end(d: Deployment, email: string): Promise<string[]> {
  const practices = await practicesOf(d, await emailKey(d, email));
  for (const practice of practices) {
    await change(d, practice, (members) => {
      const member = members.find((member) => folded(member.email) === folded(email));
      if (!member) return undefined;
      const { staffId, name, rev } = member;
      const Item = { ...key("member", { practice, staff: staffId }), ...member, epoch: ulid(), rev: rev + 1 };
      return { writes: [{ Put: put(Item, rev) }], action: "staff-sessions-ended", of: { staffId, name } };
    });
  }
  return practices;
}

/** Lets a person sign in to our own pool; another issuer knows by itself whom it signs in. */
async function letIn(d: Deployment, email: string, name: string): Promise<void> {
  if (d.settings.issuer) return;
  const user = { UserPoolId: await d.output("StaffPool"), Username: folded(email) };
  const attributes = [
    { Name: "email", Value: email },
    { Name: "email_verified", Value: "true" },
    { Name: "name", Value: name },
  ];
  const invite = (resend: boolean) =>
    d.cognito.send(
      new AdminCreateUserCommand({
        ...user,
        ...(resend ? { MessageAction: "RESEND" } : { UserAttributes: attributes }),
        TemporaryPassword: `${randomBytes(15).toString("base64url")}-aA1`,
        DesiredDeliveryMediums: ["EMAIL"],
      }),
    );
  try {
    await invite(false);
  } catch (error) {
    if (!(error instanceof UsernameExistsException)) throw error;
    const { UserStatus } = await d.cognito.send(new AdminGetUserCommand(user));
    await d.cognito.send(new AdminEnableUserCommand(user));
    if (UserStatus === "FORCE_CHANGE_PASSWORD") await invite(true);
  }
}

async function shutOut(d: Deployment, email: string): Promise<void> {
  if (d.settings.issuer) return;
  const user = { UserPoolId: await d.output("StaffPool"), Username: folded(email) };
  try {
    await d.cognito.send(new AdminDisableUserCommand(user));
  } catch (error) {
    if (!(error instanceof UserNotFoundException)) throw error;
  }
}

/** What a change of a list writes, of whom, and what it is. */
interface Changed {
  /** Without the table's name. */
  writes: Writes;
  action: "staff-added" | "staff-updated" | "staff-removed" | "staff-sessions-ended";
  of: { staffId: string; name: string };
}

/** How often a change is decided anew because somebody else changed the list meanwhile. */
const TRIES = 10;

/** Changes a list as the functions do: decided on the whole of it, in its turn, with an event. */
async function change(
  d: Deployment,
  practice: string,
  decide: (members: Member[]) => Changed | undefined,
): Promise<void> {
  const [TableName, history] = [await d.output("Table"), await d.output("HistoryTable")];
  for (let tried = 1; ; tried += 1) {
    const { members, turn } = await read(d, practice);
    const changed = decide(members);
    if (!changed) return;
    const at = new Date().toISOString();
    const eventId = ulid();
    const event = {
      ...key("practiceEvent", { practice, day: at.slice(0, 10), event: eventId }),
      eventId,
      practice,
      at,
      actor: { id: "", name: "Latchkey", role: "system" },
      action: changed.action,
      staff: changed.of,
      changed: [],
      source: "",
      requestId: `ops ${eventId}`,
    };
    const next: Writes[number] = { Put: put({ ...key("team", { practice }), rev: turn + 1 }, turn) };
    const writes: Writes = [...changed.writes, next].map(({ Put, Delete }) => ({
      ...(Put && { Put: { ...Put, TableName } }),
      ...(Delete && { Delete: { ...Delete, TableName } }),
    }));
    writes.push({ Put: { ...put(event), TableName: history } });
    try {
      await d.dynamodb.send(new TransactWriteCommand({ TransactItems: writes }));
      return;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException) || tried === TRIES) throw error;
      await d.wait(100 * tried);
    }
  }
}

/** A list, and how often it was changed. */
async function read(d: Deployment, practice: string): Promise<{ members: Member[]; turn: number }> {
  const own = key("team", { practice });
  const items = await query(d, own.PK);
  const turn = items.find(({ SK }) => SK === own.SK);
  const members = items.filter((item) => item !== turn).map(({ PK, SK, ...member }) => member);
  return { members: members as unknown as Member[], turn: Number(turn?.["rev"] ?? 0) };
}

async function practicesOf(d: Deployment, login: string): Promise<string[]> {
  const items = await query(d, partitionKey("login", { login }));
  return items.map(({ practice }) => String(practice)).sort();
}

async function query(d: Deployment, PK: string): Promise<Record<string, unknown>[]> {
  const pages = paginateQuery(
    { client: d.dynamodb },
    {
      TableName: await d.output("Table"),
      KeyConditionExpression: "PK = :pk",
      ExpressionAttributeValues: { ":pk": PK },
      ConsistentRead: true,
    },
  );
  const found = [];
  for await (const { Items = [] } of pages) found.push(...Items);
  return found;
}

/** Writes an item over the one that was read, or one that must not be there yet. */
function put(Item: Record<string, unknown>, rev = 0) {
  return { TableName: undefined, Item, ...(rev ? seen(rev) : { ConditionExpression: "attribute_not_exists(PK)" }) };
}

const seen = (rev: number) => ({
  ConditionExpression: "rev = :seen",
  ExpressionAttributeValues: { ":seen": rev },
});

/** Where the lists with an address are found: `email_key` of `shared/src/team.rs`. */
async function emailKey(d: Deployment, email: string): Promise<string> {
  const { SecretString = "" } = await d.secrets.send(
    new GetSecretValueCommand({ SecretId: d.names.tokenSecret }),
  );
  return loginKey(SecretString, "staff e-mail", folded(email));
}

/** A digest under the lasting part of the token key, as `shared/src/context.rs` makes it. */
export function loginKey(secret: string, purpose: string, ...parts: string[]): string {
  const mac = createHmac("sha256", secret.split(".")[0]!).update(purpose);
  for (const part of parts.map((part) => Buffer.from(part))) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(part.length));
    mac.update(length).update(part);
  }
  return mac.digest().subarray(0, 16).toString("base64url");
}

/** A new id: 48 bits of time and 80 of randomness in Crockford's base 32. */
function ulid(): string {
  let number = (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let text = "";
  for (let place = 0; place < 26; place += 1) {
    text = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number(number & 31n)] + text;
    number >>= 5n;
  }
  return text;
}
