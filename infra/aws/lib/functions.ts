// The functions: one Lambda each, with a role that may do what its use case does and nothing else. A new
// function is one entry of `FUNCTIONS`.
import { join } from "node:path";
import { ArnFormat, Duration, Stack } from "aws-cdk-lib";
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  Code,
  Function as Lambda,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import { checkBinaries } from "./binaries.ts";
import type { Data } from "./data.ts";
import {
  check,
  get,
  getTogether,
  lists,
  put,
  query,
  readHistory,
  readWholeHistory,
  record,
  remove,
  statement,
  update,
  type Right,
} from "./items.ts";
import { kept } from "./kept.ts";
import { INLINE, known } from "./known.ts";
import { FunctionRole } from "./role.ts";
import { keyNames, type Settings } from "./settings.ts";
import { TIERS } from "./tiers.ts";

interface Plan {
  rights: Right[];
  /** Signs tokens: of sessions, for apps, and of notices to them. */
  signs?: true;
  /** Makes HMACs: lock counters, keys of accounts and addresses, tokens of links, idempotent requests, notes that
   *  come back to us. */
  hmacs?: true;
  /** Hashes passwords, which takes 19 MiB and a whole processor. */
  passwords?: true;
  /** Gets events, of which nobody waits for the outcome: those that it fails at go to a queue (lib/mail.ts). */
  events?: true;
  /** Is behind the table's stream (lib/keys.ts). */
  streamed?: true;
  seconds?: number;
}

/** Every call of staff: the session, the practice's settings, which may have ended it, and the practice's list, which says
 *  who it is and what they may do, are read; that it is used is noted, and what was seen, done or refused is recorded.
 *  Of a system, its own item is read with the practice's instead. */
const reader: Right[] = [
  update("staff", "idleEndsAt", "endsAt", "usedAt"),
  getTogether("apps", "practice", "staff", "team"),
  record,
];
/** A client's chart, read whole. */
const chart = query("chart");
/** A change of a chart, written in one transaction with its event. That an auditor was refused it stands in the
 *  history of the client that the path names, if there is one. */
const editor: Right[] = [...reader, get("chart"), chart, put("chart")];
/** Answers once, however often it is asked with one key. */
const once: Right[] = [get("request"), put("request")];
/** A mail counts against the budget of its address, which is read when it may be spent. */
const mails: Right[] = [update("budget", "asked", "expiresAt", "times"), get("budget")];
/** What an account tells the charts that it opens. */
const mirror = (...also: string[]) => update("chart", "openApps", "resetUntil", "sessions", ...also);
/** The apps of a session that ends, or of a chart that closes, are told. */
const notices = put("notices");

/** What answers a question of an app, read together: the app, its practice, and the account of the person. Minutes
 *  after the last note it is noted that the app asked. */
const asked: Right[] = [getTogether("apps", "practice", "account"), update("apps", "lastUsedAt")];
/** What an account keeps of its sessions and of the apps in them, and its charts copy. */
const sessions: Right[] = [put("account"), mirror()];

/** Makes a device known to an account. */
const device = update("lock", "accountId", "expiresAt", "failures", "forgottenAt", "lockedUntil");

export const FUNCTIONS: Record<string, Plan> = {
  // A proof is held to the counters of signing in, a mail to a new address to its budget. A confirmed address is
  // written as an edit by staff is.
  account: {
    rights: [
      getTogether("practice", "account", "lock", "network"),
      get("practice", "account"),
      chart,
      put("account", "chart", "lock", "network", "address", "search"),
      remove("address", "search"),
      check("lock", "network"),
      update("network", "failures", "recorded", "windowEndsAt"),
      update("account", "email", "grants", "newEmail", "reset"),
      mirror("email", "language", "mail", "trouble", "version"),
      ...once,
      ...mails,
      notices,
      record,
    ],
    hmacs: true,
    passwords: true,
  },
  activate: { rights: [...editor, ...once, ...mails, update("account", "grants")], hmacs: true },
  "add-portal-user": {
    rights: [
      ...editor,
      ...once,
      ...mails,
      getTogether("account"),
      // `lock`: word for the day on which the access ends.
      put("account", "address", "lock", "search"),
      // The client of a duplicate is taken over.
      check("chart"),
      update("chart", "relationship", "version"),
    ],
    hmacs: true,
  },
  // `check`: the person whom an alert is for is there.
  alerts: {
    rights: [
      ...reader,
      ...once,
      get("record", "chart"),
      chart,
      put("chart"),
      check("chart"),
      update("posts", "posts", "expiresAt"),
    ],
    hmacs: true,
  },
  // A repeated request is answered from what was kept of it.
  apps: { rights: [...reader, ...once, get("apps"), query("apps"), put("apps"), remove("apps")], hmacs: true },
  "assign-alert": { rights: [...editor, check("chart")] },
  // `record`: what another site sends with a session is refused, here and wherever a visitor is asked for.
  authorize: { rights: [...asked, ...sessions, record], hmacs: true },
  // A job is written whole, with all its rows, and read whole. Of a view, its entries are read; of portal users, where
  // they are; then all their items, and what their addresses hold.
  bulk: {
    rights: [
      ...reader,
      ...once,
      lists,
      getTogether("chart"),
      getTogether("account", "budget"),
      put("bulk"),
      update("bulk", "done", "state", "stopped"),
      query("bulk"),
    ],
    hmacs: true,
    // Ten thousand rows.
    seconds: 29,
  },
  "change-owner": { rights: [...editor, check("chart")] },
  check: { rights: [...asked, ...sessions, record] },
  client: {
    rights: [
      ...editor,
      // `lock`: word of what a corrected date of birth ends.
      put("lock", "record", "search"),
      remove("record", "search"),
      getTogether("account"),
      // A client who is their own portal user is renamed there, and wherever else that account leads.
      // `password`: on the condition that it has none.
      update("account", "grants", "name", "password"),
      update("chart", "name", "version"),
    ],
  },
  // `check`: those who were revoked before still are, and the right chart of a duplicate is open.
  "close-client": {
    rights: [
      ...editor,
      check("chart"),
      getTogether("account"),
      update("account", "grants", "newEmail", "reset"),
      update("chart", "resetUntil"),
      notices,
    ],
  },
  "create-client": {
    rights: [
      ...reader,
      ...once,
      put("chart", "record", "search"),
      // Who may be the same person, and the last client with this date of birth.
      query("search"),
      getTogether("chart"),
      get("born"),
      update("born", "clientId"),
    ],
    hmacs: true,
  },
  delete: {
    rights: [
      ...editor,
      check("chart"),
      remove("chart", "account", "address", "lock", "moved", "search"),
      getTogether("account"),
      update("account", "first", "grants", "newEmail", "reset"),
      update("chart", "resetUntil"),
      notices,
      // The answers that were kept about the person are forgotten.
      update("request", "answer", "expiresAt"),
    ],
    hmacs: true,
  },
  // How far word has come is noted in the notice, and in the chart that staff look at.
  deliver: {
    rights: [get("notices"), put("notices"), getTogether("apps"), update("chart", "telling")],
    signs: true,
    streamed: true,
    // Ten notices of the stream, of which each may wait five seconds for an answer.
    seconds: 60,
  },
  // `apps`: whether it is known there where the browser wants to go on.
  "end-session": {
    rights: [getTogether("account", "practice"), get("apps"), ...sessions, notices, record],
  },
  enroll: {
    rights: [
      chart,
      put("chart", "account", "network", "request"),
      record,
      // Links that do not work are counted. The account, too, of a session with which another site
      // sends a request.
      getTogether("account", "practice", "network"),
      update("network", "failures", "recorded", "windowEndsAt"),
      get("practice", "account", "request"),
      // Wrong proofs end an invitation.
      update("account", "grants"),
      mirror("lastSignInAt", "lockOrder", "lockedIn", "since"),
      notices,
      device,
    ],
    signs: true,
    hmacs: true,
    passwords: true,
  },
  // The account is read where none of it was guessed.
  "factor-reset": { rights: [...editor, ...once, getTogether("account"), update("account", "factors", "grants")], hmacs: true },
  // `remove`: the challenge by which a first factor was added.
  factors: {
    rights: [
      getTogether("practice", "account", "lock", "network"),
      put("account", "chart", "lock", "network"),
      remove("account"),
      check("lock", "network"),
      update("network", "failures", "recorded", "windowEndsAt"),
      mirror("mail", "trouble"),
      ...once,
      notices,
      record,
    ],
    hmacs: true,
    passwords: true,
  },
  health: { rights: [get("health")] },
  history: { rights: [...reader, readHistory, get("chart")] },
  // With words, the charts of those who are found are read; without, the items that an index names.
  "list-access": { rights: [...reader, lists, query("search", "chart"), getTogether("chart")] },
  // `account`: whether there is a second factor.
  "list-portal-users": { rights: [...reader, chart, getTogether("lock", "account")] },
  // An alert whose mail came back waits again (`pending`), for the practice.
  "mail-events": {
    rights: [
      update("chart", "mail", "state", "trouble", "went", "pending", "doneAt"),
      // One of a change for many is counted there.
      update("bulk", "bounced"),
    ],
    events: true,
  },
  "portal-session": {
    rights: [getTogether("account", "practice"), ...sessions, notices, record, query("apps")],
  },
  // `practice`: a change of the settings, and that all sessions end.
  practice: {
    rights: [
      ...reader,
      ...once,
      update(
        "practice",
        "alertInbox",
        "clientIdleSeconds",
        "clientSessionSeconds",
        "country",
        "guardianRules",
        "invitationDays",
        "language",
        "name",
        "passwordMinimum",
        "secondFactor",
        "senderName",
        "sessionsFrom",
        "staffIdleSeconds",
        "staffSessionSeconds",
        "timeZone",
        "version",
      ),
    ],
    hmacs: true,
  },
  "practice-history": { rights: [...reader, readWholeHistory] },
  // Whether the mail may go is decided by the charts in which the person is the client, too (`account`), as they are in
  // that moment (`chart`).
  "resend-invitation": {
    rights: [
      ...editor,
      ...once,
      ...mails,
      getTogether("account"),
      update("account", "grants"),
      update("chart"),
    ],
    hmacs: true,
  },
  // Asking reads no account: it only notes what was asked.
  "reset-password": {
    rights: [
      // `account`: whose session it is that another site sends a request with.
      getTogether("practice", "network", "account"),
      get("practice", "account"),
      put("asked", "chart", "account", "network"),
      update("network", "failures", "recorded", "windowEndsAt"),
      // The device on which a password is chosen is known from then on.
      device,
      mirror("mail", "trouble"),
      notices,
      record,
    ],
    hmacs: true,
    passwords: true,
  },
  revoke: {
    rights: [
      ...editor,
      check("chart"),
      getTogether("account"),
      update("account", "grants", "newEmail", "reset"),
      update("chart", "resetUntil"),
      notices,
    ],
  },
  search: { rights: [...reader, query("search"), getTogether("chart")] },
  "send-mail": {
    rights: [
      get("chart", "practice"),
      getTogether("practice", "chart", "account"),
      // Whom an asked-for reset fits, and what they get: a reset, or the invitation again.
      ...mails,
      get("asked"),
      query("address", "chart"),
      put("asked", "account", "chart"),
      // Who gets an alert is decided by the chart as it is in that moment.
      check("chart"),
      // Nobody is listed as locked out whose lock was ended since, nor invited again whose account opens another chart since.
      check("lock", "account"),
      remove("asked", "lock"),
      // A sign-in name is locked: the portal users of its account are told.
      get("lock", "account"),
      // The accounts with one address take turns.
      update("address", "invited", "servedAt"),
      mirror("mail", "trouble"),
      record,
      // The rows of a change for many: people are invited, or lose their access, as somebody of the staff asked
      // who may still ask it.
      get("bulk"),
      getTogether("bulk", "practice", "team"),
      check("team"),
      put("bulk", "address", "search"),
      remove("bulk"),
      update("bulk", "actor", "done", "made", "outcomes", "run", "state", "stuck"),
      update("account", "grants", "newEmail", "reset"),
      notices,
      update(
        "chart",
        "account",
        "attempts",
        "doneAt",
        "expiresAt",
        "leasedUntil",
        "lockOrder",
        "lockedIn",
        "mail",
        "messageId",
        "nonce",
        "notices",
        "pending",
        "refused",
        "state",
        "to",
        "went",
      ),
    ],
    hmacs: true,
    streamed: true,
    seconds: 60,
  },
  sheet: { rights: [...editor, ...once, update("account", "grants")], hmacs: true },
  "sign-in": {
    rights: [
      getTogether("practice", "account", "lock", "network", "door", "moved"),
      get("practice"),
      // `chart`: the mail that a recovery code was used. `door`: the question that a passkey is asked.
      put("account", "lock", "network", "door", "chart"),
      // A challenge, or a question, that was answered.
      remove("account", "door"),
      update("network", "failures", "recorded", "windowEndsAt"),
      // Nothing is asked in the name of a practice that a stranger made up.
      check("lock", "network", "practice"),
      mirror("lastSignInAt", "lockOrder", "lockedIn", "mail", "since", "trouble"),
      // Of the session that the browser had, and of those that are over.
      notices,
      record,
    ],
    signs: true,
    hmacs: true,
    passwords: true,
  },
  // The pool's part of it, where there is one: lib/staff.ts.
  staff: {
    rights: [...reader, ...once, query("team", "login"), put("team", "login"), remove("team", "login")],
    hmacs: true,
  },
  // Who comes back from the issuer is looked for on the lists, and known there from then on.
  "staff-sign-in": {
    rights: [
      ...reader,
      query("login"),
      put("login", "staff"),
      remove("staff"),
      update("team", "epoch", "lastSignInAt", "subject"),
    ],
    signs: true,
    hmacs: true,
    seconds: 25,
  },
  // What creating and editing a client takes, of which the record number stays; numbers and dates of birth are
  // looked up together, and one by one when another request was faster.
  "sync-clients": {
    rights: [
      ...reader,
      ...once,
      chart,
      put("chart"),
      getTogether("record", "born"),
      get("record", "born"),
      query("search"),
      getTogether("chart"),
      getTogether("account"),
      put("lock", "record", "search"),
      remove("search"),
      update("born", "clientId"),
      update("account", "grants", "name", "password"),
      update("chart", "name", "version"),
    ],
    hmacs: true,
  },
  // An assertion is used once: a mark of it is left. That somebody was not the app is recorded now and then.
  token: {
    rights: [...asked, ...sessions, put("assertion"), update("apps", "refusedAt"), record],
    signs: true,
  },
  // Whose devices are locked is read where the sign-in name is not; the account, where it has several charts.
  unlock: {
    rights: [
      ...editor,
      ...once,
      get("lock"),
      query("lock"),
      getTogether("account"),
      check("account"),
      update("lock", "expiresAt", "failures", "lockedUntil", "unlocked"),
      update("chart", "lockOrder", "lockedIn"),
    ],
    hmacs: true,
  },
  "update-portal-user": {
    rights: [
      ...editor,
      ...mails,
      getTogether("account"),
      // A new sign-in name is another place of the account.
      // `lock`: word for the day on which the access ends.
      put("account", "address", "lock", "moved", "search"),
      remove("account", "address", "lock", "moved", "search"),
      update("account", "email", "grants", "name", "newEmail", "password", "reset", "sessions", "username"),
      // The person's other charts.
      update(
        "chart",
        "account",
        "email",
        "endingIn",
        "endingOrder",
        "guardedIn",
        "guardedOrder",
        "invitation",
        "listOrder",
        "listed",
        "mail",
        "name",
        "ofProfessional",
        "person",
        "replaced",
        "resetUntil",
        "sessions",
        "since",
        "trouble",
        "username",
        "version",
      ),
      notices,
    ],
    hmacs: true,
  },
  // That the app was opened is recorded when it gets its token; for a chart that it may show since, when it asks.
  userinfo: { rights: [...asked, ...sessions, record] },
  // The last entries stand in the chart's history.
  "who-can-enter": { rights: [getTogether("practice", "account"), chart, readHistory, ...sessions, record] },
};

export type FunctionName = keyof typeof FUNCTIONS & string;

export interface Surroundings {
  data: Data;
  settings: Settings;
  /** The folder with `<function>/bootstrap` for each, as cargo-lambda writes it. */
  binaries: string;
  staffOrigin: string;
  portalOrigin: string;
  verifyingKeys: string;
  originDigests: string;
}

/** All functions, with their roles and logs. */
export class Functions extends Construct {
  private readonly made: Map<string, Lambda>;

  constructor(scope: Construct, id: string, with_: Surroundings) {
    super(scope, id);
    checkBinaries(with_.binaries, Object.keys(FUNCTIONS), with_.settings.architecture);
    this.made = new Map(
      Object.entries(FUNCTIONS).map(([name, plan]) => [name, this.make(name, plan, with_)]),
    );
  }

  get(name: FunctionName): Lambda {
    const found = this.made.get(name);
    if (!found) throw new Error(`there is no function ${name}`);
    return found;
  }

  all(): [FunctionName, Lambda][] {
    return [...this.made];
  }

  private make(name: string, plan: Plan, around: Surroundings): Lambda {
    const { data, settings } = around;
    const scope = new Construct(this, name);
    const logs = new LogGroup(scope, "Logs", {
      logGroupName: `/${settings.deployment}/${name}`,
      retention: settings.logDays,
      encryptionKey: data.key,
      removalPolicy: kept(settings),
    });
    const role = new FunctionRole(scope, "Role");
    const made = new Lambda(scope, "Function", {
      functionName: functionName(settings, name),
      description: `Latchkey: ${name}`,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: settings.architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      handler: "bootstrap",
      code: Code.fromAsset(join(around.binaries, name)),
      role,
      memorySize: plan.passwords ? settings.memory.passwords : settings.memory.usual,
      timeout: Duration.seconds(plan.seconds ?? 10),
      tracing: settings.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      loggingFormat: LoggingFormat.JSON,
      systemLogLevelV2: TIERS[settings.tier].callsLogged ? SystemLogLevel.INFO : SystemLogLevel.WARN,
      logGroup: logs,
      ...(reserved(settings, name) && { reservedConcurrentExecutions: reserved(settings, name) }),
      environment: {
        TABLE: data.main.tableName,
        HISTORY_TABLE: data.history.tableName,
        DEPLOYMENT: settings.deployment,
        STAFF_ORIGIN: around.staffOrigin,
        PORTAL_ORIGIN: around.portalOrigin,
        TOKEN_ISSUER: around.staffOrigin,
        VERIFYING_KEYS: around.verifyingKeys,
        ORIGIN_DIGESTS: around.originDigests,
      },
    });
    logs.grantWrite(role);
    const tables = { main: data.main, history: data.history };
    for (const right of plan.rights) role.addToPolicy(statement(right, tables));
    const secrets = keyNames(settings.deployment);
    if (plan.signs) readSecret(made, "SIGNING_KEY", secrets.signingKey, secrets.signingVersion);
    if (plan.hmacs) readSecret(made, "TOKEN_SECRET", secrets.tokenSecret, secrets.tokenVersion);
    known(
      made,
      {
        ...((settings.tracing || plan.streamed) && {
          "AwsSolutions-IAM5[Resource::*]":
            "X-Ray takes segments, and DynamoDB lists streams, for no particular resource",
        }),
        "HIPAA.Security-IAMNoInlinePolicy": INLINE,
        ...(!plan.events && {
          "HIPAA.Security-LambdaDLQ":
            "answers requests; or is behind the table's stream, with a failure destination and a sweep that comes again",
        }),
        "HIPAA.Security-LambdaInsideVPC":
          "talks to AWS services by TLS and IAM, or to apps at public addresses; a VPC would add a NAT gateway and nothing that it protects",
        ...(!reserved(settings, name) && {
          "HIPAA.Security-LambdaConcurrency":
            "the API's throttling bounds it; a reservation of its own would only let functions starve",
        }),
      },
      role,
    );
    return made;
  }
}

/** Deliveries at a time, of which each may wait for an app: the sweep, and a few batches of the stream. */
export const DELIVERIES = 5;

/** How many at a time are reserved for a function; 0 for those that share the rest. An account whose quota has no room
 *  for sign-ins has none for deliveries. */
export const reserved = (settings: Settings, name: FunctionName) =>
  name === "sign-in" ? settings.signIns : name === "deliver" && settings.signIns ? DELIVERIES : 0;

export const functionName = (settings: Settings, name: FunctionName) => `${settings.deployment}-${name}`;

/** Tells a function where a secret lies that the ops commands made, and lets it read that one. Secrets
 *  Manager appends six characters to a secret's name, which `??????` stands for. The function reads it once,
 *  when it starts: that its environment names the version makes every turn a change that restarts it. */
export function readSecret(to: Lambda, variable: string, name: string, versionParameter: string): void {
  const arn = Stack.of(to).formatArn({
    service: "secretsmanager",
    resource: "secret",
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  to.addEnvironment(`${variable}_ARN`, arn);
  to.addEnvironment(`${variable}_VERSION`, StringParameter.valueForStringParameter(to, versionParameter));
  to.addToRolePolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions: ["secretsmanager:GetSecretValue"],
      resources: [`${arn}-??????`],
    }),
  );
}
