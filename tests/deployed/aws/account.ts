// The emulated account behind the deployed home, for the tests that look under its surface.
import {
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  ListFunctionsCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import {
  type AttributeValue,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { OUTBOX, SORT_KEYS_BEGIN, key, type ItemKind } from "../../../infra/aws/lib/keys.ts";
import type { Visitor } from "../people.ts";

const lambda = new LambdaClient({});
const iam = new IAMClient({});
const dynamodb = new DynamoDBClient({});

export interface Policy {
  Version: string;
  Statement: { Action: string | string[]; Resource: string | string[]; [other: string]: unknown }[];
}

/** A deployed function, with the policy of its role. */
export class Deployed {
  private constructor(
    readonly name: string,
    readonly functionName: string,
    private readonly role: string,
    private readonly policyName: string,
    readonly policy: Policy,
    readonly tables: { main: { tableArn: string }; history: { tableArn: string } },
    readonly table: string,
  ) {}

  static async find(name: string, FunctionName = `latchkey-${name}`): Promise<Deployed> {
    const { Role, Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const RoleName = Role!.split("/").pop()!;
    const { PolicyNames } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    const PolicyName = PolicyNames![0]!;
    const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    const { TABLE, HISTORY_TABLE } = Environment!.Variables!;
    const arn = (table: string) => ({
      tableArn: Role!.replace(/^arn:aws:iam::(\d+):.*/, `arn:aws:dynamodb:us-east-1:$1:table/${table}`),
    });
    return new Deployed(
      name,
      FunctionName,
      RoleName,
      PolicyName,
      JSON.parse(decodeURIComponent(PolicyDocument!)) as Policy,
      { main: arn(TABLE!), history: arn(HISTORY_TABLE!) },
      TABLE!,
    );
  }

  /** The one that copies the history, which has no name of its own. */
  static async archivist(): Promise<Deployed> {
    const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
    const found = Functions.find(({ Description }) => /^Latchkey: .*archive$/.test(Description ?? ""));
    return Deployed.find("archivist", found!.FunctionName);
  }

  /** Lets it do something else, and starts it anew: what it holds in memory hides what it may not. */
  async allow(policy: Policy): Promise<void> {
    const { role: RoleName, policyName: PolicyName, functionName: FunctionName } = this;
    await iam.send(
      new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(policy) }),
    );
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = { ...Environment!.Variables!, STARTED: String(Date.now()) };
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  }

  /** Has what it asks for noted from now on. It starts anew: what it holds in memory it would not ask for. */
  async note(): Promise<void> {
    await this.allow(this.policy);
    await toEmulator("note", { role: this.role });
  }

  /** Which of these policies, in place of its own, would have refused something that it asked for since. */
  async missed(documents: Policy[]): Promise<boolean[]> {
    const asked = { own: this.policy, documents };
    const { requests, missed } = await toEmulator<{ requests: number; missed: boolean[] }>("missed", asked);
    if (!requests) throw new Error(`${this.name} asked for nothing`);
    return missed;
  }

  /** Calls it as AWS does; fails when it fails. */
  async invoke(event: object): Promise<{ batchItemFailures?: unknown[] } | null> {
    const { functionName: FunctionName } = this;
    const answer = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
    );
    const payload = Buffer.from(answer.Payload ?? []).toString();
    if (answer.FunctionError) throw new Error(`${this.name}: ${payload}`);
    return payload ? JSON.parse(payload) : null;
  }

  /** Whether the table's stream drives it. */
  async onStream(enabled: boolean): Promise<void> {
    const { EventSourceMappings = [] } = await lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: this.functionName }),
    );
    for (const { UUID } of EventSourceMappings) {
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: enabled }));
    }
  }

  /** The mails of a chart in the outbox, as records of the stream. */
  mailsOf(client: { clientId: string }): Promise<Record<string, unknown>[]> {
    return this.inChart(client, SORT_KEYS_BEGIN.mail);
  }

  /** The alerts about a client, as records of the stream. */
  alertsOf(client: { clientId: string }): Promise<Record<string, unknown>[]> {
    return this.inChart(client, SORT_KEYS_BEGIN.alert);
  }

  private async inChart({ clientId }: { clientId: string }, begin: string): Promise<Record<string, unknown>[]> {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: this.table,
        KeyConditionExpression: "PK = :pk AND begins_with(SK, :begin)",
        ExpressionAttributeValues: { ":pk": { S: `P#harbor#C#${clientId}` }, ":begin": { S: begin } },
      }),
    );
    return this.inserted(Items);
  }

  /** The resets that were asked for and not seen to, as records of the stream. */
  asked(): Promise<Record<string, unknown>[]> {
    return this.waiting(SORT_KEYS_BEGIN.ask);
  }

  /** The locks of which nobody was told yet, as records of the stream. */
  lockouts(): Promise<Record<string, unknown>[]> {
    return this.waiting(SORT_KEYS_BEGIN.lockout);
  }

  /** The steps of changes for many that wait, as records of the stream. */
  steps(): Promise<Record<string, unknown>[]> {
    return this.waiting(SORT_KEYS_BEGIN.step);
  }

  /** The notices to apps that wait, as records of the stream. */
  notices(): Promise<Record<string, unknown>[]> {
    return this.waiting(SORT_KEYS_BEGIN.notice);
  }

  private async waiting(begin: string): Promise<Record<string, unknown>[]> {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName: this.table,
        IndexName: OUTBOX.index,
        KeyConditionExpression: "pending = :pending AND begins_with(SK, :begin)",
        ExpressionAttributeValues: { ":pending": { S: OUTBOX.pending }, ":begin": { S: begin } },
      }),
    );
    return this.inserted(Items);
  }

  /** Lets minutes pass for a visitor's session and for an app. Only then is it written down that they are used. */
  async later(visitor: Visitor, app: { appId: string }): Promise<void> {
    const { practice } = visitor.claims();
    const [, ulid = ""] = app.appId.split(".");
    await this.endsSooner(visitor, 2 * 60_000);
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: this.table,
        Key: primary("app", { practice, app: ulid }),
        UpdateExpression: "REMOVE lastUsedAt",
        ConditionExpression: "attribute_exists(PK)",
      }),
    );
  }

  /** Lets a visitor's session stay unused until it is over. */
  over(visitor: Visitor): Promise<void> {
    return this.endsSooner(visitor, 24 * 60 * 60_000);
  }

  private async endsSooner(visitor: Visitor, milliseconds: number): Promise<void> {
    const { practice, account, sid } = visitor.claims();
    const inAccount = { TableName: this.table, Key: primary("account", { practice, account }) };
    const { Item } = await dynamodb.send(new GetItemCommand({ ...inAccount, ConsistentRead: true }));
    const ends = Item?.["sessions"]?.M?.[sid]?.M?.["idleEndsAt"]?.S;
    if (!ends) throw new Error("the session is not there");
    const sooner = new Date(Date.parse(ends) - milliseconds).toISOString();
    await dynamodb.send(
      new UpdateItemCommand({
        ...inAccount,
        UpdateExpression: "SET #sessions.#sid.idleEndsAt = :sooner",
        ExpressionAttributeNames: { "#sessions": "sessions", "#sid": sid },
        ExpressionAttributeValues: { ":sooner": { S: sooner } },
      }),
    );
  }

  private inserted(items: Record<string, AttributeValue>[]): Record<string, unknown>[] {
    return items.map((item, at) => ({
      eventID: String(at),
      eventName: "INSERT",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: "us-east-1",
      eventSourceARN: `${this.tables.main.tableArn}/stream/2026-01-01T00:00:00.000`,
      dynamodb: {
        ApproximateCreationDateTime: 1_767_225_600,
        Keys: { PK: item["PK"], SK: item["SK"] },
        NewImage: item,
        SequenceNumber: String(1000 + at),
        SizeBytes: 100,
        StreamViewType: "NEW_AND_OLD_IMAGES",
      },
    }));
  }
}

async function toEmulator<T>(what: string, body: object): Promise<T> {
  const answer = await fetch(`${process.env["AWS_ENDPOINT_URL"]}/_latchkey/${what}`, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
  return (await answer.json()) as T;
}

/** The key of an item, as DynamoDB writes it. */
function primary(kind: ItemKind, values: Record<string, string>): Record<string, AttributeValue> {
  const { PK, SK } = key(kind, values);
  return { PK: { S: PK }, SK: { S: SK } };
}

/** A ULID of so many milliseconds before. */
export function earlier(ulid: string, milliseconds: number): string {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time =
    [...ulid.slice(0, 10)].reduce((sum, digit) => sum * 32 + digits.indexOf(digit), 0) - milliseconds;
  let text = "";
  for (let place = 0; place < 10; place++, time = Math.floor(time / 32)) text = digits[time % 32] + text;
  return text + ulid.slice(10);
}
