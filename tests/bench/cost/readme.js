// The tables that the AWS chapter shows, by the stated figures: printed by `node readme.js`, and tested to be there.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { AIMS, SIZES, TIERS, bill, stated } from "./model.js";
import { order, table } from "./scale.js";

const list = JSON.parse(readFileSync(new URL("./prices.json", import.meta.url), "utf8"));
const whole = (usd) => usd.toLocaleString("en-US", { maximumFractionDigits: 0 });
const fine = (usd) => (usd < 20 ? usd.toFixed(1) : whole(usd));
const row = (name, cells) => `| ${[name, ...cells].join(" | ")} |`;
const head = [row("", SIZES.map(({ clients }) => `${whole(clients)} clients`)), "| --- | --: | --: | --: |"];

const PARTS = {
  "mails, nearly all of them about alerts": ["SES"],
  "DynamoDB, backups, archive, pages": ["DynamoDB", "Backup", "S3"],
  "CloudFront and firewalls": ["CloudFront", "WAF"],
  "logs, metrics, alarms": ["CloudWatch", "X-Ray"],
  "functions and API": ["Lambda", "API Gateway"],
  "KMS, Secrets Manager": ["KMS, Secrets Manager"],
};

/** What a month costs, what that is made of, and which limits come first. */
export function tables() {
  const { bench, cold } = stated();
  const bills = (tier) => SIZES.map((size) => bill(size, bench, cold, list, tier));
  const { full, standard, lean } = TIERS;
  const named = {
    "`full`": full,
    "`standard`": { ...standard, plans: false },
    "**`standard` with `edgePlan`**": standard,
    "`lean` with `edgePlan`": lean,
  };
  const made = bills(standard);
  return [
    [
      ...head,
      ...Object.entries(named).map(([name, tier]) => {
        const cells = bills(tier).map(({ usd }) => fine(usd));
        return row(name, name.startsWith("**") ? cells.map((one) => `**${one}**`) : cells);
      }),
      row("aim", AIMS.map(whole)),
    ],
    [
      ...head,
      ...Object.entries(PARTS).map(([name, services]) =>
        row(name, made.map(({ services: of }) => fine(services.reduce((all, one) => all + of[one].usd, 0)))),
      ),
    ],
    table(order(bench, cold)),
  ];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) console.log(tables().map((lines) => lines.join("\n")).join("\n\n"));
