// Turning keys, against a Secrets Manager and a Parameter Store that remember.
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
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { Deployment } from "../ops/deployment.ts";
import * as keys from "../ops/keys.ts";
import { LONGEST_SESSION } from "../ops/practice.ts";
import { given } from "./synthesised.ts";

const secrets = mockClient(SecretsManagerClient);
const parameters = mockClient(SSMClient);
let d: Deployment;
beforeEach(() => {
  for (const client of [secrets, parameters]) client.reset();
  d = new Deployment(given(), () => {});
});

describe("keys", () => {
  /** Secrets Manager and Parameter Store, as far as the commands use them. */
  function remembered() {
    const kept = new Map<
      string,
      { versions: Map<string, string>; labels: Map<string, string>; changed: Date }
    >();
    const published = new Map<string, string>();
    const missing = new ResourceNotFoundException({ message: "", $metadata: {} });
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
      kept.set(Name, { versions: new Map(), labels: new Map(), changed: new Date() });
      add(Name, SecretString, "AWSCURRENT");
    });
    secrets
      .on(PutSecretValueCommand)
      .callsFake(({ SecretId, SecretString, VersionStages }) =>
        add(SecretId, SecretString, VersionStages[0]),
      );
    secrets.on(DescribeSecretCommand).callsFake(({ SecretId }) => {
      const stages: Record<string, string[]> = {};
      for (const [label, version] of one(SecretId).labels) (stages[version] ??= []).push(label);
      return { VersionIdsToStages: stages, LastChangedDate: one(SecretId).changed };
    });
    secrets.on(GetSecretValueCommand).callsFake(({ SecretId, VersionStage }) => {
      const version = one(SecretId).labels.get(VersionStage)!;
      return { SecretString: one(SecretId).versions.get(version), VersionId: version };
    });
    secrets.on(UpdateSecretVersionStageCommand).callsFake(({ SecretId, VersionStage, MoveToVersionId }) => {
      if (MoveToVersionId) one(SecretId).labels.set(VersionStage, MoveToVersionId);
      else one(SecretId).labels.delete(VersionStage);
      one(SecretId).changed = new Date();
    });
    parameters.on(PutParameterCommand).callsFake(({ Name, Value }) => void published.set(Name, Value));
    return {
      published,
      current: (name: string) => one(name).versions.get(one(name).labels.get("AWSCURRENT")!)!,
      age: (name: string, seconds: number) => (one(name).changed = new Date(Date.now() - seconds * 1000)),
    };
  }

  /** What functions do: sign with the current key, verify with those published. */
  function accepted(
    memory: ReturnType<typeof remembered>,
    signer = memory.current(d.names.signingKey),
  ): boolean {
    const { kid, pem } = JSON.parse(signer);
    const { keys: all } = JSON.parse(memory.published.get(d.names.verifyingKeys)!);
    const jwk = all.find((one: { kid: string }) => one.kid === kid);
    const bytes = Buffer.from("token");
    return (
      Boolean(jwk) &&
      verify(
        "sha256",
        bytes,
        createPublicKey({ key: jwk, format: "jwk" }),
        sign("sha256", bytes, createPrivateKey(pem)),
      )
    );
  }
  const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

  test("are made once", async () => {
    const memory = remembered();
    await keys.init(d);
    const first = [d.names.signingKey, d.names.tokenSecret, d.names.originSecret].map(memory.current);
    await keys.init(d);
    expect([d.names.signingKey, d.names.tokenSecret, d.names.originSecret].map(memory.current)).toEqual(
      first,
    );
    expect(accepted(memory)).toBe(true);
    expect(memory.published.get(d.names.originDigests)).toBe(sha256(memory.current(d.names.originSecret)));
    expect(memory.published.get(d.names.verifyingKeys)).not.toContain('"d"');
  });

  test("are turned without a moment in which what is shown is not accepted", async () => {
    const memory = remembered();
    await keys.init(d);
    const old = memory.current(d.names.signingKey);
    await keys.makeNext(d, "signing");
    expect(memory.current(d.names.signingKey)).toBe(old);
    expect(accepted(memory)).toBe(true);
    await keys.useNext(d, "signing");
    expect(memory.current(d.names.signingKey)).not.toBe(old);
    expect([accepted(memory), accepted(memory, old)]).toEqual([true, true]);
    await expect(keys.retireOld(d, "signing", false)).rejects.toThrow("still about");
    memory.age(d.names.signingKey, LONGEST_SESSION + 1);
    await keys.retireOld(d, "signing", false);
    expect([accepted(memory), accepted(memory, old)]).toEqual([true, false]);
  });

  test("that somebody else may have are retired at once", async () => {
    const memory = remembered();
    await keys.init(d);
    const stolen = memory.current(d.names.signingKey);
    await keys.makeNext(d, "signing");
    await keys.useNext(d, "signing");
    await keys.retireOld(d, "signing", true);
    expect(accepted(memory, stolen)).toBe(false);
  });

  test("take their steps in order", async () => {
    remembered();
    await keys.init(d);
    await expect(keys.useNext(d, "origin")).rejects.toThrow("keys origin new");
    await keys.makeNext(d, "origin");
    await expect(keys.makeNext(d, "origin")).rejects.toThrow("Use it first");
    await expect(keys.retireOld(d, "origin", true)).rejects.toThrow("keys origin use");
  });

  test("of the edge: both are accepted until the new one has been shown everywhere", async () => {
    const memory = remembered();
    await keys.init(d);
    const old = memory.current(d.names.originSecret);
    await keys.makeNext(d, "origin");
    const shown = memory.published.get(d.names.originVersion);
    await keys.useNext(d, "origin");
    const now = memory.current(d.names.originSecret);
    expect(memory.published.get(d.names.originVersion)).not.toBe(shown);
    expect(memory.published.get(d.names.originDigests)).toBe(`${sha256(old)} ${sha256(now)}`);
    await keys.retireOld(d, "origin", true);
    expect(memory.published.get(d.names.originDigests)).toBe(sha256(now));
  });
});
