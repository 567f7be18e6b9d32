// The deployment that a command is about: its settings, what its stack made, and the clients to reach it.
import { CloudFormationClient, DescribeStacksCommand, type Stack } from "@aws-sdk/client-cloudformation";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { OF_DATA, type Output } from "../lib/outputs.ts";
import { keyNames, type Settings } from "../lib/settings.ts";

/** What a person did wrong, or must do first: told in one line, without a stack trace. */
export class Refusal extends Error {}

export class Deployment {
  readonly cloudFormation: CloudFormationClient;
  readonly cognito: CognitoIdentityProviderClient;
  readonly dynamodb: DynamoDBDocumentClient;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  readonly sqs: SQSClient;
  readonly ssm: SSMClient;
  readonly names: ReturnType<typeof keyNames>;
  private readonly described = new Map<string, Promise<Stack | undefined>>();

  constructor(
    readonly settings: Settings,
    /** Says something to whoever runs the command. */
    readonly say: (line: string) => void = console.log,
    /** Lets milliseconds pass. */
    readonly wait: (milliseconds: number) => Promise<void> = (milliseconds) =>
      new Promise((wake) => setTimeout(wake, milliseconds)),
  ) {
    const { region } = settings;
    this.cloudFormation = new CloudFormationClient({ region });
    this.cognito = new CognitoIdentityProviderClient({ region });
    this.dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({ region }));
    this.lambda = new LambdaClient({ region });
    // Path style is what an emulator without names of its own understands, and does no harm elsewhere.
    this.s3 = new S3Client({ region, forcePathStyle: Boolean(process.env["AWS_ENDPOINT_URL"]) });
    this.secrets = new SecretsManagerClient({ region });
    this.sqs = new SQSClient({ region });
    this.ssm = new SSMClient({ region });
    this.names = keyNames(settings.deployment);
  }

  /** What the stacks made. */
  async output(name: Output): Promise<string> {
    const value = await this.outputOf(name);
    if (value) return value;
    const stack = this.stackOf(name);
    throw (await this.stack(stack)) ? new Refusal(`The stack ${stack} has no ${name}.`) : none(stack);
  }

  /** The same, if it is there. A stack that failed when it was first made, or was only begun, exists and made nothing. */
  async outputOf(name: Output): Promise<string | undefined> {
    const { Outputs = [] } = (await this.stack(this.stackOf(name))) ?? {};
    return Outputs.find((output) => output.OutputKey === name)?.OutputValue;
  }

  /** Has what was read of the stacks read anew: they changed. */
  changed(): void {
    this.described.clear();
  }

  /** When the last deployment came to its end, and an output as it left it. Refuses while one is under way:
   *  nobody can say yet what will hold. */
  async deployed(name: Output): Promise<{ value: string; at: Date }> {
    const { deployment } = this.settings;
    const { StackStatus = "", LastUpdatedTime, CreationTime } = (await this.stack(deployment)) ?? refuse(none(deployment));
    if (!StackStatus.endsWith("_COMPLETE"))
      throw new Refusal(
        `A deployment is under way, or failed (${StackStatus}). See that one succeeds first.`,
      );
    return { value: await this.output(name), at: LastUpdatedTime ?? CreationTime! };
  }

  /** The time by AWS's clock, rounded down to the second: sessions are dated by it, and the clock of whoever
   *  runs a command may be wrong. */
  async clock(): Promise<Date> {
    const client = new DynamoDBClient({ region: this.settings.region });
    let date: string | undefined;
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        date = (answer.response as { headers: Record<string, string> }).headers["date"];
        return answer;
      },
      { step: "deserialize" },
    );
    await client.send(new DescribeTableCommand({ TableName: await this.output("Table") }));
    const time = Date.parse(date ?? "");
    if (Number.isNaN(time)) throw new Refusal("AWS does not say what time it is. Try again.");
    return new Date(time);
  }

  /** The value of a parameter, if there is one. */
  async parameter(Name: string): Promise<string | undefined> {
    try {
      return (await this.ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  }

  /** What the next deployment is to know. */
  async publish(Name: string, Value: string): Promise<void> {
    await this.ssm.send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));
  }

  private stackOf(name: Output): string {
    return (OF_DATA as readonly string[]).includes(name) ? `${this.settings.deployment}-data` : this.settings.deployment;
  }

  private stack(StackName: string): Promise<Stack | undefined> {
    const known = this.described.get(StackName) ?? this.describe(StackName);
    this.described.set(StackName, known);
    return known;
  }

  private async describe(StackName: string): Promise<Stack | undefined> {
    try {
      return (await this.cloudFormation.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
    } catch (error) {
      if (/does not exist/.test((error as Error).message)) return undefined;
      throw error;
    }
  }
}

const none = (stack: string) => new Refusal(`There is no stack ${stack} here yet. Deploy first.`);

function refuse(why: Refusal): never {
  throw why;
}
