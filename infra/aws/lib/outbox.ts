// The outbox: what waits in the main table to be seen to, and the functions that see to it. The table's stream brings
// each of them what is new; a sweep finds what the stream did not bring, and what failed.
import type { Duration } from "aws-cdk-lib";
import { Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { FilterCriteria, FilterRule, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { DynamoEventSource, SqsDlq } from "aws-cdk-lib/aws-lambda-event-sources";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { Data } from "./data.ts";
import type { Functions } from "./functions.ts";
import { OUTBOX, STREAMED, type Streamed } from "./keys.ts";
import { known } from "./known.ts";

interface Pace {
  /** How long the stream tries what fails, and how often: by itself as often as that time allows. What comes later
   *  waits meanwhile; what is given up is the sweep's. */
  maxRecordAge: Duration;
  /** How many batches of a shard are seen to side by side; 1 unless it says more. Then their order is not kept. */
  parallelizationFactor?: number;
  retryAttempts?: number;
  /** How often the sweep comes. */
  sweep: Duration;
  /** What the sweep does, for whoever finds its rule in the account. */
  description: string;
  /** Where a record of the stream goes that was given up. The item itself stays in the outbox, and the sweep goes on
   *  trying; this tells that something is wrong. */
  failed: Queue;
}

/** Has the stream and a sweep drive a function, which may then find what waits. */
export function drive(scope: Construct, name: Streamed, data: Data, functions: Functions, pace: Pace): void {
  const driven = functions.get(name);
  driven.addToRolePolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ["dynamodb:Query"],
      resources: [`${data.main.tableArn}/index/${OUTBOX.index}`],
    }),
  );
  driven.addEventSource(
    new DynamoEventSource(data.main, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.isEqual("INSERT"),
          dynamodb: { Keys: { SK: { S: STREAMED[name].flatMap((begin) => FilterRule.beginsWith(begin)) } } },
        }),
      ],
      batchSize: 10,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      maxRecordAge: pace.maxRecordAge,
      ...(pace.parallelizationFactor && { parallelizationFactor: pace.parallelizationFactor }),
      ...(pace.retryAttempts !== undefined && { retryAttempts: pace.retryAttempts }),
      onFailure: new SqsDlq(pace.failed),
    }),
  );
  if (driven.role) {
    const reason = "the names that KMS gives the variants of one action, on the one key of the queue";
    known(driven.role, {
      "AwsSolutions-IAM5[Action::kms:GenerateDataKey*]": reason,
      "AwsSolutions-IAM5[Action::kms:ReEncrypt*]": reason,
    });
  }
  new Rule(scope, "Sweep", {
    description: `Latchkey: ${pace.description}`,
    schedule: Schedule.rate(pace.sweep),
    targets: [
      new LambdaFunction(driven, { event: RuleTargetInput.fromObject({ sweep: true }), retryAttempts: 0 }),
    ],
  });
}

/** A queue for what failed, kept for so long. */
export function failures(scope: Construct, id: string, data: Data, retentionPeriod: Duration): Queue {
  const made = new Queue(scope, id, {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: data.key,
    enforceSSL: true,
    retentionPeriod,
  });
  known(made, { "AwsSolutions-SQS3": "is itself where failures go" });
  return made;
}
