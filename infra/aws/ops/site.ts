// The built site in its bucket. Files below `assets/` carry a hash of their content in their names and stay,
// so that a page that was opened before an upgrade still finds its own; pages are asked for anew every time.
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";
import { GetObjectCommand, NoSuchKey, PutObjectCommand } from "@aws-sdk/client-s3";
import { Refusal, type Deployment } from "./deployment.ts";

const TYPES: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** The file that says which practices the sign-in pages offer. */
export const CONFIG = "config.json";

/** Uploads a build: first what pages refer to, then the pages. */
export async function publish(d: Deployment, dist: string): Promise<void> {
  const all = await readdir(dist, { recursive: true, withFileTypes: true }).catch(() => {
    throw new Refusal(`There is no built site in ${dist}. First: make site`);
  });
  const files = all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
    .sort((a, b) => Number(a.endsWith(".html")) - Number(b.endsWith(".html")));
  for (const file of files) await store(d, file, await readFile(join(dist, file)));
  await announce(d);
  d.say(`${files.length} files are in place.`);
}

interface Offered {
  id: string;
  name: string;
}

/** How often the file is read again when another command has changed it meanwhile. */
const TRIES = 8;

/** Adds a practice to those that the sign-in pages offer; without one, sees that the file is there. It is written on the
 *  condition that it is as it was read: of two commands at once, neither loses the other's practice. */
export async function announce(d: Deployment, practice?: Offered, tries = TRIES): Promise<void> {
  const { all, etag } = await offered(d);
  if (!practice && etag) return;
  const others = all.filter((other) => other.id !== practice?.id);
  const practices = [...others, ...(practice ? [practice] : [])].sort((a, b) => a.name.localeCompare(b.name));
  const asRead = etag ? { IfMatch: etag } : { IfNoneMatch: "*" };
  try {
    await store(d, CONFIG, Buffer.from(JSON.stringify({ practices })), asRead);
  } catch (error) {
    // 409: another write is under way.
    if (!["PreconditionFailed", "ConditionalRequestConflict"].includes((error as Error).name)) throw error;
    if (tries <= 1) throw new Refusal("The list of practices is being changed by others. Say the same again.");
    await d.wait(Math.random() * 100 * (TRIES - tries + 1));
    return announce(d, practice, tries - 1);
  }
}

/** The practices that are offered, and which version of the file says so, if there is one. */
async function offered(d: Deployment): Promise<{ all: Offered[]; etag?: string }> {
  try {
    const { Body, ETag } = await d.s3.send(
      new GetObjectCommand({ Bucket: await d.output("SiteBucket"), Key: CONFIG }),
    );
    const { practices } = JSON.parse(await Body!.transformToString()) as { practices: Offered[] };
    return { all: practices, ...(ETag && { etag: ETag }) };
  } catch (error) {
    if (error instanceof NoSuchKey) return { all: [] };
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
      CacheControl: path.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
      ...condition,
    }),
  );
}
