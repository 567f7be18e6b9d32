// The history's archive, from the stream to the export, in a bucket that remembers.
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { handler } from "../archivist/index.ts";
import { events } from "../ops/archive.ts";
import { Deployment } from "../ops/deployment.ts";
import { given } from "./synthesised.ts";

const bucket = mockClient(S3Client);
const stacks = mockClient(CloudFormationClient);
const objects = new Map<string, string>();

beforeEach(() => {
  objects.clear();
  bucket.reset();
  bucket.on(PutObjectCommand).callsFake(({ Key, Body, IfNoneMatch }) => {
    expect(IfNoneMatch).toBe("*");
    if (objects.has(Key)) throw Object.assign(new Error("it is there"), { name: "PreconditionFailed" });
    objects.set(Key, Body);
  });
  bucket.on(ListObjectVersionsCommand).callsFake(({ Prefix }) => {
    const keys = [...objects.keys()].filter((Key) => Key.startsWith(Prefix));
    return { Versions: keys.map((Key) => ({ Key, VersionId: "1" })), IsTruncated: false };
  });
  bucket
    .on(GetObjectCommand)
    .callsFake(({ Key }) => ({ Body: { transformToString: async () => objects.get(Key) } }));
  stacks.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: "latchkey",
        CreationTime: new Date(),
        StackStatus: "CREATE_COMPLETE",
        Outputs: [{ OutputKey: "ArchiveBucket", OutputValue: "archive" }],
      },
    ],
  });
});

afterEach(() => vi.restoreAllMocks());

/** What the stream tells of the event that was the n-th. */
const told = (n: number, eventName = "INSERT") => ({
  eventName,
  dynamodb: {
    SequenceNumber: `${100 + n}`,
    ApproximateCreationDateTime: Date.parse("2026-01-31T10:00:00Z") / 1000,
    Keys: { PK: { S: "P#harbor#C#C1" }, SK: { S: `E${n}` } },
    NewImage: {
      PK: { S: "P#harbor#C#C1" },
      SK: { S: `E${n}` },
      at: { S: "2026-01-31T10:00:00.000Z" },
      action: { S: `event ${n}` },
    },
  },
});

const exported = async () => {
  const range = { practice: "harbor", from: "2026-01-31", to: "2026-01-31" };
  const lines = await events(new Deployment(given(), () => {}), range);
  return lines.map((line) => (JSON.parse(line) as { action: string }).action);
};

test("a batch that comes again is written once", async () => {
  const batch = { Records: [told(1), told(2)] };
  await handler(batch);
  await handler(batch);
  expect([...objects.keys()]).toEqual(["history/2026/01/31/101-102.jsonl"]);
});

test("a batch that begins as one before and has come to more loses nothing, and repeats nothing", async () => {
  await handler({ Records: [told(1), told(2)] });
  await handler({ Records: [told(1), told(2), told(3), told(4)] });
  expect(await exported()).toEqual(["event 1", "event 2", "event 3", "event 4"]);
});

test("an event that is changed or deleted in the table stays in the archive as it was, and is told of", async () => {
  const said = vi.spyOn(console, "error").mockReturnValue();
  await handler({ Records: [told(1), told(2)] });
  expect(said).not.toHaveBeenCalled();
  await handler({ Records: [told(1, "MODIFY"), told(2, "REMOVE"), told(3)] });
  expect(said.mock.calls).toEqual([
    ["history was changed: MODIFY P#harbor#C#C1 E1"],
    ["history was changed: REMOVE P#harbor#C#C1 E2"],
  ]);
  expect(await exported()).toEqual(["event 1", "event 2", "event 3"]);
});

test("a batch that the bucket does not take comes again", async () => {
  bucket.on(PutObjectCommand).rejects(Object.assign(new Error("not now"), { name: "SlowDown" }));
  await expect(handler({ Records: [told(1)] })).rejects.toThrow("not now");
});
