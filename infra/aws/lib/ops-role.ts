// What the commands of `ops/` may do, but for those that an administrator says: `down`, `restore`, and CDK's bootstrap. It
// is for people and workflows who deploy and run what is there already, and is made with each version, so that it knows
// what its commands call. test/ops-role.test.ts takes each right away.
import { CfnOutput, Duration, Stack, Token } from "aws-cdk-lib";
import { AccountRootPrincipal, PolicyDocument, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import type { Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Data } from "./data.ts";
import { get, put, query, record, remove, statement, update } from "./items.ts";
import { OUTBOX } from "./keys.ts";
import { INLINE, known } from "./known.ts";
import { keyNames, type Settings } from "./settings.ts";

interface Around {
  data: Data;
  site: Bucket;
  poolArn: string | undefined;
  queueArns: string[];
}

/** CDK's bootstrap, as it is called by itself. */
const CDK = "cdk-hnb659fds";

export class OpsRole extends Construct {
  constructor(scope: Construct, id: string, settings: Settings, around: Around) {
    super(scope, id);
    const { deployment } = settings;
    const { region, account, partition } = Stack.of(this);
    const allow = (resources: string[], ...actions: string[]) => new PolicyStatement({ actions, resources });
    const arn = (service: string, resource: string, where = region) =>
      `arn:${partition}:${service}:${where}:${account}:${resource}`;

    const stacks = [...new Set([region, "us-east-1"])].map((where) => arn("cloudformation", `stack/${deployment}*/*`, where));
    const { clientSecretVersion, ...names } = keyNames(deployment);
    const parameters = Object.values(names).filter((name) => name.startsWith("/"));
    const secrets = Object.values(names).filter((name) => !name.startsWith("/"));
    if (settings.issuer?.clientSecretName) {
      parameters.push(clientSecretVersion);
      secrets.push(settings.issuer.clientSecretName);
    }
    const staging = `arn:${partition}:s3:::${CDK}-assets-${account}-${region}`;
    const tables = { main: around.data.main, history: around.data.history };

    const statements = [
      // Deploying: the CDK takes the roles that its bootstrap made for that, which may do what the stacks need.
      allow(
        ["deploy", "file-publishing", "lookup"].map((what) => `arn:${partition}:iam::${account}:role/${CDK}-${what}-role-${account}-*`),
        "sts:AssumeRole",
      ),
      allow([...stacks, arn("cloudformation", "stack/CDKToolkit/*")], "cloudformation:DescribeStacks"),
      allow(stacks, "cloudformation:GetTemplate", "cloudformation:ListStackResources"),
      // Back to the template that stood the smoke test last, which CloudFormation fetches as who asks for it.
      allow([arn("cloudformation", `stack/${deployment}/*`)], "cloudformation:UpdateStack"),
      allow(
        ["template", "groups"].map((what) => `${staging}/latchkey/${deployment}.${what}.json`),
        "s3:GetObject",
        "s3:PutObject",
      ),
      // And what the version leaves that did not stand it.
      allow([arn("logs", `log-group:/${deployment}/*`)], "logs:DeleteLogGroup"),
      // That a key is not there is told to those only who may list: so for the site too.
      allow([staging, around.site.bucketArn], "s3:ListBucket"),
      allow([`${around.site.bucketArn}/*`], "s3:GetObject", "s3:PutObject"),
      // Of the smoke test, those that no route leads to; of preflight, those with a reservation of their own.
      allow(
        ["deliver", "send-mail", "mail-events", "Archivist*"].map((name) => arn("lambda", `function:${deployment}-${name}`)),
        "lambda:InvokeFunction",
      ),
      allow([arn("lambda", `function:${deployment}-*`)], "lambda:GetFunctionConcurrency"),
      allow(
        parameters.map((name) => arn("ssm", `parameter${name}`)),
        "ssm:GetParameter", "ssm:PutParameter"),
      allow(
        [...new Set([region, "us-east-1"])].map((where) => arn("ssm", `parameter/cdk-bootstrap/hnb659fds/version`, where)),
        "ssm:GetParameter",
      ),
      allow(
        secrets.map((name) => arn("secretsmanager", `secret:${name}-??????`)),
        "secretsmanager:CreateSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ),
      // What preflight reads of the account: no resource can be named.
      allow(
        ["*"],
        "cloudfront:ListDistributions",
        "freetier:GetAccountPlanState",
        "lambda:GetAccountSettings",
        "ses:GetAccount",
      ),
      allow([arn("ses", "identity/*")], "ses:GetEmailIdentity"),
      ...(settings.hosts ? [allow([settings.hosts.certificateArn], "acm:DescribeCertificate")] : []),
      // Practices, staff lists, and what waits.
      allow([tables.main.tableArn, tables.history.tableArn], "dynamodb:DescribeTable", "dynamodb:UpdateTable"),
      allow([`${tables.main.tableArn}/index/${OUTBOX.index}`], "dynamodb:Query"),
      ...[get("practice"), update("practice", ...PRACTICE), query("team", "login"), put("team", "login"), remove("team", "login"), record].map(
        (right) => statement(right, tables),
      ),
      ...(around.poolArn
        ? [
            allow(
              [around.poolArn],
              "cognito-idp:AdminCreateUser",
              "cognito-idp:AdminDeleteSoftwareToken",
              "cognito-idp:AdminDisableUser",
              "cognito-idp:AdminEnableUser",
              "cognito-idp:AdminGetUser",
            ),
          ]
        : []),
      allow(around.queueArns, "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
      // The history's archive, as it was first written.
      allow([around.data.archiveArn], "s3:ListBucketVersions"),
      allow([`${around.data.archiveArn}/history/*`], "s3:GetObjectVersion"),
    ];
    const role = new Role(this, "Role", {
      roleName: `${deployment}-${region}-ops`,
      description: "Latchkey: deploys later versions, and runs the commands",
      // Who of the account takes it, the account says.
      assumedBy: new AccountRootPrincipal(),
      maxSessionDuration: Duration.hours(4),
      inlinePolicies: { ops: new PolicyDocument({ statements, minimize: true }) },
    });
    const explained = (resource: string) => `AwsSolutions-IAM5[Resource::${resource}]`;
    const owner = Token.isUnresolved(account) ? "<AWS::AccountId>" : account;
    const site = Stack.of(this).getLogicalId(around.site.node.defaultChild as CfnBucket);
    const wild = statements
      .flatMap(({ resources }) => resources)
      .filter((one) => one.startsWith(`arn:${partition}:`) && one.includes("*"))
      .map((one) => one.replaceAll(partition, "<AWS::Partition>").replaceAll(account, owner));
    known(role, {
      "HIPAA.Security-IAMNoInlinePolicy": INLINE,
      [explained("*")]: "what an account has of quotas and the like is read of no particular resource",
      [explained(`<${site}.Arn>/*`)]: "the files of the pages, which are called by what they hold",
      [explained(`${around.data.stackName}:Archive/history/*`)]: "one object a batch, named by the batch",
      ...Object.fromEntries(wild.map((one) => [explained(one), "what AWS or the CDK adds to the name of what is this deployment's"])),
    });
    new CfnOutput(this, "Arn", { value: role.roleArn }).overrideLogicalId("OpsRole");
  }
}

/** The settings that `practice put` writes, and the moment before which no session is taken. */
const PRACTICE = [
  "alertInbox",
  "clientIdleSeconds",
  "clientSessionSeconds",
  "country",
  "invitationDays",
  "language",
  "name",
  "passwordMinimum",
  "portalAddress",
  "practice",
  "senderName",
  "sessionsFrom",
  "staffIdleSeconds",
  "staffSessionSeconds",
  "timeZone",
  "version",
];
