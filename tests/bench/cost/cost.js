// `make cost`: what a month costs a practice of 1,000, 10,000 and 1,000,000 clients. Prints Markdown.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AIMS, ASSUMED, CALLS, LEFT, LEVERS, SIZES, TIERS, bill, figures, memories } from "./model.js";

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i ? "--:" : "---"))), ...rows.map(line)].join("\n");
}

const dollars = (usd) => (usd < 0.005 ? "0.00" : usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
const count = (number) => number.toLocaleString("en-US", { maximumFractionDigits: number < 10 ? 2 : 0 });

const { bench, cold, source } = figures();
const list = JSON.parse(readFileSync(join(import.meta.dirname, "prices.json"), "utf8"));
const tiers = Object.entries(TIERS).map(([name, tier]) => [name, SIZES.map((size) => bill(size, bench, cold, list, tier))]);
const bills = tiers[0][1];

const clients = SIZES.map(({ clients }) => `${count(clients)} clients`);
const all = ([, bills]) => bills.map(({ usd }) => dollars(usd));
console.log(`## A month, in US dollars (${list.region})\n`);
console.log(`By ${source}.\n`);
console.log("`full` subtracts no free tier; `standard` and `lean` subtract what AWS gives every account for good.\n");
console.log(
  table(
    ["tier", ...clients],
    [
      ...tiers.map((tier) => [tier[0], ...all(tier)]),
      ["aim for `standard`", ...AIMS.map(dollars)],
      ["", ...tiers[1][1].map(({ usd }, i) => (usd > AIMS[i] ? `missed by ${dollars(usd - AIMS[i])}` : "met"))],
    ],
  ),
);

console.log("\n## What each lever saves of `full`\n");
console.log(
  table(
    ["lever", ...clients],
    Object.entries(LEVERS).map(([name, change]) => [
      name in LEFT ? `${name} (left)` : name,
      ...SIZES.map((size, i) => dollars(bills[i].usd - bill(size, bench, cold, list, { ...TIERS.full, ...change }).usd)),
    ]),
  ),
);

for (const [name, bills] of tiers) {
  // One may have what another has not.
  const services = [...new Set(bills.flatMap((one) => Object.keys(one.services)))];
  console.log(`\n## ${name}, by service\n`);
  console.log(
    table(
      ["service", ...clients],
      [
        ...services.map((service) => [service, ...bills.map((one) => dollars(one.services[service].usd))]),
        ["**all**", ...bills.map(({ usd }) => `**${dollars(usd)}**`)],
        ["a client", ...bills.map(({ usd }, i) => (usd / SIZES[i].clients).toFixed(4))],
      ],
    ),
  );
}
const services = Object.keys(bills[0].services);

console.log("\n## What `full` is made of\n");
const parts = services.flatMap((service) =>
  Object.keys(bills[0].services[service].lines).map((name) => {
    const { of, usd, per } = list.prices[name];
    const cells = bills.map((one) => {
      const { quantity, usd } = one.services[service].lines[name];
      return `${count(quantity)}: ${dollars(usd)}`;
    });
    return [`${service}: ${of}`, ...cells, `${usd} for ${count(per)}`];
  }),
);
console.log(table(["what", ...clients, "price"], parts));

console.log("\n## Memory: what a call takes, and a million of them cost\n");
const kinds = [false, true].map((hashing) => memories(hashing, bench, cold, list));
const cell = ({ ms, usd }) => `${ms.toFixed(0)} ms: ${dollars(usd)}`;
console.log(
  table(
    ["MB", "functions that hash no passwords", "those that do"],
    kinds[0].map((usual, i) => [count(usual.memory), cell(usual), cell(kinds[1][i])]),
  ),
);

console.log("\n## Assumed\n");
console.log(table(["operation", "per client and month"], Object.entries(CALLS)));
console.log();
console.log(table(["what else", ""], Object.values(ASSUMED).map(({ value, unit }) => [unit, count(value)])));
console.log();
console.log(
  table(
    ["practice", "calls that find a function cold", "hours at work", "requests traced"],
    SIZES.map(({ clients, cold, hours, traced }) => [count(clients), `${cold * 100} %`, hours, `${traced * 100} %`]),
  ),
);

console.log("\n## Prices\n");
console.log(
  table(
    ["price", "source", "read at", "on", "for good, a month"],
    Object.values(list.prices).map(({ of, source, read, allowance }) => [
      of,
      source,
      read?.page ?? "not read",
      read?.day ?? "",
      allowance ? count(allowance.quantity) : "",
    ]),
  ),
);
