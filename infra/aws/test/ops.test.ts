// The ops commands, against clients that remember what they were asked.
import { createHash } from "node:crypto";
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDisableUserCommand,
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
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
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
  d = new Deployment(given(), (line) => said.push(line));
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
    [{ senderName: "Harbor\r\nBcc: x" }, "senderName"],
    [{ colour: "red" } as object, "colour: there is no such setting"],
  ])("are not written when wrong: %j", async (wrong, why) => {
    await expect(put(wrong)).rejects.toThrow(why);
    expect(table.commandCalls(UpdateCommand)).toEqual([]);
  });

  test("end all their sessions in one update", async () => {
    vi.setSystemTime("2026-03-01T12:00:00Z");
    await practice.revokeEveryone(d, "harbor");
    vi.useRealTimers();
    expect(table.commandCalls(UpdateCommand)[0]?.args[0].input).toMatchObject({
      Key: { PK: "P#harbor", SK: "PRACTICE" },
      ExpressionAttributeValues: { ":now": "2026-03-01T12:00:00.000Z" },
    });
    table.on(UpdateCommand).rejects(new ConditionalCheckFailedException({ message: "", $metadata: {} }));
    await expect(practice.revokeEveryone(d, "nowhere")).rejects.toThrow("no practice nowhere");
  });
});

describe("staff", () => {
  const dana: staff.Person = {
    email: "dana@harbor.example",
    name: "Dana",
    practice: "harbor",
    role: "admin",
  };

  test("are let in with one role", async () => {
    table.on(GetCommand).resolves({ Item: { practice: "harbor" } });
    pool.on(AdminListGroupsForUserCommand).resolves({ Groups: [{ GroupName: "auditor" }] });
    pool.on(AdminCreateUserCommand).rejects(new UsernameExistsException({ message: "", $metadata: {} }));
    await staff.add(d, dana);
    expect(
      pool.commandCalls(AdminUpdateUserAttributesCommand)[0]?.args[0].input.UserAttributes,
    ).toContainEqual({ Name: "custom:practice", Value: "harbor" });
    expect(pool.commandCalls(AdminRemoveUserFromGroupCommand)[0]?.args[0].input.GroupName).toBe("auditor");
    expect(pool.commandCalls(AdminAddUserToGroupCommand)[0]?.args[0].input.GroupName).toBe("admin");
  });

  test("are not let in to a practice that is not there", async () => {
    await expect(staff.add(d, dana)).rejects.toThrow("no practice harbor");
    expect(pool.calls()).toEqual([]);
  });

  test("who leave lose their sessions too", async () => {
    pool.on(AdminGetUserCommand).resolves({
      UserAttributes: [
        { Name: "sub", Value: "subject" },
        { Name: "custom:practice", Value: "harbor" },
      ],
    });
    // Sixteen bytes of the digest, as functions/staff-sign-in takes them.
    const PK = `P#harbor#W#${createHash("sha256").update("subject").digest().subarray(0, 16).toString("base64url")}`;
    table
      .on(QueryCommand, { ExpressionAttributeValues: { ":pk": PK } })
      .resolves({ Items: [{ PK, SK: "SESSION#1" }] });
    await staff.remove(d, dana.email);
    expect(pool.commandCalls(AdminDisableUserCommand)).toHaveLength(1);
    expect(table.commandCalls(DeleteCommand)[0]?.args[0].input.Key).toEqual({ PK, SK: "SESSION#1" });
  });
});

test("the outbox is driven again, and what was done with leaves its queue", async () => {
  table.on(QueryCommand).resolves({ Items: [] });
  functions.on(InvokeCommand).resolves({ StatusCode: 200 });
  queues.on(ReceiveMessageCommand).resolves({});
  queues
    .on(ReceiveMessageCommand, { QueueUrl: "the FailedEvents" })
    .resolvesOnce({ Messages: [{ Body: '{"detail":{}}', ReceiptHandle: "1" }] })
    .resolves({});
  await outbox.redrive(d);
  const payloads = functions
    .commandCalls(InvokeCommand)
    .map((call) => [
      call.args[0].input.FunctionName,
      Buffer.from(call.args[0].input.Payload as Uint8Array).toString(),
    ]);
  expect(payloads).toEqual([
    ["the SendMail", '{"sweep":true}'],
    ["the MailEvents", '{"detail":{}}'],
  ]);
  expect(queues.commandCalls(DeleteMessageCommand)).toHaveLength(1);
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
  bucket.on(ListObjectsV2Command).callsFake(({ Prefix }) => ({
    Contents: Object.keys(objects)
      .filter((key) => key.startsWith(Prefix))
      .map((Key) => ({ Key })),
  }));
  bucket
    .on(GetObjectCommand)
    .callsFake(({ Key }) => ({ Body: { transformToString: async () => `${objects[Key]!.join("\n")}\n` } }));
  const range = { practice: "harbor", client: "C1", from: "2026-01-31", to: "2026-01-31" };
  const at = (day: string) => `{"at":"${day}T10:00:00.000Z","action":"enrolled"}`;
  expect(await archive.events(d, range)).toEqual([at("2026-01-31"), at("2026-01-31"), at("2026-01-31")]);
  expect(await archive.events(d, { ...range, client: undefined as never, to: "2026-02-01" })).toHaveLength(5);
  await expect(archive.events(d, { ...range, to: "yesterday" })).rejects.toThrow("--from and --to");
});
