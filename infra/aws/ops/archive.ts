// Reads the history's archive: one object a batch, below the day it was written.
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from "@aws-sdk/client-s3";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { partitionKey } from "../lib/keys.ts";
import { Refusal, type Deployment } from "./deployment.ts";

export interface Range {
  practice: string;
  client?: string;
  /** Days, `YYYY-MM-DD`; both are part of it. */
  from: string;
  to: string;
}

/** Objects that are read side by side: of a year there are more than 100,000. */
export const TOGETHER = 32;

export const DAY = 24 * 60 * 60 * 1000;

/** The events of a range, as JSON lines, in the order of their ids, which is that of time. */
export async function events(d: Deployment, range: Range): Promise<string[]> {
  const [from, to] = [range.from, range.to].map((day) => Date.parse(`${day}T00:00:00Z`)) as [number, number];
  if (!(from <= to)) throw new Refusal("--from and --to are days, as in 2026-01-31, in this order.");
  const { practice, client } = range;
  const wanted = client
    ? partitionKey("chart", { practice, client })
    : `${partitionKey("practice", { practice })}#`;
  const found = new Map<string, string>();
  // A batch may wait some minutes, and be written on the next day.
  for (let day = from; day <= to + DAY; day += DAY) {
    for (const { PK, SK, ...event } of await ofDay(d, new Date(day).toISOString().slice(0, 10))) {
      const on = String(event["at"]).slice(0, 10);
      const ours = client ? PK === wanted : String(PK).startsWith(wanted);
      // Once each, however often the stream delivered it.
      if (ours && on >= range.from && on <= range.to) found.set(String(SK), JSON.stringify(event));
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

/** What was archived on a day, as items of the history's table. */
export async function ofDay(d: Deployment, day: string): Promise<Record<string, unknown>[]> {
  const Bucket = await d.output("ArchiveBucket");
  const read = async ([Key, VersionId]: [string, string]) => {
    const object = await d.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }));
    const lines = (await object.Body!.transformToString()).split("\n").filter(Boolean);
    return lines.map((line) => unmarshall(JSON.parse(line)));
  };
  const objects = [...(await written(d, Bucket, `history/${day.replaceAll("-", "/")}/`))];
  const all: Record<string, unknown>[] = [];
  for (let at = 0; at < objects.length; at += TOGETHER)
    for (const items of await Promise.all(objects.slice(at, at + TOGETHER).map(read))) all.push(...items);
  return all;
}

/** Every object as it was first written, as key and version: that is what the lock keeps. It forbids nobody to mark
 *  an object as deleted, or to put another version over it. */
async function written(d: Deployment, Bucket: string, Prefix: string): Promise<Map<string, string>> {
  const first = new Map<string, string>();
  let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (from) {
    const page: ListObjectVersionsCommandOutput = await d.s3.send(
      new ListObjectVersionsCommand({ Bucket, Prefix, ...from }),
    );
    // Of each key the newest comes first, and the oldest stays.
    for (const { Key, VersionId } of page.Versions ?? []) first.set(Key!, VersionId!);
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    from = page.IsTruncated ? { KeyMarker, VersionIdMarker } : undefined;
  }
  return first;
}
