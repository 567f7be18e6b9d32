// The stack on the emulator: bootstrapped, deployed with real binaries by the real CLI, given its practices and
// staff by the ops commands, and reached through the edge.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { AdminSetUserPasswordCommand } from "@aws-sdk/client-cognito-identity-provider";
import { DeleteBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import type { TestProject } from "vitest/node";
import { Deployment } from "../../infra/aws/ops/deployment.ts";
import * as practice from "../../infra/aws/ops/practice.ts";
import * as staff from "../../infra/aws/ops/staff.ts";
import { hands as realHands, up, type Hands } from "../../infra/aws/ops/up.ts";
import { settings } from "../../infra/aws/lib/settings.ts";
import { Edge } from "./edge.ts";

const APP = resolve(import.meta.dirname, "../../infra/aws");
const PYTHON = resolve(
  import.meta.dirname,
  process.env["EMULATOR_PYTHON"] || "../../.tools/deployed/bin/python",
);
const ACCOUNT = "123456789012";
const REGION = "us-east-1";

/** What the emulator cannot make; that it is in the template, infra/aws's own tests say. */
const NOT_EMULATED = [
  "AWS::Backup::BackupSelection",
  "AWS::Cognito::ManagedLoginBranding",
  "AWS::WAFv2::LoggingConfiguration",
];

const STAFF = [
  ["dana@harbor.example", "Dana Whitfield", "harbor", "admin"],
  ["felix@harbor.example", "Felix Moreau", "harbor", "staff"],
  ["ada@harbor.example", "Ada Lindqvist", "harbor", "auditor"],
  ["casey@cove.example", "Casey Lund", "cove", "admin"],
] as const;
const PASSWORD = "Tidal-lantern-orchard-27";

export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-aws-"));
  const emulator = new URL(`http://127.0.0.1:${await freePort()}`);
  const program = emulate(emulator, folder);
  let edge: Edge | undefined;
  const stop = async () => {
    edge?.close();
    const ended = new Promise((done) => program.once("exit", done));
    program.kill();
    await ended;
    if (!process.env["KEEP_EMULATOR_LOG"]) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answers(emulator, program, folder);
    const began = Date.now();
    await deploy(emulator, folder);
    console.log(`bootstrapped and deployed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
    const deployment = new Deployment(
      settings(JSON.parse(readFileSync(join(folder, "settings.json"), "utf8"))),
      () => {},
    );
    await staffed(deployment);
    edge = await Edge.of(emulator);
    project.provide("home", {
      kind: "aws",
      staff: await deployment.output("StaffSite"),
      portal: await deployment.output("PortalSite"),
      port: await edge.listen(),
      mails: `${emulator.origin}/_ministack/ses/messages`,
      password: PASSWORD,
      api: {
        host: `${(await deployment.output("ApiHost")).split(".")[0]}.execute-api.localhost`,
        port: Number(emulator.port),
      },
      tlsPort: await edge.listen(certificate()),
    });
    return stop;
  } catch (error) {
    console.error(readFileSync(join(folder, "emulator.log"), "utf8").split("\n").slice(-40).join("\n"));
    await stop();
    throw error;
  }
}

function emulate(at: URL, folder: string): ChildProcess {
  const log = openSync(join(folder, "emulator.log"), "w");
  return spawn(PYTHON, [resolve(import.meta.dirname, "emulator.py")], {
    cwd: folder,
    stdio: ["ignore", log, log],
    // Nothing of the machine's own environment: neither credentials nor proxies.
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      TMPDIR: folder,
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: at.port,
      AWS_ENDPOINT_URL: at.origin,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      AUTH: "true",
      IOT_MTLS_ENABLED: "0",
    },
  });
}

async function answers(emulator: URL, program: ChildProcess, folder: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (program.exitCode !== null) break;
    const healthy = await fetch(`${emulator.origin}/_ministack/health`).catch(() => undefined);
    if (healthy?.ok) return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`the emulator does not start: ${join(folder, "emulator.log")}`);
}

/** Does what the README's block for the first deployment says, line by line. */
async function deploy(emulator: URL, folder: string): Promise<void> {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: emulator.origin,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    CDK_DISABLE_VERSION_CHECK: "1",
    LATCHKEY_SETTINGS: join(folder, "settings.json"),
    CI: "1",
    // The CDK's programs are started dozens of times.
    NODE_COMPILE_CACHE: join(folder, "compiled"),
  });
  const lines: Record<string, () => Promise<unknown> | void> = {
    // The tests start here, with what they need built, and the account in the environment.
    "export AWS_PROFILE=…": () => {},
    "make deploy": async () => {
      await makeDeploy(settle("latchkey", { first: FIRST }));
    },
  };
  for (const line of firstDeployment()) {
    const command = line.replace(/\s+#.*/, "");
    if (!lines[command]) throw new Error(`The README's first deployment says what nobody tried: ${line}`);
    await lines[command]();
  }
}

const FIRST = {
  practice: "harbor",
  name: "Harbor Counseling",
  alertInbox: "desk@harbor.example",
  email: "dana@harbor.example",
  admin: "Dana Whitfield",
};

/** Deploys as `make deploy YES=1` does, with hands that know what the emulator is not. Answers what was said. */
export async function makeDeploy(d: Deployment, changes: Partial<Hands> = {}): Promise<string[]> {
  const said: string[] = [];
  const telling = new Deployment(d.settings, (line) => void said.push(line), async () => {});
  const with_ = hands(d.settings.deployment);
  try {
    await up(telling, process.env["LATCHKEY_SETTINGS"]!, undefined, { ...with_, ...changes });
  } finally {
    await with_.close();
  }
  return said;
}

/** Where a version is: its CDK app, and its functions. */
export interface Version {
  app: string;
  binaries: string | undefined;
}
const HERE: Version = { app: APP, binaries: process.env["LATCHKEY_BINARIES"] };

export function hands(deployment: string, version = HERE): Hands & { close(): Promise<void> } {
  let edge: Promise<Edge> | undefined;
  let port: Promise<number> | undefined;
  return {
    ...realHands(),
    close: async () => (await edge)?.close(),
    cdk: async (...words) => {
      // CloudFront's logs are not among what it knows.
      if (words[0] === "deploy" && words[1] === `${deployment}-access-log`) return;
      if (words[0] === "synth") return synthesise(deployment, words[words.indexOf("--output") + 1]!, words, version);
      run("cdk", ...words);
      if (words[0] === "bootstrap") await openStagingBucket();
    },
    // Through an edge as it was deployed just now.
    fetch: async (url, init) => {
      edge ??= Edge.of(new URL(process.env["AWS_ENDPOINT_URL"]!));
      port ??= edge.then((one) => one.listen());
      return askedAt(await port, new URL(url), init);
    },
    cname: async () => [],
    // Nobody sets records.
    patience: 1,
  };
}

function askedAt(port: number, url: URL, init: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        agent: false,
        method: init.method ?? "GET",
        path: url.pathname + url.search,
        headers: { ...(init.headers as Record<string, string>), host: url.host },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const headers = { "content-type": answer.headers["content-type"] ?? "" };
          const body = [204, 303, 304].includes(answer.statusCode!) ? null : Buffer.concat(chunks);
          resolve(new Response(body, { status: answer.statusCode!, headers }));
        });
      },
    );
    asked.on("error", reject);
    asked.end(init.body as string | undefined);
  });
}

/** The lines of the README's block. */
function firstDeployment(): string[] {
  const readme = readFileSync(join(APP, "README.md"), "utf8");
  const [, block = ""] = /## First deployment\n+```sh\n([^]*?)```/.exec(readme) ?? [];
  return block.trim().split("\n");
}

/** Writes the settings of a deployment; commands follow them from then on. */
export function settle(deployment: string, more: object = {}): Deployment {
  const example = JSON.parse(readFileSync(join(APP, "settings.example.json"), "utf8")) as object;
  const given = {
    ...example,
    region: REGION,
    deployment,
    architecture: process.arch === "arm64" ? "arm64" : "x86_64",
    use: "try-out",
    // The emulator has room for what a new account has not: so what is reserved is tested too.
    signIns: 10,
    ...more,
  };
  writeFileSync(process.env["LATCHKEY_SETTINGS"]!, JSON.stringify(given));
  return new Deployment(settings(given as never), () => {});
}

/** Synthesises and deploys what the settings say, as after every step that asks for it. */
export async function cdkDeploy(deployment = "latchkey"): Promise<void> {
  const assembly = mkdtempSync(join(tmpdir(), "latchkey-assembly-"));
  try {
    synthesise(deployment, assembly, ["synth", "--quiet", "--output", assembly]);
    run(
      "cdk",
      "deploy",
      deployment,
      "--app",
      assembly,
      "--require-approval",
      "never",
      "--progress",
      "events",
    );
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

/** Makes templates for a folder. Of settings and words that were seen before in this run, they are there already: to make
 *  them takes half a minute, and they come out the same. */
function synthesise(deployment: string, folder: string, words: string[], version = HERE): void {
  const file = process.env["LATCHKEY_SETTINGS"]!;
  const { first: _, ...given } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const from = JSON.stringify([version, Object.entries(given).sort(), words.filter((word) => word !== folder)]);
  const made = join(dirname(file), `templates-${createHash("sha256").update(from).digest("hex")}`);
  if (!existsSync(made)) {
    runOf(version, "cdk", ...words, "--no-staging");
    for (const end of ["", "-data", "-firewall"]) prune(join(folder, `${deployment}${end}.template.json`));
    cpSync(folder, made, { recursive: true });
  } else cpSync(made, folder, { recursive: true });
}

export function ops(...words: string[]): string {
  return run("tsx", "ops/main.ts", ...words);
}

export const run = (program: string, ...words: string[]): string => runOf(HERE, program, ...words);

function runOf({ app, binaries }: Version, program: string, ...words: string[]): string {
  const env = { ...process.env };
  delete env["LATCHKEY_BINARIES"];
  if (binaries) env["LATCHKEY_BINARIES"] = binaries;
  const done = spawnSync(join(app, "node_modules/.bin", program), words, { cwd: app, env, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${program} ${words.join(" ")}:\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

interface Template {
  Resources: Record<string, { Type: string; Properties?: { PolicyDocument?: { Statement: object[] } } }>;
}

/** Leaves out of a template what the emulator cannot make, and that it demands TLS, which it does not speak. */
function prune(file: string): void {
  const template = JSON.parse(readFileSync(file, "utf8")) as Template;
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    const document = Properties?.PolicyDocument;
    if (document) {
      document.Statement = document.Statement.filter(
        (one) => !JSON.stringify(one).includes("aws:SecureTransport"),
      );
    }
    if (NOT_EMULATED.includes(Type) || document?.Statement.length === 0) delete template.Resources[id];
  }
  writeFileSync(file, JSON.stringify(template));
}

/** The bucket that `cdk bootstrap` makes demands TLS too. */
async function openStagingBucket(): Promise<void> {
  const Bucket = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;
  await new S3Client({ forcePathStyle: true }).send(new DeleteBucketPolicyCommand({ Bucket }));
}

/** The other practice and more staff; then what only a person or AWS itself does. */
async function staffed(deployment: Deployment): Promise<void> {
  await practice.put(deployment, "cove", { name: "Cove Clinic", alertInbox: "desk@cove.example" });
  const UserPoolId = await deployment.output("StaffPool");
  for (const [email, name, practice, role] of STAFF) {
    await staff.add(deployment, { email, name, practice, role });
    await deployment.cognito.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username: email, Password: PASSWORD, Permanent: true }),
    );
  }
}

function certificate(): { key: string; cert: string } {
  const done = spawnSync(PYTHON, [resolve(import.meta.dirname, "certificate.py")], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  const cut = done.stdout.indexOf("-----BEGIN CERTIFICATE");
  return { key: done.stdout.slice(0, cut), cert: done.stdout.slice(cut) };
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}
