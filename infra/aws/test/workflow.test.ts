// The workflows: what may run where AWS trusts one, and what runs at all.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const FOLDER = new URL("../../../.github/workflows/", import.meta.url);
const workflow = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");
const text = workflow("deploy.yml");
/** The steps of each job, as lines. */
const jobs = new Map(
  text
    .slice(text.indexOf("\njobs:\n"))
    .split(/\n  (?=[a-z]+:\n)/)
    .slice(1)
    .map((job) => [job.slice(0, job.indexOf(":")), job] as const),
);

test.each(readdirSync(FOLDER))("every action of %s is pinned to a commit, and says which version that was", (name) => {
  const uses = workflow(name).split("\n").filter((line) => /^\s*- uses:/.test(line));
  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test("only the deployment has a token, and nothing is built or installed once there are credentials", () => {
  expect([...jobs].filter(([, job]) => job.includes("id-token")).map(([name]) => name)).toEqual(["deploy"]);
  const deploy = jobs.get("deploy")!;
  expect(deploy).toContain("environment: production");
  expect(deploy).not.toMatch(/make|cargo|rustup/);
  const at = deploy.indexOf("aws-actions/configure-aws-credentials@");
  const [before, after] = [deploy.slice(0, at), deploy.slice(at)];
  expect(before.match(/npm ci.*/g)).toEqual(["npm ci --ignore-scripts"]);
  expect(after.match(/- (run|uses): .*/g)).toEqual([
    expect.stringContaining("- uses: aws-actions/configure-aws-credentials@"),
    "- run: npm run ops -- up --yes --templates cdk.out",
  ]);
});

test("a fork, which has no account and no settings, tests and deploys nothing", () => {
  const guard = "if: github.event_name == 'push' && vars.LATCHKEY_SETTINGS != '' && vars.AWS_ACCOUNT != ''\n";
  for (const name of ["build", "deploy"]) expect(jobs.get(name)).toContain(guard);
  // Variables of an environment are not known yet when a job's condition is judged.
  expect(text).not.toMatch(/^ +if: .*DEPLOY_ROLE/m);
});

test("both versions of Node are tested, and the newer one builds and deploys", () => {
  expect(jobs.get("test")).toContain("node: [20, 22]\n");
  expect(jobs.get("test")).toContain("node-version: ${{ matrix.node }}\n");
  for (const name of ["advisories", "build", "deploy"]) expect(jobs.get(name)).toContain("node-version: 22\n");
});

test("every right is taken away by itself once a week, without any right of its own", () => {
  const thorough = workflow("thorough.yml");
  expect(thorough).toMatch(/schedule:\n +- cron: "\d+ \d+ \* \* 0"\n +workflow_dispatch:/);
  expect(thorough).toContain("- run: make test-deployed THOROUGH=1\n");
  expect(thorough).toContain("permissions:\n  contents: read\n");
  expect(thorough).not.toMatch(/id-token|secrets\.|write/);
});

test("what is deployed was tested", () => {
  expect(jobs.get("deploy")).toContain("needs: [test, advisories, build]");
  expect(jobs.get("test")).toContain("- run: make test\n");
});
