// What preflight says of an account, by the answers that AWS documents for each state.
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ACMClient, DescribeCertificateCommand } from "@aws-sdk/client-acm";
import { CloudFormationClient, DescribeStacksCommand, ListStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import { CloudFrontClient, ListDistributionsCommand } from "@aws-sdk/client-cloudfront";
import { GetAccountSettingsCommand, GetFunctionConcurrencyCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Settings } from "../lib/settings.ts";
import { Deployment, Refusal } from "../ops/deployment.ts";
import { findings, preflight, type Around, type Finding, type Weight } from "../ops/preflight.ts";
import { given, placeholders } from "./synthesised.ts";

const sts = mockClient(STSClient);
const parameters = mockClient(SSMClient);
const stacks = mockClient(CloudFormationClient);
const lambda = mockClient(LambdaClient);
const cloudFront = mockClient(CloudFrontClient);
const acm = mockClient(ACMClient);
const ses = mockClient(SESv2Client);

const built = placeholders("arm64");
function site(...pages: string[]): string {
  const dist = mkdtempSync(join(tmpdir(), "latchkey-dist-"));
  for (const page of pages) writeFileSync(join(dist, page), "");
  return dist;
}
const HOSTS = {
  staff: "staff.example.org",
  portal: "portal.example.org",
  certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1",
};
const failed = (name: string, message = name) => Object.assign(new Error(message), { name });

/** What the service of plans answers: status, and JSON. */
let planned: [number, object];
let fetched: { url: string; headers: IncomingHttpHeaders | Record<string, string> }[];

/** An account in which nothing is in the way: known to AWS, out of the sandbox, and deployed to. */
beforeEach(() => {
  for (const client of [sts, parameters, stacks, lambda, cloudFront, acm, ses]) client.reset();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_ENDPOINT_URL", undefined);
  planned = [200, { accountId: "123456789012", accountPlanType: "PAID", accountPlanStatus: "ACTIVE" }];
  fetched = [];
  vi.stubGlobal("fetch", async (url: URL, { headers }: { headers: Record<string, string> }) => {
    fetched.push({ url: String(url), headers });
    return new Response(JSON.stringify(planned[1]), { status: planned[0] });
  });
  sts.on(GetCallerIdentityCommand).resolves({ Account: "123456789012", Arn: "arn:aws:iam::123456789012:role/it" });
  parameters.on(GetParameterCommand).resolves({ Parameter: { Value: "28" } });
  stacks.on(DescribeStacksCommand).resolves({
    Stacks: [{ StackName: "latchkey", CreationTime: new Date(), StackStatus: "UPDATE_COMPLETE" }],
  });
  stacks.on(ListStackResourcesCommand).callsFake(({ NextToken }) => ({
    // On the second page.
    ...(NextToken
      ? { StackResourceSummaries: [resource("AWS::SES::EmailIdentity", "portal.example.org")] }
      : { NextToken: "2", StackResourceSummaries: [resource("AWS::KMS::Key", "key")] }),
  }));
  lambda.on(GetAccountSettingsCommand).resolves({
    AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 985 },
  });
  lambda.on(GetFunctionConcurrencyCommand).callsFake(({ FunctionName }) => ({
    ReservedConcurrentExecutions: FunctionName === "latchkey-sign-in" ? 10 : 5,
  }));
  distributions();
  acm.on(DescribeCertificateCommand).resolves({
    Certificate: { DomainName: HOSTS.staff, SubjectAlternativeNames: [HOSTS.staff, HOSTS.portal], Status: "ISSUED" },
  });
  ses.on(GetAccountCommand).resolves({ ProductionAccessEnabled: true, SendingEnabled: true, EnforcementStatus: "HEALTHY" });
  ses.on(GetEmailIdentityCommand).resolves({ VerifiedForSendingStatus: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

const resource = (ResourceType: string, PhysicalResourceId: string) => ({
  ResourceType,
  PhysicalResourceId,
  LogicalResourceId: "One",
  LastUpdatedTimestamp: new Date(),
  ResourceStatus: "CREATE_COMPLETE" as const,
});

/** The distributions of the account: by themselves, those of this deployment. */
function distributions(...more: { Id: string; Comment: string; Aliases?: string[] }[]) {
  const own = ["staff", "portal"].map((site) => ({ Id: site, Comment: `Latchkey latchkey: ${site}`, Aliases: [`${site}.example.org`] }));
  cloudFront.on(ListDistributionsCommand).callsFake(({ Marker }) => ({
    DistributionList: {
      // Two pages.
      ...(!Marker && { NextMarker: "2" }),
      Items: (Marker ? more : own).map(({ Id, Comment, Aliases = [] }) => ({
        Id,
        Comment,
        DomainName: `${Id}.cloudfront.net`,
        Aliases: { Items: Aliases, Quantity: Aliases.length },
      })),
    },
  }));
}

const USUAL = { signIns: 10, hosts: HOSTS };
const AROUND: Around = {
  binaries: built,
  dist: site("index.html", "portal.html"),
  alone: false,
  node: "22.11.0",
  cname: async (host) => [`${host.split(".")[0]}.cloudfront.net`],
  addresses: async () => [],
};
const of = (changes: Partial<Settings> = {}, around: Partial<Around> = {}) =>
  findings(new Deployment(given({ ...USUAL, ...changes }), () => {}), { ...AROUND, ...around });
const text = ({ found, means, todo = [] }: Finding) => [found, means, ...todo].join("\n");

/** That there is this one finding, and no other. */
async function only(weight: Weight, words: (string | RegExp)[], changes: Partial<Settings> = {}, around: Partial<Around> = {}) {
  const found = await of(changes, around);
  expect(found.map((one) => [one.weight, one.found])).toEqual([[weight, expect.any(String)]]);
  for (const each of words) expect(text(found[0]!)).toMatch(each instanceof RegExp ? each : new RegExp(escaped(each)));
}
const escaped = (words: string) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

test("an account in which all is right has no finding", async () => {
  expect(await of()).toEqual([]);
});

test("without settings, or with wrong ones, it says so in a line or two, and what asks for them", { timeout: 30_000 }, () => {
  const file = join(placeholders("arm64"), "settings.json");
  const said = () => {
    const { status, stderr } = spawnSync("node_modules/.bin/tsx", ["ops/main.ts", "preflight"], {
      cwd: new URL("..", import.meta.url),
      env: { ...process.env, LATCHKEY_SETTINGS: file, NODE_NO_WARNINGS: "1" },
      encoding: "utf8",
    });
    expect(status).toBe(1);
    return stderr.trim();
  };
  expect(said()).toBe(
    `There are no settings yet in ${file}: npm run ops -- up asks for them, keeps them there, and makes nothing before you say yes.`,
  );
  writeFileSync(file, JSON.stringify({ region: "us-east-1" }));
  expect(said()).toMatch(/^[^\n]*settings\.json: The settings are not right:\n  sender:[^]*alarms:/);
  expect(said()).not.toContain("    at ");
});

describe("who asks, and where", () => {
  test("credentials that AWS does not know block, and nothing else can be known", async () => {
    sts.on(GetCallerIdentityCommand).rejects(failed("ExpiredToken", "The security token included in the request is expired"));
    await only("blocks", ["AWS does not know who asks (ExpiredToken", "aws sts get-caller-identity"]);
    expect(ses.calls()).toEqual([]);
  });

  test("the root user is told that CDK has no roles with it", async () => {
    sts.on(GetCallerIdentityCommand).resolves({ Account: "123456789012", Arn: "arn:aws:iam::123456789012:root" });
    await only("note", ["root user of 123456789012"]);
  });

  test("a region that is not switched on blocks", async () => {
    ses.on(GetAccountCommand).rejects(failed("UnrecognizedClientException", "The security token included in the request is invalid."));
    await only("blocks", ["The region us-east-1 does not answer", "aws account enable-region --region-name us-east-1"]);
  });

  test.each<[string, Weight, string]>([
    ["18.20.0", "blocks", "Node 22 is needed"],
    ["20.18.3", "blocks", "Node 22 is needed"],
    ["20.19.0", "note", "January 2027"],
  ])("Node %s: %s", async (node, weight, words) => only(weight, [words], {}, { node }));

  test("what may not be read is said, and blocks nothing", async () => {
    lambda.on(GetAccountSettingsCommand).rejects(failed("AccessDeniedException", "not authorized to perform: lambda:GetAccountSettings"));
    await only("unknown", ["Lambda's quota could not be read (AccessDeniedException: not authorized"]);
  });
});

describe("the plan of the account", () => {
  test("the Free plan ends with the account: people's data do not belong there", async () => {
    planned = [
      200,
      {
        accountPlanType: "FREE",
        accountPlanStatus: "ACTIVE",
        accountPlanExpirationDate: "2027-04-30T00:00:00Z",
        accountPlanRemainingCredits: { amount: 117.4, unit: "USD" },
      },
    ];
    await only("before people", ["Free plan", "on 2027-04-30", "117 dollars are left", "upgrade-account-plan --account-plan-type PAID"]);
    planned = [200, { accountPlanType: "FREE", accountPlanStatus: "ACTIVE", accountPlanExpirationDate: 1809043200 }];
    await only("before people", ["on 2027-04-30"]);
  });

  test("has no flat-rate plan of CloudFront", async () => {
    planned = [200, { accountPlanType: "FREE", accountPlanStatus: "ACTIVE" }];
    const found = await of({ edgePlan: "FREE" });
    expect(found.map(({ weight }) => weight)).toEqual(["blocks", "before people"]);
    expect(text(found[0]!)).toMatch(/"edgePlan": "FREE" asks .*\n.*\n.*upgrade-account-plan.*\n.*"edgePlan": "none"/);
    planned = [200, { accountPlanType: "PAID", accountPlanStatus: "ACTIVE" }];
    expect(await of({ edgePlan: "FREE" })).toEqual([]);
  });

  test("an expired one blocks", async () => {
    planned = [200, { accountPlanType: "FREE", accountPlanStatus: "EXPIRED" }];
    await only("blocks", ["which is over", "upgrade-account-plan"]);
  });

  test("accounts of before the plans have none, and one that may not be read is said", async () => {
    planned = [400, { __type: "com.amazonaws.freetier#ResourceNotFoundException", message: "no plan" }];
    expect(await of()).toEqual([]);
    planned = [400, { __type: "com.amazon.coral.service#AccessDeniedException", message: "not authorized" }];
    await only("unknown", ["the plan of the account could not be read (AccessDeniedException: not authorized)"]);
  });

  test("is asked for with a signature for its own service", async () => {
    await of();
    expect(fetched).toMatchObject([
      {
        url: "https://freetier.us-east-1.api.aws/",
        headers: {
          "x-amz-target": "AWSFreeTierService.GetAccountPlanState",
          authorization: expect.stringMatching(
            /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/freetier\/aws4_request, SignedHeaders=content-type;host;.*Signature=[0-9a-f]{64}$/,
          ),
        },
      },
    ]);
  });

  test("is asked for over the wire as AWS's protocol wants it", async () => {
    vi.unstubAllGlobals();
    let asked: [string | undefined, string, IncomingHttpHeaders] | undefined;
    const aws = createServer((request, answer) => {
      let body = "";
      request.on("data", (part) => (body += part));
      request.on("end", () => {
        asked = [request.method, body, request.headers];
        answer.end(JSON.stringify({ accountPlanType: "PAID", accountPlanStatus: "ACTIVE" }));
      });
    });
    await new Promise<void>((ready) => aws.listen(0, "127.0.0.1", ready));
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(aws.address() as AddressInfo).port}`);
    expect(await of()).toEqual([]);
    aws.close();
    expect(asked).toMatchObject(["POST", "{}", { "content-type": "application/x-amz-json-1.0" }]);
  });
});

describe("what Lambda takes", () => {
  test("functions of another architecture block, each by its file", async () => {
    await only("blocks", ["could not run on x86_64", `${built}/revoke/bootstrap: is built for arm64`], { architecture: "x86_64" });
    const spoilt = placeholders("arm64");
    chmodSync(join(spoilt, "search", "bootstrap"), 0o600);
    await only("blocks", [`${spoilt}/search/bootstrap: may not be run`], {}, { binaries: spoilt });
  });

  test("functions of which none is built yet are the next step when preflight is asked by itself, and block a deployment", async () => {
    const none = join(built, "none");
    await only("next", [`No function is built in ${none} yet`, "make deploy"], {}, { binaries: none, alone: true });
    await only("blocks", [`${none}/search/bootstrap: is not there`], {}, { binaries: none });
    const some = placeholders("arm64");
    rmSync(join(some, "search"), { recursive: true });
    await only("blocks", [`${some}/search/bootstrap: is not there`], {}, { binaries: some, alone: true });
  });

  test("pages that are not built are told before anything is made, and where it is asked by itself they are built later", async () => {
    for (const dist of [join(tmpdir(), "no such folder"), site("index.html")]) {
      await only("blocks", [`The site is not built in ${dist}`, "make site"], {}, { dist });
      await only("next", [`The site is not built in ${dist}`], {}, { dist, alone: true });
    }
  });

  /** A new account, with nothing reserved. */
  const quota = (ConcurrentExecutions: number) => {
    lambda.on(GetAccountSettingsCommand).resolves({
      AccountLimit: { ConcurrentExecutions, UnreservedConcurrentExecutions: ConcurrentExecutions },
    });
    lambda.on(GetFunctionConcurrencyCommand).rejects(failed("ResourceNotFoundException"));
  };
  const REQUEST =
    "aws service-quotas request-service-quota-increase --region us-east-1 --service-code lambda --quota-code L-B99A9384 --desired-value 1000";

  test("a new account's ten at a time block a reservation", async () => {
    quota(10);
    const found = await of();
    expect(found.map(({ weight }) => weight)).toEqual(["blocks", "before people"]);
    expect(text(found[0]!)).toContain('"signIns": 10 reserves 15 executions of Lambda, and of 10 only 0 can be reserved');
    for (const one of found) expect(one.todo).toContain(REQUEST);
  });

  test("without a reservation they block nothing, and the request for more is there", async () => {
    quota(10);
    await only("before people", ["Lambda runs 10 functions at a time", REQUEST], { signIns: 0 });
  });

  test.each([
    [114, ["before people"]],
    [115, ["before people", "note"]],
    [1000, ["note"]],
  ])("with %s at a time it says whether signIns can be set", async (limit, weights) => {
    quota(limit);
    const found = await of({ signIns: 0 });
    expect(found.map(({ weight }) => weight)).toEqual(weights);
    expect(found.some((one) => one.todo?.includes('"signIns": 10 in the settings'))).toBe(limit >= 115);
    expect((await of()).some(({ weight }) => weight === "blocks")).toBe(limit < 115);
  });

  test("what this deployment has reserved already is not counted against it", async () => {
    lambda.on(GetAccountSettingsCommand).resolves({
      AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 100 },
    });
    expect(await of()).toEqual([]);
    await only("blocks", ['"signIns": 11 reserves 16'], { signIns: 11 });
  });
});

describe("hosts", () => {
  test("the first distribution of an account may be refused, and the request is written already", async () => {
    cloudFront.on(ListDistributionsCommand).resolves({ DistributionList: { Quantity: 0, Items: [] } as never });
    await only("may block", ["no CloudFront distribution yet", "must be verified", "Subject: Verify my account for CloudFront"]);
  });

  test("a host of another distribution blocks", async () => {
    distributions({ Id: "E2", Comment: "the old site", Aliases: ["www.example.org", HOSTS.portal] });
    await only("blocks", ["The host portal.example.org belongs to the distribution E2 (the old site)"]);
  });

  test("a host that does not lead to its distribution gets the record that is missing", async () => {
    const cname = async (host: string) => {
      if (host === HOSTS.portal) throw failed("ENODATA");
      return ["staff.cloudfront.net"];
    };
    await only("before people", ["portal.example.org leads nowhere", "portal.example.org. CNAME portal.cloudfront.net."], {}, { cname });
    await only("before people", ["leads to elsewhere.example"], {}, {
      cname: async (host) => (host === HOSTS.staff ? ["elsewhere.example"] : ["portal.cloudfront.net"]),
      addresses: async () => ["192.0.2.1"],
    });
  });

  test("a host with addresses alone may be an alias of Route 53, and is told to look at", async () => {
    const cname = async (host: string) => {
      if (host === HOSTS.portal) throw failed("ENODATA");
      return ["staff.cloudfront.net"];
    };
    const around = { cname, addresses: async () => ["192.0.2.1"] };
    await only("note", ["portal.example.org has addresses", "if it names portal.cloudfront.net"], {}, around);
    expect((await of({}, around)).filter(({ weight }) => weight === "before people")).toEqual([]);
  });

  test.each<[string, object | undefined, (string | RegExp)[]]>([
    ["one that is not there", undefined, ["There is no certificate arn:aws:acm", "--domain-name staff.example.org --subject-alternative-names portal.example.org"]],
    [
      "one that is not validated",
      {
        Status: "PENDING_VALIDATION",
        DomainValidationOptions: [
          { DomainName: HOSTS.staff, ResourceRecord: { Name: "_1.staff.example.org.", Type: "CNAME", Value: "_2.acm-validations.aws." } },
        ],
      },
      ["not validated yet", "_1.staff.example.org. CNAME _2.acm-validations.aws."],
    ],
    ["one that expired", { Status: "EXPIRED" }, ["in the state EXPIRED"]],
    ["one for a host alone", { SubjectAlternativeNames: [HOSTS.staff] }, ["does not cover portal.example.org."]],
    ["one for a neighbour of one letter", { DomainName: "a.example.org", SubjectAlternativeNames: [HOSTS.staff] }, ["does not cover portal.example.org."]],
    ["one for hosts below", { DomainName: "*.staff.example.org", SubjectAlternativeNames: ["*.portal.example.org"] }, ["does not cover staff.example.org and portal.example.org"]],
  ])("a certificate blocks: %s", async (_, Certificate, words) => {
    if (Certificate)
      acm.on(DescribeCertificateCommand).resolves({
        Certificate: { DomainName: HOSTS.staff, SubjectAlternativeNames: [HOSTS.portal], Status: "ISSUED", ...Certificate },
      });
    else acm.on(DescribeCertificateCommand).rejects(failed("ResourceNotFoundException"));
    await only("blocks", words);
  });

  test("a wildcard covers both, and CloudFront's own names need no certificate", async () => {
    acm.on(DescribeCertificateCommand).resolves({ Certificate: { DomainName: "*.EXAMPLE.org", Status: "ISSUED" } });
    expect(await of()).toEqual([]);
    acm.on(DescribeCertificateCommand).rejects(failed("ResourceNotFoundException"));
    expect(await of({ hosts: undefined as never })).toEqual([]);
  });
});

describe("mail", () => {
  const sandbox = (more: object = {}) => ses.on(GetAccountCommand).resolves({ ProductionAccessEnabled: false, SendingEnabled: true, ...more });

  test("the sandbox keeps people out, and the request is written already", async () => {
    sandbox();
    await only("before people", ["sandbox in us-east-1", "--production-access-enabled --mail-type TRANSACTIONAL", "https://portal.example.org"]);
  });

  test("a try-out can do with it", async () => {
    sandbox();
    await only("note", ["create-email-identity --region us-east-1 --email-identity <address>"], { use: "try-out" });
  });

  test.each([
    ["PENDING", "production access was asked for (case 7)"],
    ["DENIED", "production access was refused"],
  ] as const)("says how far a request has come: %s", async (Status, words) => {
    sandbox({ Details: { ReviewDetails: { Status, CaseId: "7" } } });
    await only("before people", [words]);
  });

  test.each([
    [{ EnforcementStatus: "SHUTDOWN" }, "SES has paused"],
    [{ SendingEnabled: false }, "SES has paused"],
    [{ EnforcementStatus: "PROBATION" }, "SES reviews this account"],
  ])("tells of %j", async (state, words) => {
    ses.on(GetAccountCommand).resolves({ ProductionAccessEnabled: true, SendingEnabled: true, ...state });
    await only("before people", [words]);
  });

  test("an identity that is there already, and not ours, blocks until the settings name it", async () => {
    stacks.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [] });
    await only("blocks", ["has an identity for portal.example.org already", '"senderIdentity": "portal.example.org" in the settings']);
    expect(await of({ senderIdentity: "portal.example.org" })).toEqual([]);
    const gone = { ...resource("AWS::SES::EmailIdentity", "portal.example.org"), ResourceStatus: "DELETE_COMPLETE" as const };
    stacks.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [gone] });
    await only("blocks", ["has an identity for portal.example.org already"]);
    const missing = failed("ValidationError", "Stack with id latchkey does not exist");
    for (const command of [DescribeStacksCommand, ListStackResourcesCommand]) stacks.on(command as never).rejects(missing);
    await only("blocks", ["has an identity for portal.example.org already"]);
  });

  test("one that is not verified gets the records that are missing", async () => {
    const VerifiedForSendingStatus = false;
    ses.on(GetEmailIdentityCommand).resolves({ VerifiedForSendingStatus, DkimAttributes: { Tokens: ["a", "b", "c"] } });
    await only("before people", ["not verified portal.example.org", ...["a", "b", "c"].map((t) => `${t}._domainkey.portal.example.org. CNAME ${t}.dkim.amazonses.com.`)]);
    await only("before people", ["until the link in its mail was opened"], { senderIdentity: "no-reply@portal.example.org" });
  });

  test("none is made by the stack, unless the settings name one that is not there", async () => {
    ses.on(GetEmailIdentityCommand).rejects(failed("NotFoundException"));
    await only("next", ["SES has no identity for portal.example.org yet"]);
    await only("before people", ['"senderIdentity" names example.org', "--email-identity example.org"], { senderIdentity: "example.org" });
  });

  test("many first passwords take days by Cognito's own mailer, and none by another issuer", async () => {
    const people = { staff: 120, clients: 2000 };
    await only("note", ["50 a day at most", "take 3 days"], { people });
    expect(await of({ people, issuer: { url: "https://login.example.org", clientId: "latchkey" } })).toEqual([]);
  });
});

describe("what the first deployment makes step by step", () => {
  const missing = (...names: RegExp[]) =>
    parameters.on(GetParameterCommand).callsFake(({ Name }) => {
      if (names.some((name) => name.test(Name))) throw new ParameterNotFound({ message: "", $metadata: {} });
      return { Parameter: { Value: Name.includes("cdk-bootstrap") ? "28" : "here" } };
    });

  test("bootstrap, in the region and where CloudFront's things are", async () => {
    missing(/cdk-bootstrap/);
    await only("next", ["CDK is not bootstrapped in us-east-1", "npx cdk bootstrap aws://123456789012/us-east-1"]);
    const both = await of({ region: "eu-central-1" });
    expect(both.map(({ todo }) => todo)).toEqual([
      ["npx cdk bootstrap aws://123456789012/eu-central-1"],
      ["npx cdk bootstrap aws://123456789012/us-east-1"],
    ]);
    parameters.on(GetParameterCommand).resolves({ Parameter: { Value: "5" } });
    await only("next", ["of version 5"]);
  });

  test("keys, of which each that is missing is named, and the issuer's secret", async () => {
    missing(/origin-digests|token-version/);
    await only("next", ["/latchkey/token-version, /latchkey/origin-digests", "npm run ops -- keys init"]);
    missing(/client-secret-version/);
    const issuer = { url: "https://login.example.org", clientId: "latchkey", clientSecretName: "latchkey/issuer" };
    await only("next", ["keys client-secret"], { issuer });
    expect(await of()).toEqual([]);
  });
});

describe("the stacks as they are", () => {
  const state = (StackStatus: string, StackName = "latchkey") =>
    stacks.on(DescribeStacksCommand, { StackName }).resolves({
      Stacks: [{ StackName, CreationTime: new Date(), StackStatus: StackStatus as never }],
    });

  test.each([
    ["UPDATE_IN_PROGRESS", "blocks", "under way"],
    ["UPDATE_ROLLBACK_FAILED", "blocks", "continue-update-rollback --stack-name latchkey"],
    ["UPDATE_FAILED", "blocks", "rollback-stack --stack-name latchkey"],
    ["DELETE_FAILED", "blocks", "delete-stack --stack-name latchkey"],
    ["ROLLBACK_FAILED", "blocks", "delete-stack --stack-name latchkey"],
    ["ROLLBACK_COMPLETE", "note", "deletes it by itself"],
  ] as const)("%s: %s", async (now, weight, words) => {
    state(now);
    await only(weight, [words]);
  });

  test.each([
    ["data", "eu-central-1"],
    ["firewall", "us-east-1"],
    ["access-log", "us-east-1"],
    ["plans", "us-east-1"],
  ])("that of %s is looked at too, in %s", async (name, region) => {
    state("UPDATE_ROLLBACK_FAILED", `latchkey-${name}`);
    await only("blocks", [`continue-update-rollback --stack-name latchkey-${name} --region ${region}`], { region: "eu-central-1" });
  });

  test("tables in the stack that each version makes anew would be left behind with all that is in them", async () => {
    stacks.on(ListStackResourcesCommand).resolves({
      StackResourceSummaries: [resource("AWS::SES::EmailIdentity", "portal.example.org"), resource("AWS::DynamoDB::Table", "main")],
    });
    await only("blocks", ["latchkey-data", "cannot be upgraded in place", '"deployment" in the settings', "create-stack-refactor"]);
  });

  test.each(["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])("%s is fine", async (now) => {
    state(now);
    expect(await of()).toEqual([]);
  });
});

describe("what is said", () => {
  const said = async (changes: Partial<Settings> = {}) => {
    const lines: string[] = [];
    const d = new Deployment(given({ ...USUAL, ...changes }), (line) => lines.push(line));
    const ended = await preflight(d, AROUND).then(
      () => undefined,
      (error: Error) => error,
    );
    return { text: lines.join("\n"), ended };
  };

  test("an empty account hears first what blocks, and that it must be seen to", async () => {
    lambda.on(GetAccountSettingsCommand).resolves({ AccountLimit: { ConcurrentExecutions: 10, UnreservedConcurrentExecutions: 10 } });
    lambda.on(GetFunctionConcurrencyCommand).rejects(failed("ResourceNotFoundException"));
    cloudFront.on(ListDistributionsCommand).resolves({ DistributionList: undefined as never });
    ses.on(GetEmailIdentityCommand).rejects(failed("NotFoundException"));
    const { text, ended } = await said();
    const order = ["These block", "These may block", "Before people", "The next steps"].map((heading) => text.indexOf(heading));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order[0]).toBeGreaterThanOrEqual(0);
    expect(ended).toBeInstanceOf(Refusal);
    expect(ended!.message).toBe("1 of these must be seen to before you deploy.");
    // Without the reservation, nothing that can be read is in the way.
    const lean = await said({ signIns: 0 });
    expect(lean.ended).toBeUndefined();
    expect(lean.text).toContain("Nothing that can be read stands in the way");
  });

  test("nothing is changed by asking", async () => {
    await said();
    const asked = [sts, parameters, stacks, lambda, cloudFront, acm, ses].flatMap((client) =>
      client.calls().map(({ args }) => args[0].constructor.name),
    );
    expect(asked.length).toBeGreaterThan(10);
    for (const name of asked) expect(name).toMatch(/^(Get|List|Describe)\w+Command$/);
  });
});
