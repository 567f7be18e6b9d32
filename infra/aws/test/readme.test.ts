// The README's first deployment, as far as it can be told without one; tests/deployed does the rest of it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const [, block = ""] = /## First deployment\n+```sh\n([^]*?)```/.exec(readme) ?? [];

test("in a clean clone, nothing asks for what was not made yet", () => {
  const at = (line: string) => {
    const found = block.indexOf(line);
    expect([line, found]).not.toEqual([line, -1]);
    return found;
  };
  // The CDK's CLI makes the whole app for whatever it is asked, binaries and all.
  const order = [
    "npm ci",
    "settings.json",
    "make ",
    "preflight",
    "cdk bootstrap",
    "keys init",
    "cdk deploy",
    "site publish",
  ];
  expect(order.map(at)).toEqual(order.map(at).sort((a, b) => a - b));
});

test("every command that it names is one", () => {
  const usage = readFileSync(new URL("../ops/main.ts", import.meta.url), "utf8");
  const named = [...block.matchAll(/npm run ops -- (\w+ \w+)/g)].map(([, words]) => words!);
  expect(named.length).toBeGreaterThan(3);
  for (const words of named) expect(usage).toContain(`case "${words}":`);
  expect(block).toMatch(/npm run ops -- preflight +#/);
  expect(usage).toContain('topic === "preflight"');
});
