// Back to a copy of the main table, without letting in anybody who was shut out since: what closed access
// after the copy's moment is done again, on the copy's items before they are written. So the table never
// holds an open door that had been closed, however often this is interrupted and begun anew.
//
// The history says what happened, and not to which values. Where that leaves a doubt, access stays closed,
// and staff who know better open it again:
//
//   revoked, deleted since             again
//   address or permissions changed     revoked; with an address, wherever the person has access: resets go there
//   password changed                   no password is right until the person chooses one, by a reset
//   invited anew, enrolled, reset …    the older invitation or reset that the copy holds ends
//   client edited                      its open invitations end, which its name and date of birth prove
//   alerts assigned                    they go to the practice's inbox
//   what this version does not know    revoked
//
// What was opened since (access activated, invitations, enrolments) stays lost. Sessions of the practices end,
// and until all is written no function runs.
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ConditionalCheckFailedException, DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import {
  DeleteFunctionConcurrencyCommand,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import {
  BatchGetCommand,
  BatchWriteCommand,
  GetCommand,
  paginateQuery,
  paginateScan,
  PutCommand,
} from "@aws-sdk/lib-dynamodb";
import { functionName, FUNCTIONS, reserved } from "../lib/functions.ts";
import { isKind, ITEMS, partitionKey, readPartition, SORT_KEYS_BEGIN } from "../lib/keys.ts";
import { DAY, ofDay } from "./archive.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { revokeEveryone } from "./practice.ts";

/** Clocks differ, and a change may be written seconds after the time it tells: what happened so long before
 *  the copy's moment is judged too. */
const MARGIN = 15 * 60 * 1000;
/** Longer than any function runs: after it, none that began before is left. */
const LAST_CALLS = 65_000;

/** An item of the main table. What this reads of it, `shared/src` declares; all else is passed on. */
type Item = { PK: string; SK: string } & Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

/** An event of the history, as `shared/src/history.rs` writes it. */
export interface Event {
  PK: string;
  SK: string;
  practice: string;
  clientId?: string;
  portalUserId?: string;
  at: string;
  action: string;
  changed?: string[];
  actor: { id: string; name: string; role: string };
  requestId: string;
  source: string;
  eventId: string;
}

/** Changes nothing that a restored table would have to know. */
const NOTHING = new Set([
  "client-opened",
  "client-shown",
  "portal-user-shown",
  "history-shown",
  "clients-searched",
  "portal-users-listed",
  "signed-in",
  "sign-in-refused",
  "signed-out",
  "staff-signed-in",
  "staff-signed-out",
  "refused",
]);
/** Opens access or changes a chart, and closes nothing but invitations and resets that it replaced. */
const OPENING = new Set([
  "client-created",
  "client-updated",
  "portal-user-added",
  "invitation-resent",
  "access-activated",
  "alert-recipient-assigned",
  "chart-owner-changed",
  "enrolled",
  "chart-joined",
  "enrollment-refused",
  "password-reset-requested",
]);

/** What happened to a chart, by the portal users whom it happened to. */
class Since {
  readonly named = new Set<string>();
  readonly deleted = new Set<string>();
  readonly closed = new Set<string>();
  readonly moved = new Set<string>();
  readonly password = new Set<string>();
  edited = false;
  alerts = false;

  add({ action, changed = [], portalUserId: user }: Event): void {
    if (action === "client-updated") this.edited = true;
    if (action === "alert-recipient-assigned") this.alerts = true;
    if (!user) {
      // Something of a later version, about nobody in particular.
      if (!OPENING.has(action))
        throw new Refusal(`What is ${action}? Restore with the version that wrote it.`);
      return;
    }
    this.named.add(user);
    if (action === "portal-user-deleted") this.deleted.add(user);
    else if (action === "password-changed") this.password.add(user);
    else if (action === "portal-user-updated") {
      if (changed.includes("email")) this.moved.add(user);
      if (changed.some((field) => field !== "name" && field !== "relationship")) this.closed.add(user);
    } else if (!OPENING.has(action)) this.closed.add(user);
  }
}

/** What is to be written otherwise than the copy has it: an item, or `null` for one that stays deleted. */
export type Otherwise = Map<string, Item | null>;

const at = ({ PK, SK }: { PK: string; SK: string }) => `${PK} ${SK}`;

/** Reads items of the copy. */
export interface Copy {
  chart(pk: string): Promise<Item[]>;
  account(pk: string): Promise<Item | undefined>;
}

export interface Plan {
  otherwise: Otherwise;
  /** What the history does not say already. */
  events: Event[];
  closed: number;
  deleted: number;
  passwords: number;
  invitations: number;
}

/** What the events of after the copy's moment make of the copy. */
export async function plan(copy: Copy, events: Event[], now: Date, name: string): Promise<Plan> {
  const charts = new Map<string, { since: Since; items: Item[] }>();
  const chart = async (pk: string) => {
    const known = charts.get(pk) ?? { since: new Since(), items: await copy.chart(pk) };
    charts.set(pk, known);
    return known;
  };
  const inOrder = [...events].sort((a, b) => (a.SK < b.SK ? -1 : 1));
  for (const event of inOrder) {
    if (event.clientId && !NOTHING.has(event.action)) (await chart(event.PK)).since.add(event);
  }
  const accounts = new Map<string, Item>();
  const accountOf = async (user: Item) => {
    const pk = accountKey(user);
    const account = accounts.get(pk) ?? structuredClone(await copy.account(pk));
    if (!account) throw new Refusal(`${at(user)} has no account ${pk}: who may enter cannot be said.`);
    accounts.set(pk, account);
    return account;
  };
  const userOf = (items: Item[], id: string) => items.find((item) => isKind("portalUser", item) && item["portalUserId"] === id);

  // A person is known by the account: with the old address back, all that it opens is in doubt.
  for (const { since, items } of [...charts.values()]) {
    for (const id of since.moved) {
      const user = userOf(items, id);
      if (!user) continue;
      const { practice } = readPartition("chart", user.PK)!;
      const { grants = {} } = await accountOf(user);
      for (const [client, grant] of Object.entries<Item>(grants)) {
        (await chart(partitionKey("chart", { practice: practice!, client }))).since.closed.add(
          grant["portalUserId"],
        );
      }
    }
  }

  const made: Plan = {
    otherwise: new Map(),
    events: [],
    closed: 0,
    deleted: 0,
    passwords: 0,
    invitations: 0,
  };
  const locked = new Set<string>();
  for (const [pk, { since, items }] of charts) {
    const client = items.find((item) => isKind("client", item));
    // Made after the copy's moment.
    if (!client) continue;
    const left: Item[] = [];
    for (const before of items.filter((item) => isKind("portalUser", item))) {
      const id = before["portalUserId"] as string;
      const user = structuredClone(before);
      if (since.named.has(id) || since.closed.has(id)) {
        const account = await accountOf(user);
        for (const one of [account, user]) one["sessions"] = {};
        delete account["reset"];
        delete user["resetUntil"];
        const grant = account["grants"]?.[client["clientId"]];
        if (since.deleted.has(id)) {
          delete account["grants"]?.[client["clientId"]];
          made.otherwise.set(at(user), null);
          made.deleted += 1;
          continue;
        }
        if (since.closed.has(id) && grant) {
          grant.active = false;
          delete grant.invitedUntil;
        }
        if (since.password.has(id) && account["password"] && !locked.has(account.PK)) {
          account["password"] = nobodys(account["password"]);
          locked.add(account.PK);
          made.passwords += 1;
          record("password-changed", id, ["password"]);
        }
        if (since.closed.has(id) && user["access"] !== "revoked") {
          user["access"] = "revoked";
          user["revoked"] = { at: now.toISOString(), code: "other" };
          if (!user["enrolledAt"]) delete user["invitation"];
          user["receipt"] = { at: now.toISOString(), ended: { sessions: 0, invitations: 0, resets: 0 } };
          made.closed += 1;
          record("access-revoked", id, ["status"]);
        }
      }
      if (user["access"] === "invited" && user["invitation"] && (since.edited || since.named.has(id))) {
        delete user["invitation"];
        const { grants } = await accountOf(user);
        delete grants?.[client["clientId"]]?.invitedUntil;
        made.invitations += 1;
      }
      left.push(user);
      if (isDeepStrictEqual(user, before)) continue;
      user["version"] += 1;
      made.otherwise.set(at(user), user);
    }
    made.otherwise.set(at(client), afterwards(client, left, since));

    /** One event for what nobody did, unless an earlier run wrote it, or somebody did just this. */
    function record(action: string, portalUserId: string, changed: string[]): void {
      const mine = inOrder.filter((one) => one.portalUserId === portalUserId && !NOTHING.has(one.action));
      const requestId = `restore ${name}`;
      if (mine.some((one) => one.requestId === requestId && one.action === action)) return;
      if (action === "access-revoked" && mine.at(-1)?.action === action) return;
      const eventId = ulid(now);
      const practice = readPartition("chart", pk)!["practice"]!;
      made.events.push({
        PK: pk,
        SK: eventId,
        eventId,
        practice,
        clientId: client!["clientId"],
        portalUserId,
        at: now.toISOString(),
        actor: { id: "", name: "Latchkey", role: "system" },
        action,
        changed,
        source: "",
        requestId,
      });
    }
  }
  for (const account of accounts.values()) {
    made.otherwise.set(at(account), Object.keys(account["grants"] ?? {}).length ? account : null);
  }
  return made;
}

/** The client, when so many portal users are left: `shared/src/chart.rs` keeps its summary and its rules. */
function afterwards(before: Item, users: Item[], since: Since): Item {
  const client = structuredClone(before);
  const of = (access: string) => users.filter((user) => user["access"] === access);
  const until = of("invited")
    .flatMap((user) => user["invitation"]?.expiresAt ?? [])
    .sort();
  client["portal"] = {
    users: users.length,
    active: of("active").length,
    ...(until.length && { invitedUntil: until.at(-1) }),
  };
  const there = (id: string) => users.some((user) => user["portalUserId"] === id);
  const recipient = users.find((user) => user["portalUserId"] === client["alertRecipient"]);
  if (since.alerts || !recipient || recipient["access"] === "revoked") delete client["alertRecipient"];
  if (!there(client["chartOwner"])) delete client["chartOwner"];
  return client;
}

/** The partition of a portal user's account, as the chart keeps it: its key is made with a secret. */
function accountKey(user: Item): string {
  const { practice } = readPartition("chart", user.PK)!;
  return partitionKey("account", { practice: practice!, account: user["account"] });
}

/** A hash of the same kind that is of no password: whoever has the account can still ask for a reset. */
function nobodys(phc: string): string {
  const parts = phc.split("$");
  const random = (old: string) =>
    randomBytes(Math.floor((old.length * 3) / 4))
      .toString("base64")
      .replaceAll("=", "");
  return [...parts.slice(0, -2), ...parts.slice(-2).map(random)].join("$");
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function ulid(now: Date): string {
  let time = "";
  for (let left = now.getTime(), place = 0; place < 10; place++, left = Math.floor(left / 32))
    time = CROCKFORD[left % 32] + time;
  return time + [...randomBytes(16)].map((byte) => CROCKFORD[byte % 32]).join("");
}

/** Of the moment, and no part of what is restored: sessions of staff, failures that were counted, requests
 *  that were answered. */
const momentary = (pk: string) =>
  (["staff", "lock", "network", "request"] as const).some((partition) => readPartition(partition, pk));
const isLock = (pk: string) =>
  (["lock", "network"] as const).some((partition) => readPartition(partition, pk));
const isPractice = (item: { PK: string; SK: string }) => isKind("practice", item);

/** Restores the table to what a restored copy of it holds. `history` is a copy of the history's table, if that
 *  was lost too. Says what it would do, and does it only when told to. */
export async function restore(
  d: Deployment,
  copy: string,
  options: { at?: string; history?: string; confirmed: boolean },
): Promise<void> {
  const table = await d.output("Table");
  const moment = await momentOf(d, copy, table, options.at);
  if (!options.confirmed) {
    const { closed, deleted, passwords, invitations } = await planned(d, copy, moment);
    d.say(`The table would be as it was at ${moment.toISOString()}: what was changed since would be lost.`);
    d.say(
      `Done again: ${closed} accesses closed, ${deleted} deleted, ${passwords} passwords ended, ${invitations} invitations ended.`,
    );
    d.say("Nobody can sign in meanwhile, and all sessions end. To do it: --confirm restore");
    return;
  }
  await close(d);
  d.say("Closed: no function runs until this is done. If it is interrupted, say it again.");
  await d.wait(LAST_CALLS);

  if (options.history) {
    for await (const items of scan(d, options.history)) await write(d, await d.output("HistoryTable"), items);
  }
  const made = await planned(d, copy, moment);
  let kept = 0;
  for await (const items of scan(d, copy)) {
    const puts: Item[] = [];
    for (const item of items) {
      const wanted = made.otherwise.has(at(item)) ? made.otherwise.get(at(item)) : item;
      if (!wanted || momentary(item.PK)) continue;
      if (isPractice(item)) await putNew(d, table, item);
      else puts.push(wanted);
    }
    await write(d, table, puts);
    kept += puts.length;
  }
  let gone = 0;
  const practices: string[] = [];
  for await (const items of scan(d, table, "PK, SK")) {
    practices.push(
      ...items.filter(isPractice).map(({ PK }) => readPartition("practice", PK)!["practice"]!),
    );
    const extra = await notIn(
      d,
      copy,
      items.filter((item) => !isPractice(item) && !isLock(item.PK)),
      made,
    );
    await write(d, table, [], extra);
    gone += extra.length;
  }
  await write(d, await d.output("HistoryTable"), made.events);
  for (const practice of practices) await revokeEveryone(d, practice);
  await open(d);
  d.say(`${kept} items are as they were at ${moment.toISOString()}; ${gone} that came later are gone.`);
  d.say(
    `Done again: ${made.closed} accesses closed, ${made.deleted} deleted, ${made.passwords} passwords ended, ${made.invitations} invitations ended.`,
  );
  d.say("Open again. What staff changed since must be done anew: history export tells it.");
}

/** The moment of a copy: what it says itself, or the earlier of that and what is given. */
async function momentOf(d: Deployment, copy: string, table: string, given?: string): Promise<Date> {
  if (copy === table) throw new Refusal("That is the table itself, and no copy of it.");
  const { Table } = await d.dynamodb.send(new DescribeTableCommand({ TableName: copy }));
  if (Table?.TableStatus !== "ACTIVE" || Table.RestoreSummary?.RestoreInProgress)
    throw new Refusal(`${copy} is not restored yet. Wait until it is active.`);
  const first = await scan(d, copy, "PK, SK").next();
  if (first.done || !first.value[0]?.PK || !first.value[0].SK)
    throw new Refusal(`${copy} holds nothing of ours.`);
  const said = Table.RestoreSummary?.RestoreDateTime?.getTime();
  const asked = given === undefined ? undefined : Date.parse(given);
  if (Number.isNaN(asked)) throw new Refusal("--at is a time, as in 2026-01-31T09:30:00Z.");
  const times = [said, asked].filter((time) => time !== undefined);
  if (!times.length) throw new Refusal(`${copy} does not say of when it is. Say it: --at`);
  return new Date(Math.min(...times));
}

async function planned(d: Deployment, copy: string, moment: Date): Promise<Plan> {
  const now = await d.clock();
  const events = await since(d, new Date(moment.getTime() - MARGIN), now);
  const from: Copy = {
    async chart(pk) {
      const items: Item[] = [];
      const pages = paginateQuery(
        { client: d.dynamodb },
        {
          TableName: copy,
          KeyConditionExpression: "PK = :pk AND begins_with(SK, :access)",
          ExpressionAttributeValues: { ":pk": pk, ":access": SORT_KEYS_BEGIN.access },
          ConsistentRead: true,
        },
      );
      for await (const { Items = [] } of pages) items.push(...(Items as Item[]));
      return items;
    },
    async account(PK) {
      const Key = { PK, SK: ITEMS.account.sortKey };
      const { Item } = await d.dynamodb.send(new GetCommand({ TableName: copy, Key, ConsistentRead: true }));
      return Item as Item | undefined;
    },
  };
  return plan(from, events, now, copy);
}

/** All events since a moment, of the table and of the archive, whichever of them may have been lost. */
async function since(d: Deployment, moment: Date, now: Date): Promise<Event[]> {
  const from = moment.toISOString();
  const found = new Map<string, Event>();
  const pages = paginateScan(
    { client: d.dynamodb },
    {
      TableName: await d.output("HistoryTable"),
      FilterExpression: "#at >= :from",
      ExpressionAttributeNames: { "#at": "at" },
      ExpressionAttributeValues: { ":from": from },
      ConsistentRead: true,
    },
  );
  for await (const { Items = [] } of pages) for (const one of Items as Event[]) found.set(at(one), one);
  for (let day = moment.getTime(); day < now.getTime() + DAY; day += DAY) {
    for (const one of (await ofDay(d, new Date(day).toISOString().slice(0, 10))) as unknown as Event[])
      if (one.at >= from) found.set(at(one), one);
  }
  return [...found.values()];
}

async function* scan(d: Deployment, TableName: string, only?: string): AsyncGenerator<Item[]> {
  const pages = paginateScan(
    { client: d.dynamodb },
    { TableName, ConsistentRead: true, ...(only && { ProjectionExpression: only }) },
  );
  for await (const { Items = [] } of pages) if (Items.length) yield Items as Item[];
}

/** A practice's settings stay as they are, where there are any. */
async function putNew(d: Deployment, TableName: string, Item: Item): Promise<void> {
  try {
    await d.dynamodb.send(
      new PutCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(PK)" }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

async function write(d: Deployment, table: string, puts: object[], deletes: Item[] = []): Promise<void> {
  const requests = [
    ...puts.map((Item) => ({ PutRequest: { Item } })),
    ...deletes.map(({ PK, SK }) => ({ DeleteRequest: { Key: { PK, SK } } })),
  ];
  for (let start = 0; start < requests.length; start += 25) {
    let left: NonNullable<ConstructorParameters<typeof BatchWriteCommand>[0]["RequestItems"]> | undefined = {
      [table]: requests.slice(start, start + 25) as never,
    };
    for (let pause = 50; left && Object.keys(left).length; pause = Math.min(2 * pause, 5000)) {
      left = (await d.dynamodb.send(new BatchWriteCommand({ RequestItems: left }))).UnprocessedItems;
      if (left && Object.keys(left).length) await d.wait(pause);
    }
  }
}

/** Those of the table's items that the copy does not have, or that are not to be. */
async function notIn(d: Deployment, copy: string, items: Item[], { otherwise }: Plan): Promise<Item[]> {
  const missing = new Map(items.map((item) => [at(item), item]));
  const asked = items.filter(({ PK }) => !momentary(PK));
  for (let start = 0; start < asked.length; start += 100) {
    let keys: { PK: string; SK: string }[] | undefined = asked
      .slice(start, start + 100)
      .map(({ PK, SK }) => ({ PK, SK }));
    for (let pause = 50; keys?.length; pause = Math.min(2 * pause, 5000)) {
      const answer = await d.dynamodb.send(
        new BatchGetCommand({
          RequestItems: { [copy]: { Keys: keys, ProjectionExpression: "PK, SK", ConsistentRead: true } },
        }),
      );
      for (const item of (answer.Responses?.[copy] ?? []) as Item[])
        if (otherwise.get(at(item)) !== null) missing.delete(at(item));
      keys = answer.UnprocessedKeys?.[copy]?.Keys as typeof keys;
      if (keys?.length) await d.wait(pause);
    }
  }
  return [...missing.values()];
}

const NAMES = Object.keys(FUNCTIONS);

/** Lets no function run. */
async function close(d: Deployment): Promise<void> {
  await onStream(d, false);
  for (const name of NAMES) {
    const FunctionName = functionName(d.settings, name);
    await d.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
  }
}

/** Lets them run as the stack has it. */
async function open(d: Deployment): Promise<void> {
  for (const name of NAMES) {
    const FunctionName = functionName(d.settings, name);
    const ReservedConcurrentExecutions = reserved(d.settings, name);
    await (ReservedConcurrentExecutions
      ? d.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }))
      : d.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName })));
  }
  await onStream(d, true);
}

/** Whether the table's stream drives `send-mail`: what it cannot hand on, it would give up. */
async function onStream(d: Deployment, Enabled: boolean): Promise<void> {
  const FunctionName = functionName(d.settings, "send-mail");
  const { EventSourceMappings = [] } = await d.lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName }),
  );
  for (const { UUID } of EventSourceMappings)
    await d.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
}
