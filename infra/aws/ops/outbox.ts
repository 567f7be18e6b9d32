// Mails and notices to apps that wait, and what the stream or SES's events gave up on. Shows ids only: whose they are,
// the table says.
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { QueryCommand } from "@aws-sdk/lib-dynamodb";
import { isKind, OUTBOX } from "../lib/keys.ts";
import { Refusal, type Deployment } from "./deployment.ts";

interface Waiting {
  PK: string;
  SK: string;
}

type Failed = "FailedMails" | "FailedNotices" | "FailedEvents";

/** Mails, with the resets that were asked for. */
const MAILS = {
  what: "mails",
  is: (one: Waiting) => !NOTICES.is(one),
  sweeper: "SendMail",
  failed: "FailedMails",
} as const;
const NOTICES = {
  what: "notices to apps",
  is: (one: Waiting) => isKind("notice", one),
  sweeper: "Deliver",
  failed: "FailedNotices",
} as const;

export async function waiting(d: Deployment): Promise<Waiting[]> {
  const found: Waiting[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await d.dynamodb.send(
      new QueryCommand({
        TableName: await d.output("Table"),
        IndexName: OUTBOX.index,
        KeyConditionExpression: "pending = :mail",
        ExpressionAttributeValues: { ":mail": OUTBOX.pending },
        ExclusiveStartKey: start,
      }),
    );
    found.push(...((page.Items ?? []) as Waiting[]));
    start = page.LastEvaluatedKey;
  } while (start);
  return found;
}

export async function show(d: Deployment): Promise<void> {
  const all = await waiting(d);
  for (const { what, is } of [MAILS, NOTICES]) {
    const some = all.filter(is);
    d.say(`${some.length} ${what} wait.`);
    for (const { PK, SK } of some) d.say(`  ${PK} ${SK}`);
  }
  d.say(`${await depth(d, "FailedMails")} records of mails the stream gave up on.`);
  d.say(`${await depth(d, "FailedNotices")} records of notices the stream gave up on.`);
  d.say(`${await depth(d, "FailedEvents")} events of SES could not be noted.`);
}

/** Notes what was not noted, sends what waits and tells who is to be told; takes from the queues what is done with. */
export async function redrive(d: Deployment): Promise<void> {
  const noted = await drain(d, "FailedEvents", async (event) =>
    invoke(d, await d.output("MailEvents"), event),
  );
  d.say(`${noted} events were noted.`);
  for (const { what, is, sweeper, failed } of [MAILS, NOTICES]) {
    await invoke(d, await d.output(sweeper), JSON.stringify({ sweep: true }));
    const left = (await waiting(d)).filter(is);
    if (!left.length) await drain(d, failed, async () => {});
    d.say(`${left.length} ${what} still wait.`);
  }
}

async function depth(d: Deployment, queue: Failed): Promise<string> {
  const { Attributes } = await d.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: await d.output(queue),
      AttributeNames: ["ApproximateNumberOfMessages"],
    }),
  );
  return Attributes?.["ApproximateNumberOfMessages"] ?? "0";
}

/** Hands on every message of a queue, and takes it away once that went well. */
async function drain(
  d: Deployment,
  queue: Failed,
  handle: (body: string) => Promise<void>,
): Promise<number> {
  const QueueUrl = await d.output(queue);
  for (let handled = 0; ; ) {
    const { Messages = [] } = await d.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    if (!Messages.length) return handled;
    for (const { Body, ReceiptHandle } of Messages) {
      await handle(Body!);
      await d.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      handled += 1;
    }
  }
}

async function invoke(d: Deployment, FunctionName: string, payload: string): Promise<void> {
  const answer = await d.lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(payload) }));
  if (answer.FunctionError)
    throw new Refusal(`The function failed: ${Buffer.from(answer.Payload!).toString()}`);
}
