// What each tier has, and that the model of costs (tests/bench/cost) counts the same.
import type { Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { FUNCTIONS } from "../lib/functions.ts";
import { RARE_FROM, TIERS, type Tier } from "../lib/tiers.ts";
import { given, made as make, Synthesised } from "./synthesised.ts";

const NAMES = ["full", "standard", "lean"] as const;
const made = {} as Record<Tier, Synthesised>;
beforeAll(() => {
  for (const tier of NAMES) made[tier] = new Synthesised({ tier });
});

const alarms = (tier: Tier) => made[tier].all<{ MetricName?: string }>("AWS::CloudWatch::Alarm");
/** How many metrics the dashboard shows: each has its namespace in it once, or is one that others are summed up to. */
function shown(tier: Tier): number {
  const [dashboard] = Object.values(made[tier].all("AWS::CloudWatch::Dashboard"));
  return dashboard ? JSON.stringify(dashboard["DashboardBody"]).split(/\\"(?:AWS\/|Latchkey\\)/).length - 1 : 0;
}

test("standard is what there is without a word", () => {
  expect(given().tier).toBe("standard");
  expect(() => given({ tier: "cheap" as Tier })).toThrow("tier: full, standard, lean");
});

describe.each(NAMES)("%s", (tier) => {
  const levers = TIERS[tier];

  test("traces requests or does not, as the settings can say otherwise", () => {
    const traced = (of: Synthesised) =>
      new Set(Object.values(of.all("AWS::Lambda::Function")).map((one) => JSON.stringify(one["TracingConfig"])));
    const active = new Set(['{"Mode":"Active"}']);
    const none = new Set([undefined]);
    expect(traced(made[tier])).toEqual(levers.traced ? active : none);
    expect(traced(new Synthesised({ tier, tracing: !levers.traced }))).toEqual(levers.traced ? none : active);
  });

  test("demands a second factor, with threat protection or without", () => {
    const pool = made[tier].one("AWS::Cognito::UserPool", "Staff");
    expect(pool).toMatchObject({ MfaConfiguration: "ON", UserPoolTier: levers.plus ? "PLUS" : "ESSENTIALS" });
    expect(pool["UserPoolAddOns"]).toEqual(levers.plus ? { AdvancedSecurityMode: "ENFORCED" } : undefined);
  });

  test("keeps the main table recoverable, and the history by itself or by its archive", () => {
    const table = (id: string) => made[tier].one("AWS::DynamoDB::Table", id);
    const recovery = (on: boolean) => ({ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: on } });
    expect(table("Main")).toMatchObject(recovery(true));
    expect(table("Main")["TableClass"]).toBeUndefined();
    expect(table("History")).toMatchObject({
      ...recovery(levers.historyRecovery),
      TableClass: "STANDARD",
    });
    // What is seldom read is cheaper in another class once it is more than AWS gives for nothing.
    const large = new Synthesised({ tier, people: { staff: 50, clients: RARE_FROM } });
    expect(large.one("AWS::DynamoDB::Table", "History")["TableClass"]).toBe(
      levers.historyRecovery ? "STANDARD" : "STANDARD_INFREQUENT_ACCESS",
    );
    // In any case: the archive, encrypted and locked.
    expect(made[tier].one("AWS::S3::Bucket", "Archive")).toMatchObject({
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "COMPLIANCE" } } },
    });
  });

  test("backs up every week, and logs as long as it says", () => {
    const { BackupPlan } = made[tier].one<{ BackupPlan: { BackupPlanRule: { RuleName: string }[] } }>(
      "AWS::Backup::BackupPlan",
      "Backups",
    );
    expect(BackupPlan.BackupPlanRule.map(({ RuleName }) => RuleName)).toEqual(
      levers.monthlyBackups ? ["weekly", "monthly"] : ["weekly"],
    );
    for (const group of Object.values(made[tier].all("AWS::Logs::LogGroup")))
      expect(group["RetentionInDays"]).toBe(levers.logDays);
  });

  test("logs Lambda's own lines of every call, or of failed ones alone", () => {
    const levels = Object.values(made[tier].all<{ LoggingConfig: { SystemLogLevel?: string } }>("AWS::Lambda::Function"))
      .map(({ LoggingConfig }) => LoggingConfig?.SystemLogLevel)
      .filter(Boolean);
    expect(levels).toHaveLength(Object.keys(FUNCTIONS).length);
    expect(new Set(levels)).toEqual(new Set([levers.callsLogged ? "INFO" : "WARN"]));
  });

  test("counts for the whole deployment, in no more metrics than cost nothing", () => {
    const metrics = new Set<string>();
    for (const one of Object.values(made[tier].all<{ Namespace?: string; MetricName: string; Dimensions?: object }>("AWS::CloudWatch::Alarm")))
      if (one.Namespace === "Latchkey" && one.Dimensions) {
        metrics.add(one.MetricName);
        expect(one.Dimensions).toEqual([{ Name: "deployment", Value: "latchkey" }]);
      }
    expect([...metrics].sort()).toEqual(["Lockouts", "MailsRefused"]);
    for (const one of Object.values(made[tier].all<{ Environment?: { Variables: object }; Description?: string }>("AWS::Lambda::Function")))
      if (!one.Description?.includes("archive") && one.Description?.startsWith("Latchkey"))
        expect(one.Environment!.Variables).toMatchObject({ DEPLOYMENT: "latchkey" });
  });

  test("limits the doors", () => {
    made[tier].firewall.resourceCountIs("AWS::WAFv2::WebACL", 2);
    expect(JSON.stringify(made[tier].firewall.toJSON())).toContain("/api/portal/sign-in");
  });
});

test("a dashboard is large, of at most 50 metrics, or none", () => {
  expect(shown("full")).toBeGreaterThan(50);
  expect(shown("standard")).toBeGreaterThan(15);
  expect(shown("standard")).toBeLessThanOrEqual(50);
  expect(shown("lean")).toBe(0);
  // What mails do is shown where anything is.
  expect(JSON.stringify(made.standard.all("AWS::CloudWatch::Dashboard"))).toContain("MailsBounced");
});

test("standard and lean have the ten alarms about loss and attack, and one more where backups are copied", () => {
  expect(Object.keys(alarms("full"))).toHaveLength(17);
  for (const tier of ["standard", "lean"] as const) {
    const ids = Object.keys(alarms(tier)).map((id) => id.replace(/^Watch|[0-9A-F]{8}$/g, ""));
    expect(ids).toHaveLength(10);
    expect(ids.sort()).toEqual(TIERS[tier].alarms!.filter((id) => id !== "BackupCopies").toSorted());
  }
  const backupCopies = "arn:aws:backup:us-west-2:210987654321:backup-vault:latchkey";
  expect(Object.keys(new Synthesised({ tier: "lean", backupCopies }).all("AWS::CloudWatch::Alarm"))).toHaveLength(11);
});

test("the model of costs counts what the stack has", async () => {
  interface Modelled {
    plus: boolean;
    traced: boolean;
    historyClass: string;
    historyRecovery: boolean;
    dashboard: string;
    alarms: number;
    callsLogged: boolean;
    logMonths: number;
    monthlies: number;
    plans: boolean;
  }
  const file: string = new URL("../../../tests/bench/cost/model.js", import.meta.url).href;
  const model = (await import(/* @vite-ignore */ file)) as {
    TIERS: Record<Tier, Modelled>;
    ASSUMED: Record<string, { value: number }>;
    CALLS: Record<string, number>;
    SECRETS: Record<string, number>;
  };
  const used = [...Object.keys(model.CALLS).map((name) => name.split(/[.,]/)[0]!), "send-mail", "deliver"];
  for (const name of used) {
    const { signs, hmacs } = FUNCTIONS[name]!;
    expect([name, model.SECRETS[name] ?? 0]).toEqual([name, Number(signs ?? false) + Number(hmacs ?? false)]);
  }
  expect(Object.keys(model.TIERS)).toEqual([...NAMES]);
  for (const tier of NAMES) {
    const { plus, traced, historyRecovery, callsLogged, dashboard, logDays, monthlyBackups } = TIERS[tier];
    expect(model.TIERS[tier]).toMatchObject({
      plus,
      traced,
      historyRecovery,
      historyClass: historyRecovery ? "standard" : "by size",
      dashboard,
      callsLogged,
      alarms: Object.keys(alarms(tier)).length,
      logMonths: Math.floor(logDays / 30),
      monthlies: monthlyBackups ? 12 : 0,
    });
  }
  const acls = Object.values(made.standard.firewall.findResources("AWS::WAFv2::WebACL"));
  expect(model.ASSUMED["rareFrom"]!.value).toBe(RARE_FROM);
  expect(model.ASSUMED["sites"]!.value).toBe(acls.length);
  for (const acl of acls) expect(acl["Properties"].Rules).toHaveLength(model.ASSUMED["rules"]!.value);
});

describe("CloudFront's plans", () => {
  const plans = (edgePlan: "none" | "FREE" | "PRO") => {
    const { app, stack } = make({ edgePlan, region: "eu-central-1" });
    return app.node.tryFindChild(`${stack.stackName}-plans`) as Stack | undefined;
  };

  test("are chosen by nobody but the settings", () => {
    expect(plans("none")).toBeUndefined();
    expect(() => given({ edgePlan: "PREMIUM" as never })).toThrow("edgePlan: none, FREE, PRO or BUSINESS");
  });

  test("are one for each site, with its distribution and its own web ACL, in us-east-1 and last of all", () => {
    const stack = plans("FREE")!;
    expect(stack.region).toBe("us-east-1");
    expect(stack.dependencies.map(({ stackName }) => stackName)).toContain("latchkey-access-log");
    const template = Template.fromStack(stack);
    template.resourceCountIs("AWS::PricingPlanManager::Subscription", 2);
    template.allResourcesProperties("AWS::PricingPlanManager::Subscription", {
      PlanFamily: "CloudFront",
      PlanTier: "FREE",
      ResourceArns: [Match.anyValue(), Match.anyValue()],
    });
    const named = Object.values(template.findResources("AWS::PricingPlanManager::Subscription")).map(({ Properties }) =>
      JSON.stringify(Properties.ResourceArns),
    );
    expect(new Set(named).size).toBe(2);
    for (const arns of named) {
      expect(arns).toContain(":cloudfront::123456789012:distribution/");
      expect(arns).toMatch(/Acl/);
    }
  });
});
