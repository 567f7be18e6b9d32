// Copies the history's stream into the archive: one object a batch, one JSON line an event.
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CHANGED } from "./words.ts";

interface StreamRecord {
  eventName: string;
  dynamodb: {
    SequenceNumber: string;
    ApproximateCreationDateTime: number;
    Keys: Record<string, { S: string }>;
    NewImage?: Record<string, unknown>;
  };
}

const s3 = new S3Client({});

/** Writes a batch. The object's name says from which event to which, so that a batch that comes again is the
 *  same object, and stays as it is. One that begins alike and has come to more is another object: whoever
 *  reads the archive takes each event once. Of an event that was changed or deleted in the table, the archive
 *  keeps what it was. */
export async function handler(event: { Records: StreamRecord[] }): Promise<void> {
  const added = event.Records.filter((record) => record.eventName === "INSERT");
  for (const { eventName, dynamodb } of event.Records.filter((record) => !added.includes(record)))
    console.error(`${CHANGED}: ${eventName} ${dynamodb.Keys["PK"]?.S} ${dynamodb.Keys["SK"]?.S}`);
  const [first, last] = [added[0], added.at(-1)];
  if (!first || !last) return;
  const { SequenceNumber, ApproximateCreationDateTime } = first.dynamodb;
  const name = `${SequenceNumber}-${last.dynamodb.SequenceNumber}`;
  const day = new Date(ApproximateCreationDateTime * 1000).toISOString().slice(0, 10).replaceAll("-", "/");
  try {
    await s3.send(
      new PutObjectCommand({
        Bucket: process.env["ARCHIVE"],
        Key: `history/${day}/${name}.jsonl`,
        Body: added.map((record) => `${JSON.stringify(record.dynamodb.NewImage)}\n`).join(""),
        ContentType: "application/jsonl",
        // Object lock asks for a checksum.
        ChecksumAlgorithm: "SHA256",
        IfNoneMatch: "*",
      }),
    );
  } catch (error) {
    if ((error as Error).name !== "PreconditionFailed") throw error;
  }
}
