// Keys and shared secrets. They are data: made here before the first deployment and turned here, in three
// steps with a deployment between them, so that at every moment whatever is shown is also accepted:
//
//   new     the next value is made, and published beside the one in use    then deploy
//   use     the next value is shown from now on                            then deploy
//   retire  the old value is accepted no longer                            then deploy
//
// A step refuses until the stack itself shows that the one before was deployed. One that was interrupted is
// said again: it finds what was done, and does the rest.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import type { Output } from "../lib/outputs.ts";
import { LONGEST_SESSION } from "./practice.ts";
import { Refusal, type Deployment } from "./deployment.ts";

const CURRENT = "AWSCURRENT";
/** Label of a secret's version that is accepted already and shown not yet. */
const NEXT = "LATCHKEYNEXT";

/** A parameter, and the stack's output that tells which value of it was deployed. */
interface Published {
  parameter: string;
  output: Output;
}

/** A value that one side shows and the other accepts. */
interface Turning {
  /** Where the side that shows it finds it. */
  secret: string;
  /** What the other side must know of values to accept them. */
  accepted: Published;
  /** Which version is shown. */
  shown: Published;
  make: () => string;
  /** By what a value is recognised among those accepted. */
  mark: (value: string) => string;
  /** What `accepted` says of these values. */
  accept: (values: string[]) => string;
  /** Seconds for which the old value may still turn up after the new one is in use. */
  lingers: number;
}

export const KEYS = ["signing", "origin"] as const;
export type KeyName = (typeof KEYS)[number];

const digest = (value: string) => createHash("sha256").update(value).digest("base64url");

function turning({ names }: Deployment, key: KeyName): Turning {
  return key === "signing"
    ? {
        secret: names.signingKey,
        accepted: { parameter: names.verifyingKeys, output: "VerifyingKeys" },
        shown: { parameter: names.signingVersion, output: "SigningVersion" },
        make: signingKey,
        mark: (value) => (JSON.parse(value) as { kid: string }).kid,
        accept: (values) => JSON.stringify({ keys: values.map(publicKey) }),
        lingers: LONGEST_SESSION,
      }
    : {
        secret: names.originSecret,
        accepted: { parameter: names.originDigests, output: "OriginDigests" },
        shown: { parameter: names.originVersion, output: "OriginVersion" },
        make: () => randomBytes(32).toString("base64url"),
        mark: digest,
        accept: (values) => values.map(digest).join(" "),
        // CloudFront needs minutes to tell all its places.
        lingers: 60 * 60,
      };
}

/** Makes everything that a deployment needs, and nothing that is there already. */
export async function init(d: Deployment): Promise<void> {
  const { tokenSecret, tokenVersion } = d.names;
  await create(d, tokenSecret, `${random()}.${random()}`);
  if (!(await d.parameter(tokenVersion))) {
    await d.publish(tokenVersion, (await secret(d, tokenSecret, CURRENT)).version);
  }
  for (const key of KEYS) {
    const it = turning(d, key);
    await create(d, it.secret, it.make());
    const { value, version } = await secret(d, it.secret, CURRENT);
    if (!(await d.parameter(it.accepted.parameter)))
      await d.publish(it.accepted.parameter, it.accept([value]));
    if (!(await d.parameter(it.shown.parameter))) await d.publish(it.shown.parameter, version);
  }
  d.say("Everything that a deployment needs is there.");
}

export async function makeNext(d: Deployment, key: KeyName): Promise<void> {
  const it = turning(d, key);
  const { value } = await secret(d, it.secret, CURRENT);
  if (!(await stages(d, it.secret)).has(NEXT)) {
    // The next publication would forget the old value, which may still be shown.
    if ((await d.parameter(it.accepted.parameter)) !== it.accept([value]))
      throw new Refusal(`The old ${key} key is still accepted. First: keys ${key} retire`);
    await d.secrets.send(
      new PutSecretValueCommand({ SecretId: it.secret, SecretString: it.make(), VersionStages: [NEXT] }),
    );
  }
  const next = await secret(d, it.secret, NEXT);
  if (next.value === value)
    throw new Refusal(`The next ${key} key is in use already. First: keys ${key} use`);
  await d.publish(it.accepted.parameter, it.accept([value, next.value]));
  d.say(`The next ${key} key is published. Deploy, then: keys ${key} use`);
}

export async function useNext(d: Deployment, key: KeyName): Promise<void> {
  const it = turning(d, key);
  const stage = await stages(d, it.secret);
  const current = await secret(d, it.secret, CURRENT);
  if (stage.has(NEXT)) {
    const next = await secret(d, it.secret, NEXT);
    if (!(await d.deployed(it.accepted.output)).value.includes(it.mark(next.value)))
      throw new Refusal(`The next ${key} key is not accepted yet. Deploy first.`);
    const move = (VersionStage: string, from: string, to?: string) =>
      d.secrets.send(
        new UpdateSecretVersionStageCommand({
          SecretId: it.secret,
          VersionStage,
          RemoveFromVersionId: from,
          ...(to && { MoveToVersionId: to }),
        }),
      );
    if (current.version !== next.version) await move(CURRENT, current.version, next.version);
    await d.publish(it.shown.parameter, next.version);
    // Last: as long as it is there, this was not finished.
    await move(NEXT, next.version);
  } else if ((await d.parameter(it.accepted.parameter)) === it.accept([current.value])) {
    throw new Refusal(`There is no next ${key} key. First: keys ${key} new`);
  }
  d.say(`Deploy. ${span(it.lingers)} after that: keys ${key} retire`);
}

/** `now` is for a key that somebody else may have: whatever was signed with it ends. */
export async function retireOld(d: Deployment, key: KeyName, now: boolean): Promise<void> {
  const it = turning(d, key);
  if ((await stages(d, it.secret)).has(NEXT))
    throw new Refusal(`The next key is not in use. First: keys ${key} use`);
  const { value, version } = await secret(d, it.secret, CURRENT);
  const shown = await d.deployed(it.shown.output);
  if (shown.value !== version) throw new Refusal(`The old ${key} key is still shown. Deploy first.`);
  // Since which deployment it is shown, none says; the last is none before that.
  const free = shown.at.getTime() + it.lingers * 1000;
  if ((await d.parameter(it.accepted.parameter)) !== it.accept([value])) {
    if (!now && free > Date.now()) {
      throw new Refusal(
        `The old key may be about until ${span(it.lingers)} after the last deployment. Wait until ${new Date(free).toISOString()}, or say --now.`,
      );
    }
    await d.publish(it.accepted.parameter, it.accept([value]));
  }
  d.say("Only the key in use is accepted from the next deployment on. Deploy.");
}

/** Another replaceable key of HMACs: it ends open invitations and resets, whose links were made with the one
 *  before. The lasting key, which names accounts, stays: see `shared/src/context.rs`. */
export async function makeToken(d: Deployment): Promise<void> {
  const name = d.names.tokenSecret;
  await create(d, name, `${random()}.${random()}`);
  const [lasting] = (await secret(d, name, CURRENT)).value.split(".");
  await replace(d, name, `${lasting}.${random()}`, d.names.tokenVersion);
  d.say("Deploy: from then on, no link works that was sent before.");
}

/** Keeps the secret that the staff's issuer gave its client, the first or a new one. */
export async function keepClientSecret(d: Deployment, value: string): Promise<void> {
  const name = d.settings.issuer?.clientSecretName;
  if (!name) throw new Refusal("The settings name no secret of an issuer: issuer.clientSecretName.");
  if (!value) throw new Refusal("The secret is read from standard input, and nothing came.");
  await replace(d, name, value, d.names.clientSecretVersion);
  d.say("Deploy: staff sign in with it from then on.");
}

const random = () => randomBytes(32).toString("base64url");

/** Gives a secret a new value, or makes it, and publishes its version for the next deployment. */
async function replace(d: Deployment, name: string, value: string, version: string): Promise<void> {
  if (!(await create(d, name, value)) && (await secret(d, name, CURRENT)).value !== value) {
    await d.secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));
  }
  await d.publish(version, (await secret(d, name, CURRENT)).version);
}

const span = (seconds: number) => (seconds === 3600 ? "An hour" : `${seconds / 3600} hours`);

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
