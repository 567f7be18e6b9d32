// From the last release to this version and back, with people signed in. `LAST_RELEASE` names the file that was published,
// such as latchkey-0.2.0-x86_64.tar.gz. Where there is none, the release is packed of what is here: then the two differ in
// their settings alone, and what is tried is the way, from a file of a release on.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AdminSetUserPasswordCommand } from "@aws-sdk/client-cognito-identity-provider";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { expect, test } from "vitest";
import { Deployment } from "../../../infra/aws/ops/deployment.ts";
import { down } from "../../../infra/aws/ops/down.ts";
import { hands, makeDeploy, settle, type Version } from "../aws.ts";
import { SPREAD } from "../edge.ts";
import { call, home, mail, moveTo } from "../home.ts";
import { Desk, INVITATION, tokenIn } from "../people.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const DANA = "dana@harbor.example";
const NAME = "upgrade";
const SETTINGS = {
  sender: "no-reply@upgrade.example.org",
  first: {
    practice: "harbor",
    name: "Harbor Counseling",
    alertInbox: "desk@harbor.example",
    email: DANA,
    admin: "Dana Whitfield",
  },
};

function done(program: string, words: string[], cwd: string): void {
  const { status, stderr } = spawnSync(program, words, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
}

/** Programs as the tests build them are ten times as large as a release's. */
const ONE = "health";
const PACK = "import sys; from pathlib import Path; import pack; pack.release(Path(sys.argv[1]), '0.0.0', 'this', Path(sys.argv[2]))";

/** The file of a release, packed as `release.yml` does it, but with one of the functions alone. */
function packed(folder: string): string {
  const project = join(folder, "project");
  const parts: [string, string][] = [
    ...["CHANGELOG.md", "LICENSE", "infra", "shared"].map((name): [string, string] => [name, join(ROOT, name)]),
    ["site/dist", join(ROOT, "site/dist")],
    [`target/lambda/${ONE}/bootstrap`, join(process.env["LATCHKEY_BINARIES"]!, ONE, "bootstrap")],
  ];
  for (const [name, from] of parts) {
    mkdirSync(join(project, name, ".."), { recursive: true });
    symlinkSync(from, join(project, name));
  }
  done("python3", ["-B", "-c", PACK, project, folder], join(ROOT, ".github"));
  return join(folder, "latchkey-0.0.0-this.tar.gz");
}

/** A release, unpacked and with what `npm ci` would install; one that was packed here, with all functions, too. */
function unpacked(folder: string): Version & { dist: string } {
  const file = process.env["LAST_RELEASE"] ? resolve(process.env["LAST_RELEASE"]) : packed(folder);
  done("tar", ["-xzf", file], folder);
  const [name] = readdirSync(folder).filter((one) => one.startsWith("latchkey-") && !one.endsWith(".gz") && !one.endsWith(".tar"));
  const app = join(folder, name!, "infra/aws");
  const dist = join(folder, name!, "site/dist");
  if (process.env["LAST_RELEASE"]) {
    done("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], app);
    return { app, binaries: undefined, dist };
  }
  symlinkSync(join(ROOT, "infra/aws/node_modules"), join(app, "node_modules"));
  expect(existsSync(join(folder, name!, "target/lambda", ONE, "bootstrap"))).toBe(true);
  return { app, binaries: process.env["LATCHKEY_BINARIES"], dist };
}

test("the last release is upgraded under people who are signed in, and comes back", { timeout: 500_000 }, async () => {
  const there = { staff: home().staff, portal: home().portal };
  const folder = mkdtempSync(join(tmpdir(), "latchkey-release-"));
  try {
    const last = unpacked(folder);
    expect(existsSync(join(last.app, "test"))).toBe(false);
    const release = async (d: Deployment) => {
      const of = hands(NAME, last);
      await makeDeploy(d, { cdk: of.cdk, dist: last.dist }).finally(() => of.close());
      await call(home().staff, "GET", SPREAD);
    };
    let d = settle(NAME, SETTINGS);
    const memory = async () =>
      (await d.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: `${NAME}-search` }))).MemorySize;
    await release(d);
    const own = { UserPoolId: await d.output("StaffPool"), Username: DANA };
    await d.cognito.send(new AdminSetUserPasswordCommand({ ...own, Password: home().password!, Permanent: true }));
    moveTo({ staff: await d.output("StaffSite"), portal: await d.output("PortalSite") });
    await call(home().staff, "GET", SPREAD);

    const dana = await Desk.open(DANA);
    const { visitor } = await dana.enrolled();
    const token = tokenIn(await mail((await dana.invite(await dana.client())).email, INVITATION));
    const goesOn = async () => {
      expect((await dana.call("GET", "/staff/session")).status).toBe(200);
      expect(await visitor.status()).toBe(200);
      // A link that was mailed before.
      expect((await visitor.call("POST", "/enrollment/check", { token })).body.state).toBe("open");
      expect((await visitor.signIn()).status).toBe(200);
      expect(await (await Desk.open(DANA)).must(200, "GET", "/staff/session")).toMatchObject({ role: "admin" });
      expect((await call(home().portal, "GET", "/practices/harbor.json")).body).toEqual({
        id: "harbor",
        name: "Harbor Counseling",
      });
    };
    const before = await memory();

    d = settle(NAME, { ...SETTINGS, memory: { usual: 640, passwords: 1769 } });
    const said = (await makeDeploy(d)).join("\n");
    expect(said).toMatch(/\] keys: is done[^]*\] app: [^]*\] smoke test: [^]*\] practice: is done[^]*\] admin: is done/);
    await call(home().staff, "GET", SPREAD);
    expect(await memory()).toBe(640);
    await goesOn();

    d = settle(NAME, SETTINGS);
    await release(d);
    expect(await memory()).toBe(before);
    await goesOn();
    await down(new Deployment(d.settings, () => {}, async () => {}));
  } finally {
    moveTo(there);
    settle("latchkey");
    rmSync(folder, { recursive: true, force: true });
  }
});
