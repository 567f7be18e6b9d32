// The rule packs for AWS in general and for HIPAA, and CloudFormation's own rules, find nothing that is not
// explained where it is made; and every explanation explains something.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks, HIPAASecurityChecks } from "cdk-nag";
import { beforeEach, expect, test, vi } from "vitest";
import type { IConstruct } from "constructs";
import type { Settings } from "../lib/settings.ts";

const HOSTS: Partial<Settings> = {
  region: "eu-central-1",
  hosts: {
    staff: "staff.example.org",
    portal: "portal.example.org",
    certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/4c1e3d4a-0000-4000-8000-000000000000",
  },
  issuer: { url: "https://login.example.org", clientId: "latchkey", clientSecretName: "latchkey/issuer" },
  use: "try-out",
  signIns: 10,
  tier: "full",
  edgePlan: "PRO",
};
const VARIANTS: [string, Partial<Settings>][] = [
  ["with everything as it is by itself", {}],
  ["with hosts and an issuer of its own, in another region", HOSTS],
];

/** What was explained, while explanations are only noted down. */
const explained: { path: string; id: string }[] = [];
let noting = false;
vi.mock("../lib/known.ts", async (original) => {
  const real = await original<typeof import("../lib/known.ts")>();
  return {
    ...real,
    known(construct: IConstruct, findings: Record<string, string>, ...also: IConstruct[]) {
      if (!noting) return real.known(construct, findings, ...also);
      for (const one of [construct, ...also]) {
        for (const id of Object.keys(findings)) explained.push({ path: one.node.path, id });
      }
    },
  };
});
const { binaries, given, made } = await import("./synthesised.ts");
const { latchkey } = await import("../lib/latchkey.ts");

beforeEach(() => {
  noting = false;
  explained.length = 0;
});

function checked(changes: Partial<Settings>) {
  const { app } = made(changes);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app));
  return app;
}

test.each(VARIANTS)("no finding is unexplained, %s", (_, changes) => {
  expect(() => checked(changes).synth()).not.toThrow();
});

test("templates can be made before the account is known", () => {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  latchkey(app, given(), binaries);
  expect(() => app.synth()).not.toThrow();
});

test.each(VARIANTS)("no explanation is idle, %s", (_, changes) => {
  interface Report {
    pluginReports: { violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[] }[];
  }
  noting = true;
  const app = checked(changes);
  expect(explained.length).toBeGreaterThan(0);
  const file = () => /\/\S+validation-report\.json/.exec(String(thrown(() => app.synth())))![0];
  const { pluginReports } = JSON.parse(readFileSync(file(), "utf8")) as Report;
  const found = pluginReports
    .flatMap((report) => report.violations)
    .flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map((one) => [ruleName, one.constructPath] as const),
    );
  const idle = explained.filter(
    ({ id, path }) => !found.some(([rule, at]) => rule === id && within(at, path)),
  );
  // One list of explanations goes to a function and its role, of which each is about one of the two.
  const needed = idle.filter(
    ({ id, path }) => !found.some(([rule, at]) => rule === id && within(at, parent(path))),
  );
  expect(needed).toEqual([]);
});

const within = (path: string, ancestor: string) => path === ancestor || path.startsWith(`${ancestor}/`);
const parent = (path: string) => path.slice(0, path.lastIndexOf("/"));

function thrown(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

const CFN_LINT = process.env["CFN_LINT"];

test.runIf(CFN_LINT).each(VARIANTS)("CloudFormation's linter has nothing to say, %s", (_, changes) => {
  const { directory } = made(changes).app.synth();
  const templates = readdirSync(directory).filter((file) => file.endsWith(".template.json"));
  // W3005: the CDK names dependencies that CloudFormation would find by itself.
  const answer = spawnSync(
    CFN_LINT!,
    ["--ignore-checks", "W3005", "--", ...templates.map((file) => join(directory, file))],
    {
      encoding: "utf8",
    },
  );
  expect(answer.stdout + answer.stderr).toBe("");
});
