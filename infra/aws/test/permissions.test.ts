// What the synthesised policies allow. That each permission is needed is shown where the functions run:
// tests/deployed.
import { beforeAll, expect, test } from "vitest";
import { FUNCTIONS } from "../lib/functions.ts";
import { Synthesised } from "./synthesised.ts";

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, string | string[]>>;
}

let made: Synthesised;
beforeAll(() => {
  made = new Synthesised();
});

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** The statements of a function's only policy. */
function of(name: string): Statement[] {
  return made.rights(`Functions${name.replaceAll("-", "")}Role`);
}
const actions = (name: string, on: RegExp) =>
  of(name)
    .filter((statement) => on.test(JSON.stringify(statement.Resource)))
    .flatMap((statement) => list(statement.Action))
    .sort();
const HISTORY = /GetAttHistory/;
const MAIN = /GetAttMain\w+Arn/;

test.each(Object.keys(FUNCTIONS))("%s names its actions and its resources", (name) => {
  for (const statement of of(name)) {
    const [action] = list(statement.Action);
    for (const each of list(statement.Action)) expect(each).not.toMatch(/^\*$|:\*$/);
    if (/^xray:|^dynamodb:ListStreams$/.test(action!)) continue;
    for (const resource of list(statement.Resource)) expect(resource).not.toBe("*");
  }
});

test.each(Object.keys(FUNCTIONS))("%s touches items by their partition, and scans nothing", (name) => {
  for (const statement of of(name)) {
    const onItems = list(statement.Action).filter((action) => /^dynamodb:.*(Item|Query|Scan)/.test(action));
    expect(onItems).not.toContain("dynamodb:Scan");
    if (!onItems.length || !MAIN.test(JSON.stringify(statement.Resource))) continue;
    if (/index\/(outbox|listed|practice)/.test(JSON.stringify(statement.Resource))) continue;
    expect(JSON.stringify(statement.Condition)).toContain("dynamodb:LeadingKeys");
  }
});

/** As long as IAM sees it: what CloudFormation fills in is an ARN, or a name. */
function filledIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filledIn);
  if (typeof value !== "object" || value === null) return value;
  if ("Fn::Join" in value) {
    const [separator, parts] = value["Fn::Join"] as [string, unknown[]];
    return parts.map(filledIn).join(separator);
  }
  if ("Fn::GetAtt" in value || "Fn::ImportValue" in value)
    return "arn:aws:dynamodb:ap-southeast-2:123456789012:table/a-deployment-data-History0123456789ABCDEF-GHIJKLMNOPQRS";
  if ("Ref" in value) return value.Ref === "AWS::Partition" ? "aws" : "ap-southeast-2";
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filledIn(one)]));
}

test.each(Object.keys(FUNCTIONS))("what %s may do fits into the 10,240 characters that IAM takes of a role", (name) => {
  expect(JSON.stringify(filledIn({ Version: "2012-10-17", Statement: of(name) })).length).toBeLessThan(10_240);
});

test("the history is added to, and read by three functions; nobody changes or deletes it", () => {
  for (const name of Object.keys(FUNCTIONS)) {
    const may = actions(name, HISTORY);
    expect(may.filter((action) => !["dynamodb:PutItem"].includes(action))).toEqual(
      ["history", "practice-history", "who-can-enter"].includes(name) ? ["dynamodb:Query"] : [],
    );
  }
});

test("the history of a whole practice is read from its index, and from nothing else", () => {
  const queries = of("practice-history").filter(({ Action }) => list(Action).includes("dynamodb:Query"));
  expect(queries.map(({ Resource }) => JSON.stringify(Resource))).toEqual([
    expect.stringMatching(/GetAttHistory\w+"\},"\/index\/practice"/),
  ]);
});

test("the settings of a practice are changed by one function, which cannot move its portal", () => {
  const changes = Object.keys(FUNCTIONS).flatMap((name) =>
    of(name)
      .filter(({ Action }) => list(Action).some((action) => /^dynamodb:(Put|Update|Delete)Item$/.test(action)))
      .filter((s) => s.Condition?.["ForAllValues:StringNotLike"])
      .map((s) => [name, s.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:Attributes"]]),
  );
  expect(changes).toEqual([["practice", expect.arrayContaining(["sessionsFrom", "version"])]]);
  expect(JSON.stringify(changes)).not.toContain("portalAddress");
});

test("only those who sign people or apps in, or sign notices, read the signing key, and the token key only those who use it", () => {
  const readers = (secret: string) =>
    Object.keys(FUNCTIONS).filter((name) =>
      JSON.stringify(of(name)).includes(`secret:latchkey/${secret}-??????`),
    );
  expect(readers("signing-key")).toEqual([
    "deliver",
    "enroll",
    "sign-in",
    "staff-sign-in",
    "token",
  ]);
  expect(readers("token-key")).toEqual([
    "account",
    "activate",
    "add-portal-user",
    "alerts",
    "apps",
    "authorize",
    "bulk",
    "create-client",
    "delete",
    "enroll",
    "factor-reset",
    "factors",
    "practice",
    "resend-invitation",
    "reset-password",
    "send-mail",
    "sheet",
    "sign-in",
    "staff",
    "staff-sign-in",
    "sync-clients",
    "unlock",
    "update-portal-user",
  ]);
  expect(readers("origin-key")).toEqual([]);
});

test("no secret stands in an environment", () => {
  for (const { Environment } of Object.values(made.all<{ Environment?: unknown }>("AWS::Lambda::Function"))) {
    expect(JSON.stringify(Environment)).not.toMatch(/resolve:|SIGNING_KEY"|TOKEN_SECRET"|CLIENT_SECRET"/);
  }
});

test("whoever only mends access cannot set a password, and events of mail reach nothing but the mail", () => {
  const attributes = (name: string, partition: string) =>
    of(name)
      .filter((statement) => list(statement.Action).includes("dynamodb:UpdateItem"))
      .filter(
        (s) => s.Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"]?.toString() === partition,
      )
      .map((s) => s.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:Attributes"]);
  for (const name of ["close-client", "revoke"])
    expect(attributes(name, "P#*#A#*")).toEqual([["PK", "SK", "grants", "newEmail", "reset", "rev"]]);
  for (const name of ["activate", "resend-invitation", "delete", "enroll"])
    expect(attributes(name, "P#*#A#*").flat()).not.toContain("password");
  const noted = ["PK", "SK", "doneAt", "mail", "pending", "rev", "state", "trouble", "went"];
  expect(attributes("mail-events", "P#*#C#*")).toEqual([noted]);
  for (const name of ["close-client", "revoke", "activate", "resend-invitation", "delete", "client"]) {
    const puts = of(name).filter(
      (s) => list(s.Action).includes("dynamodb:PutItem") && !HISTORY.test(JSON.stringify(s.Resource)),
    );
    expect(JSON.stringify(puts)).not.toContain("#A#");
  }
});

/** What functions may write in a partition: name, action and attributes, in order. */
function writes(partition: string): unknown[] {
  const on = (statement: Statement) =>
    list(statement.Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"] ?? []).includes(partition);
  const attributes = (statement: Statement) =>
    statement.Condition?.["ForAllValues:StringEquals"]?.["dynamodb:Attributes"] ?? "all of them";
  return Object.keys(FUNCTIONS)
    .flatMap((name) =>
      of(name)
        .filter(on)
        .flatMap((statement) =>
          list(statement.Action)
            .filter((action) => /^dynamodb:(Put|Update|Delete)Item$/.test(action))
            .map((action) => [name, action, attributes(statement)]),
        ),
    )
    .sort();
}

test("an app is registered, changed and deleted by one function; others note that it asked, or was not itself", () => {
  const noted = ["PK", "SK", "lastUsedAt", "rev"];
  expect(writes("P#*#O")).toEqual([
    ["apps", "dynamodb:DeleteItem", "all of them"],
    ["apps", "dynamodb:PutItem", "all of them"],
    ["authorize", "dynamodb:UpdateItem", noted],
    ["check", "dynamodb:UpdateItem", noted],
    ["token", "dynamodb:UpdateItem", noted],
    ["token", "dynamodb:UpdateItem", ["PK", "SK", "refusedAt", "rev"]],
    ["userinfo", "dynamodb:UpdateItem", noted],
  ]);
});

test("a change for many is prepared by one function and made by another; mails that come back are counted there", () => {
  expect(writes("P#*#G#*")).toEqual([
    ["bulk", "dynamodb:PutItem", "all of them"],
    ["bulk", "dynamodb:UpdateItem", ["PK", "SK", "done", "rev", "state", "stopped"]],
    ["mail-events", "dynamodb:UpdateItem", ["PK", "SK", "bounced", "rev"]],
    ["send-mail", "dynamodb:DeleteItem", "all of them"],
    ["send-mail", "dynamodb:PutItem", "all of them"],
    ["send-mail", "dynamodb:UpdateItem", ["PK", "SK", "actor", "done", "made", "outcomes", "rev", "run", "state", "stuck"]],
  ]);
});

test("notices are queued by what ends sessions or closes charts, and told by one function that reaches little else", () => {
  const queue = ["account", "close-client", "delete", "end-session", "enroll", "factors", "portal-session", "reset-password", "revoke"];
  queue.push("send-mail", "sign-in");
  expect(writes("P#*#K")).toEqual(
    [...queue, "deliver", "update-portal-user"].sort().map((name) => [name, "dynamodb:PutItem", "all of them"]),
  );
  const reached = of("deliver").filter((statement) => MAIN.test(JSON.stringify(statement.Resource)));
  const keys = reached.flatMap((statement) => {
    const leading = statement.Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"];
    return leading ? list(leading) : [];
  });
  expect([...new Set(keys)].sort()).toEqual(["P#*#C#*", "P#*#K", "P#*#O"]);
  expect(writes("P#*#C#*")).toContainEqual(["deliver", "dynamodb:UpdateItem", ["PK", "SK", "rev", "telling"]]);
  expect(actions("deliver", HISTORY)).toEqual([]);
});

test("what is put or deleted, is so in a transaction", () => {
  for (const name of Object.keys(FUNCTIONS)) {
    for (const statement of of(name)) {
      if (HISTORY.test(JSON.stringify(statement.Resource))) continue;
      if (!list(statement.Action).some((a) => ["dynamodb:PutItem", "dynamodb:DeleteItem"].includes(a)))
        continue;
      expect(statement.Condition?.["ForAnyValue:StringEquals"]).toEqual({
        "dynamodb:EnclosingOperation": ["TransactWriteItems"],
      });
    }
  }
});

test("mail is sent as the sender, through the configuration set", () => {
  const [send] = of("send-mail").filter((statement) => list(statement.Action).includes("ses:SendEmail"));
  expect(send?.Condition).toEqual({ StringEquals: { "ses:FromAddress": "no-reply@portal.example.org" } });
  const arn = (...rest: unknown[]) => ({ "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ...rest]] });
  expect(send?.Resource).toEqual([
    arn(":ses:us-east-1:123456789012:configuration-set/", { Ref: expect.stringMatching(/^MailSet/) }),
    // In the sandbox SES asks for the recipient's too.
    arn(":ses:us-east-1:123456789012:identity/*"),
  ]);
});

test("the archivist adds objects and can neither read, change nor unlock them", () => {
  const rights = made.rights<Statement>("ArchivistCopyRole");
  const s3 = rights.flatMap((s) => list(s.Action)).filter((action) => action.startsWith("s3:"));
  expect(s3).toEqual(["s3:PutObject"]);
});

test("staff makes, enables and disables people of our own pool alone, and no other function touches it", () => {
  const ofCognito = (name: string) =>
    of(name).filter((statement) => list(statement.Action).some((action) => action.startsWith("cognito-idp:")));
  expect(Object.keys(FUNCTIONS).filter((name) => ofCognito(name).length)).toEqual(["staff"]);
  const [only, ...more] = ofCognito("staff");
  expect(more).toEqual([]);
  expect(list(only!.Action).sort()).toEqual(
    ["AdminCreateUser", "AdminDisableUser", "AdminEnableUser", "AdminGetUser"].map((action) => `cognito-idp:${action}`),
  );
  expect(JSON.stringify(only!.Resource)).toMatch(/^\{"Fn::GetAtt":\["StaffPool\w+","Arn"\]\}$/);
});
