// Keys and shared secrets. They are data: made here before the first deployment and turned here, in three
// steps with a deployment between them, so that at every moment whatever is shown is also accepted:
//
//   new     the next value is made, and published beside the one in use    then deploy
//   use     the next value is shown from now on                            then deploy (origin only)
//   retire  the old value is accepted no longer                            then deploy
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { LONGEST_SESSION } from "./practice.ts";
import { Refusal, type Deployment } from "./deployment.ts";

const CURRENT = "AWSCURRENT";
/** Label of a secret's version that is accepted already and shown not yet. */
const NEXT = "LATCHKEYNEXT";

/** A value that one side shows and the other accepts. */
interface Turning {
  /** Where the side that shows it finds it. */
  secret: string;
  /** Parameter of what the other side must know of it. */
  published: string;
  make: () => string;
  /** What the other side must know of values to accept them. */
  accept: (values: string[]) => string;
  /** Parameter that names the version to show, where that is not simply the secret's current one. */
  shown?: string;
  /** Seconds for which the old value may still turn up after the new one is in use. */
  lingers: number;
}

export const KEYS = ["signing", "origin"] as const;
export type KeyName = (typeof KEYS)[number];

function turning(d: Deployment, key: KeyName): Turning {
  const { names } = d;
  return key === "signing"
    ? {
        secret: names.signingKey,
        published: names.verifyingKeys,
        make: signingKey,
        accept: (values) => JSON.stringify({ keys: values.map(publicKey) }),
        lingers: LONGEST_SESSION,
      }
    : {
        secret: names.originSecret,
        published: names.originDigests,
        make: () => randomBytes(32).toString("base64url"),
        accept: (values) =>
          values.map((value) => createHash("sha256").update(value).digest("base64url")).join(" "),
        shown: names.originVersion,
        // CloudFront needs minutes to tell all its places.
        lingers: 60 * 60,
      };
}

/** Makes everything that the first deployment needs, and nothing that is there already. */
export async function init(d: Deployment): Promise<void> {
  await create(d, d.names.tokenSecret, randomBytes(32).toString("base64url"));
  for (const key of KEYS) {
    const it = turning(d, key);
    if (await create(d, it.secret, it.make())) {
      const { value, version } = await secret(d, it.secret, CURRENT);
      await publish(d, it.published, it.accept([value]));
      if (it.shown) await publish(d, it.shown, version);
    }
  }
  d.say("Everything that a deployment needs is there.");
}

export async function makeNext(d: Deployment, key: KeyName): Promise<void> {
  const it = turning(d, key);
  if ((await stages(d, it.secret)).has(NEXT)) throw new Refusal("There is a next one already. Use it first.");
  const { value } = await secret(d, it.secret, CURRENT);
  const next = it.make();
  await d.secrets.send(
    new PutSecretValueCommand({ SecretId: it.secret, SecretString: next, VersionStages: [NEXT] }),
  );
  await publish(d, it.published, it.accept([value, next]));
  d.say(`The next ${key} key is published. Deploy, then: keys ${key} use`);
}

export async function useNext(d: Deployment, key: KeyName): Promise<void> {
  const it = turning(d, key);
  const stage = await stages(d, it.secret);
  const [current, next] = [stage.get(CURRENT), stage.get(NEXT)];
  if (!next || !current) throw new Refusal(`There is no next ${key} key. First: keys ${key} new`);
  const move = (VersionStage: string, remove: string, to?: string) =>
    d.secrets.send(
      new UpdateSecretVersionStageCommand({
        SecretId: it.secret,
        VersionStage,
        RemoveFromVersionId: remove,
        ...(to && { MoveToVersionId: to }),
      }),
    );
  await move(CURRENT, current, next);
  await move(NEXT, next);
  if (it.shown) await publish(d, it.shown, next);
  d.say(
    it.shown
      ? `Deploy. An hour later: keys ${key} retire`
      : `New sessions are signed with it as functions start anew. In ${LONGEST_SESSION / 3600} hours: keys ${key} retire`,
  );
}

/** `now` is for a key that somebody else may have: whatever was signed with it ends. */
export async function retireOld(d: Deployment, key: KeyName, now: boolean): Promise<void> {
  const it = turning(d, key);
  if ((await stages(d, it.secret)).has(NEXT))
    throw new Refusal(`The next key is not in use. First: keys ${key} use`);
  const { LastChangedDate } = await d.secrets.send(new DescribeSecretCommand({ SecretId: it.secret }));
  const free = (LastChangedDate?.getTime() ?? 0) + it.lingers * 1000;
  if (!now && free > Date.now()) {
    throw new Refusal(
      `The old key is still about. Wait until ${new Date(free).toISOString()}, or say --now.`,
    );
  }
  const { value } = await secret(d, it.secret, CURRENT);
  await publish(d, it.published, it.accept([value]));
  d.say("Only the key in use is accepted from the next deployment on. Deploy.");
}

/** Whether it was made just now. */
async function create(d: Deployment, name: string, value: string): Promise<boolean> {
  try {
    await d.secrets.send(new DescribeSecretCommand({ SecretId: name }));
    return false;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  await d.secrets.send(new CreateSecretCommand({ Name: name, SecretString: value }));
  return true;
}

async function secret(
  d: Deployment,
  name: string,
  stage: string,
): Promise<{ value: string; version: string }> {
  const answer = await d.secrets.send(new GetSecretValueCommand({ SecretId: name, VersionStage: stage }));
  return { value: answer.SecretString!, version: answer.VersionId! };
}

/** The version that carries each label. */
async function stages(d: Deployment, name: string): Promise<Map<string, string>> {
  const { VersionIdsToStages = {} } = await d.secrets.send(new DescribeSecretCommand({ SecretId: name }));
  return new Map(
    Object.entries(VersionIdsToStages).flatMap(([id, labels]) => labels.map((label) => [label, id])),
  );
}

const publish = (d: Deployment, Name: string, Value: string) =>
  d.ssm.send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));

/** A key for ES256, as the functions read it. */
function signingKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  return JSON.stringify({ kid: thumbprint(pem), pem });
}

function publicKey(value: string): object {
  const { kid, pem } = JSON.parse(value) as { kid: string; pem: string };
  return {
    ...createPublicKey(createPrivateKey(pem)).export({ format: "jwk" }),
    kid,
    use: "sig",
    alg: "ES256",
  };
}

/** RFC 7638: the required members in this order, without spaces. */
function thumbprint(pem: string): string {
  const { x, y } = createPublicKey(createPrivateKey(pem)).export({ format: "jwk" });
  return createHash("sha256").update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest("base64url");
}
