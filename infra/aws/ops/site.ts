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
const CONFIG = "config.json";

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
  if (!(await practices(d)).length) await announce(d);
  d.say(`${files.length} files are in place.`);
}

interface Offered {
  id: string;
  name: string;
}

/** Adds a practice to those that the sign-in pages offer. */
export async function announce(d: Deployment, practice?: Offered): Promise<void> {
  const others = (await practices(d)).filter((other) => other.id !== practice?.id);
  const all = [...others, ...(practice ? [practice] : [])].sort((a, b) => a.name.localeCompare(b.name));
  await store(d, CONFIG, Buffer.from(JSON.stringify({ practices: all })));
}

/** The practices that there are: each is announced when it is made. */
export async function practices(d: Deployment): Promise<Offered[]> {
  try {
    const answer = await d.s3.send(
      new GetObjectCommand({ Bucket: await d.output("SiteBucket"), Key: CONFIG }),
    );
    return (JSON.parse(await answer.Body!.transformToString()) as { practices: Offered[] }).practices;
  } catch (error) {
    if (error instanceof NoSuchKey) return [];
    throw error;
  }
}

async function store(d: Deployment, path: string, body: Uint8Array): Promise<void> {
  const type = TYPES[extname(path)];
  if (!type) throw new Refusal(`What kind of file is ${path}?`);
  await d.s3.send(
    new PutObjectCommand({
      Bucket: await d.output("SiteBucket"),
      Key: path,
      Body: body,
      ContentType: type,
      CacheControl: path.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    }),
  );
}
