// The workflow that publishes releases: what it demands of one, and what may write.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const text = read(".github/workflows/release.yml");
const jobs = new Map(
  text
    .slice(text.indexOf("\njobs:\n"))
    .split(/\n  (?=[a-z]+:\n)/)
    .slice(1)
    .map((job) => [job.slice(0, job.indexOf(":")), job] as const),
);
const job = (name: string) => jobs.get(name)!;

test("every action is pinned to a commit, and says which version that was", () => {
  const uses = text.split("\n").filter((line) => /^\s*- uses:/.test(line));
  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test("only the job that publishes may write, and it builds and installs nothing", () => {
  expect([...jobs.keys()]).toEqual(["build", "templates", "publish"]);
  expect([...jobs].filter(([, one]) => /: write$/m.test(one)).map(([name]) => name)).toEqual(["publish"]);
  expect(text).toMatch(/\npermissions:\n  contents: read\n\njobs:/);
  expect(job("publish")).not.toMatch(/make |npm |cargo|rustup/);
});

test("both architectures are built twice, in folders of other names, and what differs is not published", () => {
  expect(job("build")).toContain("architecture: [arm64, x86-64]");
  expect(job("build")).toContain("folder: [one, another/place]");
  expect(job("build")).toContain("--remap-path-prefix=$PWD=/latchkey");
  const publish = job("publish");
  const places = ["cmp ", "pack.py sums", "attest-build-provenance@", "gh release create"].map((what) => publish.indexOf(what));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

test("the templates and the bill of materials come from the release itself, as from a machine without a checkout", () => {
  expect(job("templates")).toMatch(/tar -xzf "built\/[^]*npm ci --ignore-scripts[^]*npx cdk synth --all/);
  expect(job("templates")).toContain("pack.py sbom");
  expect(read("infra/aws/settings.example.json")).toContain('"patients or try-out"');
});

test("the changes of the newest version are told, and it is one by the rules of versions", () => {
  const [newest] = read("CHANGELOG.md").match(/^## .*$/m)!;
  expect(newest).toMatch(/^## (0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/);
  for (const [, version] of read("CHANGELOG.md").matchAll(/^## (.*)$/gm)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
