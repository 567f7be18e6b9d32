// What a restoration does around the program that knows the rules: that nobody comes in before it ended well,
// what it is given, and what goes back into the table.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import {
  ConditionalCheckFailedException,
  DescribeTableCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import {
  LambdaClient,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  DeleteFunctionConcurrencyCommand,
} from "@aws-sdk/client-lambda";
import { GetObjectCommand, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3";
import {
  BatchGetCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FUNCTIONS } from "../lib/functions.ts";
import { OF_DATA, OUTPUTS } from "../lib/outputs.ts";
import { Deployment } from "../ops/deployment.ts";
import { restore } from "../ops/restore.ts";
import { given } from "./synthesised.ts";

const MOMENT = "2026-03-01T00:00:00.000Z";
const NOW = "2026-03-02T12:00:00.000Z";
const COPY = "restored";

type Item = { PK: string; SK: string; [name: string]: unknown };

const stacks = mockClient(CloudFormationClient);
const plain = mockClient(DynamoDBClient);
const dynamodb = mockClient(DynamoDBDocumentClient);
const bucket = mockClient(S3Client);
const functions = mockClient(LambdaClient);

let d: Deployment;
let folder: string;
const said: string[] = [];
/** What happened, in order. */
const steps: string[] = [];
/** What the tables hold, by name. */
const tables: Record<string, Map<string, Item>> = {};

const at = ({ PK, SK }: Item) => `${PK} ${SK}`;
const fill = (name: string, ...items: Item[]) =>
  (tables[name] = new Map(items.map((item) => [at(item), item])));
const keys = (name: string) => [...tables[name]!.keys()].sort();

const chart = (client: string, more = {}): Item => ({ PK: `P#harbor#C#${client}`, SK: "A#CLIENT", ...more });
const practice = (more = {}): Item => ({ PK: "P#harbor", SK: "PRACTICE", ...more });
const staff = (id: string): Item => ({ PK: "P#harbor#W#dana", SK: `SESSION#${id}` });
const lock = (id: string): Item => ({ PK: `P#harbor#L#${id}`, SK: "LOCK" });
const network = (id: string): Item => ({ PK: `N#${id}`, SK: "SOURCE" });
const budget = (id: string): Item => ({ PK: `P#harbor#M#${id}`, SK: "BUDGET" });
const request = (id: string): Item => ({ PK: `P#harbor#I#${id}`, SK: "REQUEST" });
const momentary = (id: string) => [staff(id), request(id), lock(id), network(id), budget(id)];
const event = (id: string, time: string, client = "C1"): Item => ({
  PK: `P#harbor#C#${client}`,
  SK: id,
  eventId: id,
  at: time,
  action: "access-revoked",
});

/** A program in the place of `latchkey-restore`: notes what it was given, and ends as it is told. */
function program(
  body = `console.log('{"revoked":1,"deleted":2,"passwords":3,"factors":9,"links":4,"charts":7,"safe":8,"apps":5,"staff":6}')`,
): void {
  const file = join(folder, "program.mjs");
  const lines = [
    `#!${process.execPath}`,
    `import { appendFileSync, readFileSync } from "node:fs";`,
    `const events = readFileSync(0, "utf8").split("\\n").filter(Boolean).map((line) => JSON.parse(line));`,
    `const run = { words: process.argv.slice(2), env: process.env, events };`,
    `appendFileSync(${JSON.stringify(join(folder, "runs"))}, JSON.stringify(run) + "\\n");`,
    body,
  ];
  writeFileSync(file, lines.join("\n"), { mode: 0o755 });
  vi.stubEnv("LATCHKEY_RESTORE", file);
}

interface Run {
  words: string[];
  env: Record<string, string>;
  events: Item[];
}
const runs = () =>
  readFileSync(join(folder, "runs"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Run);

beforeEach(() => {
  for (const client of [stacks, plain, dynamodb, bucket, functions]) client.reset();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_SESSION_TOKEN", "session");
  folder = mkdtempSync(join(tmpdir(), "latchkey-restore-"));
  for (const list of [said, steps]) list.length = 0;
  stacks.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: "latchkey",
        CreationTime: new Date(),
        StackStatus: "CREATE_COMPLETE",
        Outputs: [...OF_DATA, ...OUTPUTS].map((OutputKey) => ({ OutputKey, OutputValue: `the ${OutputKey}` })),
      },
    ],
  });
  fill(COPY, practice(), chart("C1", { name: "before" }), ...momentary("old"));
  fill(
    "the Table",
    practice({ name: "as it is now" }),
    chart("C1", { name: "after" }),
    chart("C2"),
    ...momentary("new"),
  );
  fill("the HistoryTable");
  dynamodb.on(DescribeTableCommand as never).resolves({
    Table: { TableStatus: "ACTIVE", RestoreSummary: { RestoreDateTime: new Date(MOMENT), RestoreInProgress: false } },
  } as never);
  dynamodb.on(ScanCommand).callsFake(({ TableName }) => ({ Items: [...tables[TableName]!.values()] }));
  dynamodb.on(BatchGetCommand).callsFake(({ RequestItems }) => {
    const [[name, { Keys }]] = Object.entries<{ Keys: Item[] }>(RequestItems) as [[string, { Keys: Item[] }]];
    return { Responses: { [name]: Keys.filter((key) => tables[name]!.has(at(key))) } };
  });
  dynamodb.on(BatchWriteCommand).callsFake(({ RequestItems }) => {
    type Write = { PutRequest?: { Item: Item }; DeleteRequest?: { Key: Item } };
    for (const [name, writes] of Object.entries<Write[]>(RequestItems)) {
      steps.push(`write ${name}`);
      for (const { PutRequest, DeleteRequest } of writes) {
        if (PutRequest) tables[name]!.set(at(PutRequest.Item), PutRequest.Item);
        if (DeleteRequest) tables[name]!.delete(at(DeleteRequest.Key));
      }
    }
    return {};
  });
  dynamodb.on(PutCommand).callsFake(({ TableName, Item }) => {
    if (tables[TableName]!.has(at(Item)))
      throw new ConditionalCheckFailedException({ message: "", $metadata: {} });
    tables[TableName]!.set(at(Item), Item);
    return {};
  });
  dynamodb.on(UpdateCommand).callsFake(() => (steps.push("end sessions"), {}));
  bucket.on(ListObjectVersionsCommand).resolves({ Versions: [], IsTruncated: false });
  functions
    .on(ListEventSourceMappingsCommand)
    .callsFake(({ FunctionName }) => ({ EventSourceMappings: [{ UUID: `stream of ${FunctionName}` }] }));
  functions
    .on(UpdateEventSourceMappingCommand)
    .callsFake(({ Enabled }) => (steps.push(Enabled ? "stream on" : "stream off"), {}));
  functions.on(PutFunctionConcurrencyCommand).callsFake(({ ReservedConcurrentExecutions }) => {
    steps.push(ReservedConcurrentExecutions ? "open" : "close");
    return {};
  });
  functions.on(DeleteFunctionConcurrencyCommand).callsFake(() => (steps.push("open"), {}));
  d = new Deployment(
    given(),
    (line) => said.push(line),
    async (milliseconds) => void steps.push(`wait ${milliseconds}`),
  );
  let time = Date.parse(NOW);
  vi.spyOn(d, "clock").mockImplementation(async () => new Date((time += 2000) - 2000));
  program();
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** The steps, each of a row of alike ones once. */
const inShort = () => steps.filter((step, place) => step !== steps[place - 1]);

test("says first what it would do, by a rehearsal on the copy, and touches nothing", async () => {
  fill("the HistoryTable", event("1", "2026-03-01T10:00:00.000Z"));
  const before = [COPY, "the Table", "the HistoryTable"].map(keys);
  await restore(d, COPY, { confirmed: false });
  expect(steps).toEqual([]);
  expect([COPY, "the Table", "the HistoryTable"].map(keys)).toEqual(before);
  const [run, ...more] = runs();
  expect(more).toEqual([]);
  expect(run!.words).toEqual([COPY, "--moment", MOMENT, "--now", NOW, "--rehearse"]);
  expect(run!.env["TABLE"]).toBe(COPY);
  expect(said.join("\n")).toContain(
    "1 accesses revoked, 2 deleted, 3 passwords ended, 9 second factors or codes taken away, 4 with open links ended, 7 charts closed, 8 put under safe contact, 5 apps switched off, 6 people off the staff lists",
  );
  expect(said.at(-1)).toContain("--confirm restore");
});

test("closes, puts the copy's items back, has closed what closed since, and opens", async () => {
  await restore(d, COPY, { confirmed: true });
  expect(inShort()).toEqual([
    "stream off",
    "close",
    "wait 65000",
    "write the Table",
    "end sessions",
    "open",
    "stream on",
  ]);
  expect(steps.filter((step) => step === "close")).toHaveLength(Object.keys(FUNCTIONS).length);
  const switched = functions.commandCalls(UpdateEventSourceMappingCommand).map((call) => call.args[0].input.UUID);
  const driven = ["stream of latchkey-deliver", "stream of latchkey-send-mail"];
  expect(switched).toEqual([...driven, ...driven]);
  // Sessions and answers of before do not come back. What was counted, and the practice's settings, stay.
  expect(keys("the Table")).toEqual([practice(), chart("C1"), lock("new"), network("new"), budget("new")].map(at).sort());
  expect(tables["the Table"]!.get(at(chart("C1")))).toEqual(chart("C1", { name: "before" }));
  expect(tables["the Table"]!.get(at(practice()))).toEqual(practice({ name: "as it is now" }));
  const [rehearsal, run, ...more] = runs();
  expect(more).toEqual([]);
  expect(rehearsal!.words).toContain("--rehearse");
  expect(run!.words.slice(0, 3)).toEqual([COPY, "--moment", MOMENT]);
  expect(run!.words).not.toContain("--rehearse");
  expect(run!.env).toMatchObject({
    TABLE: "the Table",
    HISTORY_TABLE: "the HistoryTable",
    TOKEN_SECRET_ARN: d.names.tokenSecret,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "key",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "session",
  });
  expect(said.join("\n")).toContain("1 items are");
});

test("hands alerts that waited at the moment to the practice: most were sent since", async () => {
  const alert = (id: string, more = {}): Item => ({ PK: "P#harbor#C#C1", SK: `ALERT#${id}`, ...more });
  const mail = { PK: "P#harbor#C#C1", SK: "MAIL#M1", pending: "MAIL" };
  fill(COPY, practice(), alert("A1", { pending: "MAIL" }), alert("A2", { state: "sent" }), mail);
  await restore(d, COPY, { confirmed: true });
  const restored = [alert("A1"), alert("A2"), mail].map((item) => tables["the Table"]!.get(at(item)));
  expect(restored).toEqual([alert("A1", { pending: "MAIL", toInbox: true }), alert("A2", { state: "sent" }), mail]);
});

test("puts a practice back that is not there", async () => {
  fill("the Table");
  await restore(d, COPY, { confirmed: true });
  expect(keys("the Table")).toEqual([practice(), chart("C1")].map(at).sort());
});

test("closes nobody out when it cannot be said what to close", async () => {
  program(`console.error("the account is missing"); process.exit(1)`);
  for (const confirmed of [false, true])
    await expect(restore(d, COPY, { confirmed })).rejects.toThrow("the account is missing");
  expect(steps).toEqual([]);
});

test.each([
  ["says no", `console.error("the table does not answer"); process.exit(1)`, "the table does not answer"],
  ["is killed", `process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)`, "It ended with null"],
  ["says nothing", ``, "JSON"],
])("stays closed while the program %s, and goes through when it is begun anew", async (_, body, why) => {
  program(`if (process.argv.includes("--rehearse")) console.log("{}"); else { ${body} }`);
  await expect(restore(d, COPY, { confirmed: true })).rejects.toThrow(why);
  expect(steps).not.toContain("open");
  expect(steps).not.toContain("stream on");
  program();
  await restore(d, COPY, { confirmed: true });
  expect(inShort().slice(-2)).toEqual(["open", "stream on"]);
});

test("says what is missing when there is no such program", async () => {
  vi.stubEnv("LATCHKEY_RESTORE", join(folder, "nowhere"));
  await expect(restore(d, COPY, { confirmed: true })).rejects.toThrow("LATCHKEY_RESTORE");
  expect(steps).toEqual([]);
});

test("gives the program every event since, of the history's table and of its archive, once each", async () => {
  const [early, late, both, archived] = [
    event("0", "2026-02-26T23:30:00.000Z"),
    event("1", "2026-02-27T00:30:00.000Z"),
    event("2", "2026-03-01T10:00:00.000Z"),
    event("3", "2026-03-02T11:00:00.000Z", "C2"),
  ] as const;
  fill("the HistoryTable", late, both);
  dynamodb.on(ScanCommand, { TableName: "the HistoryTable" }).callsFake((input) => {
    expect(input.ExpressionAttributeValues).toEqual({ ":from": "2026-02-27T00:00:00.000Z" });
    return { Items: [late, both] };
  });
  const marshalled = (item: Item) =>
    JSON.stringify(Object.fromEntries(Object.entries(item).map(([name, value]) => [name, { S: value }])));
  const days: Record<string, Item[]> = {
    "history/2026/02/27/": [early, late],
    "history/2026/03/01/": [both],
    "history/2026/03/02/": [archived],
  };
  bucket.on(ListObjectVersionsCommand).callsFake(({ Prefix }) => ({
    Versions: days[Prefix] ? [{ Key: Prefix, VersionId: "first" }] : [],
    IsTruncated: false,
  }));
  bucket.on(GetObjectCommand).callsFake(({ Key }) => ({
    Body: { transformToString: async () => days[Key]!.map(marshalled).join("\n") },
  }));
  await restore(d, COPY, { confirmed: false });
  expect(runs()[0]!.events.map(({ SK }) => SK).sort()).toEqual(["1", "2", "3"]);
});

test("brings a lost history back before anything is decided by it", async () => {
  const lost = event("1", "2026-03-01T10:00:00.000Z");
  fill("history copy", lost);
  await restore(d, COPY, { history: "history copy", confirmed: true });
  expect(keys("the HistoryTable")).toEqual([at(lost)]);
  expect(runs().map(({ events }) => events.length)).toEqual([0, 1]);
});

test("knows the moment, or is told it, and takes the earlier", async () => {
  const moment = async (more: { at?: string }) => {
    await restore(d, COPY, { ...more, confirmed: false });
    return runs().at(-1)!.words[2];
  };
  expect(await moment({ at: "2026-02-01T00:00:00Z" })).toBe("2026-02-01T00:00:00.000Z");
  expect(await moment({ at: "2026-04-01T00:00:00Z" })).toBe(MOMENT);
  await expect(restore(d, COPY, { at: "yesterday", confirmed: true })).rejects.toThrow("--at is a time");
  await expect(restore(d, "the Table", { confirmed: true })).rejects.toThrow("no copy of it");
  dynamodb.on(DescribeTableCommand as never).resolves({ Table: { TableStatus: "CREATING" } } as never);
  await expect(restore(d, COPY, { confirmed: true })).rejects.toThrow("not restored yet");
  dynamodb.on(DescribeTableCommand as never).resolves({ Table: { TableStatus: "ACTIVE" } } as never);
  await expect(restore(d, COPY, { confirmed: true })).rejects.toThrow("--at");
  fill(COPY);
  await expect(restore(d, COPY, { at: MOMENT, confirmed: true })).rejects.toThrow("nothing of ours");
  expect(steps).toEqual([]);
});
