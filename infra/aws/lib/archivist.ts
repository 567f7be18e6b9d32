// The history on its way into the archive: a function behind its table's stream, and one that looks once a day whether
// what was written arrives.
import { fileURLToPath } from "node:url";
import { Duration } from "aws-cdk-lib";
import { Stats, type Metric } from "aws-cdk-lib/aws-cloudwatch";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Architecture, LoggingFormat, Runtime, StartingPosition, Tracing, type IFunction } from "aws-cdk-lib/aws-lambda";
import { DynamoEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { FilterPattern, LogGroup, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { BEHIND, CHANGED, CURRENT } from "../archivist/words.ts";
import type { Data } from "./data.ts";
import { kept } from "./kept.ts";
import { INLINE, known } from "./known.ts";
import { FunctionRole } from "./role.ts";
import type { Settings } from "./settings.ts";

export class Archivist extends Construct {
  /** Copies the history's stream into the archive. */
  readonly copier: IFunction;
  /** Events that were changed or deleted in the table, which nothing of ours does. */
  readonly historyChanged: Metric;
  /** 1 a day while what was written to the history does not reach its archive, else 0. */
  readonly archiveBehind: Metric;

  constructor(scope: Construct, id: string, settings: Settings, data: Data) {
    super(scope, id);
    [this.copier, this.historyChanged] = this.copyHistory(settings, data);
    this.archiveBehind = this.lookAtArchive(settings, data);
  }

  /** Batches are large and slow on purpose: an object a few minutes old is young enough for an archive. A
   *  batch that cannot be written is tried until the stream forgets it, a day later, and the alarm on the
   *  stream's age tells long before; the table still has the events then. */
  private copyHistory(settings: Settings, data: Data): [IFunction, Metric] {
    const scope = new Construct(this, "Copy");
    const role = new FunctionRole(scope, "Role");
    const logs = new LogGroup(scope, "Logs", {
      logGroupName: `/${settings.deployment}/archive-history`,
      retention: settings.logDays,
      encryptionKey: data.key,
      removalPolicy: kept(settings),
    });
    const made = new NodejsFunction(scope, "Function", {
      description: "Latchkey: copies the history into its archive",
      ...this.program(settings, "index.ts"),
      role,
      logGroup: logs,
      environment: { ARCHIVE: data.archive.bucketName },
    });
    logs.grantWrite(role);
    // It adds objects and can do nothing else with them, not even read.
    role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:PutObject"],
        resources: [`${data.archiveArn}/history/*`],
      }),
    );
    made.addEventSource(
      new DynamoEventSource(data.history, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 1000,
        maxBatchingWindow: Duration.minutes(5),
        bisectBatchOnError: true,
        retryAttempts: -1,
      }),
    );
    known(
      made,
      {
        "AwsSolutions-IAM5[Resource::*]":
          "X-Ray takes segments, and DynamoDB lists streams, for no particular resource",
        [`AwsSolutions-IAM5[Resource::${data.stackName}:Archive/history/*]`]: "one object a batch, named by the batch",
        "HIPAA.Security-IAMNoInlinePolicy": INLINE,
        "HIPAA.Security-LambdaConcurrency": "one at a time for each shard of the stream",
        "HIPAA.Security-LambdaDLQ": "gives up no batch before the stream does",
        "HIPAA.Security-LambdaInsideVPC": "talks to AWS services alone, by TLS and IAM",
      },
      role,
    );
    const changed = new MetricFilter(scope, "Changed", {
      logGroup: logs,
      filterPattern: FilterPattern.stringValue("$.message", "=", `${CHANGED}*`),
      metricNamespace: `Latchkey/${settings.deployment}`,
      metricName: "HistoryChanged",
    });
    return [made, changed.metric({ statistic: Stats.SUM })];
  }

  /** The alarm on the stream's age says nothing of a stream that is read no more, or of objects that are not written. */
  private lookAtArchive(settings: Settings, data: Data): Metric {
    const scope = new Construct(this, "Look");
    const role = new FunctionRole(scope, "Role");
    const logs = new LogGroup(scope, "Logs", {
      logGroupName: `/${settings.deployment}/look-at-archive`,
      retention: settings.logDays,
      encryptionKey: data.key,
      removalPolicy: kept(settings),
    });
    const made = new NodejsFunction(scope, "Function", {
      description: "Latchkey: looks whether the history reaches its archive",
      ...this.program(settings, "look.ts"),
      role,
      logGroup: logs,
      environment: { ARCHIVE: data.archive.bucketName, HISTORY_TABLE: data.history.tableName },
    });
    logs.grantWrite(role);
    role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:ListBucket"],
        resources: [data.archive.bucketArn],
        conditions: { StringLike: { "s3:prefix": "history/*" } },
      }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ["cloudwatch:GetMetricData"], resources: ["*"] }));
    known(
      made,
      {
        "AwsSolutions-IAM5[Resource::*]": "X-Ray takes segments, and CloudWatch gives figures, for no particular resource",
        "HIPAA.Security-IAMNoInlinePolicy": INLINE,
        "HIPAA.Security-LambdaConcurrency": "once a day",
        "HIPAA.Security-LambdaDLQ": "comes again tomorrow, and the alarm on errors tells of today",
        "HIPAA.Security-LambdaInsideVPC": "talks to AWS services alone, by TLS and IAM",
      },
      role,
    );
    new Rule(scope, "Daily", {
      description: "Latchkey: looks whether the history reaches its archive",
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new LambdaFunction(made)],
    });
    const [behind] = [BEHIND, CURRENT].map((words) =>
      new MetricFilter(scope, words === BEHIND ? "Behind" : "Current", {
        logGroup: logs,
        filterPattern: FilterPattern.stringValue("$.message", "=", `${words}*`),
        metricNamespace: `Latchkey/${settings.deployment}`,
        metricName: "ArchiveBehind",
        metricValue: words === BEHIND ? "1" : "0",
      }).metric({ statistic: Stats.MAXIMUM }),
    );
    return behind!;
  }

  /** What the two programs about the archive have in common. */
  private program(settings: Settings, file: string) {
    return {
      runtime: Runtime.NODEJS_24_X,
      architecture: settings.architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      entry: fileURLToPath(new URL(`../archivist/${file}`, import.meta.url)),
      depsLockFilePath: fileURLToPath(new URL("../package-lock.json", import.meta.url)),
      // The SDK comes along in the version of the lock file, not in the runtime's of the day.
      bundling: { bundleAwsSDK: true, minify: true },
      memorySize: 256,
      timeout: Duration.seconds(60),
      tracing: settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      loggingFormat: LoggingFormat.JSON,
    };
  }
}
