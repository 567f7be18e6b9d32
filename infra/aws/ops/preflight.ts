// `npm run ops -- preflight`: reads what an account has and says, before anything is made, what is missing for a
// deployment, what each means, and the exact request to file. It changes nothing.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ACMClient, DescribeCertificateCommand } from "@aws-sdk/client-acm";
import { paginateListStackResources, type StackResourceSummary } from "@aws-sdk/client-cloudformation";
import { CloudFrontClient, ListDistributionsCommand, type DistributionSummary } from "@aws-sdk/client-cloudfront";
import { GetAccountSettingsCommand, GetFunctionConcurrencyCommand } from "@aws-sdk/client-lambda";
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { checkBinaries } from "../lib/binaries.ts";
import { FUNCTIONS, functionName, reserved } from "../lib/functions.ts";
import { accountPlan } from "./account-plan.ts";
import { regionOf, stackOf, type End } from "./cloudformation.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { leads, names, type Names } from "./dns.ts";

/** What a finding is for the deployment:
 *  - `blocks`: it fails, or what it makes cannot work;
 *  - `may block`: AWS lets nobody read it beforehand;
 *  - `before people`: it succeeds, and people cannot be let in yet;
 *  - `next`: a later step of the first deployment makes it;
 *  - `unknown`: it could not be read with these credentials;
 *  - `note`: good to know. */
export type Weight = "blocks" | "may block" | "before people" | "next" | "unknown" | "note";

export interface Finding {
  weight: Weight;
  /** What is the case. */
  found: string;
  /** What it means. */
  means: string;
  /** What to do: commands, records and texts, word by word. */
  todo?: string[];
}

/** What is not asked of AWS. */
export interface Around extends Names {
  /** The built functions; null where they are with the templates already. */
  binaries: string | null;
  /** The built site. */
  dist: string;
  /** Whether it is asked by itself: what is not built at all is built later. */
  alone: boolean;
  node: string;
}

const DIST = fileURLToPath(new URL("../../../site/dist", import.meta.url));
const BINARIES = fileURLToPath(new URL("../../../target/lambda", import.meta.url));
const around = (): Around => ({
  binaries: process.env["LATCHKEY_BINARIES"] || BINARIES,
  dist: DIST,
  alone: false,
  node: process.versions.node,
  ...names,
});

/** Of Lambda's quota, what must stay unreserved. <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html> */
const UNRESERVED = 100;
/** What sign-in gets when there is room. */
const USUAL_SIGN_INS = 10;
/** The default of Lambda's quota, which new accounts have less than. */
const USUAL_CONCURRENCY = 1000;
/** Since this version, CDK's bootstrap has all that the templates ask for. */
const BOOTSTRAP = 6;
/** What Cognito's own mailer sends a day. <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html> */
const COGNITO_MAILS = 50;

const HEADINGS: [Weight, string][] = [
  ["blocks", "These block the deployment"],
  ["may block", "These may block it, and nobody can read them beforehand"],
  ["before people", "Before people can be let in"],
  ["unknown", "Could not be read"],
  ["next", "The next steps of a first deployment make these"],
  ["note", "Good to know"],
];

/** Says what was found. Throws when something blocks. */
export async function preflight(d: Deployment, given: Partial<Around> = {}): Promise<void> {
  const found = await findings(d, given);
  for (const [weight, heading] of HEADINGS) {
    const these = found.filter((one) => one.weight === weight);
    if (!these.length) continue;
    d.say(`\n${heading}:`);
    for (const { found, means, todo = [] } of these) {
      d.say(`\n  ${found}\n    ${means}`);
      for (const line of todo) d.say(`      ${line}`);
    }
  }
  const blocking = found.filter(({ weight }) => weight === "blocks").length;
  d.say("");
  if (blocking) throw new Refusal(`${blocking} of these must be seen to before you deploy.`);
  d.say("Nothing that can be read stands in the way of a deployment.");
}

/** All that is the case, of each check. Where the credentials are wrong, nothing else can be known. */
export async function findings(d: Deployment, given: Partial<Around> = {}): Promise<Finding[]> {
  const all = { ...around(), ...given };
  const here = [
    ...node(all.node),
    ...(all.binaries === null ? [] : programs(d, all.binaries, all.alone)),
    ...pages(all.dist, all.alone),
  ];
  const account = await identity(d);
  if ("found" in account) return [...here, account];
  const checks: [string, () => Promise<Finding[]>][] = [
    ["the plan of the account", () => plan(d)],
    ["CDK's bootstrap", () => bootstrap(d, account.number)],
    ["the keys", () => keys(d)],
    ["the stacks as they are", async () => [...(await stacks(d)), ...(await oldTables(d))]],
    ["Lambda's quota", () => concurrency(d)],
    ["CloudFront", () => edge(d, all)],
    ["the certificate", () => certificate(d)],
    ["SES", () => mail(d)],
    ["the sender's identity in SES", () => sender(d)],
  ];
  const answers = await Promise.all(
    checks.map(([what, check]) => check().catch((error: Error) => [unreadable(what, error, d.settings.region)])),
  );
  return [...here, ...account.notes, ...answers.flat(), ...staff(d)];
}

function unreadable(what: string, error: Error, region: string): Finding {
  const reason = `${error.name}: ${error.message}`;
  if (/UnrecognizedClient|InvalidClientTokenId|ENOTFOUND|OptInRequired/.test(`${reason} ${String(error.cause)}`))
    return {
      weight: "blocks",
      found: `The region ${region} does not answer for this account when asked for ${what} (${reason}).`,
      means: "Either there is no such region, or it is one that must be switched on first, which takes minutes.",
      todo: [
        `aws account enable-region --region-name ${region}`,
        `aws account get-region-opt-status --region-name ${region}    # until it says ENABLED`,
      ],
    };
  return {
    weight: "unknown",
    found: `What there is of ${what} could not be read (${reason}).`,
    means: "With the right to read it, preflight would say whether it is in the way.",
  };
}

function node(version: string): Finding[] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    return [{ weight: "blocks", found: `Node ${version}.`, means: "Node 22 is needed, or 20.19 at least." }];
  if (major < 22)
    return [{ weight: "note", found: `Node ${version}.`, means: "AWS's SDK has no updates for it from January 2027 on: use 22." }];
  return [];
}

function programs(d: Deployment, folder: string, alone: boolean): Finding[] {
  const functions = Object.keys(FUNCTIONS);
  if (alone && !functions.some((name) => existsSync(join(folder, name))))
    return [
      {
        weight: "next",
        found: `No function is built in ${folder} yet.`,
        means: "`make deploy` builds them before it asks AWS for anything; a release has them.",
      },
    ];
  try {
    checkBinaries(folder, functions, d.settings.architecture);
    return [];
  } catch (error) {
    const [, ...lines] = (error as Error).message.split("\n");
    return [
      {
        weight: "blocks",
        found: `There are functions that Lambda could not run on ${d.settings.architecture}.`,
        means: "Lambda would take them, and every call of them would fail.",
        todo: lines.map((line) => line.trim()),
      },
    ];
  }
}

/** What is uploaded after everything else, which takes ten minutes at first. */
function pages(dist: string, alone: boolean): Finding[] {
  if (["index.html", "portal.html"].every((page) => existsSync(join(dist, page)))) return [];
  return [
    {
      weight: alone ? "next" : "blocks",
      found: `The site is not built in ${dist}.`,
      means: "`make deploy` builds it before it asks AWS for anything; a release has it.",
      todo: ["make site"],
    },
  ];
}

async function identity(d: Deployment): Promise<Finding | { number: string; notes: Finding[] }> {
  try {
    const { Account = "", Arn = "" } = await new STSClient({ region: d.settings.region }).send(
      new GetCallerIdentityCommand({}),
    );
    const notes: Finding[] = Arn.endsWith(":root")
      ? [
          {
            weight: "note",
            found: `These are the credentials of the root user of ${Account}.`,
            means: "They can do what no policy can stop, and CDK cannot assume its roles with them. Use a role of an administrator.",
          },
        ]
      : [];
    return { number: Account, notes };
  } catch (error) {
    return {
      weight: "blocks",
      found: `AWS does not know who asks (${(error as Error).name}: ${(error as Error).message}).`,
      means: "There are no credentials, they have expired, or the region is not switched on for the account.",
      todo: ["export AWS_PROFILE=…", "aws sts get-caller-identity"],
    };
  }
}

async function plan(d: Deployment): Promise<Finding[]> {
  const now = await accountPlan(d);
  if (now?.type !== "FREE") return [];
  const { status, ends, credits } = now;
  const upgrade = ["aws freetier upgrade-account-plan --account-plan-type PAID --region us-east-1"];
  if (status === "EXPIRED")
    return [
      {
        weight: "blocks",
        found: "The account was on AWS's Free plan, which is over.",
        means: "AWS has closed it: nothing can be made until it is on the paid plan, and in 90 days it is deleted.",
        todo: upgrade,
      },
    ];
  const { edgePlan } = d.settings;
  const refused: Finding[] =
    edgePlan === "none"
      ? []
      : [
          {
            weight: "blocks",
            found: `"edgePlan": "${edgePlan}" asks for a plan of CloudFront, and the account is on AWS's Free plan.`,
            means: "CloudFront has no flat-rate plan for such accounts: the last stack is refused.",
            todo: [...upgrade, `or "edgePlan": "none" in the settings`],
          },
        ];
  const day = ends ? ` on ${ends.toISOString().slice(0, 10)}` : " after six months";
  const left = credits === undefined ? "" : `, or when the credits are used up, of which ${Math.floor(credits)} dollars are left`;
  return [
    ...refused,
    {
      weight: "before people",
      found: "The account is on AWS's Free plan.",
      means: `AWS closes it${day}${left}, and the data with it. Fine for a try-out. The credits stay with the paid plan.`,
      todo: upgrade,
    },
  ];
}

/** What there is of CDK's bootstrap in each region that it is needed in. */
export async function bootstrapped(d: Deployment): Promise<{ region: string; version?: string; enough: boolean }[]> {
  const regions = [...new Set([d.settings.region, "us-east-1"])];
  return Promise.all(
    regions.map(async (region) => {
      const version = await read(new SSMClient({ region }), "/cdk-bootstrap/hnb659fds/version");
      return { region, enough: Number(version) >= BOOTSTRAP, ...(version && { version }) };
    }),
  );
}

async function bootstrap(d: Deployment, account: string): Promise<Finding[]> {
  return (await bootstrapped(d))
    .filter(({ enough }) => !enough)
    .map(({ region, version }) => ({
      weight: "next",
      found: version ? `CDK's bootstrap in ${region} is of version ${version}.` : `CDK is not bootstrapped in ${region}.`,
      means: "CDK deploys through a bucket and roles that this makes.",
      todo: [`npx cdk bootstrap aws://${account}/${region}`],
    }));
}

/** The parameters of keys that the stack names and that are not there. */
export async function missingKeys(d: Deployment): Promise<string[]> {
  const { names } = d;
  const needed = [names.signingVersion, names.tokenVersion, names.verifyingKeys, names.originVersion, names.originDigests];
  if (d.settings.issuer?.clientSecretName) needed.push(names.clientSecretVersion);
  const missing: string[] = [];
  for (const name of needed) if (!(await read(d.ssm, name))) missing.push(name);
  return missing;
}

async function keys(d: Deployment): Promise<Finding[]> {
  const ofClient = d.names.clientSecretVersion;
  const all = await missingKeys(d);
  const missing = all.filter((name) => name !== ofClient);
  const found: Finding[] = missing.length
    ? [
        {
          weight: "next",
          found: `Keys are missing: ${missing.join(", ")}.`,
          means: "The stack names them, and is refused without them.",
          todo: ["npm run ops -- keys init"],
        },
      ]
    : [];
  if (all.includes(ofClient))
    found.push({
      weight: "next",
      found: `The secret that the issuer ${d.settings.issuer?.url} gave its client is not kept yet.`,
      means: "The stack names its version, and is refused without it.",
      todo: ["npm run ops -- keys client-secret < file"],
    });
  return found;
}

async function read(ssm: SSMClient, Name: string): Promise<string | undefined> {
  try {
    return (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
}

/** All of them: CloudFormation takes no change of one that it could not undo, in whichever region it is. */
async function stacks(d: Deployment): Promise<Finding[]> {
  const ends: End[] = ["-data", "", "-firewall", "-access-log", "-plans"];
  return (await Promise.all(ends.map((end) => stack(d, end)))).flat();
}

async function stack(d: Deployment, end: End): Promise<Finding[]> {
  const region = regionOf(d, end);
  const name = d.settings.deployment + end;
  const now = (await stackOf(d, end))?.StackStatus;
  if (!now || /^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT|ROLLBACK)_COMPLETE$|^REVIEW_IN_PROGRESS$/.test(now)) {
    return now === "ROLLBACK_COMPLETE"
      ? [
          {
            weight: "note",
            found: `The stack ${name} is left of a first deployment that failed.`,
            means: "It is empty, and the next `cdk deploy` deletes it by itself.",
          },
        ]
      : [];
  }
  const todo = /_IN_PROGRESS$/.test(now)
    ? [`aws cloudformation describe-stack-events --stack-name ${name} --region ${region}`]
    : now === "UPDATE_ROLLBACK_FAILED"
      ? [`aws cloudformation continue-update-rollback --stack-name ${name} --region ${region}`]
      : // One that stood before is never deleted for it.
        now.startsWith("UPDATE_")
        ? [`aws cloudformation rollback-stack --stack-name ${name} --region ${region}`]
        : [`aws cloudformation delete-stack --stack-name ${name} --region ${region}`];
  return [
    {
      weight: "blocks",
      found: `The stack ${name} is in the state ${now}.`,
      means: now.endsWith("_IN_PROGRESS") ? "Another deployment is under way." : "CloudFormation takes no change of it.",
      todo,
    },
  ];
}

/** The tables of a version before 0.2 are in the stack that each version makes anew: this one would make empty ones
 *  beside them. */
async function oldTables(d: Deployment): Promise<Finding[]> {
  if (!(await resourceOf(d, (one) => one.ResourceType === "AWS::DynamoDB::Table"))) return [];
  const { deployment, region } = d.settings;
  return [
    {
      weight: "blocks",
      found: `The stack ${deployment} has the tables, and this version keeps them in ${deployment}-data.`,
      means: "It cannot be upgraded in place: they would stay behind, and the functions would begin with empty ones. No command here moves them. CloudFormation's stack refactoring could, which was never tried with these stacks.",
      todo: [`"deployment" in the settings, for another one beside it`, `aws cloudformation create-stack-refactor help    # in ${region}: tables, key, archive and vault to ${deployment}-data`],
    },
  ];
}

async function concurrency(d: Deployment): Promise<Finding[]> {
  const { region, signIns } = d.settings;
  const { AccountLimit = {} } = await d.lambda.send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: limit = 0, UnreservedConcurrentExecutions: unreserved = limit } = AccountLimit;
  // What this deployment has reserved is there for it to reserve again.
  const ours = await Promise.all(
    ["sign-in", "deliver"].map(async (name) => {
      const FunctionName = functionName(d.settings, name);
      try {
        const answer = await d.lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }));
        return answer.ReservedConcurrentExecutions ?? 0;
      } catch (error) {
        if ((error as Error).name === "ResourceNotFoundException") return 0;
        throw error;
      }
    }),
  );
  const free = unreserved + ours.reduce((all, one) => all + one, 0) - UNRESERVED;
  const need = (many: number) =>
    ["sign-in", "deliver"].reduce((all, name) => all + reserved({ ...d.settings, signIns: many }, name), 0);
  const request = [
    `aws service-quotas request-service-quota-increase --region ${region} --service-code lambda --quota-code L-B99A9384 --desired-value ${USUAL_CONCURRENCY}`,
  ];
  const found: Finding[] = [];
  if (signIns && need(signIns) > free)
    found.push({
      weight: "blocks",
      found: `"signIns": ${signIns} reserves ${need(signIns)} executions of Lambda, and of ${limit} only ${Math.max(0, free)} can be reserved.`,
      means: `Lambda keeps ${UNRESERVED} unreserved and refuses the reservation; the whole deployment goes back.`,
      todo: [`"signIns": 0 in the settings until the quota is granted`, ...request],
    });
  if (limit < USUAL_CONCURRENCY)
    found.push({
      weight: "before people",
      found: `Lambda runs ${limit} functions at a time here.`,
      means: `Everything of the account shares them: of more requests at once, the rest are refused. ${USUAL_CONCURRENCY} is what AWS gives by itself to accounts that are known to it; the request takes hours or days.`,
      todo: request,
    });
  if (!signIns && need(USUAL_SIGN_INS) <= free)
    found.push({
      weight: "note",
      found: `Lambda's quota of ${limit} has room for a reservation.`,
      means: "With one, signing in goes on when everything else is busy, and nobody who guesses passwords can take all there is.",
      todo: [`"signIns": ${USUAL_SIGN_INS} in the settings`],
    });
  return found;
}

async function edge(d: Deployment, names: Names): Promise<Finding[]> {
  const { deployment, hosts } = d.settings;
  const client = new CloudFrontClient({ region: "us-east-1" });
  const all: DistributionSummary[] = [];
  let Marker: string | undefined;
  do {
    const { DistributionList: page } = await client.send(new ListDistributionsCommand({ ...(Marker && { Marker }) }));
    all.push(...(page?.Items ?? []));
    Marker = page?.NextMarker;
  } while (Marker);
  const ours = (site: "staff" | "portal") => all.find(({ Comment }) => Comment === `Latchkey ${deployment}: ${site}`);
  const found: Finding[] = [];
  if (!all.length)
    found.push({
      weight: "may block",
      found: "The account has no CloudFront distribution yet.",
      means:
        "AWS refuses the first one of some new accounts until it has verified them, and does not say so before. If the deployment ends with *Your account must be verified before you can add new CloudFront resources*, file this at https://support.console.aws.amazon.com/support (Account and billing; no support plan is needed), and deploy again when it is answered.",
      todo: [
        "Subject: Verify my account for CloudFront",
        'Text: Creating a CloudFront distribution fails with "Your account must be verified before you can add new CloudFront resources". Please verify this account for CloudFront. It will serve the client portal of a health practice with two distributions.',
      ],
    });
  for (const site of hosts ? (["staff", "portal"] as const) : []) {
    const host = hosts![site];
    const own = ours(site);
    const other = all.find((one) => one !== own && one.Aliases?.Items?.includes(host));
    if (other)
      found.push({
        weight: "blocks",
        found: `The host ${host} belongs to the distribution ${other.Id} (${other.Comment || "no comment"}).`,
        means: "A name is one distribution's alone: CloudFront refuses a second one.",
        todo: [`Take ${host} off ${other.Id}, or choose another host.`],
      });
    if (!own?.DomainName) continue;
    const it = await leads(host, own.DomainName, names);
    if (it.how === "elsewhere")
      found.push({
        weight: "before people",
        found: `The host ${host} leads ${it.to.length ? `to ${it.to.join(", ")}` : "nowhere that can be seen"}.`,
        means: "Browsers do not find the site by it.",
        todo: [`${host}. CNAME ${own.DomainName}.`],
      });
    else if (it.how === "alias")
      found.push({
        weight: "note",
        found: `The host ${host} has addresses, and no CNAME.`,
        means: `As an alias of Route 53 it is right, if it names ${own.DomainName}: DNS does not tell.`,
      });
  }
  return found;
}

/** Whether a name of a certificate is that of a host: its own, or a wildcard for the last part. */
const covers = (name: string, host: string) =>
  name.toLowerCase() === host || (name.startsWith("*.") && host.slice(host.indexOf(".")) === name.slice(1).toLowerCase());

async function certificate(d: Deployment): Promise<Finding[]> {
  const { hosts } = d.settings;
  if (!hosts) return [];
  const { certificateArn: CertificateArn } = hosts;
  const client = new ACMClient({ region: "us-east-1" });
  const request = [
    `aws acm request-certificate --region us-east-1 --validation-method DNS --domain-name ${hosts.staff} --subject-alternative-names ${hosts.portal}`,
  ];
  const answer = await client.send(new DescribeCertificateCommand({ CertificateArn })).catch((error: Error) => {
    if (error.name === "ResourceNotFoundException") return undefined;
    throw error;
  });
  const known = answer?.Certificate;
  if (!known)
    return [
      {
        weight: "blocks",
        found: `There is no certificate ${CertificateArn}.`,
        means: "CloudFront takes a host only with a certificate for it, of this account and in us-east-1.",
        todo: request,
      },
    ];
  const found: Finding[] = [];
  const names = [known.DomainName ?? "", ...(known.SubjectAlternativeNames ?? [])];
  const bare = [hosts.staff, hosts.portal].filter((host) => !names.some((name) => covers(name, host)));
  if (bare.length)
    found.push({
      weight: "blocks",
      found: `The certificate does not cover ${bare.join(" and ")}.`,
      means: "CloudFront refuses the host.",
      todo: request,
    });
  if (known.Status === "PENDING_VALIDATION") {
    const records = (known.DomainValidationOptions ?? []).flatMap(({ ResourceRecord: record }) =>
      record ? [`${record.Name} ${record.Type} ${record.Value}`] : [],
    );
    found.push({
      weight: "blocks",
      found: "The certificate is not validated yet.",
      means: "CloudFront refuses it. ACM looks for these records, and leaves them there to renew it by:",
      todo: [...new Set(records)],
    });
  } else if (known.Status !== "ISSUED")
    found.push({
      weight: "blocks",
      found: `The certificate is in the state ${known.Status}.`,
      means: "CloudFront refuses it.",
      todo: request,
    });
  return found;
}

async function mail(d: Deployment): Promise<Finding[]> {
  const { region, hosts, use } = d.settings;
  const account = await new SESv2Client({ region }).send(new GetAccountCommand({}));
  const found: Finding[] = [];
  if (account.EnforcementStatus === "SHUTDOWN" || account.SendingEnabled === false)
    found.push({
      weight: "before people",
      found: "SES has paused this account.",
      means: "No mail goes out. AWS says why in the case that it opened: Support, *Your support cases*.",
    });
  else if (account.EnforcementStatus === "PROBATION")
    found.push({
      weight: "before people",
      found: "SES reviews this account, for its bounces or complaints.",
      means: "It pauses it if they do not get fewer. AWS says what it wants in the case that it opened.",
    });
  if (account.ProductionAccessEnabled) return found;
  const review = account.Details?.ReviewDetails;
  const means =
    "Mail goes to verified addresses only, 200 a day; every other waits, and is given up after three days. AWS answers a request within a day or so.";
  if (review?.Status === "PENDING")
    found.push({
      weight: "before people",
      found: `SES is in its sandbox, and production access was asked for${review.CaseId ? ` (case ${review.CaseId})` : ""}.`,
      means: `${means} Answer what AWS asks in the case.`,
    });
  else
    found.push({
      weight: use === "try-out" ? "note" : "before people",
      found: `SES is in its sandbox in ${region}${review?.Status === "DENIED" ? ", and production access was refused" : ""}.`,
      means: `${means}${review?.Status === "DENIED" ? " Appeal in the case that refused it." : ""} For a try-out, verify the addresses of those who try it.`,
      todo: [
        `aws sesv2 put-account-details --region ${region} --production-access-enabled --mail-type TRANSACTIONAL --contact-language EN --website-url https://${hosts?.portal ?? "<the practice's site>"} --use-case-description "Invitations and notices of a health practice's client portal, each to one person whom staff have entered. No marketing. Bounces and complaints are received by events, shown to staff, and not sent to again."`,
        `aws sesv2 create-email-identity --region ${region} --email-identity <address>    # for a try-out`,
      ],
    });
  return found;
}

async function sender(d: Deployment): Promise<Finding[]> {
  const { region, sender: from, senderIdentity } = d.settings;
  const domain = from.slice(from.indexOf("@") + 1);
  const name = senderIdentity ?? domain;
  const client = new SESv2Client({ region });
  const look = async (EmailIdentity: string) => {
    try {
      return await client.send(new GetEmailIdentityCommand({ EmailIdentity }));
    } catch (error) {
      if ((error as Error).name === "NotFoundException") return undefined;
      throw error;
    }
  };
  const identity = await look(name);
  if (!identity) {
    if (senderIdentity)
      return [
        {
          weight: "before people",
          found: `"senderIdentity" names ${name}, which SES in ${region} does not have.`,
          means: "The stack makes none beside it, so that no mail goes out.",
          todo: [`aws sesv2 create-email-identity --region ${region} --email-identity ${name}`, "or leave senderIdentity out"],
        },
      ];
    return [
      {
        weight: "next",
        found: `SES has no identity for ${domain} yet.`,
        means: "The stack makes it. Then run preflight again: it prints the three records for your DNS.",
      },
    ];
  }
  const found: Finding[] = [];
  if (!senderIdentity && !(await isOurs(d, domain)))
    found.push({
      weight: "blocks",
      found: `SES in ${region} has an identity for ${domain} already.`,
      means: "It takes each only once: the stack, which would make it, fails and goes back.",
      todo: [`"senderIdentity": "${domain}" in the settings`],
    });
  if (!identity.VerifiedForSendingStatus) {
    const tokens = identity.DkimAttributes?.Tokens ?? [];
    found.push({
      weight: "before people",
      found: `SES has not verified ${name}.`,
      means: name.includes("@") ? "No mail goes out until the link in its mail was opened." : "No mail goes out until it finds these records:",
      todo: name.includes("@") ? [] : tokens.map((token) => `${token}._domainkey.${name}. CNAME ${token}.dkim.amazonses.com.`),
    });
  }
  return found;
}

/** Whether the identity of a domain was made by this stack. */
const isOurs = (d: Deployment, domain: string) =>
  resourceOf(d, (one) => one.ResourceType === "AWS::SES::EmailIdentity" && one.PhysicalResourceId === domain);

/** Whether the stack has a resource that is as it is asked for. */
async function resourceOf(d: Deployment, asked: (one: StackResourceSummary) => boolean): Promise<boolean> {
  if (!(await stackOf(d, ""))) return false;
  const pages = paginateListStackResources({ client: d.cloudFormation }, { StackName: d.settings.deployment });
  for await (const { StackResourceSummaries = [] } of pages) {
    if (StackResourceSummaries.some((one) => one.ResourceStatus !== "DELETE_COMPLETE" && asked(one))) return true;
  }
  return false;
}

function staff(d: Deployment): Finding[] {
  const { issuer, people } = d.settings;
  if (issuer || people.staff <= COGNITO_MAILS) return [];
  return [
    {
      weight: "note",
      found: `First passwords of staff come from Cognito's own mailer, ${COGNITO_MAILS} a day at most.`,
      means: `${people.staff} people of staff take ${Math.ceil(people.staff / COGNITO_MAILS)} days to invite. Those of the next day are made then.`,
    },
  ];
}
