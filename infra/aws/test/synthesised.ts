// The templates, as the tests read them: from placeholders in place of binaries, so that no Rust is needed.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import cdkJson from "../cdk.json" with { type: "json" };
import { MACHINES } from "../lib/binaries.ts";
import { FUNCTIONS } from "../lib/functions.ts";
import { latchkey, type Latchkey } from "../lib/latchkey.ts";
import { settings, type Settings } from "../lib/settings.ts";

export const ACCOUNT = "123456789012";

export function given(changes: Partial<Settings> = {}): Settings {
  return settings({
    region: "us-east-1",
    sender: "no-reply@portal.example.org",
    alarms: "it@example.org",
    use: "patients",
    ...changes,
  });
}

/** The least that is a program: an ELF header, and one segment that is loaded. */
export function program(architecture: Settings["architecture"]): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(3, 16);
  bytes.writeUInt16LE(MACHINES[architecture], 18);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64);
  bytes.writeBigUInt64LE(128n, 64 + 32);
  return bytes;
}

export function placeholders(architecture: Settings["architecture"]): string {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-"));
  for (const name of Object.keys(FUNCTIONS)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "bootstrap"), program(architecture));
    chmodSync(join(folder, name, "bootstrap"), 0o755);
  }
  return folder;
}
export const binaries = placeholders("arm64");
const intel = placeholders("x86_64");

/** The app of these settings, not synthesised yet. `bundled` also builds what is built at synthesis. */
export function made(changes: Partial<Settings> = {}, bundled = false, context: object = {}): { app: App; stack: Latchkey } {
  const app = new App({
    context: { ...cdkJson.context, ...context, ...(!bundled && { "aws:cdk:bundling-stacks": [] }) },
  });
  const chosen = given(changes);
  const built = chosen.architecture === "arm64" ? binaries : intel;
  return { app, stack: latchkey(app, chosen, built, ACCOUNT) };
}

type Properties = Record<string, unknown>;

/** A template, with the few questions that the tests ask of it. */
export class Synthesised {
  readonly template: Template;
  readonly data: Template;
  readonly firewall: Template;
  readonly accessLog: Template;

  constructor(changes: Partial<Settings> = {}) {
    const { app, stack } = made(changes);
    this.template = Template.fromStack(stack);
    const beside = (name: string) =>
      Template.fromStack(app.node.findChild(`${stack.stackName}-${name}`) as Stack);
    this.data = beside("data");
    this.firewall = beside("firewall");
    this.accessLog = beside("access-log");
  }

  /** The properties of the resources of a type, by logical id, of the two stacks in the practice's region. */
  all<T = Properties>(type: string): Record<string, T & Properties> {
    const found = { ...this.data.findResources(type), ...this.template.findResources(type) } as Record<string, { Properties: T & Properties }>;
    return Object.fromEntries(Object.entries(found).map(([id, { Properties }]) => [id, Properties]));
  }

  /** What a function's role may do, by the beginning of the role's id. */
  rights<T = object>(role: string): T[] {
    const { Policies, ...rest } = this.one<{ Policies: { PolicyDocument: { Statement: T[] } }[] }>("AWS::IAM::Role", role);
    if (Policies.length !== 1 || "ManagedPolicyArns" in rest) throw new Error(`${role} has not one policy alone`);
    return Policies[0]!.PolicyDocument.Statement;
  }

  /** The one resource of a type whose logical id begins so. */
  one<T = Properties>(type: string, beginning: string): T & Properties {
    const [found, ...more] = Object.entries(this.all<T>(type)).filter(([id]) => id.startsWith(beginning));
    if (!found || more.length)
      throw new Error(`not one ${type} ${beginning}…, but ${found ? more.length + 1 : 0}`);
    return found[1];
  }
}
