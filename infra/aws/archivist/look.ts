// Looks once a day whether the history still reaches its archive. A stream that is read no more has no age, so that the
// alarm about its age stays silent: here what was written to the table is held against the newest object.
import { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { BEHIND, CURRENT } from "./words.ts";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** How far back it looks for the newest object: the table's own figures go back further. */
const DAYS = 15;

const s3 = new S3Client({});
const cloudWatch = new CloudWatchClient({});

export async function handler(_event?: unknown, _context?: unknown, now = Date.now()): Promise<void> {
  const newest = await newestObject(now);
  const since = newest ? `nothing came since ${new Date(newest).toISOString()}` : `nothing came for ${DAYS} days`;
  // Figures are of whole hours. What was written in the hour of the newest object may be in it, and what was written in
  // the last one has time.
  const from = newest ? Math.floor(newest / HOUR) * HOUR + HOUR : now - DAYS * DAY;
  const to = Math.floor(now / HOUR) * HOUR - HOUR;
  const written = from < to ? await writes(from, to) : 0;
  if (written) console.error(`${BEHIND}: ${since}, and the table was written to`);
  else console.log(`${CURRENT}: ${since}, and nothing was written`);
}

/** When the newest object was written. */
async function newestObject(now: number): Promise<number | undefined> {
  for (let day = now; day > now - DAYS * DAY; day -= DAY) {
    const Prefix = `history/${new Date(day).toISOString().slice(0, 10).replaceAll("-", "/")}/`;
    let newest = 0;
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({
          Bucket: process.env["ARCHIVE"],
          Prefix,
          ...(ContinuationToken && { ContinuationToken }),
        }),
      );
      for (const { LastModified } of page.Contents ?? []) newest = Math.max(newest, LastModified?.getTime() ?? 0);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    if (newest) return newest;
  }
  return undefined;
}

/** What was written to the history's table meanwhile, in units. */
async function writes(from: number, to: number): Promise<number> {
  const { MetricDataResults = [] } = await cloudWatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(from),
      EndTime: new Date(to),
      MetricDataQueries: [
        {
          Id: "written",
          MetricStat: {
            Metric: {
              Namespace: "AWS/DynamoDB",
              MetricName: "ConsumedWriteCapacityUnits",
              Dimensions: [{ Name: "TableName", Value: process.env["HISTORY_TABLE"] }],
            },
            Period: 3600,
            Stat: "Sum",
          },
        },
      ],
    }),
  );
  return MetricDataResults.flatMap(({ Values = [] }) => Values).reduce((all, one) => all + one, 0);
}
