// The built site in its bucket. Files below `assets/` carry a hash of their content in their names and stay,
// so that a page that was opened before an upgrade still finds its own. Browsers ask for pages anew every time; CloudFront
// gives them out for a minute before it asks the bucket.
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { GetObjectCommand, NoSuchKey, paginateListObjectsV2, PutObjectCommand } from "@aws-sdk/client-s3";
import { Refusal, type Deployment } from "./deployment.ts";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** The file with the practices that wish to be offered where no practice is named. */
export const CONFIG = "config.json";
/** The folder with a file for each practice, which its own pages read. */
const PRACTICES = "practices/";
const fileOf = (id: string) => `${PRACTICES}${id}.json`;

/** Uploads a build: first what pages refer to, then the pages. */
export async function publish(d: Deployment, dist: string): Promise<void> {
  const all = await readdir(dist, { recursive: true, withFileTypes: true }).catch(() => {
    throw new Refusal(`There is no built site in ${dist}. First: make site`);
  });
  const files = all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
    .sort((a, b) => Number(a.endsWith(".html")) - Number(b.endsWith(".html")));
  // Before the pages that read them.
  await settle(d);
  for (const file of files) await store(d, file, await readFile(join(dist, file)));
  d.say(`${files.length} files are in place.`);
}

/** What browsers and CloudFront keep, and how long. A change of pages or of a practice's name is seen a minute later. */
const KEPT = {
  hashed: "public, max-age=31536000, immutable",
  asked: "public, max-age=0, must-revalidate, s-maxage=60",
};

interface Offered {
  id: string;
  name: string;
}

/** How often a file is read again when another command has changed it meanwhile. */
const TRIES = 8;

/** Tells the pages of a practice what it is called, and lists it, or lists it no more; otherwise it stays as it was. The
 *  name is read after the file that it goes into: of two commands at once, the later one's stays. */
export async function announce(d: Deployment, id: string, name: () => Promise<string>, listed?: boolean): Promise<void> {
  await change<Offered>(d, fileOf(id), async () => ({ id, name: await name() }));
  await change<List>(d, CONFIG, async ({ practices } = NONE) => {
    const others = practices.filter((other) => other.id !== id);
    if (!(listed ?? others.length < practices.length)) return { practices: others };
    const all = [...others, { id, name: await name() }];
    return { practices: all.sort((a, b) => a.name.localeCompare(b.name)) };
  });
}

interface List {
  practices: Offered[];
}
const NONE: List = { practices: [] };

/** Whether the pages find what they read: the list, and a file of each practice in it. Those from before there were such
 *  files stood in the list alone. */
export async function settled(d: Deployment): Promise<boolean> {
  const list = await read<List>(d, CONFIG);
  if (!list) return false;
  for (const { id } of list.value.practices) if (!(await read(d, fileOf(id)))) return false;
  return true;
}

async function settle(d: Deployment): Promise<void> {
  await change<List>(d, CONFIG, async (list = NONE) => list);
  const { practices } = (await read<List>(d, CONFIG))!.value;
  for (const one of practices) await change<Offered>(d, fileOf(one.id), async (there) => there ?? one);
}

/** Every practice that has pages. */
export async function practices(d: Deployment): Promise<string[]> {
  const Bucket = await d.outputOf("SiteBucket");
  if (!Bucket) return [];
  const list = await read<List>(d, CONFIG);
  const found = new Set(list?.value.practices.map(({ id }) => id));
  for await (const { Contents = [] } of paginateListObjectsV2({ client: d.s3 }, { Bucket, Prefix: PRACTICES }))
    for (const { Key = "" } of Contents) found.add(Key.slice(PRACTICES.length, -".json".length));
  return [...found].sort();
}

/** Writes a file on the condition that it is as it was read: of two commands at once, neither undoes the other. */
async function change<T>(d: Deployment, path: string, to: (before?: T) => Promise<T>, tries = TRIES): Promise<void> {
  const before = await read<T>(d, path);
  const after = JSON.stringify(await to(before?.value));
  if (before && after === JSON.stringify(before.value)) return;
  const asRead = before ? { IfMatch: before.etag } : { IfNoneMatch: "*" };
  try {
    await store(d, path, Buffer.from(after), asRead);
  } catch (error) {
    // 409: another write is under way.
    if (!["PreconditionFailed", "ConditionalRequestConflict"].includes((error as Error).name)) throw error;
    if (tries <= 1) throw new Refusal(`${path} is being changed by others. Say the same again.`);
    await d.wait(Math.random() * 100 * (TRIES - tries + 1));
    return change(d, path, to, tries - 1);
  }
}

/** What a file says, and which version of it, if there is one. */
async function read<T>(d: Deployment, Key: string): Promise<{ value: T; etag: string } | undefined> {
  try {
    const { Body, ETag } = await d.s3.send(new GetObjectCommand({ Bucket: await d.output("SiteBucket"), Key }));
    return { value: JSON.parse(await Body!.transformToString()) as T, etag: ETag! };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

async function store(
  d: Deployment,
  path: string,
  body: Uint8Array,
  condition: { IfMatch?: string; IfNoneMatch?: string } = {},
): Promise<void> {
  const type = TYPES[extname(path)];
  if (!type) throw new Refusal(`What kind of file is ${path}?`);
  await d.s3.send(
    new PutObjectCommand({
      Bucket: await d.output("SiteBucket"),
      Key: path,
      Body: body,
      ContentType: type,
      CacheControl: path.startsWith("assets/") ? KEPT.hashed : KEPT.asked,
      ...condition,
    }),
  );
}
