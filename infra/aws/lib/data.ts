// What must not be lost: the two tables, the key that encrypts them, their backups, and the archive of the
// history that nobody can change. In a stack of its own, made before everything else: an upgrade that fails, and a
// first deployment that does, leave it as it is, and the next one goes on with it.
import { ArnFormat, CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import {
  BackupPlan,
  BackupPlanRule,
  type BackupPlanRuleProps,
  BackupResource,
  BackupVault,
} from "aws-cdk-lib/aws-backup";
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
import { type CronOptions, Schedule } from "aws-cdk-lib/aws-events";
import { AnyPrincipal, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { kept, keptAndProtected } from "./kept.ts";
import { TABLES } from "./keys.ts";
import { known } from "./known.ts";
import type { OF_DATA } from "./outputs.ts";
import { LEAST_BACKUP_DAYS, type Settings } from "./settings.ts";
import { RARE_FROM, TIERS } from "./tiers.ts";

export class Data extends Stack {
  readonly key: Key;
  readonly main: Table;
  readonly history: Table;
  readonly archive: Bucket;
  /** Its ARN, for other stacks: under a name, by which it can be told in a policy. */
  readonly archiveArn: string;

  constructor(scope: Construct, id: string, settings: Settings, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: settings.keepData });
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
    const rare = !historyRecovery && settings.people.clients >= RARE_FROM;
    this.history = new Table(this, "History", {
      ...both,
      stream: history.stream as StreamViewType,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: historyRecovery },
      // Its bytes grow for years, and are seldom read.
      tableClass: rare ? TableClass.STANDARD_INFREQUENT_ACCESS : TableClass.STANDARD,
    });
    // `ops up` says which, as long as not all of them are made: see `indexSteps` there.
    const soFar = (this.node.tryGetContext("indexes") as string | undefined)?.split(",");
    for (const [table, { indexes }] of [[this.main, main], [this.history, history]] as const) {
      for (const index of indexes) {
        if (soFar && !soFar.includes(index.name)) continue;
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
    this.archiveArn = this.exportValue(this.archive.bucketArn, { name: `${this.stackName}:Archive` });
    this.backUp(settings);
    this.exportAlways();
    const outputs: Record<(typeof OF_DATA)[number], string> = {
      Table: this.main.tableName,
      HistoryTable: this.history.tableName,
      ArchiveBucket: this.archive.bucketName,
    };
    for (const [name, value] of Object.entries(outputs))
      new CfnOutput(this, `Output${name}`, { value }).overrideLogicalId(name);
  }

  /** What the stacks of any version import, also where this one does not: CloudFormation deletes no export that is in use,
   *  so a version that exports less could not be deployed over one that imports it, nor an earlier one come back after
   *  it. May only grow. */
  private exportAlways(): void {
    const { key, main, history, archive } = this;
    const values = [
      key.keyArn,
      ...[main, history].flatMap((table) => [table.tableName, table.tableArn, table.tableStreamArn!]),
      archive.bucketName,
      archive.bucketArn,
    ];
    for (const value of values) this.exportValue(value);
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
