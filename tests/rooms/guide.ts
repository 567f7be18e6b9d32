// The guide's own pieces of code, by the names that stand behind their languages.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const GUIDE = readFileSync(join(import.meta.dirname, "README.md"), "utf8");

export const snippets = new Map(
  [...GUIDE.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)].map(([, name = "", text = ""]) => [name, text]),
);

export function snippet(name: string): string {
  const text = snippets.get(name);
  if (text === undefined) throw new Error(`the guide has no ${name}`);
  return text;
}
