// The stacks of a deployment as they are in the account, beside what is to be deployed.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  type Stack,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { CloudWatchLogsClient, DeleteLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeTableCommand, UpdateTableCommand } from "@aws-sdk/client-dynamodb";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { Refusal, type Deployment } from "./deployment.ts";

/** Where AWS keeps what belongs to CloudFront. */
export const EDGE_REGION = "us-east-1";

/** Tells the stacks of a deployment apart: how their names end. */
export type End = "" | "-data" | "-firewall" | "-access-log" | "-plans";

/** Where a stack is. */
export const regionOf = (d: Deployment, end: End) => (end === "" || end === "-data" ? d.settings.region : EDGE_REGION);
const clientOf = (d: Deployment, end: End) =>
  regionOf(d, end) === d.settings.region ? d.cloudFormation : new CloudFormationClient({ region: EDGE_REGION });
const nameOf = (d: Deployment, end: End) => d.settings.deployment + end;

/** A stack, if there is one. */
export const stackOf = (d: Deployment, end: End) => described(clientOf(d, end), nameOf(d, end));

async function described(client: CloudFormationClient, StackName: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const [found] = Stacks;
    return found?.StackStatus === "DELETE_COMPLETE" ? undefined : found;
  } catch (error) {
    if (/does not exist/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** Folders of templates, which go with the command. */
const folders: string[] = [];
process.once("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** The templates of one version, made once when they are first asked for. */
export class Assembly {
  private made?: Promise<string>;

  constructor(
    private readonly synthesise: ((folder: string) => Promise<void>) | undefined,
    /** Where they are already. */
    there?: string,
  ) {
    if (there) this.made = Promise.resolve(there);
  }

  folder(): Promise<string> {
    this.made ??= (async () => {
      const folder = mkdtempSync(join(tmpdir(), "latchkey-assembly-"));
      folders.push(folder);
      await this.synthesise?.(folder);
      return folder;
    })();
    return this.made;
  }

  async template(stack: string): Promise<string> {
    return readFileSync(join(await this.folder(), `${stack}.template.json`), "utf8");
  }
}

interface Template {
  Parameters?: Record<string, { Type: string; Default?: string }>;
  Resources?: Record<string, { Type: string; DeletionPolicy?: string; Properties?: Record<string, unknown> }>;
}

/** What a template says. CloudFormation gives it back without what is not ASCII. */
const read = (text: string) => JSON.stringify(JSON.parse(text)).replace(/[^\x20-\x7e]/g, "?");

/** Whether a stack is as its template says, with the keys that are in use now. */
export async function upToDate(d: Deployment, end: End, assembly: Assembly): Promise<boolean> {
  const stack = await stackOf(d, end);
  if (!/^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$/.test(stack?.StackStatus ?? "")) return false;
  const [wanted, deployed] = [await assembly.template(nameOf(d, end)), await templateOf(d, end)];
  if (read(wanted) !== read(deployed)) return false;
  for (const [name, { Type, Default }] of Object.entries((JSON.parse(wanted) as Template).Parameters ?? {})) {
    // Of these, CDK's own version says nothing of ours.
    if (!Type.startsWith("AWS::SSM::Parameter::Value") || name === "BootstrapVersion") continue;
    const resolved = stack?.Parameters?.find(({ ParameterKey }) => ParameterKey === name)?.ResolvedValue;
    if (resolved !== (await d.parameter(Default ?? ""))) return false;
  }
  return true;
}

async function templateOf(d: Deployment, end: End): Promise<string> {
  const { TemplateBody = "{}" } = await clientOf(d, end).send(
    new GetTemplateCommand({ StackName: nameOf(d, end), TemplateStage: "Original" }),
  );
  return typeof TemplateBody === "string" ? TemplateBody : JSON.stringify(TemplateBody);
}

/** The names of the indexes of each table of a template, by the table's logical id. */
const indexesOf = (template: string) =>
  new Map(
    ofType(template, "AWS::DynamoDB::Table").map(([id, { Properties }]) => {
      const indexes = (Properties?.["GlobalSecondaryIndexes"] ?? []) as { IndexName: string }[];
      return [id, indexes.map(({ IndexName }) => IndexName)] as const;
    }),
  );

/** On the way to a version, the indexes that there are after each deployment of the data before the last one: of a table
 *  that is there, DynamoDB makes or deletes one index in an update, and CloudFormation refuses more.
 *  <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html> */
export async function indexSteps(d: Deployment, version: Assembly): Promise<string[][]> {
  if (!(await stackOf(d, "-data"))) return [];
  const before = indexesOf(await templateOf(d, "-data"));
  const tables = [...indexesOf(await version.template(nameOf(d, "-data")))].map(([id, after]) => {
    const there = before.get(id);
    // Those of a new table are made with it.
    const missing = there ? after.filter((name) => !there.includes(name)) : [];
    const gone = there?.filter((name) => !after.includes(name)) ?? [];
    if (gone.length > 1)
      throw new Refusal(`This version lacks more than one index of a table that is there: ${gone.join(", ")}. AWS deletes one in an update: deploy the versions between, one after the other.`);
    return { after, missing, gone };
  });
  const last = Math.max(0, ...tables.map(({ missing }) => missing.length));
  const first = tables.some(({ missing, gone }) => missing.length && gone.length) ? 0 : 1;
  return Array.from({ length: Math.max(0, last - first) }, (_, step) =>
    tables.flatMap(({ after, missing }) => after.filter((name) => !missing.slice(first + step).includes(name))),
  );
}

const tablesOf = ({ Outputs = [] }: Stack) =>
  Outputs.flatMap(({ OutputKey, OutputValue }) =>
    OutputValue && ["Table", "HistoryTable"].includes(OutputKey ?? "") ? [OutputValue] : [],
  );

/** Whether the stack of the data is one that keeps its tables: all of the first deployment stood once. Its template says
 *  so, which nobody changes by hand, as they may take a protection off. */
export async function keepsTables(d: Deployment): Promise<boolean> {
  const stack = await stackOf(d, "-data");
  if (!stack || !tablesOf(stack).length) return false;
  const { Resources = {} } = JSON.parse(await templateOf(d, "-data")) as Template;
  return Object.values(Resources).some(({ Type, DeletionPolicy }) => Type === "AWS::DynamoDB::Table" && DeletionPolicy === "Retain");
}

/** Whether nobody can end the stack of the data, nor delete its tables. */
export async function isProtected(d: Deployment): Promise<boolean> {
  const stack = await stackOf(d, "-data");
  if (!stack?.EnableTerminationProtection) return false;
  return tablesOf(stack).length > 0 && (await unprotected(d, stack)).length === 0;
}

async function unprotected(d: Deployment, stack: Stack): Promise<string[]> {
  const found: string[] = [];
  for (const TableName of tablesOf(stack)) {
    const { Table } = await d.dynamodb.send(new DescribeTableCommand({ TableName }));
    if (!Table?.DeletionProtectionEnabled) found.push(TableName);
  }
  return found;
}

/** Protects the tables of which somebody took it off by hand: CloudFormation compares templates, and sees no change. */
export async function protectTables(d: Deployment): Promise<void> {
  const stack = await stackOf(d, "-data");
  for (const TableName of stack ? await unprotected(d, stack) : [])
    await d.dynamodb.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }));
}

const BOOTSTRAP_STACK = "CDKToolkit";

/** What is kept in the bucket of CDK's bootstrap: the last template that stood the smoke test, and the names of log groups
 *  that a version leaves which did not. */
type Kept = "template" | "groups";

async function shelf(d: Deployment, what: Kept): Promise<{ Bucket: string; Key: string }> {
  const stack = await described(d.cloudFormation, BOOTSTRAP_STACK);
  const Bucket = stack?.Outputs?.find(({ OutputKey }) => OutputKey === "BucketName")?.OutputValue;
  if (!Bucket) throw new Refusal(`The stack ${BOOTSTRAP_STACK} has no BucketName.`);
  return { Bucket, Key: `latchkey/${d.settings.deployment}.${what}.json` };
}

async function kept(d: Deployment, what: Kept = "template"): Promise<string | undefined> {
  try {
    const { Body } = await d.s3.send(new GetObjectCommand(await shelf(d, what)));
    return await Body!.transformToString();
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return undefined;
    throw error;
  }
}

/** Keeps the template of what is deployed, to come back to. */
export async function keep(d: Deployment): Promise<void> {
  const Body = await templateOf(d, "");
  if ((await kept(d)) === Body) return;
  await put(d, "template", Body);
}

async function put(d: Deployment, what: Kept, Body: string): Promise<void> {
  await d.s3.send(new PutObjectCommand({ ...(await shelf(d, what)), Body, ContentType: "application/json" }));
}

/** Of a deployment that is no more, nothing is kept. */
export async function forget(d: Deployment): Promise<void> {
  if (!(await described(d.cloudFormation, BOOTSTRAP_STACK))) return;
  for (const what of ["template", "groups"] as const) await d.s3.send(new DeleteObjectCommand(await shelf(d, what)));
}

const PAUSE = 5000;

const ofType = (template: string, type: string) =>
  Object.entries((JSON.parse(read(template)) as Template).Resources ?? {}).filter(([, { Type }]) => Type === type);

const poolsOf = (template: string) => JSON.stringify(ofType(template, "AWS::Cognito::UserPool").sort());

/** Deploys the last template that stood the smoke test, if there is one and it is another. */
export async function goBack(d: Deployment): Promise<"went back" | "is the last" | "is the first" | "has another pool"> {
  const [last, now] = [await kept(d), await templateOf(d, "")];
  if (last === undefined) return "is the first";
  if (read(last) === read(now)) return "is the last";
  if (poolsOf(last) !== poolsOf(now)) return "has another pool";
  const { Bucket, Key } = await shelf(d, "template");
  const { region, deployment } = d.settings;
  // Before the change: ended in the midst of it, the next deployment finds them here.
  const left = groupsOf(now).filter((one) => !groupsOf(last).includes(one));
  if (left.length) await put(d, "groups", JSON.stringify(left));
  await d.cloudFormation.send(
    new UpdateStackCommand({
      StackName: deployment,
      TemplateURL: `https://s3.${region}.amazonaws.com/${Bucket}/${Key}`,
      Capabilities: ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }),
  );
  const status = await settled(d, "");
  if (status !== "UPDATE_COMPLETE") throw new Refusal(`The way back to the last version ended with ${status}.`);
  d.changed();
  await clearGroups(d);
  return "went back";
}

const groupsOf = (template: string) =>
  ofType(template, "AWS::Logs::LogGroup").flatMap(([, { Properties }]) => {
    const name = Properties?.["LogGroupName"];
    return typeof name === "string" ? [name] : [];
  });

/** Deletes the log groups that only a version had which did not answer, and which went back since. They are called by
 *  fixed names and kept, so that the next try to make them would fail. */
export async function clearGroups(d: Deployment): Promise<void> {
  const left = JSON.parse((await kept(d, "groups")) ?? "[]") as string[];
  if (!left.length) return;
  await settled(d, "");
  // CloudFormation may have ended the way back, and left all as it was.
  const inUse = groupsOf(await templateOf(d, ""));
  const logs = new CloudWatchLogsClient({ region: d.settings.region });
  for (const logGroupName of left.filter((one) => !inUse.includes(one))) {
    await logs.send(new DeleteLogGroupCommand({ logGroupName })).catch((error: Error) => {
      // Those of a try-out went with the stack's change.
      if (error.name !== "ResourceNotFoundException") throw error;
    });
  }
  await put(d, "groups", "[]");
}

/** Deletes a stack, and waits until it is gone. */
export async function remove(d: Deployment, end: End): Promise<void> {
  const StackName = nameOf(d, end);
  await clientOf(d, end).send(new DeleteStackCommand({ StackName }));
  const status = await settled(d, end);
  if (status) throw new Refusal(`The stack ${StackName} is not gone: ${status}. AWS says why in its events.`);
  d.changed();
}

/** The state of a stack, once nothing is under way. */
async function settled(d: Deployment, end: End): Promise<string | undefined> {
  for (;;) {
    const status = (await stackOf(d, end))?.StackStatus;
    if (!status?.endsWith("_IN_PROGRESS")) return status;
    await d.wait(PAUSE);
  }
}
