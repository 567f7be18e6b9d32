// Mail's ways that the two homes do not share: what the stream missed, events of SES on the bus, and the archive.
import { DynamoDBClient, PutItemCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { beforeAll, expect, test } from "vitest";
import { ops } from "../aws.ts";
import { mail, mailsTo, until } from "../home.ts";
import { Desk, INVITATION } from "../people.ts";
import { Deployed, earlier } from "./account.ts";

let dana: Desk;
let sender: Deployed;
let environment: Record<string, string>;
beforeAll(async () => {
  dana = await Desk.open("dana@harbor.example");
  sender = await Deployed.find("send-mail");
  const { Environment } = await new LambdaClient({}).send(
    new GetFunctionConfigurationCommand({ FunctionName: sender.functionName }),
  );
  environment = Environment!.Variables!;
});

interface Waiting {
  dynamodb: { NewImage: Record<string, AttributeValue> };
}

test("a mail that the stream missed is swept up, once it is old enough, and only once", async () => {
  await sender.onStream(false);
  try {
    const client = await dana.client();
    const user = await dana.invite(client);
    const [waiting] = (await sender.mailsOf(client)) as unknown as Waiting[];
    await sender.invoke({ sweep: true });
    expect(await mailsTo(user.email)).toEqual([]);
    // The same mail, of five minutes ago.
    const item = waiting!.dynamodb.NewImage;
    const mailId = earlier(item["mailId"]!.S!, 5 * 60_000);
    const Item = { ...item, mailId: { S: mailId }, SK: { S: `MAIL#${mailId}` } };
    await new DynamoDBClient({}).send(new PutItemCommand({ TableName: environment["TABLE"], Item }));
    expect(ops("outbox", "show")).toContain(`MAIL#${mailId}`);
    for (let twice = 0; twice < 2; twice++) await sender.invoke({ sweep: true });
    expect(await mailsTo(user.email)).toHaveLength(1);
    expect(ops("outbox", "show")).not.toContain(`MAIL#${mailId}`);
  } finally {
    await sender.onStream(true);
    await dana.caughtUp();
  }
});

test("a batch in which one mail fails: it alone is asked for again, and the others go out once", async () => {
  await sender.onStream(false);
  const charts = [await dana.client(), await dana.client(), await dana.client()];
  const users = await Promise.all(charts.map((client) => dana.invite(client)));
  const got = async () => Promise.all(users.map(async ({ email }) => (await mailsTo(email)).length));
  const found = (await Promise.all(charts.map((client) => sender.mailsOf(client)))).flat();
  const Records = found.map((record, at) => ({
    ...record,
    dynamodb: { ...(record as unknown as Waiting).dynamodb, SequenceNumber: `${2000 + at}` },
  }));
  const refused = {
    Effect: "Deny",
    Action: "dynamodb:UpdateItem",
    Resource: "*",
    Condition: {
      "ForAnyValue:StringEquals": { "dynamodb:LeadingKeys": [`P#harbor#C#${charts[1]!.clientId}`] },
    },
  };
  try {
    await sender.allow({ ...sender.policy, Statement: [...sender.policy.Statement, refused] });
    expect(await sender.invoke({ Records })).toEqual({ batchItemFailures: [{ itemIdentifier: "2001" }] });
    expect(await got()).toEqual([1, 0, 1]);
  } finally {
    await sender.allow(sender.policy);
    await sender.onStream(true);
    await dana.caughtUp();
  }
  // The stream brings all of them. (The emulator does not cut batches by what failed, nor bisect them, nor count
  // tries: those are settings of the synthesised template.)
  await mail(users[1]!.email, INVITATION);
  await sender.invoke({ Records });
  expect(await got()).toEqual([1, 1, 1]);
});

test("a bounce that SES tells of shows on the portal user", async () => {
  const client = await dana.client();
  const user = await dana.invite(client);
  await mail(user.email, INVITATION);
  await until(
    "the mail to show as sent",
    async () => (await dana.users(client)).portalUsers[0].mail.state === "sent",
  );
  const [sent] = (await sender.mailsOf(client)) as unknown as Waiting[];
  const tags = {
    "ses:configuration-set": [environment["MAIL_CONFIGURATION_SET"]],
    practice: ["harbor"],
    client: [client.clientId],
    portalUser: [user.portalUserId],
    mail: [sent!.dynamodb.NewImage["mailId"]!.S],
  };
  await fetch(`${process.env["AWS_ENDPOINT_URL"]}/_latchkey/ses-event`, {
    method: "POST",
    headers: { "x-detail-type": "Email Bounced" },
    body: JSON.stringify({
      eventType: "Bounce",
      mail: { tags, messageId: "1" },
      bounce: { bounceType: "Permanent", bounceSubType: "General", timestamp: new Date().toISOString() },
    }),
  });
  const shown = await until("the bounce to show", async () => {
    const [{ mail }] = (await dana.users(client)).portalUsers;
    return mail.state === "bounced" && mail;
  });
  expect(shown.reason).toBe("no such mailbox");
});

test("the history reaches its archive, and is read from there", async () => {
  const { client, user } = await dana.enrolled();
  await dana.change(client, user, "revoke");
  const day = new Date().toISOString().slice(0, 10);
  const range = ["--practice", "harbor", "--client", client.clientId, "--from", day, "--to", day];
  const lines = await until(
    "the archive to have it",
    async () => {
      const found = ops("history", "export", ...range)
        .trim()
        .split("\n")
        .filter(Boolean);
      return found.length >= 4 && found.map((line) => JSON.parse(line) as { action: string });
    },
    60,
  );
  const actions = lines.map(({ action }) => action);
  expect(actions).toEqual(["client-created", "portal-user-added", "enrolled", "access-revoked"]);
  expect(JSON.stringify(lines)).not.toContain(user.email);
});
