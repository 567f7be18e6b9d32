// The ops commands, against clients that remember what they were asked.
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AdminCreateUserCommand,
  AdminDeleteSoftwareTokenCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { OF_DATA, OUTPUTS } from "../lib/outputs.ts";
import * as archive from "../ops/archive.ts";
import { Deployment } from "../ops/deployment.ts";
import * as outbox from "../ops/outbox.ts";
import * as practice from "../ops/practice.ts";
import * as staff from "../ops/staff.ts";
import { given } from "./synthesised.ts";

const stacks = mockClient(CloudFormationClient);
const table = mockClient(DynamoDBDocumentClient);
const pool = mockClient(CognitoIdentityProviderClient);
const bucket = mockClient(S3Client);
const queues = mockClient(SQSClient);
const functions = mockClient(LambdaClient);
const secrets = mockClient(SecretsManagerClient);

const said: string[] = [];
let d: Deployment;
beforeEach(() => {
  for (const client of [stacks, table, pool, bucket, queues, functions, secrets]) client.reset();
  stacks.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: "latchkey",
        CreationTime: new Date(),
        StackStatus: "CREATE_COMPLETE",
        Outputs: [...OF_DATA, ...OUTPUTS].map((OutputKey) => ({
          OutputKey,
          OutputValue: OutputKey === "PortalSite" ? "https://portal.example.org" : `the ${OutputKey}`,
        })),
      },
    ],
  });
  table.on(GetCommand).resolves({});
  bucket.on(GetObjectCommand).rejects(new NoSuchKey({ message: "", $metadata: {} }));
  said.length = 0;
  d = new Deployment(
    given(),
    (line) => said.push(line),
    async () => {},
  );
});

describe("practices", () => {
  const put = (changes: Partial<practice.Practice> = {}) =>
    practice.put(d, "harbor", { name: "Harbor Counseling", alertInbox: "desk@harbor.example", ...changes });

  test("are written as the functions read them, and offered by the sign-in pages", async () => {
    expect(await put()).toEqual({
      practice: "harbor",
      name: "Harbor Counseling",
      senderName: "Harbor Counseling",
      portalAddress: "https://portal.example.org/harbor",
      alertInbox: "desk@harbor.example",
      language: "en",
      country: "US",
      timeZone: "UTC",
      invitationDays: 7,
      clientIdleSeconds: 600,
      clientSessionSeconds: 3600,
      staffIdleSeconds: 1800,
      staffSessionSeconds: 43200,
      passwordMinimum: 15,
    });
    expect(table.commandCalls(UpdateCommand)[0]?.args[0].input.Key).toEqual({
      PK: "P#harbor",
      SK: "PRACTICE",
    });
    expect(written()).toEqual({
      "practices/harbor.json": { id: "harbor", name: "Harbor Counseling" },
      "config.json": { practices: [] },
    });
    for (const { args } of bucket.commandCalls(PutObjectCommand)) expect(args[0].input.CacheControl).toBe(
      "public, max-age=0, must-revalidate, s-maxage=60",
    );
  });

  const written = () =>
    Object.fromEntries(
      bucket.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => [input.Key, JSON.parse(String(input.Body))]),
    );

  describe("in the files that the pages read", () => {
    /** The bucket's files, with conditions honoured as S3 does. */
    const files = new Map<string, { text: string; etag: string }>();
    const wrong = (name: string) => Object.assign(new Error(name), { name });
    let version = 0;
    const take = ({ Key, Body, IfMatch, IfNoneMatch }: PutObjectCommandInput) => {
      const file = files.get(Key!);
      if (IfNoneMatch ? file : file?.etag !== IfMatch) throw wrong("PreconditionFailed");
      files.set(Key!, { text: String(Body), etag: `"${(version += 1)}"` });
      return {};
    };
    beforeEach(() => {
      files.clear();
      bucket.on(GetObjectCommand).callsFake(({ Key }) => {
        const file = files.get(Key);
        if (!file) throw new NoSuchKey({ message: "", $metadata: {} });
        return { ETag: file.etag, Body: { transformToString: async () => file.text } };
      });
      bucket.on(PutObjectCommand).callsFake(take);
    });
    const told = (path: string) => JSON.parse(files.get(path)!.text) as unknown;
    const listed = () => (told("config.json") as { practices: { id: string }[] }).practices.map(({ id }) => id);
    const make = (id: string, wish?: boolean) =>
      practice.put(d, id, { name: id, alertInbox: "desk@harbor.example" }, wish);

    test("each has its own, and is listed only where it wishes, for as long as it does", async () => {
      await make("cove");
      await make("harbor", true);
      expect([told("practices/cove.json"), told("practices/harbor.json")]).toEqual([
        { id: "cove", name: "cove" },
        { id: "harbor", name: "harbor" },
      ]);
      expect(listed()).toEqual(["harbor"]);
      await make("harbor");
      expect(listed()).toEqual(["harbor"]);
      await make("harbor", false);
      expect(listed()).toEqual([]);
      expect(told("practices/harbor.json")).toEqual({ id: "harbor", name: "harbor" });
    });

    test("none is lost when many are made at once", async () => {
      const ids = ["cove", "dune", "elm", "fern", "glade", "harbor"];
      await Promise.all(ids.map((id) => make(id, true)));
      expect(listed()).toEqual(ids);
      for (const id of ids) expect(told(`practices/${id}.json`)).toEqual({ id, name: id });
    });

    test("of two new names at once, the one that the table has in the end is told", async () => {
      const { announce } = await import("../ops/site.ts");
      let name = "Harbor";
      const slow = announce(d, "harbor", async () => {
        const read = name;
        if (read === "Harbor") {
          // Another command changes it and tells it, before this one writes what it read.
          name = "Harbour";
          await announce(d, "harbor", async () => name, true);
        }
        return read;
      });
      await slow;
      expect(told("practices/harbor.json")).toEqual({ id: "harbor", name: "Harbour" });
      expect(told("config.json")).toEqual({ practices: [{ id: "harbor", name: "Harbour" }] });
    });

    test("a write that meets another one is tried again, and an error of another kind is told", async () => {
      await make("harbor", true);
      bucket.on(PutObjectCommand).rejectsOnce(wrong("ConditionalRequestConflict")).callsFake(take);
      await make("cove", true);
      expect(listed()).toEqual(["cove", "harbor"]);
      bucket.on(PutObjectCommand).rejects(wrong("AccessDenied"));
      await expect(make("elm")).rejects.toThrow("AccessDenied");
      bucket.on(PutObjectCommand).rejects(wrong("PreconditionFailed"));
      await expect(make("elm")).rejects.toThrow("being changed by others");
    });

    describe("publishing the site", () => {
      const dist = mkdtempSync(join(tmpdir(), "latchkey-dist-"));
      writeFileSync(join(dist, "portal.html"), "");
      beforeEach(() => bucket.on(PutObjectCommand, { Key: "portal.html" }).callsFake((input) => (files.set(input.Key, { text: "", etag: "" }), {})));
      const publish = async () => (await import("../ops/site.ts")).publish(d, dist);

      test("makes an empty list, and leaves one that is there", async () => {
        await publish();
        expect(listed()).toEqual([]);
        await make("harbor", true);
        const before = new Map(files);
        await publish();
        expect(files).toEqual(before);
      });

      test("makes the files of practices that stood in the list alone before there were such, ahead of the pages", async () => {
        const { settled } = await import("../ops/site.ts");
        const practices = [{ id: "cove", name: "Cove" }, { id: "harbor", name: "Harbor" }];
        files.set("config.json", { text: JSON.stringify({ practices }), etag: '"old"' });
        expect(await settled(d)).toBe(false);
        await publish();
        expect(await settled(d)).toBe(true);
        expect([told("practices/cove.json"), told("practices/harbor.json")]).toEqual(practices);
        // Pages of before, which may come back, find all in the list.
        expect(listed()).toEqual(["cove", "harbor"]);
        expect([...files.keys()].at(-1)).toBe("portal.html");
        // A name that was changed since is not taken back.
        await make("harbor");
        await publish();
        expect(told("practices/harbor.json")).toEqual({ id: "harbor", name: "harbor" });
      });
    });
  });

  test("keep what is not given", async () => {
    const before = await put({ language: "fr" });
    table.on(GetCommand).resolves({ Item: { ...before, sessionsFrom: "2026-01-01T00:00:00.000Z", rev: 3 } });
    expect(await practice.put(d, "harbor", { invitationDays: 3 })).toEqual({ ...before, invitationDays: 3 });
    expect(JSON.stringify(table.commandCalls(UpdateCommand).at(-1)?.args[0].input)).not.toContain(
      "sessionsFrom",
    );
  });

  test("take up what somebody else has changed meanwhile, and change the version that they read", async () => {
    const before = await put();
    const [made] = table.commandCalls(UpdateCommand);
    expect(made?.args[0].input).toMatchObject({ ConditionExpression: "attribute_not_exists(PK)" });
    expect(made?.args[0].input.ExpressionAttributeValues).toMatchObject({ ":next": 1 });
    // An admin changes the language, and the version that was read first is no more.
    const lost = new ConditionalCheckFailedException({ message: "", $metadata: {} });
    const read = [{ ...before }, { ...before, language: "es", version: 2 }];
    table.on(GetCommand).callsFake(() => ({ Item: read.shift() }));
    table.on(UpdateCommand).callsFake(() => {
      if (read.length) throw lost;
      return {};
    });
    const after = await practice.put(d, "harbor", { invitationDays: 3 });
    expect(after).toEqual({ ...before, language: "es", invitationDays: 3 });
    const [, first, second] = table.commandCalls(UpdateCommand);
    expect(first?.args[0].input.ConditionExpression).toBe("attribute_not_exists(version)");
    expect(first?.args[0].input.ExpressionAttributeValues).toMatchObject({ ":next": 2 });
    expect(second?.args[0].input.ConditionExpression).toBe("version = :read");
    expect(second?.args[0].input.ExpressionAttributeValues).toMatchObject({ ":read": 2, ":next": 3 });
    table.on(GetCommand).resolves({ Item: { ...before } });
    table.on(UpdateCommand).rejects(lost);
    await expect(practice.put(d, "harbor", { invitationDays: 4 })).rejects.toThrow("changed by others");
  });

  test.each([
    [{ clientIdleSeconds: 3600, clientSessionSeconds: 600 }, "clientIdleSeconds: at most clientSessionSeconds"],
    [{ passwordMinimum: 8 }, "passwordMinimum: 15 to 64"],
    [{ staffSessionSeconds: 10 ** 6 }, "staffSessionSeconds"],
    [{ portalAddress: "http://portal.example.org/harbor" }, "portalAddress: an https address"],
    [{ language: "de" }, "language: en, es or fr"],
    [{ country: "usa" }, "country: two capital letters"],
    [{ timeZone: "Maine" }, "timeZone: a zone by its IANA name"],
    [{ timeZone: "+02:00" }, "timeZone: a zone by its IANA name"],
    [{ senderName: "Harbor\r\nBcc: x" }, "senderName"],
    [{ colour: "red" } as object, "colour: there is no such setting"],
  ])("are not written when wrong: %j", async (wrong, why) => {
    await expect(put(wrong)).rejects.toThrow(why);
    expect(table.commandCalls(UpdateCommand)).toEqual([]);
  });

  test("end all their sessions in one update, by AWS's clock", async () => {
    // Ours is wrong.
    vi.setSystemTime("2031-03-01T12:00:00Z");
    const times = [
      "2026-03-01T12:00:00Z",
      "2026-03-01T12:00:00Z",
      "2026-03-01T12:00:01Z",
      "2026-03-01T12:00:02Z",
    ];
    const clock = vi.spyOn(d, "clock").mockImplementation(async () => new Date(times.shift()!));
    await practice.revokeEveryone(d, "harbor");
    // The clock counts whole seconds: what began within this one is ended, and what begins afterwards is not.
    expect(table.commandCalls(UpdateCommand)[0]?.args[0].input).toMatchObject({
      Key: { PK: "P#harbor", SK: "PRACTICE" },
      ExpressionAttributeValues: { ":from": "2026-03-01T12:00:01.000Z" },
    });
    expect(times).toEqual([]);
    clock.mockResolvedValue(new Date());
    vi.useRealTimers();
    table.on(UpdateCommand).rejects(new ConditionalCheckFailedException({ message: "", $metadata: {} }));
    await expect(practice.revokeEveryone(d, "nowhere")).rejects.toThrow("no practice nowhere");
  });

  test("are told the time by AWS, or not at all", async () => {
    let date: string | undefined = "Sun, 01 Mar 2026 12:00:00 GMT";
    const aws = createServer((_, answer) => {
      answer.sendDate = false;
      answer.writeHead(200, { "content-type": "application/x-amz-json-1.0", ...(date && { date }) });
      answer.end("{}");
    });
    await new Promise<void>((ready) => aws.listen(0, "127.0.0.1", ready));
    const { port } = aws.address() as AddressInfo;
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${port}`);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    try {
      expect((await d.clock()).toISOString()).toBe("2026-03-01T12:00:00.000Z");
      date = undefined;
      await expect(d.clock()).rejects.toThrow("what time it is");
    } finally {
      vi.unstubAllEnvs();
      aws.close();
    }
  });
});

describe("staff", () => {
  const dana: staff.Person = { email: "Dana@harbor.example", name: "Dana", practice: "harbor", role: "admin" };
  /** The key under which Dana's address leads to lists: `shared/src/team.rs` tries the same value. */
  const LOGIN = "PjpeEk4koTPBKey5poEMTw";
  type Item = Record<string, unknown> & { PK: string; SK: string };
  /** What the tables hold: a query answers one item a page, a write is made as a whole or not at all. */
  let items: Item[] = [];
  let events: Item[] = [];
  const holds = (SK: string) => items.find((item) => item.SK.startsWith(SK));

  beforeEach(() => {
    [items, events] = [[], []];
    secrets.on(GetSecretValueCommand).resolves({ SecretString: "kept.replaced" });
    table.on(GetCommand).callsFake(({ Key }) => ({ Item: Key.PK === "P#nowhere" ? undefined : Key }));
    table.on(QueryCommand).callsFake(({ ExpressionAttributeValues, ExclusiveStartKey }) => {
      const own = items
        .filter(({ PK, SK }) => PK === ExpressionAttributeValues[":pk"] && SK > (ExclusiveStartKey?.SK ?? ""))
        .sort((a, b) => (a.SK < b.SK ? -1 : 1));
      return { Items: own.slice(0, 1), ...(own.length > 1 && { LastEvaluatedKey: own[0] }) };
    });
    table.on(TransactWriteCommand).callsFake(({ TransactItems }) => {
      const same = (a: Item) => (b: Item) => a.PK === b.PK && a.SK === b.SK;
      for (const { Put, Delete } of TransactItems) {
        const { ConditionExpression, ExpressionAttributeValues } = Put ?? Delete;
        const there = items.find(same(Put?.Item ?? Delete.Key));
        const fine = !ConditionExpression
          || (ConditionExpression.startsWith("attribute_not") ? !there : there?.["rev"] === ExpressionAttributeValues[":seen"]);
        if (!fine) throw new TransactionCanceledException({ message: "", $metadata: {} });
      }
      for (const { Put, Delete } of TransactItems) {
        if (Put?.TableName === "the HistoryTable") events.push(Put.Item);
        else items = [...items.filter((item) => !same(Put?.Item ?? Delete.Key)(item)), ...(Put ? [Put.Item] : [])];
      }
      return {};
    });
    pool.on(AdminGetUserCommand).resolves({ Username: "1", UserStatus: "CONFIRMED" });
  });

  test("are on the list, as the functions read it, and in the pool", async () => {
    await staff.add(d, dana);
    const member = holds("MEMBER#")!;
    expect(member).toMatchObject({
      PK: "P#harbor#T",
      SK: `MEMBER#${member["staffId"]}`,
      staffId: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      epoch: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      name: "Dana",
      email: "Dana@harbor.example",
      role: "admin",
      version: 1,
      rev: 1,
    });
    expect(holds("LOGIN#")).toMatchObject({
      PK: `V#${LOGIN}`,
      SK: "LOGIN#harbor",
      practice: "harbor",
      staffId: member["staffId"],
    });
    expect(holds("MEMBERS")).toMatchObject({ PK: "P#harbor#T", rev: 1 });
    expect(events).toMatchObject([
      {
        action: "staff-added",
        staff: { staffId: member["staffId"], name: "Dana" },
        actor: { id: "", name: "Latchkey", role: "system" },
      },
    ]);
    expect(pool.commandCalls(AdminCreateUserCommand)[0]?.args[0].input).toMatchObject({
      Username: "dana@harbor.example",
      UserAttributes: expect.arrayContaining([{ Name: "email_verified", Value: "true" }]),
    });
  });

  test("who are added again are matched anew, and their sessions are over", async () => {
    await staff.add(d, dana);
    const before = holds("MEMBER#")!;
    // Signed in meanwhile.
    Object.assign(before, { subject: "subject", rev: 5 });
    items.push({ PK: "V#subject", SK: "LOGIN#harbor" });
    pool.on(AdminCreateUserCommand).rejects(new UsernameExistsException({ message: "", $metadata: {} }));
    await staff.add(d, { ...dana, email: "dana@HARBOR.example", role: "auditor" });
    const after = holds("MEMBER#")!;
    expect(after).toMatchObject({ staffId: before["staffId"], role: "auditor", version: 2, rev: 6 });
    expect(after["subject"]).toBeUndefined();
    expect(after["epoch"]).not.toBe(before["epoch"]);
    expect(items.map(({ PK }) => PK).sort()).toEqual(["P#harbor#T", "P#harbor#T", `V#${LOGIN}`]);
    expect(pool.commandCalls(AdminEnableUserCommand)).toHaveLength(1);
  });

  test("who let their first password expire get another", async () => {
    pool.on(AdminCreateUserCommand).rejects(new UsernameExistsException({ message: "", $metadata: {} }));
    pool.on(AdminCreateUserCommand, { MessageAction: "RESEND" }).resolves({});
    pool.on(AdminGetUserCommand).resolves({ Username: "1", UserStatus: "FORCE_CHANGE_PASSWORD" });
    await staff.add(d, dana);
    const [, again] = pool.commandCalls(AdminCreateUserCommand);
    expect(again?.args[0].input).toMatchObject({ MessageAction: "RESEND", DesiredDeliveryMediums: ["EMAIL"] });
    expect(again?.args[0].input.TemporaryPassword).toMatch(/^.{24,}$/);
  });

  test("are not let in to a practice that is not there, nor without an address", async () => {
    await expect(staff.add(d, { ...dana, practice: "nowhere" })).rejects.toThrow("no practice nowhere");
    await expect(staff.add(d, { ...dana, email: "dana" })).rejects.toThrow("e-mail");
    expect(pool.calls()).toEqual([]);
    expect(items).toEqual([]);
  });

  test("who leave one practice keep the others, and the pool until the last", async () => {
    await staff.add(d, dana);
    await staff.add(d, { ...dana, practice: "cove" });
    await staff.remove(d, dana.email, "harbor");
    expect(pool.commandCalls(AdminDisableUserCommand)).toHaveLength(0);
    expect(items.filter(({ SK }) => SK.startsWith("MEMBER#")).map(({ PK }) => PK)).toEqual(["P#cove#T"]);
    await staff.remove(d, dana.email);
    expect(pool.commandCalls(AdminDisableUserCommand)).toHaveLength(1);
    expect(items.map(({ SK }) => SK)).toEqual(["MEMBERS", "MEMBERS"]);
    expect(events.map(({ action }) => action)).toEqual(["staff-added", "staff-added", "staff-removed", "staff-removed"]);
    await expect(staff.remove(d, dana.email)).rejects.toThrow("not on that staff list");
    expect(table.commandCalls(ScanCommand)).toEqual([]);
  });

  test("are decided on anew when somebody else changes the list meanwhile", async () => {
    await staff.add(d, dana);
    vi.spyOn(d, "wait").mockResolvedValue(undefined);
    let first = true;
    table.on(QueryCommand).callsFake(({ ExpressionAttributeValues }) => {
      const Items = items.filter(({ PK }) => PK === ExpressionAttributeValues[":pk"]).map((item) => ({ ...item }));
      if (first && ExpressionAttributeValues[":pk"] === "P#harbor#T") {
        first = false;
        holds("MEMBERS")!["rev"] = 7;
      }
      return { Items };
    });
    await staff.endSessions(d, dana.email);
    expect(holds("MEMBERS")!["rev"]).toBe(8);
  });

  test("lose their sessions by address, and with a lost authenticator", async () => {
    await staff.add(d, dana);
    const epochs = new Set([holds("MEMBER#")!["epoch"]]);
    await staff.endSessions(d, dana.email);
    epochs.add(holds("MEMBER#")!["epoch"]);
    await staff.reset(d, dana.email);
    epochs.add(holds("MEMBER#")!["epoch"]);
    expect(epochs.size).toBe(3);
    expect(pool.commandCalls(AdminDeleteSoftwareTokenCommand)[0]?.args[0].input).toEqual({
      UserPoolId: "the StaffPool",
      Username: "dana@harbor.example",
    });
    await expect(staff.endSessions(d, "nobody@harbor.example")).rejects.toThrow("no staff list");
  });

  test("of another issuer are on the list alone", async () => {
    const issuer = { url: "https://id.example", clientId: "latchkey" };
    const other = new Deployment({ ...given(), issuer }, () => {});
    vi.spyOn(other, "output").mockImplementation(async (name) => `the ${name}`);
    await staff.add(other, dana);
    await staff.remove(other, dana.email);
    expect(pool.calls()).toEqual([]);
    expect(items.map(({ SK }) => SK)).toEqual(["MEMBERS"]);
  });
});

describe("the outbox", () => {
  const [mail, notice] = [
    { PK: "P#harbor#C#1", SK: "MAIL#2" },
    { PK: "P#harbor#K", SK: "NOTICE#3" },
  ];
  const deleted = () =>
    queues.commandCalls(DeleteMessageCommand).map((call) => call.args[0].input.QueueUrl);
  beforeEach(() => {
    functions.on(InvokeCommand).resolves({ StatusCode: 200 });
    queues.on(ReceiveMessageCommand).resolves({});
    for (const [queue, Body] of [
      ["FailedEvents", '{"detail":{}}'],
      ["FailedMails", "{}"],
      ["FailedNotices", "{}"],
    ]) {
      queues
        .on(ReceiveMessageCommand, { QueueUrl: `the ${queue}` })
        .resolvesOnce({ Messages: [{ Body, ReceiptHandle: "1" }] })
        .resolves({});
    }
  });

  test("is driven again, and what was done with leaves its queue", async () => {
    table.on(QueryCommand).resolves({ Items: [] });
    await outbox.redrive(d);
    const payloads = functions
      .commandCalls(InvokeCommand)
      .map((call) => [
        call.args[0].input.FunctionName,
        Buffer.from(call.args[0].input.Payload as Uint8Array).toString(),
      ]);
    // Mails that still fail keep no event from being noted, and apps that do not listen keep back neither.
    expect(payloads).toEqual([
      ["the MailEvents", '{"detail":{}}'],
      ["the SendMail", '{"sweep":true}'],
      ["the Deliver", '{"sweep":true}'],
    ]);
    expect(deleted()).toEqual(["the FailedEvents", "the FailedMails", "the FailedNotices"]);
  });

  test.each([
    ["mails", mail, ["the FailedEvents", "the FailedNotices"]],
    ["notices to apps", notice, ["the FailedEvents", "the FailedMails"]],
  ])("keeps what tells of %s for as long as some wait", async (what, waits, done) => {
    table.on(QueryCommand).resolves({ Items: [waits] });
    await outbox.redrive(d);
    expect(deleted()).toEqual(done);
    expect(said).toContain(`1 ${what} still wait.`);
  });

  test("shows mails and notices apart", async () => {
    table.on(QueryCommand).resolves({ Items: [mail, notice] });
    queues.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: "7" } });
    await outbox.show(d);
    expect(said).toEqual([
      "1 mails wait.",
      "  P#harbor#C#1 MAIL#2",
      "1 notices to apps wait.",
      "  P#harbor#K NOTICE#3",
      "7 records of mails the stream gave up on.",
      "7 records of notices the stream gave up on.",
      "7 events of SES could not be noted.",
    ]);
  });
});

test("the archive gives the events of a client, once each, in order", async () => {
  const line = (client: string, id: string, day: string) =>
    JSON.stringify({
      PK: { S: `P#harbor#C#${client}` },
      SK: { S: id },
      at: { S: `${day}T10:00:00.000Z` },
      action: { S: "enrolled" },
    });
  const objects: Record<string, string[]> = {
    "history/2026/01/31/1.jsonl": [
      line("C1", "B", "2026-01-31"),
      line("C1", "A", "2026-01-31"),
      line("C2", "X", "2026-01-31"),
    ],
    "history/2026/02/01/2.jsonl": [
      line("C1", "B", "2026-01-31"),
      line("C1", "C", "2026-01-31"),
      line("C1", "D", "2026-02-01"),
    ],
  };
  // Somebody has put other versions over them since, and marked them as deleted: the lock keeps the first.
  bucket.on(ListObjectVersionsCommand).callsFake(({ Prefix, VersionIdMarker }) => {
    const Versions = Object.keys(objects)
      .filter((key) => key.startsWith(Prefix))
      .map((Key) => ({ Key, VersionId: VersionIdMarker ? "first" : "forged" }));
    const DeleteMarkers = Versions.map(({ Key }) => ({ Key, VersionId: "mark" }));
    return VersionIdMarker
      ? { Versions, IsTruncated: false }
      : { Versions, DeleteMarkers, IsTruncated: true, NextKeyMarker: "1", NextVersionIdMarker: "forged" };
  });
  bucket.on(GetObjectCommand).callsFake(({ Key, VersionId }) => {
    const lines = VersionId === "first" ? objects[Key]! : [line("C1", "E", "2026-01-31")];
    return { Body: { transformToString: async () => `${lines.join("\n")}\n` } };
  });
  const range = { practice: "harbor", client: "C1", from: "2026-01-31", to: "2026-01-31" };
  const at = (day: string) => `{"at":"${day}T10:00:00.000Z","action":"enrolled"}`;
  expect(await archive.events(d, range)).toEqual([at("2026-01-31"), at("2026-01-31"), at("2026-01-31")]);
  expect(await archive.events(d, { ...range, client: undefined as never, to: "2026-02-01" })).toHaveLength(5);
  await expect(archive.events(d, { ...range, to: "yesterday" })).rejects.toThrow("--from and --to");
});
