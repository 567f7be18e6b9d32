// Turning keys, against a Secrets Manager, a Parameter Store and a stack that remember.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { Deployment } from "../ops/deployment.ts";
import * as keys from "../ops/keys.ts";
import { LONGEST_SESSION } from "../ops/practice.ts";
import { given } from "./synthesised.ts";

const secrets = mockClient(SecretsManagerClient);
const parameters = mockClient(SSMClient);
const stacks = mockClient(CloudFormationClient);

/** Secrets Manager, Parameter Store and the stack, as far as the commands use them. */
function remembered() {
  const kept = new Map<string, { versions: Map<string, string>; labels: Map<string, string> }>();
  const published = new Map<string, string>();
  const deployed = new Map<string, string>();
  const missing = new ResourceNotFoundException({ message: "", $metadata: {} });
  const stack = { StackName: "latchkey", CreationTime: new Date(0), StackStatus: "UPDATE_COMPLETE" as const };
  let updated = new Date();
  const one = (name: string) => {
    const found = kept.get(name);
    if (!found) throw missing;
    return found;
  };
  let made = 0;
  const add = (name: string, value: string, label: string) => {
    const version = `version-${++made}`;
    one(name).versions.set(version, value);
    one(name).labels.set(label, version);
  };
  secrets.on(CreateSecretCommand).callsFake(({ Name, SecretString }) => {
    kept.set(Name, { versions: new Map(), labels: new Map() });
    add(Name, SecretString, "AWSCURRENT");
  });
  secrets
    .on(PutSecretValueCommand)
    .callsFake(({ SecretId, SecretString, VersionStages }) =>
      add(SecretId, SecretString, VersionStages?.[0] ?? "AWSCURRENT"),
    );
  secrets.on(DescribeSecretCommand).callsFake(({ SecretId }) => {
    const stages: Record<string, string[]> = {};
    for (const [label, version] of one(SecretId).labels) (stages[version] ??= []).push(label);
    return { VersionIdsToStages: stages };
  });
  secrets.on(GetSecretValueCommand).callsFake(({ SecretId, VersionStage }) => {
    const version = one(SecretId).labels.get(VersionStage)!;
    return { SecretString: one(SecretId).versions.get(version), VersionId: version };
  });
  secrets
    .on(UpdateSecretVersionStageCommand)
    .callsFake(({ SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId }) => {
      const { labels } = one(SecretId);
      if (labels.get(VersionStage) !== RemoveFromVersionId) throw new Error("InvalidParameterException");
      if (MoveToVersionId) labels.set(VersionStage, MoveToVersionId);
      else labels.delete(VersionStage);
    });
  parameters.on(PutParameterCommand).callsFake(({ Name, Value }) => void published.set(Name, Value));
  parameters.on(GetParameterCommand).callsFake(({ Name }) => {
    if (!published.has(Name)) throw new ParameterNotFound({ message: "", $metadata: {} });
    return { Parameter: { Value: published.get(Name) } };
  });
  stacks.on(DescribeStacksCommand).callsFake(async () => ({
    Stacks: [
      {
        ...stack,
        LastUpdatedTime: updated,
        Outputs: [...deployed].map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
      },
    ],
  }));
  return {
    published,
    stack,
    /** What `cdk deploy` does: the stack takes what is published. */
    deploy() {
      deployed.set("VerifyingKeys", published.get(names.verifyingKeys)!);
      deployed.set("SigningVersion", published.get(names.signingVersion)!);
      deployed.set("OriginDigests", published.get(names.originDigests)!);
      deployed.set("OriginVersion", published.get(names.originVersion)!);
      updated = new Date();
    },
    /** So long ago was the last deployment. */
    age: (seconds: number) => (updated = new Date(Date.now() - seconds * 1000)),
    deployed: (name: string) => deployed.get(name)!,
    current: (name: string) => one(name).versions.get(one(name).labels.get("AWSCURRENT")!)!,
    version: (name: string) => one(name).labels.get("AWSCURRENT")!,
    value: (name: string, version: string) => one(name).versions.get(version)!,
  };
}

const { names } = new Deployment(given(), () => {});
/** A command as it is run: each describes the stack for itself. */
const command = () => new Deployment(given(), () => {});
const run = {
  init: () => keys.init(command()),
  next: (key: keys.KeyName) => keys.makeNext(command(), key),
  use: (key: keys.KeyName) => keys.useNext(command(), key),
  retire: (key: keys.KeyName, now = false) => keys.retireOld(command(), key, now),
};

let memory: ReturnType<typeof remembered>;
beforeEach(async () => {
  for (const client of [secrets, parameters, stacks]) client.reset();
  memory = remembered();
  await run.init();
  memory.deploy();
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

/** What functions do that were deployed: verify with the keys that they were told. */
function verified(signer: string): boolean {
  const { kid, pem } = JSON.parse(signer);
  const { keys: all } = JSON.parse(memory.deployed("VerifyingKeys"));
  const jwk = all.find((one: { kid: string }) => one.kid === kid);
  if (!jwk) return false;
  const bytes = Buffer.from("token");
  const signature = sign("sha256", bytes, createPrivateKey(pem));
  return verify("sha256", bytes, createPublicKey({ key: jwk, format: "jwk" }), signature);
}

/** Whether everything that may be shown at this moment is accepted. Functions that started before the last
 *  deployment sign with what it found, those that start now with the secret's current value. */
function holds(): boolean {
  const { signingKey, originSecret } = names;
  const shown = memory.value(originSecret, memory.deployed("OriginVersion"));
  return (
    verified(memory.current(signingKey)) &&
    verified(memory.value(signingKey, memory.deployed("SigningVersion"))) &&
    memory.deployed("OriginDigests").split(" ").includes(sha256(shown))
  );
}

describe("keys", () => {
  test("are made once", async () => {
    const all = [names.signingKey, names.tokenSecret, names.originSecret];
    const first = all.map(memory.current);
    await run.init();
    expect(all.map(memory.current)).toEqual(first);
    expect(holds()).toBe(true);
    expect(memory.published.get(names.originDigests)).toBe(sha256(memory.current(names.originSecret)));
    expect(memory.published.get(names.tokenVersion)).toBe(memory.version(names.tokenSecret));
    expect(memory.published.get(names.verifyingKeys)).not.toContain('"d"');
  });

  test("that were made and not published are published by making them again", async () => {
    const all = new Map(memory.published);
    memory.published.clear();
    await run.init();
    expect(memory.published).toEqual(all);
  });

  test.each(keys.KEYS)("of %s are turned with what is shown always accepted", async (key) => {
    const secret = key === "signing" ? names.signingKey : names.originSecret;
    const old = memory.current(secret);
    await run.next(key);
    expect([memory.current(secret), holds()]).toEqual([old, true]);
    memory.deploy();
    expect(holds()).toBe(true);
    await run.use(key);
    expect(memory.current(secret)).not.toBe(old);
    expect(holds()).toBe(true);
    memory.deploy();
    expect(holds()).toBe(true);
    await expect(run.retire(key)).rejects.toThrow("may be about");
    memory.age(key === "signing" ? LONGEST_SESSION + 1 : 3601);
    await run.retire(key);
    memory.deploy();
    expect(holds()).toBe(true);
    expect(memory.deployed("VerifyingKeys")).toBe(memory.published.get(names.verifyingKeys));
    if (key === "signing") expect(verified(old)).toBe(false);
    else expect(memory.deployed("OriginDigests")).toBe(sha256(memory.current(secret)));
  });

  test.each(keys.KEYS)("of %s are not turned further than was deployed", async (key) => {
    await run.next(key);
    await expect(run.use(key)).rejects.toThrow("not accepted yet");
    memory.deploy();
    await run.use(key);
    // A day later, and the deployment was forgotten.
    memory.age(10 * LONGEST_SESSION);
    await expect(run.retire(key)).rejects.toThrow("still shown");
    await expect(run.retire(key, true)).rejects.toThrow("still shown");
    memory.deploy();
    memory.age(10 * LONGEST_SESSION);
    await run.retire(key);
  });

  test("wait for a deployment that is under way", async () => {
    await run.next("origin");
    memory.deploy();
    Object.assign(memory.stack, { StackStatus: "UPDATE_IN_PROGRESS" });
    await expect(run.use("origin")).rejects.toThrow("under way");
  });

  test("that somebody else may have are retired at once", async () => {
    const stolen = memory.current(names.signingKey);
    await run.next("signing");
    memory.deploy();
    await run.use("signing");
    memory.deploy();
    await run.retire("signing", true);
    memory.deploy();
    expect([holds(), verified(stolen)]).toEqual([true, false]);
  });

  test("take their steps in order", async () => {
    await expect(run.use("origin")).rejects.toThrow("keys origin new");
    await run.next("origin");
    await expect(run.retire("origin", true)).rejects.toThrow("keys origin use");
    memory.deploy();
    await run.use("origin");
    // The old one would be accepted no longer, and is still shown.
    await expect(run.next("origin")).rejects.toThrow("keys origin retire");
  });

  test.each(keys.KEYS)("of %s go on after a step that was interrupted anywhere", async (key) => {
    const steps = [() => run.next(key), () => run.use(key), () => run.retire(key, true)];
    for (const step of steps) {
      const before = parameters.commandCalls(PutParameterCommand).length;
      for (let fails = 1; ; fails++) {
        const writes = failing(fails);
        const done = await step().then(
          () => true,
          (error: Error) => {
            if (error.message !== "interrupted") throw error;
            return false;
          },
        );
        writes.restore();
        expect(holds()).toBe(true);
        if (done) break;
      }
      expect(parameters.commandCalls(PutParameterCommand).length).toBeGreaterThan(before);
      memory.deploy();
      expect(holds()).toBe(true);
      // Said once more, it changes nothing.
      const now = [new Map(memory.published), memory.current(names.signingKey)];
      await step().catch((error: Error) => expect(error.message).toContain("First: keys"));
      expect([memory.published, memory.current(names.signingKey)]).toEqual(now);
    }
  });
});

/** Lets so many writes pass, and then none. */
function failing(from: number): { restore: () => void } {
  let writes = 0;
  const clients = [SecretsManagerClient.prototype, SSMClient.prototype];
  const sends = clients.map((client) => client.send);
  clients.forEach((client, at) => {
    client.send = function (this: unknown, command: { constructor: { name: string } }, ...rest: unknown[]) {
      if (/^(Put|Update|Create)/.test(command.constructor.name) && ++writes >= from)
        return Promise.reject(new Error("interrupted"));
      return (sends[at] as (...all: unknown[]) => unknown).call(this, command, ...rest);
    } as never;
  });
  return { restore: () => clients.forEach((client, at) => (client.send = sends[at] as never)) };
}

test("another key of HMACs, and another secret of the issuer's client, are changes that a deployment sees", async () => {
  const [value, version] = [memory.current(names.tokenSecret), memory.published.get(names.tokenVersion)];
  await keys.makeToken(command());
  const halves = [value, memory.current(names.tokenSecret)].map((secret) => secret!.split("."));
  expect(halves.map(({ length }) => length)).toEqual([2, 2]);
  expect(halves[1]![0], "accounts are found as before").toBe(halves[0]![0]);
  expect(halves[1]![1]).not.toBe(halves[0]![1]);
  expect(memory.published.get(names.tokenVersion)).not.toBe(version);
  expect(memory.published.get(names.tokenVersion)).toBe(memory.version(names.tokenSecret));

  await expect(keys.keepClientSecret(command(), "s3cret")).rejects.toThrow("issuer.clientSecretName");
  const issuer = { url: "https://id.example.org", clientId: "latchkey", clientSecretName: "latchkey/client" };
  const d = new Deployment(given({ issuer }), () => {});
  await expect(keys.keepClientSecret(d, "")).rejects.toThrow("nothing came");
  for (const secret of ["s3cret", "an0ther"]) {
    await keys.keepClientSecret(d, secret);
    expect(memory.current("latchkey/client")).toBe(secret);
    expect(memory.published.get(names.clientSecretVersion)).toBe(memory.version("latchkey/client"));
  }
  // Said again, after an interruption, it makes no other version.
  memory.published.delete(names.clientSecretVersion);
  await keys.keepClientSecret(d, "an0ther");
  expect(memory.published.get(names.clientSecretVersion)).toBe(memory.version("latchkey/client"));
});
