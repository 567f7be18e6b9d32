import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SIZES, TIERS, bill, stated } from "./model.js";
import { LIMITS, order } from "./scale.js";
import { tables } from "./readme.js";

const readme = readFileSync(new URL("../../../infra/aws/README.md", import.meta.url), "utf8");

test("the AWS chapter shows what these models say; else: node readme.js", () => {
  for (const lines of tables()) ok(readme.includes(`\n${lines.join("\n")}\n`), lines.join("\n"));
});

test("it says what is done about each limit that gives way first", () => {
  const { bench, cold } = stated();
  const text = readme.replace(/\s+/g, " ");
  for (const { limit } of order(bench, cold).slice(0, 5)) ok(text.includes(`**${limit.name}**: ${limit.plan}`), limit.name);
  ok(LIMITS.length > 10);
});

test("every service of a bill is part of the chapter's table", () => {
  const { bench, cold } = stated();
  const list = JSON.parse(readFileSync(new URL("./prices.json", import.meta.url), "utf8"));
  for (const [at, size] of SIZES.entries()) {
    const { usd } = bill(size, bench, cold, list, TIERS.standard);
    const cells = tables()[1].slice(2).map((line) => Number(line.split("|")[at + 2].replaceAll(",", "")));
    const all = cells.reduce((sum, one) => sum + one, 0);
    // Cells are rounded.
    ok(Math.abs(all - usd) < Math.max(0.4, usd / 200), `${all} is not ${usd}`);
  }
});
