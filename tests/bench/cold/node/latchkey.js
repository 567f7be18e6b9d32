// What the functions in Node share, as the Rust crate `shared` has it for the real ones: the frame around
// every request, the check of the session, the table.
import {
  BatchGetItemCommand,
  DescribeEndpointsCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { key } from "../keys.js";

const TABLE = process.env.TABLE;
const HISTORY = process.env.HISTORY_TABLE;
const COOKIE = "__Host-latchkey-staff";
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "strict-transport-security": "max-age=63072000; includeSubDomains",
  "cross-origin-resource-policy": "same-origin",
};

const dynamodb = new DynamoDBClient({ maxAttempts: 3 });
// As in Rust: whatever this answers, the connection stands before the first event comes.
const connected = dynamodb.send(new DescribeEndpointsCommand({})).catch(() => {});
const keys = new Map(
  JSON.parse(process.env.VERIFYING_KEYS).keys.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]),
);

/** Resolves once there is a connection to the table. */
export const ready = () => connected;

/** An answer that is a problem (RFC 9457). */
export class Problem extends Error {
  constructor(status, code, title, detail, fields) {
    super(code);
    Object.assign(this, { status, code, title, detail, fields });
  }

  static notFound = () => new Problem(404, "not_found", "Not found", "There is nothing here.");
  static signedOut = () => new Problem(401, "signed_out", "Not signed in", "Sign in to go on.");
  static readOnly = () =>
    new Problem(403, "read_only", "Not allowed", "Your role can look but not change anything.");
  static crossSite = () =>
    new Problem(
      403,
      "cross_site",
      "Not from this site",
      "This is taken only from the site itself. A change needs Origin or Sec-Fetch-Site.",
    );
  static mediaType = () =>
    new Problem(415, "media_type", "Wrong media type", "Send the body as application/json.");
  static malformed = () =>
    new Problem(400, "malformed", "The body is not valid JSON", "The body is not valid JSON.");
  static unavailable = () =>
    new Problem(
      503,
      "unavailable",
      "Not available just now",
      "Something we depend on did not answer. Nothing was lost; please try again.",
    );
  static invalid = (field, code, message) =>
    new Problem(400, "invalid", "Some input is not valid", message, [{ field, code, message }]);
  static refused = (field, code, message) =>
    new Problem(422, code, "This cannot be accepted", message, [{ field, code, message }]);
}

/** The frame around every request: whether it comes from our pages, problems, headers, the log. */
export async function frame(event, handle) {
  const began = Date.now();
  const { method } = event.requestContext.http;
  const viewer = event.headers["cloudfront-viewer-address"] ?? "";
  const caller = { requestId: ulid(), source: viewer.slice(0, viewer.lastIndexOf(":")).replace(/[[\]]/g, "") };
  let status = 200;
  let type = "application/json";
  let body;
  let problem;
  try {
    if (!comesFromOurPages(event, method)) throw Problem.crossSite();
    body = await handle(event, caller);
  } catch (error) {
    problem = error instanceof Problem ? error : Problem.unavailable();
    ({ status } = problem);
    type = "application/problem+json";
    const { code, title, detail, fields } = problem;
    body = { type: `urn:latchkey:problem:${code}`, title, status, code, detail, requestId: caller.requestId, fields };
  }
  const milliseconds = Date.now() - began;
  tell(event, caller, status, problem, milliseconds);
  return {
    statusCode: status,
    headers: { "content-type": type, ...HEADERS, "x-request-id": caller.requestId },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

function comesFromOurPages({ headers }, method) {
  if (["GET", "HEAD", "OPTIONS"].includes(method)) return true;
  const { origin, "sec-fetch-site": site } = headers;
  if (origin === undefined && site === undefined) return false;
  return (origin ?? process.env.STAFF_ORIGIN) === process.env.STAFF_ORIGIN && (site ?? "same-origin") === "same-origin";
}

/** The line of the log. */
function tell(event, { requestId }, status, problem, milliseconds) {
  const { method } = event.requestContext.http;
  const fields = { message: "request", requestId, method, route: event.routeKey, status, code: problem?.code, milliseconds };
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), level: "INFO", fields }));
}

/** The strict reading of a JSON body. */
export function json(event) {
  if (!event.body) return undefined;
  const media = (event.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  if (media !== "application/json") throw Problem.mediaType();
  try {
    return JSON.parse(event.isBase64Encoded ? Buffer.from(event.body, "base64") : event.body);
  } catch {
    throw Problem.malformed();
  }
}

/** Refuses members that are not among `known`. */
export function only(known, body) {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw Problem.invalid("body", "wrong_type", "This has the wrong type.");
  }
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown) throw Problem.invalid(unknown, "unknown", "There is no such field here.");
}

/** A text that was typed: trimmed, composed, measured, without what cannot be shown. */
export function typed(field, value, most) {
  if (value === undefined) throw Problem.invalid(field, "missing", "This field is needed.");
  if (typeof value !== "string") throw Problem.invalid(field, "wrong_type", "This has the wrong type.");
  const text = value.trim().normalize("NFC");
  if (/[\p{Cc}\u202A-\u202E\u2066-\u2069\uFEFF]/u.test(text)) {
    throw Problem.invalid(field, "control_character", "Remove characters that cannot be shown.");
  }
  if ([...value].length > most) throw Problem.invalid(field, "too_long", "This is too long.");
  if (!text) throw Problem.invalid(field, "empty", "Enter something here.");
  return text;
}

/** Who says to be calling: the claims of a token that we signed (ES256) and that has not expired. */
export function ticket(event) {
  const pairs = (event.cookies ?? []).flatMap((cookie) => cookie.split(";")).map((pair) => pair.trim());
  const token = pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  const claims = token && claimsOf(token);
  if (!claims) throw Problem.signedOut();
  return claims;
}

function claimsOf(token) {
  const [head, body, signature, more] = token.split(".");
  if (!signature || more !== undefined) return undefined;
  try {
    const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
    const header = read(head);
    const key = keys.get(header.kid);
    if (!key || header.alg !== "ES256" || header.typ !== "JWT" || "crit" in header) return undefined;
    const signed = Buffer.from(`${head}.${body}`);
    const how = { key, dsaEncoding: "ieee-p1363" };
    if (!verify("sha256", signed, how, Buffer.from(signature, "base64url"))) return undefined;
    const claims = read(body);
    const now = Math.floor(Date.now() / 1000);
    const ours = claims.iss === process.env.TOKEN_ISSUER && claims.aud === "latchkey:staff" && claims.sub;
    return ours && claims.exp > now && claims.iat <= now + 60 ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** Runs two reads side by side; when both fail, it is the first that counts, whichever was faster. */
async function both(first, second) {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}

/** Checks the session beside the first read: moves its idle end on the condition that it lives. */
export async function admit(claims, caller, read) {
  const [{ session, practice, member }, found] = await both(check(claims), read);
  const event = (action, about) => ({
    eventId: ulid(),
    practice: claims.practice,
    ...about,
    at: at(),
    actor: { id: claims.sub, name: member.name, role: member.role },
    action,
    changed: about.changed ?? [],
    source: caller.source,
    requestId: caller.requestId,
  });
  return [{ session, practice, event }, found];
}

async function check({ practice, sub, sid, idle, exp }) {
  const now = Date.now();
  const alive = dynamodb
    .send(
      new UpdateItemCommand({
        TableName: TABLE,
        Key: marshall(key("staffSession", { practice, staff: sub, session: sid })),
        UpdateExpression: "SET #n0 = :s0 ADD #rev :rev",
        ConditionExpression: "attribute_exists(PK) AND #n0 > :v0 AND #n1 > :v0",
        ExpressionAttributeNames: { "#n0": "idleEndsAt", "#n1": "endsAt", "#rev": "rev" },
        ExpressionAttributeValues: marshall({
          ":v0": at(now),
          ":s0": at(Math.min(now + idle * 1000, exp * 1000)),
          ":rev": 1,
        }),
        ReturnValues: "ALL_NEW",
      }),
    )
    .then(({ Attributes }) => unmarshall(Attributes))
    .catch((error) => {
      if (error.name === "ConditionalCheckFailedException") return undefined;
      throw error;
    });
  const wanted = [key("practice", { practice }), key("member", { practice, staff: sub })];
  const [session, items] = await both(alive, getMany(wanted));
  const [settings, member] = wanted.map(({ SK }) => items.find((item) => item.SK === SK));
  const ended = settings?.sessionsFrom && session && session.beganAt <= settings.sessionsFrom;
  if (!session || !settings || session.epoch !== member?.epoch || ended) throw Problem.signedOut();
  return { session, practice: settings, member };
}

/** An item. */
export async function get(key) {
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: TABLE, Key: marshall(key), ConsistentRead: true }),
  );
  return Item && unmarshall(Item);
}

/** Up to 100 items by their keys, in one request. */
export async function getMany(wanted) {
  const found = [];
  let Keys = wanted.map((key) => marshall(key));
  while (Keys.length) {
    const { Responses, UnprocessedKeys } = await dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [TABLE]: { Keys, ConsistentRead: true } } }),
    );
    found.push(...Responses[TABLE].map((item) => unmarshall(item)));
    Keys = UnprocessedKeys?.[TABLE]?.Keys ?? [];
  }
  return found;
}

/** All items of a partition whose sort keys begin so. */
export async function partition(pk, prefix) {
  const items = [];
  let ExclusiveStartKey;
  do {
    const page = await dynamodb.send(
      new QueryCommand({
        TableName: TABLE,
        KeyConditionExpression: "PK = :pk AND begins_with(SK, :prefix)",
        ExpressionAttributeValues: marshall({ ":pk": pk, ":prefix": prefix }),
        ConsistentRead: true,
        ExclusiveStartKey,
      }),
    );
    items.push(...page.Items.map((item) => unmarshall(item)));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return items;
}

/** One page of search entries, and the sort key after which it goes on. */
export async function searchPage(pk, prefix, contain, after, Limit) {
  const words = Object.fromEntries(contain.map((word, i) => [`:w${i}`, word]));
  const { Items, LastEvaluatedKey } = await dynamodb.send(
    new QueryCommand({
      TableName: TABLE,
      KeyConditionExpression: prefix ? "PK = :pk AND begins_with(SK, :prefix)" : "PK = :pk",
      ExpressionAttributeValues: marshall({ ":pk": pk, ...(prefix && { ":prefix": prefix }), ...words }),
      ...(contain.length && { FilterExpression: contain.map((_, i) => `contains(words, :w${i})`).join(" AND ") }),
      ...(after && { ExclusiveStartKey: marshall({ PK: pk, SK: after }) }),
      Limit,
    }),
  );
  return { items: Items.map((item) => unmarshall(item)), stopped: LastEvaluatedKey?.SK.S };
}

/** The key of an event in the history. */
const place = ({ practice, clientId: client, at: when, eventId: event }) =>
  client
    ? key("clientEvent", { practice, client, event })
    : key("practiceEvent", { practice, day: when.slice(0, 10), event });

const eventPut = (event) => ({
  TableName: HISTORY,
  Item: marshall({ ...event, ...place(event) }),
  ConditionExpression: "attribute_not_exists(PK)",
});

/** Adds one event and nothing else. */
export async function record(event) {
  await dynamodb.send(new PutItemCommand(eventPut(event)));
}

/** Writes over an item that was read, which must still be at its `rev`. */
export const replace = ({ rev, ...item }) => ({
  Put: {
    TableName: TABLE,
    Item: marshall({ ...item, rev: rev + 1 }, { removeUndefinedValues: true }),
    ConditionExpression: "rev = :seen",
    ExpressionAttributeValues: marshall({ ":seen": rev }),
  },
});

/** Writes an item that is not there yet. */
export const insert = (item) => ({
  Put: {
    TableName: TABLE,
    Item: marshall({ ...item, rev: 1 }, { removeUndefinedValues: true }),
    ConditionExpression: "attribute_not_exists(PK)",
  },
});

/** Updates parts of an item that was not read. */
export const amend = (Key, update) => ({ Update: { TableName: TABLE, Key: marshall(Key), ...update } });

/** Writes all of it with its event, or nothing: whether that was done, or somebody else was faster. */
export async function write(items, event) {
  try {
    await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [...items, { Put: eventPut(event) }] }));
    return true;
  } catch (error) {
    const again = ["None", "ConditionalCheckFailed", "TransactionConflict"];
    if (error.CancellationReasons?.every(({ Code }) => again.includes(Code))) return false;
    throw error;
  }
}

/** A moment as the table and the API write it. */
export const at = (milliseconds = Date.now()) => new Date(milliseconds).toISOString();

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID: 48 bits of time, 80 of chance. */
export function ulid() {
  let bits = (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let text = "";
  for (let i = 0; i < 26; i++, bits >>= 5n) text = ALPHABET[Number(bits & 31n)] + text;
  return text;
}
