// The history's archive, from the stream to the export, in a bucket that remembers.
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { handler } from "../archivist/index.ts";
import { handler as look } from "../archivist/look.ts";
import { BEHIND, CURRENT } from "../archivist/words.ts";
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

describe("the daily look", () => {
  const figures = mockClient(CloudWatchClient);
  const NOW = Date.parse("2026-02-10T06:30:00Z");
  const HOUR = 60 * 60 * 1000;
  const spies = () => [vi.spyOn(console, "log"), vi.spyOn(console, "error")] as const;
  let [log, error]: ReturnType<typeof spies> = [] as never;
  /** What the archive holds, by key, and what was written to the table within each hour. */
  let written: Record<string, string>;
  let units: Record<string, number>;

  beforeEach(() => {
    [written, units] = [{}, {}];
    [log, error] = spies();
    for (const said of [log, error]) said.mockReturnValue();
    bucket.on(ListObjectsV2Command).callsFake(({ Prefix, ContinuationToken }) => {
      const all = Object.entries(written).filter(([key]) => key.startsWith(Prefix));
      const [Key, at] = all[Number(ContinuationToken ?? 0)] ?? [];
      const next = Number(ContinuationToken ?? 0) + 1;
      return {
        ...(Key && { Contents: [{ Key, LastModified: new Date(at!) }] }),
        ...(next < all.length && { NextContinuationToken: String(next) }),
      };
    });
    figures.reset();
    figures.on(GetMetricDataCommand).callsFake(({ StartTime, EndTime }) => ({
      MetricDataResults: [
        {
          Values: Object.entries(units)
            .filter(([at]) => Date.parse(at) >= StartTime.getTime() && Date.parse(at) < EndTime.getTime())
            .map(([, value]) => value),
        },
      ],
    }));
  });
  const looked = async () => {
    await look(undefined, undefined, NOW);
    expect(log.mock.calls.length + error.mock.calls.length).toBe(1);
    return error.mock.calls.length ? [BEHIND, error.mock.calls[0]![0]] : [CURRENT, log.mock.calls[0]![0]];
  };

  test("finds an archive behind when the table was written to and no object came", async () => {
    written = {
      "history/2026/02/08/1.jsonl": "2026-02-08T11:00:00Z",
      "history/2026/02/08/2.jsonl": "2026-02-08T16:10:00Z",
      "history/2026/02/08/3.jsonl": "2026-02-08T12:00:00Z",
    };
    units = { "2026-02-09T09:00:00Z": 3 };
    expect(await looked()).toEqual([
      BEHIND,
      "the archive is behind: nothing came since 2026-02-08T16:10:00.000Z, and the table was written to",
    ]);
  });

  test("lets a quiet weekend pass", async () => {
    written = { "history/2026/02/06/1.jsonl": "2026-02-06T16:10:00Z" };
    units = { "2026-02-06T16:00:00Z": 40, "2026-02-08T00:00:00Z": 0 };
    expect((await looked())[0]).toBe(CURRENT);
  });

  test("leaves the hour of the newest object and the last one out: their events have time", async () => {
    written = { "history/2026/02/10/1.jsonl": "2026-02-10T03:10:00Z" };
    units = { "2026-02-10T03:00:00Z": 7, "2026-02-10T05:00:00Z": 7, "2026-02-10T06:00:00Z": 7 };
    expect((await looked())[0]).toBe(CURRENT);
    units["2026-02-10T04:00:00Z"] = 1;
    for (const said of [log, error]) said.mockClear();
    expect((await looked())[0]).toBe(BEHIND);
  });

  test("knows an archive that was never written to, and one of a deployment without any event", async () => {
    expect((await looked())[0]).toBe(CURRENT);
    units = { "2026-02-09T09:00:00Z": 1 };
    for (const said of [log, error]) said.mockClear();
    expect((await looked())[1]).toContain("nothing came for 15 days");
  });

  test("asks for the figures of its own table, hour by hour", async () => {
    vi.stubEnv("HISTORY_TABLE", "the history");
    await looked();
    vi.unstubAllEnvs();
    const [query] = figures.commandCalls(GetMetricDataCommand)[0]!.args[0].input.MetricDataQueries!;
    expect(query!.MetricStat).toMatchObject({
      Metric: { MetricName: "ConsumedWriteCapacityUnits", Dimensions: [{ Name: "TableName", Value: "the history" }] },
      Period: HOUR / 1000,
      Stat: "Sum",
    });
  });
});
