// The deployment that a command is about: its settings, what its stack made, and the clients to reach it.
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SSMClient } from "@aws-sdk/client-ssm";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Output } from "../lib/latchkey.ts";
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
  private outputs?: Promise<Map<string, string>>;

  constructor(
    readonly settings: Settings,
    /** Says something to whoever runs the command. */
    readonly say: (line: string) => void = console.log,
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

  /** What the stack made. */
  async output(name: Output): Promise<string> {
    this.outputs ??= this.describe();
    const value = (await this.outputs).get(name);
    if (!value) throw new Refusal(`The stack ${this.settings.deployment} has no ${name}.`);
    return value;
  }

  private async describe(): Promise<Map<string, string>> {
    const { deployment } = this.settings;
    const answer = await this.cloudFormation
      .send(new DescribeStacksCommand({ StackName: deployment }))
      .catch((error: Error) => {
        throw new Refusal(`There is no stack ${deployment} here yet (${error.message}). Deploy first.`);
      });
    return new Map(answer.Stacks?.[0]?.Outputs?.map((output) => [output.OutputKey!, output.OutputValue!]));
  }
}
