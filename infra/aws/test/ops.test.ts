// The ops commands, against clients that remember what they were asked.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteSoftwareTokenCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminUpdateUserAttributesCommand,
  CognitoIdentityProviderClient,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { OUTPUTS } from "../lib/latchkey.ts";
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

const said: string[] = [];
let d: Deployment;
beforeEach(() => {
  for (const client of [stacks, table, pool, bucket, queues, functions]) client.reset();
  stacks.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: "latchkey",
        CreationTime: new Date(),
        StackStatus: "CREATE_COMPLETE",
        Outputs: OUTPUTS.map((OutputKey) => ({
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
    const [config] = bucket.commandCalls(PutObjectCommand);
    expect(config?.args[0].input).toMatchObject({ Key: "config.json", CacheControl: "no-cache" });
    expect(String(config?.args[0].input.Body)).toBe(
      '{"practices":[{"id":"harbor","name":"Harbor Counseling"}]}',
    );
  });

  test("keep what is not given", async () => {
    const before = await put({ language: "fr" });
    table.on(GetCommand).resolves({ Item: { ...before, sessionsFrom: "2026-01-01T00:00:00.000Z", rev: 3 } });
    expect(await practice.put(d, "harbor", { invitationDays: 3 })).toEqual({ ...before, invitationDays: 3 });
    expect(JSON.stringify(table.commandCalls(UpdateCommand).at(-1)?.args[0].input)).not.toContain(
      "sessionsFrom",
    );
  });

  test.each([
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
  const dana: staff.Person = {
    email: "dana@harbor.example",
    name: "Dana",
    practice: "harbor",
    role: "admin",
  };
  // Sixteen bytes of the digest, as functions/staff-sign-in takes them.
  const digest = createHash("sha256").update("subject").digest().subarray(0, 16).toString("base64url");
  const sessionIn = (practice: string) => ({ PK: `P#${practice}#W#${digest}`, SK: "SESSION#1" });
  /** The sessions that are left. A query answers one a page; a scan would answer none. */
  let sessions: { PK: string; SK: string }[] = [];
  function kept(...there: typeof sessions) {
    sessions = there;
    table.on(QueryCommand).callsFake(({ ExpressionAttributeValues, ExclusiveStartKey }) => {
      const own = sessions.filter(({ PK, SK }) => PK === ExpressionAttributeValues[":staff"] && SK > (ExclusiveStartKey?.SK ?? ""));
      return { Items: own.slice(0, 1), ...(own.length > 1 && { LastEvaluatedKey: own[0] }) };
    });
    table.on(DeleteCommand).callsFake(({ Key }) => {
      sessions = sessions.filter(({ PK, SK }) => PK !== Key.PK || SK !== Key.SK);
      return {};
    });
  }
  const felix = { PK: "P#harbor#W#other", SK: "SESSION#2" };
  /** Dana is known to the pool as one of cove, and has two sessions there. */
  function known(UserStatus: "CONFIRMED" | "FORCE_CHANGE_PASSWORD" = "CONFIRMED") {
    pool.on(AdminCreateUserCommand).rejects(new UsernameExistsException({ message: "", $metadata: {} }));
    pool.on(AdminCreateUserCommand, { MessageAction: "RESEND" }).resolves({});
    pool.on(AdminListGroupsForUserCommand).resolves({ Groups: [{ GroupName: "auditor" }] });
    pool.on(AdminGetUserCommand).resolves({
      Username: "1",
      UserStatus,
      UserAttributes: [
        { Name: "sub", Value: "subject" },
        { Name: "custom:practice", Value: "cove" },
      ],
    });
    kept(sessionIn("cove"), { ...sessionIn("cove"), SK: "SESSION#3" }, felix);
    table.on(GetCommand).resolves({ Item: { practice: "harbor" } });
  }

  test("are let in with one role, and no session of before keeps another", async () => {
    known();
    await staff.add(d, dana);
    expect(
      pool.commandCalls(AdminUpdateUserAttributesCommand)[0]?.args[0].input.UserAttributes,
    ).toContainEqual({ Name: "custom:practice", Value: "harbor" });
    expect(pool.commandCalls(AdminRemoveUserFromGroupCommand)[0]?.args[0].input.GroupName).toBe("auditor");
    expect(pool.commandCalls(AdminAddUserToGroupCommand)[0]?.args[0].input.GroupName).toBe("admin");
    expect(sessions).toEqual([felix]);
    expect(pool.commandCalls(AdminCreateUserCommand)).toHaveLength(1);
  });

  test("are out of a former practice before the pool forgets it, and in again with their new role", async () => {
    known();
    let left = Infinity;
    pool.on(AdminUpdateUserAttributesCommand).callsFake(() => ((left = sessions.length), {}));
    await staff.add(d, dana);
    expect(left).toBe(1);
    const asked = pool.calls().map((call) => call.args[0].constructor);
    expect(asked.indexOf(AdminDisableUserCommand)).toBeLessThan(asked.indexOf(AdminUpdateUserAttributesCommand));
    expect(asked.at(-1)).toBe(AdminEnableUserCommand);
  });

  test("who let their first password expire get another", async () => {
    known("FORCE_CHANGE_PASSWORD");
    await staff.add(d, dana);
    const [, again] = pool.commandCalls(AdminCreateUserCommand);
    expect(again?.args[0].input).toMatchObject({
      MessageAction: "RESEND",
      DesiredDeliveryMediums: ["EMAIL"],
    });
    expect(again?.args[0].input.TemporaryPassword).toMatch(/^.{24,}$/);
  });

  test("who are new have nothing to end", async () => {
    known();
    pool.on(AdminCreateUserCommand).resolves({});
    await staff.add(d, dana);
    expect(table.commandCalls(DeleteCommand)).toEqual([]);
    expect(pool.commandCalls(AdminCreateUserCommand)).toHaveLength(1);
  });

  test("are not let in to a practice that is not there", async () => {
    await expect(staff.add(d, dana)).rejects.toThrow("no practice harbor");
    expect(pool.calls()).toEqual([]);
  });

  test("who leave lose their sessions at once, and nobody reads the whole table for it", async () => {
    known();
    let left = Infinity;
    pool.on(AdminDisableUserCommand).callsFake(() => ((left = sessions.length), {}));
    await staff.remove(d, dana.email);
    expect(left).toBe(1);
    expect(pool.commandCalls(AdminDisableUserCommand)).toHaveLength(1);
    expect(sessions).toEqual([felix]);
    expect(table.commandCalls(ScanCommand)).toEqual([]);
    expect(said.join()).toContain("2 sessions ended");
  });

  test("who leave lose a session that begins meanwhile", async () => {
    known();
    // One that was made beside the call, and one by a sign-in that the issuer had let through already.
    pool.on(AdminDisableUserCommand).callsFake(() => (sessions.push(sessionIn("cove")), {}));
    vi.spyOn(d, "wait").mockImplementation(async (milliseconds) => {
      expect(sessions).toEqual([felix]);
      expect(milliseconds).toBeGreaterThanOrEqual(25_000);
      sessions.push({ ...sessionIn("cove"), SK: "SESSION#9" });
    });
    await staff.remove(d, dana.email);
    expect(sessions).toEqual([felix]);
    expect(said.join()).toContain("4 sessions ended");
  });

  test("are not told to be out when nobody knows which sessions are theirs", async () => {
    known();
    pool.on(AdminGetUserCommand).resolves({ Username: "1" });
    await expect(staff.remove(d, dana.email)).rejects.toThrow("no subject");
    expect(pool.commandCalls(AdminDisableUserCommand)).toHaveLength(1);
  });

  test("who lost their authenticator enrol another", async () => {
    known();
    await staff.reset(d, dana.email);
    expect(pool.commandCalls(AdminDeleteSoftwareTokenCommand)[0]?.args[0].input).toEqual({
      UserPoolId: "the StaffPool",
      Username: dana.email,
    });
    expect(sessions).toEqual([felix]);
  });

  test("lose their sessions by address, or by what another issuer calls them", async () => {
    known();
    await staff.endSessions(d, { email: dana.email });
    expect(sessions).toEqual([felix]);
    expect(said.join()).toContain("2 sessions");
    kept(sessionIn("cove"), felix);
    await staff.endSessions(d, { subject: "subject", practice: "cove" });
    expect(sessions).toEqual([felix]);
    const issuer = { url: "https://id.example", clientId: "latchkey" };
    const other = new Deployment({ ...given(), issuer }, () => {});
    await expect(staff.endSessions(other, { email: dana.email })).rejects.toThrow("--subject");
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
