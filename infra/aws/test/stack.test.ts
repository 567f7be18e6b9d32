// What no emulator honours, and what nobody would notice until it is needed.
import { Match } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { FUNCTIONS } from "../lib/functions.ts";
import { settings } from "../lib/settings.ts";
import { given, Synthesised } from "./synthesised.ts";

let made: Synthesised;
beforeAll(() => {
  made = new Synthesised();
});

describe("data", () => {
  test.each(["DataMain", "DataHistory"])(
    "%s can be restored, is encrypted, and cannot be deleted by accident",
    (id) => {
      const table = made.one("AWS::DynamoDB::Table", id);
      expect(table).toMatchObject({
        BillingMode: "PAY_PER_REQUEST",
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true, SSEType: "KMS" },
        DeletionProtectionEnabled: true,
      });
    },
  );

  test("what has expired is deleted, the history never", () => {
    expect(made.one("AWS::DynamoDB::Table", "DataMain")["TimeToLiveSpecification"]).toEqual({
      AttributeName: "expiresAt",
      Enabled: true,
    });
    expect(made.one("AWS::DynamoDB::Table", "DataHistory")["TimeToLiveSpecification"]).toBeUndefined();
  });

  test("mails that wait are found by a sparse index", () => {
    const table = made.one("AWS::DynamoDB::Table", "DataMain");
    expect(table["GlobalSecondaryIndexes"]).toEqual([
      {
        IndexName: "outbox",
        KeySchema: [
          { AttributeName: "pending", KeyType: "HASH" },
          { AttributeName: "SK", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ]);
    expect(table["StreamSpecification"]).toEqual({ StreamViewType: "NEW_AND_OLD_IMAGES" });
  });

  test("the key turns, and is used through services of this account only", () => {
    const key = made.one<{ KeyPolicy: { Statement: { Principal: unknown; Condition?: unknown }[] } }>(
      "AWS::KMS::Key",
      "Data",
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
    const { KeyPolicy } = made.one<{ KeyPolicy: object }>("AWS::KMS::Key", "Data");
    const text = JSON.stringify(KeyPolicy);
    expect(text).toMatch(/"Service":\{"Fn::Join":\["",\["logs\.us-east-1\.",/);
    expect(text).toContain(":logs:us-east-1:123456789012:log-group:*");
    for (const service of ["cloudwatch", "events"])
      expect(text).toContain(`"Service":"${service}.amazonaws.com"`);
  });

  test("both tables are backed up every day and kept as the settings say", () => {
    made.template.hasResourceProperties("AWS::Backup::BackupPlan", {
      BackupPlan: {
        BackupPlanRule: [
          Match.objectLike({ Lifecycle: { DeleteAfterDays: 35 }, ScheduleExpression: "cron(0 5 * * ? *)" }),
        ],
      },
    });
    const selection = made.one<{ BackupSelection: { Resources: unknown[] } }>(
      "AWS::Backup::BackupSelection",
      "Data",
    );
    expect(selection.BackupSelection.Resources).toHaveLength(2);
  });

  test("nobody changes or deletes what is in the archive", () => {
    expect(made.one("AWS::S3::Bucket", "DataArchive")).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 6 * 365 } } },
      VersioningConfiguration: { Status: "Enabled" },
    });
  });

  test("every event of the history reaches the archive, however often it takes", () => {
    const stream = made.one("AWS::Lambda::EventSourceMapping", "DataArchivist");
    expect(stream).toMatchObject({
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: -1,
      StartingPosition: "TRIM_HORIZON",
    });
    expect(stream["MaximumRecordAgeInSeconds"]).toBeUndefined();
  });
});

describe("what outlives the stack", () => {
  const KEPT = [
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Cognito::UserPool",
    "AWS::Backup::BackupVault",
    "AWS::Logs::LogGroup",
  ];
  test.each([
    [true, "Retain"],
    [false, "Delete"],
  ])("when data are kept: %s", (keepData, policy) => {
    const { template } = keepData ? made : new Synthesised({ keepData });
    for (const type of KEPT) {
      const found = Object.entries(template.findResources(type));
      expect(found.length).toBeGreaterThan(0);
      for (const [id, resource] of found) expect([id, resource["DeletionPolicy"]]).toEqual([id, policy]);
    }
  });
});

describe("functions", () => {
  const functions = () => Object.values(made.all<{ Description?: string }>("AWS::Lambda::Function"));
  const called = (name: string) => functions().find((one) => one.Description === `Latchkey: ${name}`)!;

  test("are built binaries, traced, with logs that end", () => {
    for (const one of functions().filter(({ Description }) => !Description?.includes("archive"))) {
      expect(one).toMatchObject({
        Runtime: "provided.al2023",
        Architectures: ["arm64"],
        TracingConfig: { Mode: "Active" },
        LoggingConfig: { LogFormat: "JSON" },
      });
    }
    for (const group of Object.values(made.all("AWS::Logs::LogGroup")))
      expect(group["RetentionInDays"]).toBe(365);
  });

  test("that hash passwords have a whole processor; sign-in cannot take all there is", () => {
    expect(["sign-in", "enroll", "reset-password"].map((name) => called(name)["MemorySize"])).toEqual([
      1769, 1769, 1769,
    ]);
    expect(called("revoke")["MemorySize"]).toBe(256);
    expect(functions().filter((one) => one["ReservedConcurrentExecutions"] !== undefined)).toEqual([
      called("sign-in"),
    ]);
    expect(called("sign-in")["ReservedConcurrentExecutions"]).toBe(10);
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
              dynamodb: { Keys: { SK: { S: [{ prefix: "MAIL#" }] } } },
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
});

describe("staff", () => {
  test("need a second factor, cannot sign themselves up, and cannot change what they are", () => {
    expect(made.one("AWS::Cognito::UserPool", "Staff")).toMatchObject({
      MfaConfiguration: "ON",
      EnabledMfas: ["SOFTWARE_TOKEN_MFA"],
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
    });
    const client = made.one<{ WriteAttributes: string[] }>("AWS::Cognito::UserPoolClient", "Staff");
    expect(client.WriteAttributes).not.toContain("custom:practice");
    expect(client).toMatchObject({ AllowedOAuthFlows: ["code"], GenerateSecret: false });
  });

  test("sign in elsewhere when the settings name an issuer", () => {
    const elsewhere = new Synthesised({
      issuer: {
        url: "https://login.example.org",
        clientId: "latchkey",
        clientSecretName: "latchkey/client",
        roleClaim: "groups",
      },
    });
    expect(elsewhere.all("AWS::Cognito::UserPool")).toEqual({});
    elsewhere.template.hasResourceProperties("AWS::Lambda::Function", {
      Description: "Latchkey: staff-sign-in",
      Environment: {
        Variables: Match.objectLike({
          OIDC_ISSUER: "https://login.example.org",
          OIDC_CLIENT_ID: "latchkey",
          OIDC_ROLE_CLAIM: "groups",
          OIDC_CLIENT_SECRET_VERSION: { Ref: Match.stringLikeRegexp("clientsecretversion") },
        }),
      },
    });
  });
});

test("every alarm reaches somebody, and says what it is about", () => {
  const alarms = Object.values(
    made.all<{ AlarmDescription: string; AlarmActions: unknown[]; TreatMissingData: string }>(
      "AWS::CloudWatch::Alarm",
    ),
  );
  expect(alarms).toHaveLength(10);
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

test("everything carries the deployment's name", () => {
  const { template } = new Synthesised({ tags: { costs: "front-desk" } });
  for (const [id, table] of Object.entries(template.findResources("AWS::DynamoDB::Table"))) {
    expect([id, table["Properties"].Tags]).toEqual([
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
  const wrong = { region: "us-east-1", sender: "a@b.example", alarms: "a@b.example", retain: true };
  expect(() => settings(wrong)).toThrow("retain: there is no such setting");
});
