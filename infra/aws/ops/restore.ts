// Back to a copy of the main table, without letting in anybody who was shut out since.
//
// From the moment that everything is closed until it is opened, no function runs, so it is enough that the
// table is right before it is opened: it becomes what the copy is, and then the program `latchkey-restore`
// (`infra/restore`) closes on it what the history says was closed since, by the rules of access themselves.
// It is opened only after that program ended well. Whatever interrupts it, nobody comes in until it is begun
// anew and goes through.
//
// What was opened since (access activated, invitations, enrolments) stays lost. Sessions of the practices end.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { ConditionalCheckFailedException, DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import {
  DeleteFunctionConcurrencyCommand,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { BatchGetCommand, BatchWriteCommand, paginateScan, PutCommand } from "@aws-sdk/lib-dynamodb";
import { functionName, FUNCTIONS, reserved } from "../lib/functions.ts";
import { isKind, readPartition } from "../lib/keys.ts";
import { STREAMED } from "../lib/keys.ts";
import { DAY, ofDay } from "./archive.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { revokeEveryone } from "./practice.ts";

/** What happened so long before the copy's moment may matter too, as a code that was printed two days ago and works
 *  still: the program judges which of it does. */
const BEFORE = 2 * 24 * 60 * 60 * 1000;
/** Longer than any function runs: after it, none that began before is left. */
const LAST_CALLS = 65_000;

/** An item, of which nothing matters here but its key. */
type Item = { PK: string; SK: string };

/** An event of the history: when it happened is all that is read of it here. */
type Event = Item & { at: string };

const at = ({ PK, SK }: Item) => `${PK} ${SK}`;

/** How much the program closed, or would close. */
interface Closed {
  revoked: number;
  deleted: number;
  passwords: number;
  factors: number;
  links: number;
  charts: number;
  safe: number;
  apps: number;
  staff: number;
}

const told = ({ revoked, deleted, passwords, factors, links, charts, safe, apps, staff }: Closed) =>
  `Closed again: ${revoked} accesses revoked, ${deleted} deleted, ${passwords} passwords ended, ${factors} second factors or codes taken away, ${links} with open links ended, ${charts} charts closed, ${safe} put under safe contact, ${apps} apps switched off, ${staff} people off the staff lists.`;

/** What counts for the moment alone and is no part of what is restored: sessions of staff, answers to repeated
 *  requests, and what was counted. */
const momentary = (pk: string) =>
  isCounted(pk) || (["staff", "request"] as const).some((partition) => readPartition(partition, pk));
/** Counted failures, mails and posts: they stay as they are. */
const isCounted = (pk: string) =>
  (["lock", "network", "budget", "posts"] as const).some((partition) => readPartition(partition, pk));
/** Of alerts that waited at the moment most were sent since, and nobody knows which: the practice's inbox gets them,
 *  which can look, and no client is told twice. */
const toInbox = (item: Item): Item =>
  isKind("alert", item) && "pending" in item ? { ...item, toInbox: true } as Item : item;
const isPractice = (item: Item) => isKind("practice", item);

/** Restores the table to what a restored copy of it holds. `history` is a copy of the history's table, if that
 *  was lost too. Says what it would do, and does it only when told to. */
export async function restore(
  d: Deployment,
  copy: string,
  options: { at?: string; history?: string; confirmed: boolean },
): Promise<void> {
  const table = await d.output("Table");
  const moment = await momentOf(d, copy, table, options.at);
  // Also when it is confirmed: what cannot be decided is said before anybody is shut out.
  const planned = await closeAgain(d, copy, moment, "rehearsal");
  if (!options.confirmed) {
    d.say(`The table would be as it was at ${moment.toISOString()}: what was changed since would be lost.`);
    d.say(told(planned));
    d.say("Nobody can sign in meanwhile, and all sessions end. To do it: --confirm restore");
    return;
  }
  await close(d);
  d.say("Closed: no function runs until this is done. If it is interrupted, say it again.");
  await d.wait(LAST_CALLS);

  if (options.history) {
    for await (const items of scan(d, options.history)) await write(d, await d.output("HistoryTable"), items);
  }
  let kept = 0;
  for await (const items of scan(d, copy)) {
    const lasting = items.filter(({ PK }) => !momentary(PK));
    for (const practice of lasting.filter(isPractice)) await putNew(d, table, practice);
    const puts = lasting.filter((item) => !isPractice(item)).map(toInbox);
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
      items.filter((item) => !isPractice(item) && !isCounted(item.PK)),
    );
    await write(d, table, [], extra);
    gone += extra.length;
  }
  const closed = await closeAgain(d, copy, moment, "table");
  for (const practice of practices) await revokeEveryone(d, practice);
  await open(d);
  d.say(`${kept} items are as they were at ${moment.toISOString()}; ${gone} that came later are gone.`);
  d.say(told(closed));
  d.say("Open again. What staff changed since must be done anew: history export tells it.");
}

/** Has the program close what closed since: on the table, or as a rehearsal on the copy, which writes nothing.
 *  It decides by AWS's clock and acts with the operator's rights. */
async function closeAgain(
  d: Deployment,
  copy: string,
  moment: Date,
  on: "rehearsal" | "table",
): Promise<Closed> {
  const now = await d.clock();
  const events = await since(d, new Date(moment.getTime() - BEFORE), now);
  const { accessKeyId, secretAccessKey, sessionToken } = await d.dynamodb.config.credentials();
  const [command, ...words] = PROGRAM();
  const program = spawn(
    command,
    [
      ...words,
      copy,
      ...["--moment", moment.toISOString(), "--now", now.toISOString()],
      ...(on === "rehearsal" ? ["--rehearse"] : []),
    ],
    {
      cwd: CHECKOUT,
      env: {
        ...process.env,
        TABLE: on === "rehearsal" ? copy : await d.output("Table"),
        HISTORY_TABLE: await d.output("HistoryTable"),
        TOKEN_SECRET_ARN: d.names.tokenSecret,
        AWS_REGION: d.settings.region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken ?? "",
      },
    },
  );
  const ended = new Promise<number | null>((done, failed) => {
    program.once("close", done);
    program.once("error", failed);
  });
  const lines = Readable.from(events.map((event) => `${JSON.stringify(event)}\n`));
  const [code, said, why] = await Promise.all([
    ended.catch((error: Error) => {
      throw new Refusal(`${command} cannot be started (${error.message}). Build it, and name it in LATCHKEY_RESTORE.`);
    }),
    text(program.stdout),
    text(program.stderr),
    // A program that ended before it had read them all says itself why.
    pipeline(lines, program.stdin).catch(() => undefined),
  ]);
  if (code !== 0) throw new Refusal(`What closed since cannot be closed again. ${why.trim() || `It ended with ${code}.`}`);
  return JSON.parse(said) as Closed;
}

const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

/** The program that knows the rules: one that was built already, or the one of this checkout. */
const PROGRAM = (): [string, ...string[]] => {
  const built = process.env["LATCHKEY_RESTORE"];
  if (built) return [resolve(built)];
  return ["cargo", "run", "--locked", "--quiet", "--package", "latchkey-restore", "--"];
};

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

/** Those of the table's items that the copy does not have. */
async function notIn(d: Deployment, copy: string, items: Item[]): Promise<Item[]> {
  const missing = new Map(items.map((item) => [at(item), item]));
  const asked = items.filter(({ PK }) => !momentary(PK));
  for (let start = 0; start < asked.length; start += 100) {
    let keys: Item[] | undefined = asked.slice(start, start + 100).map(({ PK, SK }) => ({ PK, SK }));
    for (let pause = 50; keys?.length; pause = Math.min(2 * pause, 5000)) {
      const answer = await d.dynamodb.send(
        new BatchGetCommand({
          RequestItems: { [copy]: { Keys: keys, ProjectionExpression: "PK, SK", ConsistentRead: true } },
        }),
      );
      for (const item of (answer.Responses?.[copy] ?? []) as Item[]) missing.delete(at(item));
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

/** Whether the table's stream drives the functions behind it: what it cannot hand on, it would give up. */
async function onStream(d: Deployment, Enabled: boolean): Promise<void> {
  for (const name of Object.keys(STREAMED)) {
    const FunctionName = functionName(d.settings, name);
    const { EventSourceMappings = [] } = await d.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName }),
    );
    for (const { UUID } of EventSourceMappings)
      await d.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
  }
}
