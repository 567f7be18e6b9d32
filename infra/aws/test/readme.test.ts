// The README's first deployment, as far as it can be told without one; tests/deployed does the rest of it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Deployment } from "../ops/deployment.ts";
import { hands, stepsOf } from "../ops/up.ts";
import { Account } from "./account.ts";
import { given } from "./synthesised.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const makefile = readFileSync(new URL("../../../Makefile", import.meta.url), "utf8");
const section = (name: string) => readme.slice(readme.indexOf(`\n## ${name}\n`)).slice(1).split(/\n## /)[0]!;

test("the first deployment is one command, which the Makefile has and which builds before it asks AWS", () => {
  expect(/```sh\n([^]*?)```/.exec(section("First deployment"))![1]).toBe("export AWS_PROFILE=…\nmake deploy\n");
  const [, recipe = ""] = /\ndeploy:[^\n]*\n((?:\t[^\n]*\n)+)/.exec(makefile) ?? [];
  const places = ["site", "binaries", "ops -- "].map((word) => recipe.indexOf(word));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places).not.toContain(-1);
});

test("whoever deploys has read enough after ten minutes", () => {
  const words = [section("What you need"), section("First deployment")].join(" ").split(/\s+/).length;
  expect(words).toBeLessThan(10 * 225);
});

test("its steps are those of the table, in the same order", async () => {
  new Account();
  const d = new Deployment(given({ edgePlan: "FREE" }), () => {});
  const first = { practice: "harbor", name: "Harbor", alertInbox: "a@b.example", email: "a@b.example", admin: "Dana" };
  const steps = (await stepsOf(d, hands(), first)).map(({ name }) => name);
  const rows = section("First deployment").split("\n### ")[0]!.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows.flatMap((row) => [...row.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name))).toEqual(steps);
});

test("every command that it names is one", () => {
  const usage = readFileSync(new URL("../ops/main.ts", import.meta.url), "utf8");
  const named = new Set([...readme.matchAll(/`npm run ops -- (\w+)/g)].map(([, words]) => words!));
  expect([...named]).toEqual(expect.arrayContaining(["preflight", "smoke", "up"]));
  for (const word of named) expect(usage).toMatch(new RegExp(`"${word}[ "]`));
});
