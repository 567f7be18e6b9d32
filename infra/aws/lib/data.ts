// What must not be lost: the two tables, the key that encrypts them, their backups, and the archive of the
// history that nobody can change.
import { fileURLToPath } from "node:url";
import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import {
  BackupPlan,
  BackupPlanRule,
  type BackupPlanRuleProps,
  BackupResource,
  BackupVault,
} from "aws-cdk-lib/aws-backup";
import { Stats, type Metric } from "aws-cdk-lib/aws-cloudwatch";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableClass,
  TableEncryption,
  type TableProps,
} from "aws-cdk-lib/aws-dynamodb";
import { type CronOptions, Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import { AnyPrincipal, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import {
  Architecture,
  LoggingFormat,
  Runtime,
  StartingPosition,
  Tracing,
  type IFunction,
} from "aws-cdk-lib/aws-lambda";
import { DynamoEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { FilterPattern, LogGroup, MetricFilter } from "aws-cdk-lib/aws-logs";
import {
  BlockPublicAccess,
  Bucket,
  type CfnBucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { BEHIND, CHANGED, CURRENT } from "../archivist/words.ts";
import { kept, keptAndProtected } from "./kept.ts";
import { TABLES } from "./keys.ts";
import { INLINE, known } from "./known.ts";
import { LEAST_BACKUP_DAYS, type Settings } from "./settings.ts";
import { TIERS } from "./tiers.ts";

export class Data extends Construct {
  readonly key: Key;
  readonly main: Table;
  readonly history: Table;
  readonly archive: Bucket;
  /** Copies the history's stream into the archive. */
  readonly archivist: IFunction;
  /** Events that were changed or deleted in the table, which nothing of ours does. */
  readonly historyChanged: Metric;
  /** 1 a day while what was written to the history does not reach its archive, else 0. */
  readonly archiveBehind: Metric;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    this.key = encryptionKey(this, settings);

    const both: Omit<TableProps, "partitionKey"> & Pick<TableProps, "partitionKey"> = {
      partitionKey: { name: "PK", type: AttributeType.STRING },
      sortKey: { name: "SK", type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: settings.keepData,
      removalPolicy: keptAndProtected(settings),
    };
    const { main, history } = TABLES;
    this.main = new Table(this, "Main", {
      ...both,
      stream: main.stream as StreamViewType,
      timeToLiveAttribute: main.timeToLive,
    });
    const { historyRecovery } = TIERS[settings.tier];
    this.history = new Table(this, "History", {
      ...both,
      stream: history.stream as StreamViewType,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: historyRecovery },
      // Its bytes grow for years, and are seldom read: where it is a question of money, they cost less so.
      tableClass: historyRecovery ? TableClass.STANDARD : TableClass.STANDARD_INFREQUENT_ACCESS,
    });
    for (const [table, { indexes }] of [[this.main, main], [this.history, history]] as const) {
      for (const index of indexes) {
        table.addGlobalSecondaryIndex({
          indexName: index.name,
          partitionKey: { name: index.partitionKey, type: AttributeType.STRING },
          sortKey: { name: index.sortKey, type: AttributeType.STRING },
          projectionType: index.projection as ProjectionType,
          ...(index.attributes.length > 0 && { nonKeyAttributes: index.attributes }),
        });
      }
    }
    known(this.history, {
      "HIPAA.Security-DynamoDBInBackupPlan":
        "only added to: the archive has every event within minutes, for longer, and under a lock",
      ...(!historyRecovery && {
        "AwsSolutions-DDB3": "as above",
        "HIPAA.Security-DynamoDBPITREnabled": "as above",
      }),
    });
    this.archive = archiveBucket(this, settings, this.key);
    [this.archivist, this.historyChanged] = this.copyHistory(settings);
    this.archiveBehind = this.lookAtArchive(settings);
    this.backUp(settings);
  }

  /** Batches are large and slow on purpose: an object a few minutes old is young enough for an archive. A
   *  batch that cannot be written is tried until the stream forgets it, a day later, and the alarm on the
   *  stream's age tells long before; the table still has the events then. */
  private copyHistory(settings: Settings): [IFunction, Metric] {
    const scope = new Construct(this, "Archivist");
    const role = new Role(scope, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    const logs = new LogGroup(scope, "Logs", {
      logGroupName: `/${settings.deployment}/archive-history`,
      retention: settings.logDays,
      encryptionKey: this.key,
      removalPolicy: kept(settings),
    });
    const made = new NodejsFunction(scope, "Function", {
      description: "Latchkey: copies the history into its archive",
      ...this.program(settings, "index.ts"),
      role,
      logGroup: logs,
      environment: { ARCHIVE: this.archive.bucketName },
    });
    logs.grantWrite(role);
    // It adds objects and can do nothing else with them, not even read.
    role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:PutObject"],
        resources: [this.archive.arnForObjects("history/*")],
      }),
    );
    made.addEventSource(
      new DynamoEventSource(this.history, {
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
        [`AwsSolutions-IAM5[Resource::<${Stack.of(this).getLogicalId(this.archive.node.defaultChild as CfnBucket)}.Arn>/history/*]`]:
          "one object a batch, named by the batch",
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
      metricNamespace: "Latchkey",
      metricName: "HistoryChanged",
    });
    return [made, changed.metric({ statistic: Stats.SUM })];
  }

  /** The alarm on the stream's age says nothing of a stream that is read no more, or of objects that are not written. */
  private lookAtArchive(settings: Settings): Metric {
    const scope = new Construct(this, "Look");
    const role = new Role(scope, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    const logs = new LogGroup(scope, "Logs", {
      logGroupName: `/${settings.deployment}/look-at-archive`,
      retention: settings.logDays,
      encryptionKey: this.key,
      removalPolicy: kept(settings),
    });
    const made = new NodejsFunction(scope, "Function", {
      description: "Latchkey: looks whether the history reaches its archive",
      ...this.program(settings, "look.ts"),
      role,
      logGroup: logs,
      environment: { ARCHIVE: this.archive.bucketName, HISTORY_TABLE: this.history.tableName },
    });
    logs.grantWrite(role);
    role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:ListBucket"],
        resources: [this.archive.bucketArn],
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
        metricNamespace: "Latchkey",
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

  /** For what point-in-time recovery does not undo: a loss that is found out after more than 35 days, and an
   *  intruder who has every right in the account. For patients, the lock leaves each copy there for its
   *  time: from three days after the first deployment on nobody can take it off, in contrast to a lock of
   *  governance mode. A try-out has no lock. The key is AWS's own for backups, since the deletion of ours could be scheduled. */
  private backUp(settings: Settings): void {
    const vault = new BackupVault(this, "Vault", {
      removalPolicy: kept(settings),
      ...(settings.use === "patients" && {
        lockConfiguration: {
          minRetention: Duration.days(LEAST_BACKUP_DAYS),
          changeableFor: Duration.days(3),
        },
      }),
    });
    const plan = new BackupPlan(this, "Backups", { backupVault: vault });
    const elsewhere =
      settings.backupCopies && BackupVault.fromBackupVaultArn(this, "Copies", settings.backupCopies);
    const add = (
      ruleName: string,
      at: CronOptions,
      life: Pick<BackupPlanRuleProps, "deleteAfter" | "moveToColdStorageAfter">,
    ) =>
      plan.addRule(
        new BackupPlanRule({
          ruleName,
          scheduleExpression: Schedule.cron({ minute: "0", hour: "5", ...at }),
          ...life,
          ...(elsewhere && { copyActions: [{ destinationBackupVault: elsewhere, ...life }] }),
        }),
      );
    add("weekly", { weekDay: "SUN" }, { deleteAfter: Duration.days(settings.backupDays) });
    if (TIERS[settings.tier].monthlyBackups)
      add(
        "monthly",
        { day: "1" },
        { moveToColdStorageAfter: Duration.days(7), deleteAfter: Duration.days(365 * settings.backupYears) },
      );
    const selection = plan.addSelection("Tables", { resources: [BackupResource.fromDynamoDbTable(this.main)] });
    known(selection, {
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]":
        "the policy that AWS keeps for this service's own role",
    });
  }
}

/** One key for all data at rest. Whoever AWS services act for still needs the right to the data itself; the
 *  key adds that it is used through those services only. */
function encryptionKey(scope: Construct, settings: Settings): Key {
  const stack = Stack.of(scope);
  const key = new Key(scope, "Key", {
    description: "Latchkey: data at rest",
    enableKeyRotation: true,
    removalPolicy: kept(settings),
  });
  const use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
  const through = (service: string) => `${service}.${stack.region}.${stack.urlSuffix}`;
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: "ThroughServicesForThisAccount",
      principals: [new AnyPrincipal()],
      actions: use,
      resources: ["*"],
      conditions: {
        StringEquals: {
          "kms:CallerAccount": stack.account,
          "kms:ViaService": ["dynamodb", "s3", "sqs"].map(through),
        },
      },
    }),
  );
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: "LogGroupsOfThisAccount",
      principals: [new ServicePrincipal(`logs.${stack.region}.${stack.urlSuffix}`)],
      actions: use,
      resources: ["*"],
      conditions: {
        ArnLike: {
          "kms:EncryptionContext:aws:logs:arn": stack.formatArn({
            service: "logs",
            resource: "log-group",
            resourceName: "*",
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    }),
  );
  return key;
}

/** The history, object by object, that nobody can change or delete before its time, the account's owner
 *  neither. An object holds one batch of the stream, a JSON line an event. */
function archiveBucket(scope: Construct, settings: Settings, key: Key): Bucket {
  const bucket = new Bucket(scope, "Archive", {
    encryption: BucketEncryption.KMS,
    encryptionKey: key,
    bucketKeyEnabled: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    objectLockEnabled: true,
    // A try-out must be able to go; the history of patients is kept from everybody.
    objectLockDefaultRetention: settings.use === "patients"
      ? ObjectLockRetention.compliance(Duration.days(365 * settings.archiveYears))
      : ObjectLockRetention.governance(Duration.days(1)),
    lifecycleRules: [
      {
        transitions: [
          { storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(90) },
        ],
      },
    ],
    removalPolicy: kept(settings),
  });
  known(bucket, {
    "AwsSolutions-S1":
      "written by one function, read by ops: CloudTrail tells who, without a second bucket of logs",
    "HIPAA.Security-S3BucketLoggingEnabled": "as above",
    "HIPAA.Security-S3BucketReplicationEnabled": "the history table and its backups are the second copy",
  });
  return bucket;
}
