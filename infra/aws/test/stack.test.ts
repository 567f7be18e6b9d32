// What no emulator honours, and what nobody would notice until it is needed.
import { readFileSync } from "node:fs";
import type { Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { DELIVERIES, FUNCTIONS } from "../lib/functions.ts";
import { operations } from "../lib/api.ts";
import { provisional, settings, type Settings } from "../lib/settings.ts";
import { given, made as make, Synthesised } from "./synthesised.ts";

const OUTBOX_RS = readFileSync(new URL("../../../shared/src/outbox.rs", import.meta.url), "utf8");

let made: Synthesised;
/** With every alarm. */
let full: Synthesised;
beforeAll(() => {
  made = new Synthesised();
  full = new Synthesised({ tier: "full" });
});

describe("data", () => {
  test.each(["Main", "History"])(
    "%s is encrypted, and cannot be deleted by accident; the main one can be restored, of the other there is an archive",
    (id) => {
      const table = made.one("AWS::DynamoDB::Table", id);
      expect(table).toMatchObject({
        BillingMode: "PAY_PER_REQUEST",
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: id === "Main" },
        SSESpecification: { SSEEnabled: true, SSEType: "KMS" },
        DeletionProtectionEnabled: true,
      });
    },
  );

  test("what has expired is deleted, the history never", () => {
    expect(made.one("AWS::DynamoDB::Table", "Main")["TimeToLiveSpecification"]).toEqual({
      AttributeName: "expiresAt",
      Enabled: true,
    });
    expect(made.one("AWS::DynamoDB::Table", "History")["TimeToLiveSpecification"]).toBeUndefined();
  });

  test("what waits, and every list of a practice, is found by a sparse index", () => {
    const table = made.one("AWS::DynamoDB::Table", "Main");
    const keysOnly = { ProjectionType: "KEYS_ONLY" };
    const index = (name: string, partition: string, sort: string, projection: object = keysOnly) => ({
      IndexName: name,
      KeySchema: [
        { AttributeName: partition, KeyType: "HASH" },
        { AttributeName: sort, KeyType: "RANGE" },
      ],
      Projection: projection,
    });
    expect(table["GlobalSecondaryIndexes"]).toEqual([
      index("outbox", "pending", "SK"),
      index("listed", "listed", "listOrder"),
      index("since", "listed", "since"),
      index("trouble", "trouble", "listOrder"),
      index("locked", "lockedIn", "lockOrder"),
      index("person", "person", "listOrder"),
      index("professional", "ofProfessional", "listOrder", {
        ProjectionType: "INCLUDE",
        NonKeyAttributes: ["listed", "since", "trouble", "lockedIn", "lockOrder"],
      }),
      index("ending", "endingIn", "endingOrder"),
      index("guarded", "guardedIn", "guardedOrder"),
    ]);
    expect(table["StreamSpecification"]).toEqual({ StreamViewType: "NEW_AND_OLD_IMAGES" });
  });

  test("of an upgrade with several new indexes, a template has those that it is asked for alone", () => {
    const { stack } = make({}, false, { indexes: "outbox,since" });
    const data = Template.fromStack(stack.node.scope!.node.findChild("latchkey-data") as Stack);
    const names = Object.entries(data.findResources("AWS::DynamoDB::Table")).map(([id, { Properties }]) => [
      id.slice(0, 4),
      ((Properties.GlobalSecondaryIndexes ?? []) as { IndexName: string }[]).map(({ IndexName }) => IndexName),
    ]);
    expect(names).toEqual([["Main", ["outbox", "since"]], ["Hist", []]]);
  });

  test("all events of a practice are found by time", () => {
    expect(made.one("AWS::DynamoDB::Table", "History")["GlobalSecondaryIndexes"]).toEqual([
      {
        IndexName: "practice",
        KeySchema: [
          { AttributeName: "practice", KeyType: "HASH" },
          { AttributeName: "SK", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "ALL" },
      },
    ]);
  });

  test("the key turns, and is used through services of this account only", () => {
    const key = made.one<{ KeyPolicy: { Statement: { Principal: unknown; Condition?: unknown }[] } }>(
      "AWS::KMS::Key",
      "Key",
    );
    expect(key["EnableKeyRotation"]).toBe(true);
    for (const { Principal, Condition } of key.KeyPolicy.Statement) {
      if (JSON.stringify(Principal).includes('"*"')) {
        expect(JSON.stringify(Condition)).toContain("kms:CallerAccount");
        expect(JSON.stringify(Condition)).toContain("kms:ViaService");
      }
    }
  });

  test("the key is open to logs, alarms and events of this account, which write what it encrypts", () => {
    const { KeyPolicy } = made.one<{ KeyPolicy: object }>("AWS::KMS::Key", "Key");
    const text = JSON.stringify(KeyPolicy);
    expect(text).toMatch(/"Service":\{"Fn::Join":\["",\["logs\.us-east-1\.",/);
    expect(text).toContain(":logs:us-east-1:123456789012:log-group:*");
    for (const service of ["cloudwatch", "events"])
      expect(text).toContain(`"Service":"${service}.amazonaws.com"`);
  });

  test("alarms and events use the key for this account alone, by what each of them says of itself", () => {
    interface Statement {
      Sid?: string;
      Condition?: unknown;
    }
    const { KeyPolicy } = made.one<{ KeyPolicy: { Statement: Statement[] } }>("AWS::KMS::Key", "Key");
    const of = (sid: string) => KeyPolicy.Statement.find(({ Sid }) => Sid === sid)?.Condition;
    expect(of("AlarmsReachTheirTopic")).toEqual(ALARMS_OF_THIS_ACCOUNT);
    expect(JSON.stringify(of("EventsThatFailedReachTheirQueue"))).toMatch(
      /^{"ArnLike":{"kms:EncryptionContext:aws:sqs:arn":.*:sqs:us-east-1:123456789012:\*"/,
    );
  });

  describe("backups", () => {
    interface Rule {
      RuleName: string;
      ScheduleExpression: string;
      Lifecycle: unknown;
      CopyActions?: unknown[];
    }
    const rules = (of: Synthesised) =>
      of.one<{ BackupPlan: { BackupPlanRule: Rule[] } }>("AWS::Backup::BackupPlan", "Backups").BackupPlan
        .BackupPlanRule;

    test("are made of the main table every week and every month, and kept as the settings say", () => {
      expect(rules(made)).toMatchObject([
        { ScheduleExpression: "cron(0 5 ? * SUN *)", Lifecycle: { DeleteAfterDays: 35 } },
        {
          ScheduleExpression: "cron(0 5 1 * ? *)",
          Lifecycle: { MoveToColdStorageAfterDays: 7, DeleteAfterDays: 365 },
        },
      ]);
      const selection = made.one<{ BackupSelection: { Resources: unknown[] } }>(
        "AWS::Backup::BackupSelection",
        "Backups",
      );
      expect(selection.BackupSelection.Resources).toEqual([
        { "Fn::GetAtt": [expect.stringMatching(/^Main/), "Arn"] },
      ]);
      expect(rules(new Synthesised({ backupDays: 70, backupYears: 3 })).map((rule) => rule.Lifecycle)).toEqual([
        { DeleteAfterDays: 70 },
        { MoveToColdStorageAfterDays: 7, DeleteAfterDays: 3 * 365 },
      ]);
    });

    test("are kept from everybody until their time, by no key of ours; a try-out's can be deleted", () => {
      const vault = made.one("AWS::Backup::BackupVault", "Vault");
      expect(vault["LockConfiguration"]).toEqual({ MinRetentionDays: 7, ChangeableForDays: 3 });
      expect(vault["EncryptionKeyArn"]).toBeUndefined();
      const tryOut = new Synthesised({ use: "try-out" }).one("AWS::Backup::BackupVault", "Vault");
      expect(tryOut["LockConfiguration"]).toBeUndefined();
    });

    test("go to a vault elsewhere too, for as long", () => {
      const backupCopies = "arn:aws:backup:us-west-2:210987654321:backup-vault:latchkey";
      for (const { CopyActions, Lifecycle } of rules(new Synthesised({ backupCopies })))
        expect(CopyActions).toEqual([{ DestinationBackupVaultArn: backupCopies, Lifecycle }]);
      expect(rules(made).flatMap((rule) => rule.CopyActions ?? [])).toEqual([]);
    });
  });

  test("a try-out keeps no object for longer than a day, and then only from those who may not say otherwise", () => {
    expect(new Synthesised({ use: "try-out" }).one("AWS::S3::Bucket", "Archive")).toMatchObject({
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } } },
    });
  });

  test("what outlives a try-out is not locked either", () => {
    const kept = new Synthesised({ use: "try-out", keepData: true });
    expect(kept.one("AWS::DynamoDB::Table", "Main")["DeletionProtectionEnabled"]).toBe(true);
    expect(kept.one("AWS::Backup::BackupVault", "Vault")["LockConfiguration"]).toBeUndefined();
    expect(JSON.stringify(kept.one("AWS::S3::Bucket", "Archive"))).not.toContain("COMPLIANCE");
  });

  test("it must be said whether real patients are meant, and the file to begin from does not say it", () => {
    const example = JSON.parse(readFileSync(new URL("../settings.example.json", import.meta.url), "utf8"));
    const asked = /use: "patients", whose .* for years, you neither; or "try-out", which goes with its stack/;
    expect(() => settings(example)).toThrow(asked);
    for (const use of ["patients", "try-out"]) expect(settings({ ...example, use }).keepData).toBe(use === "patients");
    delete example.use;
    expect(() => settings(example)).toThrow(asked);
    expect(() => given({ keepData: false })).toThrow("keepData: the data of patients are kept");
  });

  test("nobody changes or deletes what is in the archive", () => {
    expect(made.one("AWS::S3::Bucket", "Archive")).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 6 * 365 } } },
      VersioningConfiguration: { Status: "Enabled" },
    });
  });

  test("every event of the history reaches the archive, however often it takes", () => {
    const stream = made.one("AWS::Lambda::EventSourceMapping", "ArchivistCopy");
    expect(stream).toMatchObject({
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: -1,
      StartingPosition: "TRIM_HORIZON",
    });
    expect(stream["MaximumRecordAgeInSeconds"]).toBeUndefined();
  });
});

/** As CloudWatch says of itself to whatever it acts on. */
const ALARMS_OF_THIS_ACCOUNT = {
  StringEquals: { "aws:SourceAccount": "123456789012" },
  ArnLike: {
    "aws:SourceArn": {
      "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ":cloudwatch:us-east-1:123456789012:alarm:*"]],
    },
  },
};

describe("what outlives the stack", () => {
  const KEPT = [
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Cognito::UserPool",
    "AWS::Backup::BackupVault",
    "AWS::Logs::LogGroup",
  ];
  /** Resources of all stacks. */
  const resources = ({ template, data, accessLog, firewall }: Synthesised) =>
    [template, data, accessLog, firewall].flatMap((one) =>
      Object.entries(one.toJSON()["Resources"] as Record<string, Resource>),
    );
  interface Resource {
    Type: string;
    Metadata?: object;
    DeletionPolicy?: string;
    UpdateReplacePolicy?: string;
    Properties?: Record<string, unknown>;
  }

  test("is what holds data; if its creation fails it goes again, where CloudFormation can delete it", () => {
    for (const type of KEPT) {
      const found = resources(made).filter(
        ([, { Type, Properties }]) =>
          // Addresses that were refused are nobody's data, and forgotten in a month.
          Type === type && Properties?.["LogGroupName"] !== "aws-waf-logs-latchkey",
      );
      expect(found.length).toBeGreaterThan(0);
      for (const [id, { DeletionPolicy, UpdateReplacePolicy, Properties }] of found) {
        const guarded = Properties!["DeletionProtectionEnabled"] ?? Properties!["DeletionProtection"];
        expect([id, DeletionPolicy]).toEqual([id, guarded ? "Retain" : "RetainExceptOnCreate"]);
        expect([id, UpdateReplacePolicy]).toEqual([id, "Retain"]);
        // What stays for good must not be in the way of the next deployment.
        if (guarded) expect([id, Properties!["TableName"]]).toEqual([id, undefined]);
      }
    }
  });

  test("is in a stack that nobody can end, but for the pool and the logs, and for the rest there is no such guard", () => {
    const guarded = ({ app }: ReturnType<typeof make>) =>
      app.node.children.filter((one) => (one as Stack).terminationProtection).map(({ node }) => node.id);
    expect(guarded(make())).toEqual(["latchkey-data"]);
    expect(guarded(make({ use: "try-out" }))).toEqual([]);
    for (const type of ["AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Backup::BackupVault"]) {
      expect(Object.keys(made.data.findResources(type))).not.toEqual([]);
      made.template.resourceCountIs(type, 0);
    }
    const buckets = Object.keys(made.template.findResources("AWS::S3::Bucket"));
    expect(buckets).toEqual([expect.stringMatching(/^EdgeSite/)]);
  });

  test("stands before everything that uses it, and uses nothing itself", () => {
    const { app, stack } = make();
    app.synth();
    const data = app.node.findChild("latchkey-data") as Stack;
    expect(stack.dependencies).toContain(data);
    expect(data.dependencies).toEqual([]);
  });

  test.each<[string, Settings]>([
    ["when data are not kept", given({ use: "try-out" })],
    ["before all of a first deployment stands", provisional(given())],
  ])("is nothing %s", (_, settings) => {
    const all = resources(new Synthesised(settings));
    const retained = all.filter(
      ([, { DeletionPolicy = "Delete", UpdateReplacePolicy = "Delete" }]) =>
        DeletionPolicy !== "Delete" || UpdateReplacePolicy !== "Delete",
    );
    expect(retained).toEqual([]);
    expect(JSON.stringify(all)).not.toMatch(/"DeletionProtection\w*":(true|"ACTIVE")|COMPLIANCE|ChangeableForDays/);
  });

  test("is protected later without anything being made anew: names and keys stay", () => {
    const [before, after] = [provisional(given()), given()].map((one) => resources(new Synthesised(one)));
    expect(before!.map(([id]) => id)).toEqual(after!.map(([id]) => id));
    // What CloudFormation changes in place, as its reference says of each of these properties.
    const inPlace = ["DeletionProtectionEnabled", "DeletionProtection", "ObjectLockConfiguration", "LockConfiguration"];
    before!.forEach(([id, one], at) => {
      const rest = ({ Properties = {} }: Resource) =>
        Object.entries(Properties).filter(([name]) => !inPlace.includes(name));
      expect([id, rest(one)]).toEqual([id, rest(after![at]![1])]);
    });
  });

  test("changes with a resource in each stack, without which CloudFormation takes no change of what is kept", () => {
    const [before, after] = [new Synthesised(provisional(given())), made];
    for (const stack of ["template", "data", "accessLog"] as const) {
      const changed = Object.entries(after[stack].toJSON()["Resources"] as Record<string, Resource>).filter(
        ([id, { Properties, Metadata }]) => {
          const was = before[stack].toJSON()["Resources"][id] as Resource;
          return JSON.stringify([was.Properties, was.Metadata]) !== JSON.stringify([Properties, Metadata]);
        },
      );
      expect([stack, changed.length > 0]).toEqual([stack, true]);
    }
  });

  test("leaves room for a rehearsal beside it: the two have no name in common", () => {
    /** Where the names are that an account has once. */
    const NAMES: Record<string, string> = {
      "AWS::Backup::BackupVault": "BackupVaultName",
      "AWS::CloudFront::Function": "Name",
      "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig.Name",
      "AWS::CloudFront::OriginRequestPolicy": "OriginRequestPolicyConfig.Name",
      "AWS::CloudFront::ResponseHeadersPolicy": "ResponseHeadersPolicyConfig.Name",
      "AWS::CloudWatch::Dashboard": "DashboardName",
      "AWS::Cognito::UserPoolDomain": "Domain",
      "AWS::Lambda::Function": "FunctionName",
      "AWS::Logs::DeliveryDestination": "Name",
      "AWS::Logs::DeliverySource": "Name",
      "AWS::Logs::LogGroup": "LogGroupName",
      "AWS::SES::EmailIdentity": "EmailIdentity",
    };
    const names = (of: Synthesised) => {
      const all = resources(of).flatMap(([, { Type, Properties }]) => {
        const path = NAMES[Type]?.split(".") ?? [];
        const name = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], Properties);
        return path.length && name !== undefined ? [`${Type} ${JSON.stringify(name)}`] : [];
      });
      return new Set(all);
    };
    const ours = names(made);
    expect(new Set([...ours].map((name) => name.split(" ")[0]))).toEqual(new Set(Object.keys(NAMES)));
    const settings = { deployment: "rehearsal", use: "try-out" as const };
    const rehearsal = { ...settings, senderIdentity: "portal.example.org" };
    expect([...names(new Synthesised(rehearsal))].filter((name) => ours.has(name))).toEqual([]);
    expect([...names(new Synthesised(settings))].filter((name) => ours.has(name))).toEqual([
      'AWS::SES::EmailIdentity "portal.example.org"',
    ]);
  });
});

describe("functions", () => {
  const functions = () => Object.values(made.all<{ Description?: string }>("AWS::Lambda::Function"));
  const called = (name: string) => functions().find((one) => one.Description === `Latchkey: ${name}`)!;
  const reserved = (of: Synthesised) =>
    Object.values(of.all<{ Description?: string }>("AWS::Lambda::Function"))
      .map((one) => [one.Description, one["ReservedConcurrentExecutions"]])
      .filter(([, many]) => many !== undefined)
      .sort();

  test("are built binaries, with logs that end", () => {
    for (const one of functions().filter(({ Description }) => !Description?.includes("archive"))) {
      expect(one).toMatchObject({
        Runtime: "provided.al2023",
        Architectures: ["arm64"],
        LoggingConfig: { LogFormat: "JSON" },
      });
    }
    for (const group of Object.values(made.all("AWS::Logs::LogGroup")))
      expect(group["RetentionInDays"]).toBe(365);
  });

  test("reserve nothing by themselves, which an account with the first quota would refuse", () => {
    expect(reserved(made)).toEqual([]);
  });

  test("that hash passwords have a whole processor; sign-in and deliveries cannot take all there is", () => {
    expect(["sign-in", "enroll", "reset-password"].map((name) => called(name)["MemorySize"])).toEqual([
      1769, 1769, 1769,
    ]);
    expect(called("revoke")["MemorySize"]).toBe(512);
    expect(reserved(new Synthesised({ signIns: 10 }))).toEqual([
      ["Latchkey: deliver", 5],
      ["Latchkey: sign-in", 10],
    ]);
  });

  test("that hold a secret name its version, so that a deployment after a turn starts them anew", () => {
    const parameters = made.template.findParameters("*") as Record<string, { Default?: string }>;
    const named = (one: object, variable: string) => {
      const { Variables } = (one as { Environment: { Variables: Record<string, { Ref?: string }> } })
        .Environment;
      return [variable in Variables, parameters[Variables[variable]?.Ref ?? ""]?.Default];
    };
    for (const [name, plan] of Object.entries(FUNCTIONS)) {
      const one = called(name);
      expect([name, named(one, "SIGNING_KEY_VERSION")]).toEqual([
        name,
        plan.signs ? [true, "/latchkey/signing-version"] : [false, undefined],
      ]);
      expect([name, named(one, "TOKEN_SECRET_VERSION")]).toEqual([
        name,
        plan.hmacs ? [true, "/latchkey/token-version"] : [false, undefined],
      ]);
    }
  });

  test("run on the other architecture when asked to", () => {
    const intel = new Synthesised({ architecture: "x86_64" });
    for (const one of Object.values(intel.all("AWS::Lambda::Function")))
      expect(one["Architectures"]).toEqual(["x86_64"]);
  });
});

describe("the API", () => {
  test("is throttled, and logs neither addresses nor paths nor queries", () => {
    const stage = made.one<{ AccessLogSettings: { Format: string } }>("AWS::ApiGatewayV2::Stage", "Api");
    expect(stage["DefaultRouteSettings"]).toEqual({ ThrottlingBurstLimit: 100, ThrottlingRateLimit: 50 });
    expect(stage.AccessLogSettings.Format).not.toMatch(
      /sourceIp|userAgent|context\.path|rawPath|query|domainName/i,
    );
  });
});

describe("the limits of the API", () => {
  const stage = (of: Synthesised) => {
    const [[, found]] = Object.entries(of.template.findResources("AWS::ApiGatewayV2::Stage")) as [
      [string, { Properties: { RouteSettings: Record<string, object> }; DependsOn: string[] }],
    ];
    return found;
  };

  test("are of each route by itself, so that a flood at one door leaves the others their own", () => {
    const { Properties, DependsOn } = stage(made);
    const keys = operations().map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(Properties.RouteSettings).sort()).toEqual(keys.sort());
    for (const each of Object.values(Properties.RouteSettings))
      expect(each).toEqual({ ThrottlingBurstLimit: 100, ThrottlingRateLimit: 50 });
    // A setting of a route that is not there yet is refused.
    for (const id of Object.keys(made.all("AWS::ApiGatewayV2::Route"))) expect(DependsOn).toContain(id);
  });

  test("grow with the people whom it is for, unless they are set", () => {
    const of = (changes: Partial<Settings>) => stage(new Synthesised(changes)).Properties.RouteSettings["GET /api/health"];
    expect(of({ people: { staff: 300, clients: 20_000 } })).toEqual({
      ThrottlingBurstLimit: 600,
      ThrottlingRateLimit: 300,
    });
    expect(of({ people: { staff: 50, clients: 1_000_000 } })).toEqual({
      ThrottlingBurstLimit: 1000,
      ThrottlingRateLimit: 500,
    });
    expect(of({ throttle: { rate: 7, burst: 9 } })).toEqual({ ThrottlingBurstLimit: 9, ThrottlingRateLimit: 7 });
    expect(() => given({ throttle: { rate: 0, burst: 9 } })).toThrow("throttle.rate: 1 to 10000");
    expect(() => given({ people: { staff: 0, clients: 1.5 } })).toThrow(/people.staff:.*\n.*people.clients:/);
  });
});

describe("mail", () => {
  test("is tried for an hour, in smaller and smaller batches, and then told of", () => {
    expect(made.one("AWS::Lambda::EventSourceMapping", "Functionssendmail")).toMatchObject({
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      MaximumRetryAttempts: 10,
      MaximumRecordAgeInSeconds: 3600,
      DestinationConfig: {
        OnFailure: { Destination: { "Fn::GetAtt": [expect.stringMatching(/^MailFailed/), "Arn"] } },
      },
      FilterCriteria: {
        Filters: [
          {
            Pattern: JSON.stringify({
              eventName: ["INSERT"],
              dynamodb: {
                Keys: {
                  SK: { S: ["MAIL#", "ASK#", "ALERT#", "LOCKOUT#", "LAPSE#", "STEP#"].map((prefix) => ({ prefix })) },
                },
              },
            }),
          },
        ],
      },
    });
  });

  test("that the stream missed is swept up every five minutes", () => {
    const sweep = made.one<{ Targets: { Input: string }[] }>("AWS::Events::Rule", "MailSweep");
    expect(sweep["ScheduleExpression"]).toBe("rate(5 minutes)");
    expect(JSON.parse(sweep.Targets[0]!.Input)).toEqual({ sweep: true });
  });

  test("goes out by TLS, to nobody who bounced before; what becomes of it comes back, and is kept if that fails", () => {
    expect(made.one("AWS::SES::ConfigurationSet", "Mail")).toMatchObject({
      DeliveryOptions: { TlsPolicy: "REQUIRE" },
      SuppressionOptions: { SuppressedReasons: ["BOUNCE", "COMPLAINT"] },
    });
    made.template.hasResourceProperties("AWS::SES::ConfigurationSetEventDestination", {
      EventDestination: {
        EventBridgeDestination: Match.anyValue(),
        MatchingEventTypes: ["delivery", "bounce", "complaint", "reject", "renderingFailure"],
      },
    });
    const outcomes = made.one<{ Targets: unknown[] }>("AWS::Events::Rule", "MailOutcomes");
    expect(outcomes.Targets[0]).toMatchObject({
      DeadLetterConfig: { Arn: expect.anything() },
      RetryPolicy: { MaximumEventAgeInSeconds: 21600, MaximumRetryAttempts: 20 },
    });
  });

  test("keeps the events that the function failed at, beside those that did not reach it", () => {
    const queue = { "Fn::GetAtt": [expect.stringMatching(/^MailFailedEvents/), "Arn"] };
    const noter = made.one("AWS::Lambda::Function", "Functionsmailevents");
    expect(noter["DeadLetterConfig"]).toEqual({ TargetArn: queue });
    const outcomes = made.one<{ Targets: { DeadLetterConfig: { Arn: unknown } }[] }>(
      "AWS::Events::Rule",
      "MailOutcomes",
    );
    expect(outcomes.Targets[0]!.DeadLetterConfig.Arn).toEqual(queue);
    expect(made.rights("FunctionsmaileventsRole")).toContainEqual({
      Action: "sqs:SendMessage",
      Effect: "Allow",
      Resource: queue,
    });
  });

  test("comes from an identity that is there already, when the settings name it", () => {
    expect(made.one("AWS::SES::EmailIdentity", "Mail")["EmailIdentity"]).toBe("portal.example.org");
    for (const senderIdentity of ["portal.example.org", "example.org", "no-reply@portal.example.org"])
      expect(new Synthesised({ senderIdentity }).all("AWS::SES::EmailIdentity")).toEqual({});
    for (const senderIdentity of ["ample.org", "other.example.org", "desk@portal.example.org"])
      expect(() => given({ senderIdentity })).toThrow("senderIdentity: the sender's address");
  });
});

describe("notices to apps", () => {
  const mapping = (name: string) =>
    made.one<{ MaximumRecordAgeInSeconds: number; BatchSize: number; ParallelizationFactor?: number }>(
      "AWS::Lambda::EventSourceMapping",
      `Functions${name}`,
    );

  test("are tried by the stream, as often as it likes, until they are the sweep's; then the stream goes on", () => {
    const deliver = mapping("deliver");
    expect(deliver).toMatchObject({
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      DestinationConfig: {
        OnFailure: { Destination: { "Fn::GetAtt": [expect.stringMatching(/^NoticesFailed/), "Arn"] } },
      },
      FilterCriteria: {
        Filters: [
          {
            Pattern: JSON.stringify({
              eventName: ["INSERT"],
              dynamodb: { Keys: { SK: { S: [{ prefix: "NOTICE#" }] } } },
            }),
          },
        ],
      },
    });
    expect(deliver["MaximumRetryAttempts"]).toBeUndefined();
    const sweep = made.one<{ Targets: { Input: string }[] }>("AWS::Events::Rule", "NoticesSweep");
    expect(sweep["ScheduleExpression"]).toBe("rate(1 minute)");
    expect(JSON.parse(sweep.Targets[0]!.Input)).toEqual({ sweep: true });
    // When the sweep takes them up: `OVERDUE`.
    const overdue = /OVERDUE: i64 = (\d+) \* 60;/.exec(OUTBOX_RS)?.[1];
    expect(deliver.MaximumRecordAgeInSeconds).toBe(Number(overdue) * 60);
  });

  test("of one batch can each wait for their app, and the function is not ended meanwhile", () => {
    const [timeout] = Object.values(made.all<{ Description?: string; Timeout: number }>("AWS::Lambda::Function"))
      .filter(({ Description }) => Description === "Latchkey: deliver")
      .map(({ Timeout }) => Timeout);
    expect(timeout).toBeGreaterThan(mapping("deliver").BatchSize * 5);
  });

  test("do not wait for each other, nor the sweep for the stream; mails keep their order", () => {
    expect(mapping("deliver").ParallelizationFactor).toBe(DELIVERIES - 1);
    expect(mapping("sendmail").ParallelizationFactor).toBeUndefined();
  });

  test("reach the internet: the function is in no VPC", () => {
    const [deliver] = Object.values(made.all<{ Description?: string }>("AWS::Lambda::Function")).filter(
      ({ Description }) => Description === "Latchkey: deliver",
    );
    expect(deliver!["VpcConfig"]).toBeUndefined();
  });

  test("leave word of an app that does not listen for a day, which is how long it is told again", () => {
    expect(made.one("AWS::SQS::Queue", "NoticesFailed")["MessageRetentionPeriod"]).toBe(24 * 60 * 60);
  });

  test("share the stream with mail, and nobody else reads it: a third would hold the others up", () => {
    const mappings = Object.values(made.all<{ EventSourceArn: unknown }>("AWS::Lambda::EventSourceMapping"));
    const readers = mappings.filter(({ EventSourceArn }) => JSON.stringify(EventSourceArn).includes('GetAttMain'));
    expect(readers).toHaveLength(2);
  });
});

describe("staff", () => {
  test("need a second factor, cannot sign themselves up, and cannot change what they are", () => {
    expect(made.one("AWS::Cognito::UserPool", "Staff")).toMatchObject({
      MfaConfiguration: "ON",
      EnabledMfas: ["SOFTWARE_TOKEN_MFA"],
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
    });
    // Pages that heed `prompt=login`, which the classic ones do not; without a style there are none.
    expect(made.one("AWS::Cognito::UserPoolDomain", "Staff")).toMatchObject({ ManagedLoginVersion: 2 });
    expect(made.one("AWS::Cognito::ManagedLoginBranding", "Staff")).toMatchObject({
      UseCognitoProvidedValues: true,
    });
    const client = made.one<{ WriteAttributes: string[] }>("AWS::Cognito::UserPoolClient", "Staff");
    expect(client.WriteAttributes).not.toContain("custom:practice");
    expect(client).toMatchObject({
      AllowedOAuthFlows: ["code"],
      // Without the scope `aws.cognito.signin.user.admin` nobody writes attributes at all.
      AllowedOAuthScopes: ["openid", "email", "profile"],
      ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"],
      GenerateSecret: false,
    });
  });

  test("have a quarter of an hour for each step, and half an hour for the whole of a sign-in", () => {
    const steps = made.one<{ AuthSessionValidity: number }>("AWS::Cognito::UserPoolClient", "Staff").AuthSessionValidity;
    expect(steps).toBe(15);
    const source = readFileSync(new URL("../../../functions/staff-sign-in/src/lib.rs", import.meta.url), "utf8");
    const whole = Number(/SIGN_IN_SECONDS: i64 = (\d+) \* 60;/.exec(source)?.[1]);
    expect(whole).toBe(2 * steps);
  });

  test("sign in elsewhere when the settings name an issuer", () => {
    const elsewhere = new Synthesised({
      issuer: {
        url: "https://login.example.org",
        clientId: "latchkey",
        clientSecretName: "latchkey/client",
      },
    });
    expect(elsewhere.all("AWS::Cognito::UserPool")).toEqual({});
    elsewhere.template.hasResourceProperties("AWS::Lambda::Function", {
      Description: "Latchkey: staff-sign-in",
      Environment: {
        Variables: Match.objectLike({
          OIDC_ISSUER: "https://login.example.org",
          OIDC_CLIENT_ID: "latchkey",
          OIDC_CLIENT_SECRET_VERSION: { Ref: Match.stringLikeRegexp("clientsecretversion") },
        }),
      },
    });
  });
});

test("every alarm reaches somebody, and says what it is about", () => {
  const alarms = Object.values(
    full.all<{ AlarmDescription: string; AlarmActions: unknown[]; TreatMissingData: string }>(
      "AWS::CloudWatch::Alarm",
    ),
  );
  expect(alarms).toHaveLength(17);
  for (const alarm of alarms) {
    expect(alarm.AlarmDescription).toBeTruthy();
    expect(alarm.AlarmActions).toHaveLength(1);
    expect(alarm.TreatMissingData).toBe("notBreaching");
  }
  made.template.hasResourceProperties("AWS::SNS::Subscription", {
    Protocol: "email",
    Endpoint: "it@example.org",
  });
});

test("somebody hears of an app that does not listen, and of notices that nobody handles", () => {
  expect(full.one("AWS::CloudWatch::Alarm", "WatchNoticesGivenUp")).toMatchObject({
    Namespace: "AWS/SQS",
    Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": [expect.stringMatching(/^NoticesFailed/), "QueueName"] } }],
    Threshold: 1,
  });
  const stream = full.one<{ Threshold: number; Dimensions: unknown }>("AWS::CloudWatch::Alarm", "WatchNoticeStream");
  expect(stream).toMatchObject({ MetricName: "IteratorAge" });
  expect(JSON.stringify(stream.Dimensions)).toContain("Functionsdeliver");
  // What the stream gives up by itself is no alarm about its age.
  expect(stream.Threshold).toBeGreaterThan(2 * 60_000);
});

test("alarms of this account may publish to their topic, and nobody else", () => {
  const { PolicyDocument, Topics } = made.one<{
    PolicyDocument: { Statement: { Effect: string }[] };
    Topics: unknown[];
  }>("AWS::SNS::TopicPolicy", "Watch");
  const [topic] = Topics;
  expect(PolicyDocument.Statement.filter(({ Effect }) => Effect === "Allow")).toEqual([
    {
      Sid: "AlarmsReachTheirTopic",
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: "sns:Publish",
      Resource: topic,
      Condition: ALARMS_OF_THIS_ACCOUNT,
    },
  ]);
});

test("every figure about mail is shown, and one mail that is refused for good wakes somebody", () => {
  const { DashboardBody } = made.one<{ DashboardBody: unknown }>("AWS::CloudWatch::Dashboard", "Watch");
  for (const figure of ["Sent", "Failed", "Refused", "Delivered", "Bounced", "Complained"])
    expect(JSON.stringify(DashboardBody)).toContain(`Mails${figure}`);
  expect(made.one("AWS::CloudWatch::Alarm", "WatchMailRefused")).toMatchObject({
    MetricName: "MailsRefused",
    Dimensions: [{ Name: "deployment", Value: "latchkey" }],
    Threshold: 1,
  });
});

test("what the API turns away by itself is counted apart from what functions refuse, and wakes somebody", () => {
  expect(made.one("AWS::Logs::MetricFilter", "ApiTurnedAway")).toMatchObject({
    LogGroupName: { Ref: expect.stringMatching(/^ApiLogs/) },
    FilterPattern: '{ $.status = "429" && $.functionStatus != "200" }',
    MetricTransformations: [{ MetricNamespace: "Latchkey/latchkey", MetricName: "TurnedAway", MetricValue: "1" }],
  });
  expect(full.one("AWS::CloudWatch::Alarm", "WatchTurnedAway")).toMatchObject({
    Namespace: "Latchkey/latchkey",
    MetricName: "TurnedAway",
    Threshold: 10,
  });
  const stage = made.one<{ AccessLogSettings: { Format: string } }>("AWS::ApiGatewayV2::Stage", "Api");
  // The names that the filter looks for; values are in quotes, numbers too.
  expect(JSON.parse(stage.AccessLogSettings.Format)).toMatchObject({
    status: "$context.status",
    functionStatus: "$context.integrationStatus",
  });
});

test("what one deployment counts wakes nobody about another in the same account", () => {
  const ours = (of: Synthesised) =>
    Object.values(of.all<{ Namespace?: string; MetricName: string; Dimensions?: object }>("AWS::CloudWatch::Alarm"))
      .filter(({ Namespace }) => Namespace?.startsWith("Latchkey"))
      .map(({ Namespace, MetricName, Dimensions }) => JSON.stringify([Namespace, MetricName, Dimensions]));
  const [one, other] = [ours(full), ours(new Synthesised({ tier: "full", deployment: "rehearsal" }))];
  expect(one).toHaveLength(5);
  expect(one.filter((metric) => other.includes(metric))).toEqual([]);
});

test("whoever changes the history in its table is heard of", () => {
  expect(made.one("AWS::Logs::MetricFilter", "ArchivistCopyChanged")).toMatchObject({
    LogGroupName: { Ref: expect.stringMatching(/^ArchivistCopyLogs/) },
    FilterPattern: '{ $.message = "history was changed*" }',
    MetricTransformations: [{ MetricNamespace: "Latchkey/latchkey", MetricName: "HistoryChanged", MetricValue: "1" }],
  });
  expect(made.one("AWS::CloudWatch::Alarm", "WatchHistoryChanged")).toMatchObject({
    Namespace: "Latchkey/latchkey",
    MetricName: "HistoryChanged",
    Threshold: 1,
  });
});

test("whether the history reaches its archive is looked at every day, and somebody hears that it does not", () => {
  const filters = ["Behind", "Current"].map((id) => made.one("AWS::Logs::MetricFilter", `ArchivistLook${id}`));
  expect(filters).toMatchObject([
    ["the archive is behind", "1"],
    ["the archive is current", "0"],
  ].map(([words, MetricValue]) => ({
    LogGroupName: { Ref: expect.stringMatching(/^ArchivistLookLogs/) },
    FilterPattern: `{ $.message = "${words}*" }`,
    MetricTransformations: [{ MetricNamespace: "Latchkey/latchkey", MetricName: "ArchiveBehind", MetricValue }],
  })));
  expect(made.one("AWS::CloudWatch::Alarm", "WatchArchiveBehind")).toMatchObject({
    MetricName: "ArchiveBehind",
    Statistic: "Maximum",
    Threshold: 1,
    Period: 24 * 60 * 60,
  });
  expect(made.one("AWS::Events::Rule", "ArchivistLookDaily")).toMatchObject({
    ScheduleExpression: "rate(1 day)",
    Targets: [{ Arn: { "Fn::GetAtt": [expect.stringMatching(/^ArchivistLookFunction/), "Arn"] } }],
  });
  const rights = made.rights<{ Action: string | string[] }>("ArchivistLookRole");
  expect(rights.flatMap(({ Action }) => Action).sort()).toEqual([
    "cloudwatch:GetMetricData",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:ListBucket",
  ]);
});

test("everything carries the deployment's name", () => {
  const tables = Object.entries(new Synthesised({ tags: { costs: "front-desk" } }).all("AWS::DynamoDB::Table"));
  expect(tables).toHaveLength(2);
  for (const [id, table] of tables) {
    expect([id, table["Tags"]]).toEqual([
      id,
      [
        { Key: "application", Value: "latchkey" },
        { Key: "costs", Value: "front-desk" },
        { Key: "deployment", Value: "latchkey" },
      ],
    ]);
  }
});

test("mistakes in the settings are all named at once", () => {
  expect(() => given({ sender: "nobody", logDays: 8, signIns: -1 })).toThrow(
    /sender:.*\n.*signIns:.*\n.*logDays:/,
  );
  const wrong = {
    region: "us-east-1",
    sender: "a@b.example",
    alarms: "a@b.example",
    use: "patients" as const,
    retain: true,
  };
  expect(() => settings(wrong)).toThrow("retain: there is no such setting");
  expect(() => given({ apiLimit: 9, backupDays: 6, backupYears: 0, backupCopies: "latchkey" })).toThrow(
    /apiLimit:.*\n.*backupDays: 7 to.*\n.*backupYears:.*\n.*backupCopies:/,
  );
});
