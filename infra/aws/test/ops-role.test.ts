// What the role of the commands may do is what they call: every request that they make is allowed, and each right that is
// taken away is missed by one of them.
import { ACMClient, DescribeCertificateCommand } from "@aws-sdk/client-acm";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { CloudFrontClient, ListDistributionsCommand } from "@aws-sdk/client-cloudfront";
import {
  AdminDeleteSoftwareTokenCommand,
  AdminDisableUserCommand,
  CognitoIdentityProviderClient,
} from "@aws-sdk/client-cognito-identity-provider";
import { GetAccountSettingsCommand, GetFunctionConcurrencyCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { GetAccountCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { readFileSync } from "node:fs";
import { beforeAll, expect, test, vi } from "vitest";
import type { Settings } from "../lib/settings.ts";
import * as archive from "../ops/archive.ts";
import { Deployment } from "../ops/deployment.ts";
import * as keys from "../ops/keys.ts";
import * as outbox from "../ops/outbox.ts";
import * as practice from "../ops/practice.ts";
import { findings } from "../ops/preflight.ts";
import { routes } from "../ops/smoke.ts";
import * as staff from "../ops/staff.ts";
import { up } from "../ops/up.ts";
import { Account, MOCKS, OUTPUTS } from "./account.ts";
import { ACCOUNT, binaries, given, Synthesised } from "./synthesised.ts";

interface Request {
  action: string;
  resource: string;
  context: Record<string, string[]>;
}
interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, string | string[]>>;
}

const HERE = `us-east-1:${ACCOUNT}`;
const CERTIFICATE = `arn:aws:acm:${HERE}:certificate/1`;
const SETTINGS: Partial<Settings> = {
  use: "try-out",
  first: { practice: "harbor", name: "Harbor", alertInbox: "a@b.example", email: "dana@b.example", admin: "Dana" },
  hosts: { staff: "staff.example.org", portal: "portal.example.org", certificateArn: CERTIFICATE },
};
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
const like = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, "[^]*").replace(/\?/g, ".")}$`).test(text);

// --- the requests that are made ---

let made: Request[] = [];
/** The SDK's commands that were sent. */
const sent = new Set<string>();
const note = (action: string, resource: string, context: Request["context"] = {}) => void made.push({ action, resource, context });

type Input = Record<string, any>;
const stack = ({ StackName }: Input) => `arn:aws:cloudformation:${HERE}:stack/${StackName}/1`;
const bucketOf = (name: string) => `arn:aws:s3:::${name === "staging" ? `cdk-hnb659fds-assets-${ACCOUNT}-us-east-1` : name}`;
const object = ({ Bucket, Key }: Input) => `${bucketOf(Bucket)}/${Key}`;
const lambda = ({ FunctionName }: Input) => `arn:aws:lambda:${HERE}:function:${FunctionName}`;
const secret = ({ SecretId, Name }: Input) => `arn:aws:secretsmanager:${HERE}:secret:${SecretId ?? Name}-a1B2c3`;
const parameter = ({ Name }: Input) => `arn:aws:ssm:${HERE}:parameter${Name}`;
const pool = ({ UserPoolId }: Input) => `arn:aws:cognito-idp:${HERE}:userpool/${UserPoolId}`;
const queue = ({ QueueUrl }: Input) => `arn:aws:sqs:${HERE}:${QueueUrl}`;
const table = (name: string, index?: string) => `arn:aws:dynamodb:${HERE}:table/${name}${index ? `/index/${index}` : ""}`;
const any = () => "*";

/** What IAM is asked, by the client's name and that of the command, where it is not the command itself. */
const ASKED: Record<string, [service: string, on: (input: Input) => string, action?: (input: Input) => string]> = {
  CloudFormationClient: ["cloudformation", stack],
  CloudFrontClient: ["cloudfront", any],
  CloudWatchLogsClient: ["logs", ({ logGroupName }) => `arn:aws:logs:${HERE}:log-group:${logGroupName}`],
  CognitoIdentityProviderClient: ["cognito-idp", pool],
  LambdaClient: ["lambda", (input) => (input["FunctionName"] ? lambda(input) : "*")],
  SecretsManagerClient: ["secretsmanager", secret],
  SESv2Client: ["ses", ({ EmailIdentity }) => (EmailIdentity ? `arn:aws:ses:${HERE}:identity/${EmailIdentity}` : "*")],
  SQSClient: ["sqs", queue],
  SSMClient: ["ssm", parameter],
  ACMClient: ["acm", ({ CertificateArn }) => CertificateArn],
};

function ask(client: string, command: string, input: Input): void {
  const name = command.replace(/Command$/, "");
  // Nobody needs a right to hear who they are.
  if (client === "STSClient") return;
  if (client === "S3Client") return askS3(name, input);
  if (client.startsWith("DynamoDB")) return askItems(name, input);
  const [service, on] = ASKED[client]!;
  note(`${service}:${name === "Invoke" ? "InvokeFunction" : name}`, on(input));
}

function askS3(name: string, input: Input): void {
  if (name === "ListObjectVersions") return note("s3:ListBucketVersions", bucketOf(input["Bucket"]));
  if (name === "ListObjectsV2") return note("s3:ListBucket", bucketOf(input["Bucket"]));
  const read = input["VersionId"] ? "s3:GetObjectVersion" : "s3:GetObject";
  note(["GetObject", "HeadObject"].includes(name) ? read : `s3:${name}`, object(input));
}

function askItems(name: string, input: Input): void {
  const leading = (key: Input) => ({ "dynamodb:LeadingKeys": [String(key["PK"])] });
  const whole = { "dynamodb:EnclosingOperation": ["TransactWriteItems"] };
  if (["DescribeTable", "UpdateTable"].includes(name)) return note(`dynamodb:${name}`, table(input["TableName"]));
  if (name === "Get") return note("dynamodb:GetItem", table(input["TableName"]), leading(input["Key"]));
  if (name === "Query") {
    const [partition] = Object.values(input["ExpressionAttributeValues"] as Input);
    return note("dynamodb:Query", table(input["TableName"], input["IndexName"]), leading({ PK: partition }));
  }
  if (name === "Update") {
    const words = /(?<![:\w])(#?[A-Za-z_0-9]\w*)(?!\w*\s*\()/g;
    const named = `${input["UpdateExpression"]} ${input["ConditionExpression"].replace(/\w+\((\w+)\)/, "$1")}`.match(words)!;
    const attributes = named.filter((one) => !/^(SET|ADD)$/.test(one)).map((one) => input["ExpressionAttributeNames"]?.[one] ?? one);
    const context = { ...leading(input["Key"]), "dynamodb:Attributes": ["PK", "SK", ...attributes] };
    return note("dynamodb:UpdateItem", table(input["TableName"]), context);
  }
  if (name !== "TransactWrite") throw new Error(`dynamodb ${name}`);
  for (const { Put, Delete } of input["TransactItems"]) {
    if (Put) note("dynamodb:PutItem", table(Put.TableName), { ...leading(Put.Item), ...whole });
    if (Delete) note("dynamodb:DeleteItem", table(Delete.TableName), { ...leading(Delete.Key), ...whole });
  }
}

/** Notes what a client is asked before it answers. */
function watch(Client: { name: string; prototype: { send: unknown } }): void {
  const real = Client.prototype.send as (this: unknown, command: object, ...more: unknown[]) => Promise<unknown>;
  Client.prototype.send = async function (this: unknown, command: { constructor: { name: string }; input: Input }, ...more: unknown[]) {
    sent.add(command.constructor.name);
    ask(Client.name, command.constructor.name, command.input);
    try {
      return await real.call(this, command, ...more);
    } catch (error) {
      // Who may not list is refused where others hear that there is none.
      if (["NoSuchKey", "NotFound"].includes((error as Error).name)) note("s3:ListBucket", bucketOf(command.input["Bucket"]));
      throw error;
    }
  };
}

/** Every command but those of an administrator, in an account in memory. */
async function everything(): Promise<void> {
  Object.assign(OUTPUTS["latchkey"]!, {
    FailedMails: "MailFailed",
    FailedEvents: "MailFailedEvents",
    FailedNotices: "NoticesFailed",
    SendMail: "latchkey-send-mail",
    MailEvents: "latchkey-mail-events",
    Deliver: "latchkey-deliver",
  });
  const account = new Account();
  const more = {
    acm: mockClient(ACMClient),
    cloudFront: mockClient(CloudFrontClient),
    sqs: mockClient(SQSClient),
  };
  more.acm.on(DescribeCertificateCommand).resolves({ Certificate: { DomainName: "*.example.org", Status: "ISSUED" } });
  more.cloudFront.on(ListDistributionsCommand).resolves({ DistributionList: { Quantity: 0, Items: [] } as never });
  more.sqs.on(GetQueueAttributesCommand).resolves({});
  const right = new Map(routes().map((route) => [`${route.method} ${route.path}`, route.right.at(-1)!]));
  account.answer = (url, method) => {
    const { pathname } = new URL(url);
    return pathname === "/" ? 200 : right.get(`${method} ${pathname}`)!;
  };
  const d = new Deployment(given(SETTINGS), () => {}, async () => {});
  const hands = account.hands();
  const cdk: typeof hands.cdk = async (...words) => {
    if (words[0] === "deploy")
      for (const what of ["deploy", "file-publishing", "lookup"])
        note("sts:AssumeRole", `arn:aws:iam::${ACCOUNT}:role/cdk-hnb659fds-${what}-role-${ACCOUNT}-us-east-1`);
    await hands.cdk(...words);
  };
  const deploy = () => up(d, "no file", undefined, { ...hands, cdk });
  // The first deployment is an administrator's.
 await deploy();

  const clients = [STSClient, CloudFormationClient, SSMClient, SecretsManagerClient, S3Client, DynamoDBDocumentClient];
  for (const one of [...clients, SESv2Client, CognitoIdentityProviderClient, LambdaClient, ACMClient, CloudFrontClient, CloudWatchLogsClient, SQSClient]) watch(one);
  made = [];

  // The first template that is kept, and a file of the pages that was not there.
  account.objects.delete("staging/latchkey/latchkey.template.json");
  account.objects.delete("site/assets/app.js");
  account.version = "2";
  await deploy();
  account.version = "3";
  account.resources = { New: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: "/latchkey/new" } } };
  account.broken.add("latchkey-deliver");
  await expect(deploy()).rejects.toThrow("The last version is back");
  account.broken.clear();

  // One for patients, and one of which somebody took the protection off.
  const kept = new Deployment(given({ ...SETTINGS, use: "patients" }), () => {}, async () => {});
  account.keepsData = true;
  await up(kept, "no file", undefined, { ...hands, cdk });
  account.protectedTables.clear();
  await up(kept, "no file", undefined, { ...hands, cdk });

  vi.stubGlobal("fetch", async (url: URL) => {
    expect(url.hostname).toMatch(/^freetier\./);
    note("freetier:GetAccountPlanState", "*");
    return new Response(JSON.stringify({ accountPlanType: "PAID", accountPlanStatus: "ACTIVE" }));
  });
  process.env["AWS_ACCESS_KEY_ID"] = process.env["AWS_SECRET_ACCESS_KEY"] = "test";
  MOCKS.lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 1000 } });
  MOCKS.lambda.on(GetFunctionConcurrencyCommand).resolves({});
  MOCKS.ses.on(GetAccountCommand).resolves({ ProductionAccessEnabled: true, SendingEnabled: true });
  const all = new Deployment(given({ ...SETTINGS, signIns: 10 }), () => {}, async () => {});

  const found = await findings(all, { binaries, node: "22.0.0", cname: async () => [], addresses: async () => [] });
  expect(found.filter(({ weight }) => weight === "unknown")).toEqual([]);


  await turnKeys(d, account);
  await people(d);
  more.sqs.on(ReceiveMessageCommand).resolvesOnce({ Messages: [{ Body: "{}", ReceiptHandle: "1" }] }).resolves({});
  more.sqs.on(DeleteMessageCommand).resolves({});
  await outbox.show(d);
  await outbox.redrive(d);
  account.objects.set("archive/history/2026/01/01/a", "{}");
  await archive.events(d, { practice: "harbor", from: "2026-01-01", to: "2026-01-01" });
}

async function turnKeys(d: Deployment, account: Account): Promise<void> {
  // A version that needs a secret which there is not yet.
  account.secrets.delete(d.names.originSecret);
  account.parameters.delete(d.names.originVersion);
  account.parameters.delete(d.names.originDigests);
  await keys.init(d);
  let next: string | undefined;
  MOCKS.secrets.on(DescribeSecretCommand).callsFake(async () => ({
    VersionIdsToStages: { v1: ["AWSCURRENT"], ...(next && { v2: ["LATCHKEYNEXT"] }) },
  }));
  MOCKS.secrets.on(GetSecretValueCommand).callsFake(async ({ SecretId, VersionStage }) =>
    VersionStage === "LATCHKEYNEXT"
      ? { SecretString: next, VersionId: "v2" }
      : { SecretString: account.secrets.get(SecretId), VersionId: "v1" },
  );
  MOCKS.secrets.on(PutSecretValueCommand).callsFake(async ({ SecretString, VersionStages }) => {
    if (VersionStages) next = SecretString;
    return {};
  });
  MOCKS.secrets.on(UpdateSecretVersionStageCommand).resolves({});
  await keys.makeNext(d, "origin");
  d.changed();
  OUTPUTS["latchkey"]!["OriginDigests"] = account.parameters.get(d.names.originDigests)!;
  await keys.useNext(d, "origin");
  next = undefined;
  await keys.makeNext(d, "signing");
  await keys.makeToken(d);
}

async function people(d: Deployment): Promise<void> {
  MOCKS.pool.on(AdminDisableUserCommand).resolves({});
  MOCKS.pool.on(AdminDeleteSoftwareTokenCommand).resolves({});
  await practice.put(d, "cove", { name: "Cove", alertInbox: "desk@cove.example" });
  // AWS's clock, which every second it is asked is later.
  let asked = 0;
  d.clock = async () => {
    await d.dynamodb.send(new DescribeTableCommand({ TableName: await d.output("Table") }));
    return new Date(Date.UTC(2026, 0, 1) + 2000 * (asked += 1));
  };
  await practice.revokeEveryone(d, "cove");
  const robin = { email: "robin@cove.example", name: "Robin", practice: "cove", role: "staff" } as const;
  await staff.add(d, robin);
  await staff.add(d, robin);
  await staff.reset(d, robin.email);
  await staff.endSessions(d, robin.email);
  await staff.remove(d, robin.email);
}

// --- what the policy says of them ---

/** The ARN that a template's value stands for, as the account in memory calls it. */
function resolve(value: any): string {
  if (typeof value === "string") return value;
  if (value["Fn::Join"]) return value["Fn::Join"][1].map(resolve).join("");
  if (value["Ref"] === "AWS::Partition") return "aws";
  const named: string = value["Fn::ImportValue"] ?? value["Fn::GetAtt"]?.[0];
  const known: [RegExp, string][] = [
    [/GetAttMain/, table("main")],
    [/GetAttHistory/, table("history")],
    [/Archive/, bucketOf("archive")],
    [/^EdgeSite/, bucketOf("site")],
    [/^StaffPool/, pool({ UserPoolId: "pool" })],
    [/Failed/, queue({ QueueUrl: named?.replace(/[0-9A-F]{8}$/, "") })],
  ];
  const found = known.find(([pattern]) => pattern.test(named));
  if (!found) throw new Error(`what is ${JSON.stringify(value)}?`);
  return found[1];
}

const JUDGED: Record<string, (patterns: string[], values: string[]) => boolean> = {
  "ForAllValues:StringEquals": (patterns, values) => values.every((value) => patterns.includes(value)),
  "ForAllValues:StringLike": (patterns, values) => values.every((value) => patterns.some((one) => like(one, value))),
  "ForAllValues:StringNotLike": (patterns, values) => values.every((value) => !patterns.some((one) => like(one, value))),
  "ForAnyValue:StringEquals": (patterns, values) => values.some((value) => patterns.includes(value)),
};

const allows = (policy: Statement[], { action, resource, context }: Request) =>
  policy.some(
    ({ Action, Resource, Condition = {} }) =>
      list(Action).includes(action) &&
      list<any>(Resource).some((one) => like(one, resource)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, patterns]) => JUDGED[operator]!(list<string>(patterns), context[key] ?? [])),
      ),
  );

let policy: Statement[];
beforeAll(async () => {
  await everything();
  const role = new Synthesised(SETTINGS).one<any>("AWS::IAM::Role", "OpsRole");
 policy = role.Policies[0].PolicyDocument.Statement.map((one: Statement) => ({
    ...one,
    Resource: list<any>(one.Resource).map(resolve),
  }));
});

test("every command that a file of ops/ sends was tried, but for those of an administrator", () => {
  const files = ["archive", "cloudformation", "deployment", "keys", "outbox", "practice", "preflight", "site", "smoke", "staff", "up"];
  const named = files.flatMap((file) => {
    const text = readFileSync(new URL(`../ops/${file}.ts`, import.meta.url), "utf8");
    return [...text.matchAll(/new (\w+Command)\(/g)].map(([, name]) => name!);
  });
  // Only `down` calls what sends these.
  const administrators = ["DeleteStackCommand", "DeleteObjectCommand"];
  expect([...new Set(named)].filter((name) => !sent.has(name)).sort()).toEqual(administrators.sort());
});

test("every request of the commands is allowed", () => {
  expect(made.length).toBeGreaterThan(100);
  expect(made.filter((request) => !allows(policy, request))).toEqual([]);
});

test("each action and each resource that is taken away is missed", () => {
  const idle: string[] = [];
  for (const [position, { Action, Resource, Condition }] of policy.entries()) {
    for (const name of ["Action", "Resource"] as const) {
      for (const one of list({ Action, Resource }[name] as string | string[])) {
        const left = list(policy[position]![name] as string | string[]).filter((other) => other !== one);
        const fewer = policy.with(position, { ...policy[position]!, [name]: left } as Statement);
        if (made.every((request) => allows(fewer, request))) idle.push(`${list(Action).join(" ")} ${name} ${one} ${JSON.stringify(Condition ?? "")}`);
      }
    }
  }
  expect(idle).toEqual([]);
});

test("the logs of nothing else may be deleted", () => {
  const asked = (group: string) => allows(policy, { action: "logs:DeleteLogGroup", resource: `arn:aws:logs:${HERE}:log-group:${group}`, context: {} });
  expect(["/latchkey/search", "/latchkey-2/search", "/aws/lambda/latchkey", "aws-waf-logs-latchkey"].map(asked)).toEqual([true, false, false, false]);
});

test("fits into what IAM takes of one role", () => {
  expect(JSON.stringify(policy).length).toBeLessThan(10_240);
});


