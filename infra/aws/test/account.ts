// An account in memory, as far as a deployment asks: its stacks, parameters, secrets, objects and items, and a CDK that
// changes them. Everything that changes it goes through `change`, which can be made to fail there, before or after.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackupClient, DeleteRecoveryPointCommand, ListRecoveryPointsByBackupVaultCommand } from "@aws-sdk/client-backup";
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { CloudWatchLogsClient, DeleteLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  AdminCreateUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  UsernameExistsException,
} from "@aws-sdk/client-cognito-identity-provider";
import { DescribeTableCommand, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { GetEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { DeleteParametersCommand, GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { DynamoDBDocumentClient, GetCommand, QueryCommand, TransactWriteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { createHash } from "node:crypto";
import { FUNCTIONS } from "../lib/functions.ts";
import type { Hands } from "../ops/up.ts";

const sts = mockClient(STSClient);
const stacks = mockClient(CloudFormationClient);
const ssm = mockClient(SSMClient);
const secrets = mockClient(SecretsManagerClient);
const s3 = mockClient(S3Client);
const items = mockClient(DynamoDBDocumentClient);
const ses = mockClient(SESv2Client);
const pool = mockClient(CognitoIdentityProviderClient);
const lambda = mockClient(LambdaClient);
const backup = mockClient(BackupClient);
const logs = mockClient(CloudWatchLogsClient);
/** For tests that ask more of them. */
export const MOCKS = { secrets, ses, pool, lambda };
const ALL = [sts, stacks, ssm, secrets, s3, items, ses, pool, lambda, backup, logs];

export class Killed extends Error {}

interface Made {
  template: string;
  parameters: Record<string, string>;
  guarded: boolean;
  status: string;
}

const BUCKETS: Record<string, string> = { latchkey: "site", "latchkey-data": "archive" };
export const OUTPUTS: Record<string, Record<string, string>> = {
  latchkey: {
    StaffSite: "https://d1.cloudfront.example",
    PortalSite: "https://d2.cloudfront.example",
    StaffDistribution: "d1.cloudfront.example",
    PortalDistribution: "d2.cloudfront.example",
    SiteBucket: "site",
    StaffPool: "pool",
  },
  "latchkey-data": { Table: "main", HistoryTable: "history", ArchiveBucket: "archive" },
  CDKToolkit: { BucketName: "staging" },
};

export class Account {
  stacks = new Map<string, Made>();
  parameters = new Map<string, string>();
  secrets = new Map<string, string>();
  /** By bucket and key. */
  objects = new Map<string, string>();
  items = new Map<string, Record<string, unknown>>();
  people = new Set<string>();
  logGroups = new Set<string>();
  /** What the template of the app makes of log groups and pools. */
  resources: Record<string, { Type: string; Properties: Record<string, unknown> }> = {};
  /** Those tables that are protected against deletion. */
  protectedTables = new Set<string>();
  recoveryPoints: string[] = [];
  /** Whether DNS has the records of mail. */
  verified = false;
  /** What DNS has of hosts: the names that they lead to, and addresses. */
  names: Record<string, string[]> = {};
  addresses: Record<string, string[]> = {};
  /** What was changed, in order. */
  changes: string[] = [];
  /** The change at which the machine goes off, counted from 1, and on which side of it. */
  kill?: { at: number; side: "before" | "after" };
  /** How the next stack of this name ends when it is first made. */
  spoilt?: { stack: string; status: "ROLLBACK_COMPLETE" | "REVIEW_IN_PROGRESS" };
  /** What is synthesised, but for the stack's name. */
  version = "1";
  /** What a template has the account answer with. */
  broken = new Set<string>();
  /** The answers of the sites to anybody. */
  answer: (url: string, method: string) => number = () => 0;
  readonly dist: string;

  constructor() {
    this.dist = mkdtempSync(join(tmpdir(), "latchkey-dist-"));
    mkdirSync(join(this.dist, "assets"));
    writeFileSync(join(this.dist, "index.html"), "<p>staff");
    writeFileSync(join(this.dist, "portal.html"), "<p>clients");
    writeFileSync(join(this.dist, "assets", "app.js"), "0");
    for (const client of ALL) client.reset();
    this.answerAws();
  }

  private async change<T>(what: string, make: () => T): Promise<T> {
    const at = this.changes.push(what);
    const killed = (side: string) => this.kill?.at === at && this.kill.side === side;
    if (killed("before")) {
      this.changes.pop();
      throw new Killed(`before ${what}`);
    }
    const made = make();
    if (killed("after")) throw new Killed(`after ${what}`);
    return made;
  }

  /** What a deployment is, without what is random or of the moment. */
  state(): unknown {
    return {
      stacks: [...this.stacks].map(([name, { template, guarded }]) => [name, template, guarded]).sort(),
      parameters: [...this.parameters.keys()].sort(),
      secrets: [...this.secrets.keys()].sort(),
      objects: [...this.objects].sort(),
      // Ids and digests are others each time.
      items: [...this.items.keys()].map((one) => one.replace(/[0-9A-HJKMNP-TV-Z]{26}|[\w-]{22}/g, "…")).sort(),
      people: [...this.people],
      protectedTables: [...this.protectedTables].sort(),
    };
  }

  hands(): Hands {
    return {
      cdk: (...words) => this.cdk(words),
      fetch: async (url, init) => {
        const status = this.answer(url, init.method ?? "GET");
        return new Response(null, { status, headers: { "content-type": "text/html; charset=utf-8" } });
      },
      cname: async (host) => this.names[host] ?? [],
      addresses: async (host) => this.addresses[host] ?? [],
      dist: this.dist,
      patience: 2,
      preflight: async () => {},
    };
  }

  private async cdk([command, ...words]: string[]): Promise<void> {
    const option = (name: string) => words[words.indexOf(name) + 1]!;
    if (command === "synth") {
      const provisional = words.includes("provisional=true");
      for (const end of ["", "-data", "-firewall", "-access-log", "-plans"]) {
        const Parameters = end ? {} : { Signing: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/latchkey/signing-version" } };
        const template = { version: end === "-data" ? "data" : this.version, provisional, Parameters, ...(end === "-data" && this.tables(provisional, words.find((word) => word.startsWith("indexes="))?.slice(8).split(","))), ...(!end && { Resources: this.resources }) };
        writeFileSync(join(option("--output"), `latchkey${end}.template.json`), JSON.stringify(template));
      }
    } else if (command === "bootstrap") {
      for (const place of words)
        await this.change(`bootstrap ${place}`, () => {
          this.stacks.set("CDKToolkit", { template: "{}", parameters: {}, guarded: false, status: "CREATE_COMPLETE" });
          this.parameters.set("/cdk-bootstrap/hnb659fds/version", "30");
        });
    } else if (command === "deploy") {
      const name = words[0]!;
      const template = readFileSync(join(option("--app"), `${name}.template.json`), "utf8");
      await this.change(`deploy ${name}`, () => this.deploy(name, template));
    } else throw new Error(`cdk ${command}`);
  }

  private deploy(name: string, template: string): void {
    const { provisional } = JSON.parse(template) as { provisional: boolean };
    const parameters: Record<string, string> = name === "latchkey" ? { Signing: this.parameters.get("/latchkey/signing-version")! } : {};
    if (name === "latchkey") {
      if (!this.whole("latchkey-data")) throw new Error("there is no data");
      if (!parameters["Signing"]) throw new Error("there are no keys");
    }
    const guarded = name === "latchkey-data" && !provisional && this.keepsData;
    if (this.spoilt?.stack === name) {
      const { status } = this.spoilt;
      this.stacks.set(name, { template: status === "ROLLBACK_COMPLETE" ? template : "{}", parameters, guarded: false, status });
      throw new Killed(`${name} is in the state ${status}`);
    }
    if (name === "latchkey") this.makeGroups(template);
    if (name === "latchkey-data" && this.whole(name)) this.refuseIndexes(this.stacks.get(name)!.template, template);
    // Of the same template, CloudFormation changes nothing.
    if (name === "latchkey-data" && this.stacks.get(name)?.template !== template) this.protectedTables = new Set(guarded ? ["main", "history"] : []);
    const status = this.whole(name) ? "UPDATE_COMPLETE" : "CREATE_COMPLETE";
    this.stacks.set(name, { template, parameters, guarded, status });
  }
  keepsData = false;
  /** The indexes that this version wants of each table. */
  indexes: Record<string, string[]> = { Main: ["outbox"], History: ["practice"] };
  tables(provisional: boolean, soFar?: string[]) {
    const DeletionPolicy = this.keepsData && !provisional ? "Retain" : "Delete";
    const table = (id: string) => {
      const names = this.indexes[id]!.filter((name) => !soFar || soFar.includes(name));
      const GlobalSecondaryIndexes = names.map((IndexName) => ({ IndexName }));
      return { Type: "AWS::DynamoDB::Table", DeletionPolicy, Properties: { GlobalSecondaryIndexes } };
    };
    return { Resources: { Main: table("Main"), History: table("History") } };
  }

  /** As DynamoDB does with tables that are there. */
  private refuseIndexes(before: string, after: string): void {
    const indexes = (template: string, id: string) => {
      const { Resources = {} } = JSON.parse(template) as { Resources?: Record<string, { Properties: { GlobalSecondaryIndexes: { IndexName: string }[] } }> };
      return Resources[id]?.Properties.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName);
    };
    for (const id of ["Main", "History"]) {
      const [there, wanted] = [indexes(before, id), indexes(after, id)!];
      if (!there) continue;
      const changed = [...there.filter((name) => !wanted.includes(name)), ...wanted.filter((name) => !there.includes(name))];
      if (changed.length > 1) throw new Error("Cannot perform more than one GSI creation or deletion in a single update");
    }
  }

  /** As CloudFormation does with groups of fixed names, which are kept. */
  private makeGroups(template: string): void {
    const groups = (text: string) =>
      Object.values((JSON.parse(text) as { Resources?: Account["resources"] }).Resources ?? {}).flatMap(({ Type, Properties }) =>
        Type === "AWS::Logs::LogGroup" ? [String(Properties["LogGroupName"])] : [],
      );
    const [before, after] = [groups(this.stacks.get("latchkey")?.template ?? "{}"), groups(template)];
    for (const group of after.filter((one) => !before.includes(one))) {
      if (this.logGroups.has(group)) throw new Error(`${group} already exists`);
      this.logGroups.add(group);
    }
    if (!this.keepsData) for (const group of before.filter((one) => !after.includes(one))) this.logGroups.delete(group);
  }

  /** Whether a stack has what its template says. CDK makes one anew that has not. */
  private whole(name: string): boolean {
    return /^(CREATE|UPDATE)_COMPLETE$/.test(this.stacks.get(name)?.status ?? "");
  }

  private answerAws(): void {
    sts.on(GetCallerIdentityCommand).resolves({ Account: "123456789012" });
    this.answerStacks();
    this.answerKeys();
    this.answerObjects();
    this.answerData();
    ses.on(GetEmailIdentityCommand).callsFake(async () => ({
      VerifiedForSendingStatus: this.verified,
      DkimAttributes: { Tokens: ["t1", "t2", "t3"] },
    }));
    lambda.on(InvokeCommand).callsFake(async ({ FunctionName }) =>
      this.broken.has(FunctionName) ? { FunctionError: "Unhandled", Payload: Buffer.from('{"errorType":"Runtime.ExitError"}') } : {},
    );
    logs.on(DeleteLogGroupCommand).callsFake(({ logGroupName }) =>
      this.change(`delete log group ${logGroupName}`, () => {
        if (!this.logGroups.delete(logGroupName)) throw Object.assign(new Error("none"), { name: "ResourceNotFoundException" });
        return {};
      }),
    );
    backup.on(ListRecoveryPointsByBackupVaultCommand).callsFake(async () => ({
      RecoveryPoints: this.recoveryPoints.map((RecoveryPointArn) => ({ RecoveryPointArn })),
    }));
    backup.on(DeleteRecoveryPointCommand).callsFake(({ RecoveryPointArn }) =>
      this.change(`delete recovery point`, () => {
        this.recoveryPoints = this.recoveryPoints.filter((one) => one !== RecoveryPointArn);
        return {};
      }),
    );
  }

  private answerStacks(): void {
    const found = (name: string) => {
      const made = this.stacks.get(name);
      if (!made) throw Object.assign(new Error(`Stack with id ${name} does not exist`), { name: "ValidationError" });
      return made;
    };
    stacks.on(DescribeStacksCommand).callsFake(async ({ StackName }) => {
      const { status, parameters, guarded } = found(StackName);
      return {
        Stacks: [
          {
            StackName,
            StackStatus: status,
            EnableTerminationProtection: guarded,
            Outputs: Object.entries((this.whole(StackName) && OUTPUTS[StackName]) || {}).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
            Parameters: Object.entries(parameters).map(([ParameterKey, ResolvedValue]) => ({ ParameterKey, ResolvedValue })),
          },
        ],
      };
    });
    stacks.on(GetTemplateCommand).callsFake(async ({ StackName }) => ({ TemplateBody: found(StackName).template }));
    stacks.on(UpdateStackCommand).callsFake(({ StackName, TemplateURL }) =>
      this.change(`update ${StackName}`, () => {
        const [, bucket, key] = /^https:\/\/s3\.us-east-1\.amazonaws\.com\/(\w+)\/(.*)$/.exec(TemplateURL)!;
        this.deploy(StackName, this.objects.get(`${bucket}/${key}`)!);
        return {};
      }),
    );
    stacks.on(DeleteStackCommand).callsFake(({ StackName }) =>
      this.change(`delete ${StackName}`, () => {
        if (this.stacks.get(StackName)?.guarded) throw new Error(`${StackName} is protected`);
        const full = [...this.objects.keys()].some((key) => key.startsWith(`${BUCKETS[StackName]}/`));
        if (full) throw new Error(`the bucket of ${StackName} is not empty`);
        if (StackName === "latchkey-data" && this.recoveryPoints.length) throw new Error("the vault is not empty");
        if (StackName === "latchkey-data" && this.stacks.has("latchkey")) throw new Error("its exports are in use");
        this.stacks.delete(StackName);
        if (StackName === "latchkey-data") this.items.clear();
        if (StackName === "latchkey") this.people.clear();
        if (StackName === "latchkey") this.logGroups.clear();
        return {};
      }),
    );
    stacks.on(ListStackResourcesCommand).callsFake(async ({ StackName }) => {
      found(StackName);
      const one = (ResourceType: string, PhysicalResourceId: string, LogicalResourceId = "Id") => ({
        ResourceType,
        PhysicalResourceId,
        LogicalResourceId,
        ResourceStatus: "CREATE_COMPLETE" as const,
        LastUpdatedTimestamp: new Date(0),
      });
      const of: Record<string, ReturnType<typeof one>[]> = {
        latchkey: [
          one("AWS::S3::Bucket", "site"),
          ...Object.keys(FUNCTIONS).map((name) => one("AWS::Lambda::Function", `latchkey-${name}`)),
          one("AWS::Lambda::Function", "latchkey-ArchivistCopy", "ArchivistCopyFunction0A"),
          one("AWS::Lambda::Function", "latchkey-ArchivistLook", "ArchivistLookFunction0B"),
          one("AWS::Lambda::Function", "cdk", "CustomCrossRegionExportReader"),
        ],
        "latchkey-data": [one("AWS::S3::Bucket", "archive"), one("AWS::Backup::BackupVault", "vault")],
      };
      return { StackResourceSummaries: (this.whole(StackName) && of[StackName]) || [] };
    });
    items.on(DescribeTableCommand).callsFake(async ({ TableName }) => ({
      Table: { DeletionProtectionEnabled: this.protectedTables.has(TableName) },
    }));
    items.on(UpdateTableCommand).callsFake(({ TableName, DeletionProtectionEnabled }) =>
      this.change(`protect ${TableName}`, () => {
        if (DeletionProtectionEnabled) this.protectedTables.add(TableName);
        return {};
      }),
    );
  }

  private answerKeys(): void {
    ssm.on(GetParameterCommand).callsFake(async ({ Name }) => {
      const Value = this.parameters.get(Name);
      if (Value === undefined) throw new ParameterNotFound({ message: Name, $metadata: {} });
      return { Parameter: { Value } };
    });
    ssm.on(PutParameterCommand).callsFake(({ Name, Value }) =>
      this.change(`parameter ${Name}`, () => (this.parameters.set(Name, Value), {})),
    );
    ssm.on(DeleteParametersCommand).callsFake(({ Names }: { Names: string[] }) =>
      this.change("delete parameters", () => (Names.forEach((name) => this.parameters.delete(name)), {})),
    );
    const secret = (id: string) => {
      const SecretString = this.secrets.get(id);
      if (SecretString === undefined) throw new ResourceNotFoundException({ message: id, $metadata: {} });
      return SecretString;
    };
    secrets.on(DescribeSecretCommand).callsFake(async ({ SecretId }) => (secret(SecretId), {}));
    secrets.on(GetSecretValueCommand).callsFake(async ({ SecretId }) => ({
      SecretString: secret(SecretId),
      VersionId: `version of ${SecretId}`,
    }));
    secrets.on(CreateSecretCommand).callsFake(({ Name, SecretString }) =>
      this.change(`secret ${Name}`, () => (this.secrets.set(Name, SecretString), {})),
    );
    secrets.on(DeleteSecretCommand).callsFake(({ SecretId }) =>
      this.change(`delete secret ${SecretId}`, () => (this.secrets.delete(SecretId), {})),
    );
  }

  private answerObjects(): void {
    const at = ({ Bucket, Key }: { Bucket: string; Key: string }) => `${Bucket}/${Key}`;
    const tag = (body: string) => `"${createHash("md5").update(body).digest("hex")}"`;
    s3.on(GetObjectCommand).callsFake(async (input) => {
      const body = this.objects.get(at(input));
      if (body === undefined) throw new NoSuchKey({ message: "none", $metadata: {} });
      return { ETag: tag(body), Body: { transformToString: async () => body } };
    });
    s3.on(HeadObjectCommand).callsFake(async (input) => {
      const body = this.objects.get(at(input));
      if (body === undefined) throw Object.assign(new Error("none"), { name: "NotFound" });
      return { ETag: tag(body) };
    });
    s3.on(PutObjectCommand).callsFake((input) =>
      this.change(`object ${at(input)}`, () => (this.objects.set(at(input), Buffer.from(input.Body).toString()), {})),
    );
    s3.on(DeleteObjectCommand).callsFake((input) =>
      this.change(`delete object ${at(input)}`, () => (this.objects.delete(at(input)), {})),
    );
    s3.on(ListObjectsV2Command).callsFake(async ({ Bucket, Prefix }) => ({
      Contents: [...this.objects.keys()]
        .filter((key) => key.startsWith(`${Bucket}/${Prefix}`))
        .map((key) => ({ Key: key.slice(Bucket.length + 1) })),
    }));
    s3.on(ListObjectVersionsCommand).callsFake(async ({ Bucket }) => ({
      // A page.
      Versions: [...this.objects.keys()]
        .filter((key) => key.startsWith(`${Bucket}/`))
        .slice(0, 2)
        .map((key) => ({ Key: key.slice(Bucket.length + 1), VersionId: "1" })),
    }));
    s3.on(DeleteObjectsCommand).callsFake(({ Bucket, Delete, BypassGovernanceRetention }) =>
      this.change(`delete objects of ${Bucket}`, () => {
        const locked = Bucket === "archive" && !BypassGovernanceRetention;
        if (locked) return { Errors: [{ Key: Delete.Objects[0].Key, Message: "Access Denied" }] };
        for (const { Key } of Delete.Objects) this.objects.delete(`${Bucket}/${Key}`);
        return {};
      }),
    );
  }

  private answerData(): void {
    const name = ({ PK, SK }: { PK?: string; SK?: string }) => `${PK} ${SK}`;
    items.on(GetCommand).callsFake(async ({ Key }) => {
      const Item = this.items.get(name(Key));
      return Item ? { Item } : {};
    });
    items.on(QueryCommand).callsFake(async ({ ExpressionAttributeValues }) => ({
      Items: [...this.items.values()].filter(({ PK }) => PK === ExpressionAttributeValues[":pk"]),
    }));
    items.on(UpdateCommand).callsFake(({ Key, ExpressionAttributeNames, ExpressionAttributeValues }) =>
      this.change(`item ${name(Key)}`, () => {
        const set = Object.entries((ExpressionAttributeNames ?? {}) as Record<string, string>).map(([at, attribute]) => [
          attribute,
          ExpressionAttributeValues[at.replace("#", ":")],
        ]);
        this.items.set(name(Key), { ...this.items.get(name(Key)), ...Key, ...Object.fromEntries(set), version: ExpressionAttributeValues[":next"] });
        return {};
      }),
    );
    items.on(TransactWriteCommand).callsFake(({ TransactItems }) =>
      this.change("transaction", () => {
        for (const { Put } of TransactItems) if (Put) this.items.set(name(Put.Item), Put.Item);
        return {};
      }),
    );
    pool.on(AdminCreateUserCommand).callsFake(({ Username, MessageAction }) =>
      this.change(`person ${Username}`, () => {
        if (this.people.has(Username) && MessageAction !== "RESEND") throw new UsernameExistsException({ message: "", $metadata: {} });
        this.people.add(Username);
        return {};
      }),
    );
    pool.on(AdminGetUserCommand).resolves({ UserStatus: "FORCE_CHANGE_PASSWORD" });
    pool.on(AdminEnableUserCommand).resolves({});
  }
}
