// A practice's settings, which are one item: `shared/src/practice.rs` reads it.
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { key } from "../lib/keys.ts";
import { Refusal, type Deployment } from "./deployment.ts";
import { announce } from "./site.ts";

/** The longest that any session may last, in seconds: after it, nothing signed before is about any more. */
export const LONGEST_SESSION = 24 * 60 * 60;

export interface Practice {
  practice: string;
  name: string;
  senderName: string;
  portalAddress: string;
  alertInbox: string;
  language: string;
  country: string;
  timeZone: string;
  invitationDays: number;
  clientIdleSeconds: number;
  clientSessionSeconds: number;
  staffIdleSeconds: number;
  staffSessionSeconds: number;
  passwordMinimum: number;
}

/** What may be left out, and is then as it was, or else this. */
const USUAL = {
  language: "en",
  country: "US",
  timeZone: "UTC",
  invitationDays: 7,
  clientIdleSeconds: 10 * 60,
  clientSessionSeconds: 60 * 60,
  staffIdleSeconds: 30 * 60,
  staffSessionSeconds: 12 * 60 * 60,
  passwordMinimum: 15,
};

const text = (most: number) => (value: unknown) =>
  typeof value === "string" &&
  value.trim() === value &&
  value.length > 0 &&
  value.length <= most &&
  !/\p{Cc}/u.test(value);
const whole = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

function isTimeZone(value: unknown): boolean {
  try {
    // An offset such as +02:00 is taken too, and names no zone.
    return /^[A-Z]/.test(new Intl.DateTimeFormat("en", { timeZone: String(value) }).resolvedOptions().timeZone);
  } catch {
    return false;
  }
}

const RULES: { [Name in keyof Practice]: [(value: unknown) => boolean, string] } = {
  practice: [(value) => /^[a-z0-9-]{2,32}$/.test(String(value)), "2 to 32 of a-z, 0-9 and -"],
  name: [text(100), "the practice's name"],
  senderName: [text(100), "the name that its mails come from"],
  portalAddress: [
    (value) => /^https:\/\/[^\s/]+\/\S*[^\s/]$/.test(String(value)),
    "an https address without a slash at the end",
  ],
  alertInbox: [(value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(String(value)), "an e-mail address"],
  language: [(value) => ["en", "es", "fr"].includes(String(value)), "en, es or fr"],
  country: [(value) => /^[A-Z]{2}$/.test(String(value)), "two capital letters, as in US"],
  timeZone: [isTimeZone, "a zone by its IANA name, as in America/New_York"],
  invitationDays: [whole(1, 30), "1 to 30"],
  clientIdleSeconds: [whole(60, 3600), "60 to 3600"],
  clientSessionSeconds: [whole(300, LONGEST_SESSION), `300 to ${LONGEST_SESSION}`],
  staffIdleSeconds: [whole(60, 4 * 3600), "60 to 14400"],
  staffSessionSeconds: [whole(300, LONGEST_SESSION), `300 to ${LONGEST_SESSION}`],
  passwordMinimum: [whole(15, 64), "15 to 64: a password that stands alone needs 15"],
};

/** What a setting may not be longer than. */
const WITHIN = [
  ["clientIdleSeconds", "clientSessionSeconds"],
  ["staffIdleSeconds", "staffSessionSeconds"],
] as const;
/** How often the settings are read again when somebody else has changed them meanwhile. */
const TRIES = 5;
const NAMES = Object.keys(RULES) as (keyof Practice)[];

/** Makes a practice, or changes what is given of it. Of two who change it at once, the later reads what the other wrote,
 *  admins in the console among them: nothing is lost. `listed`: whether the portal offers it to a person who comes without
 *  a practice's address; nothing is changed of that where it is not said. */
export async function put(
  d: Deployment,
  practice: string,
  given: Partial<Practice>,
  listed?: boolean,
  tries = TRIES,
): Promise<Practice> {
  const kept = await read(d, practice);
  const before = kept ? known(kept) : {};
  const name = given.name ?? (before as Partial<Practice>).name;
  const full = {
    ...USUAL,
    ...(name && { senderName: name }),
    portalAddress: `${await d.output("PortalSite")}/${practice}`,
    ...before,
    ...given,
    practice,
  } as Practice;
  const wrong = [
    ...NAMES.filter((name) => !RULES[name][0](full[name])).map((name) => `${name}: ${RULES[name][1]}`),
    ...Object.keys(given)
      .filter((name) => !(name in RULES))
      .map((name) => `${name}: there is no such setting`),
    ...WITHIN.filter(([idle, whole]) => full[idle] > full[whole]).map(
      ([idle, whole]) => `${idle}: at most ${whole}`,
    ),
  ];
  if (wrong.length) throw new Refusal(`The practice is not right:\n  ${wrong.join("\n  ")}`);
  // Only what this command knows: other attributes stay as they are.
  const at = (name: string) => NAMES.indexOf(name as keyof Practice);
  const sets = [...NAMES.map((name) => `#${at(name)} = :${at(name)}`), "version = :next"];
  const version: number | undefined = kept?.["version"];
  const asRead = !kept ? "attribute_not_exists(PK)" : version === undefined ? "attribute_not_exists(version)" : "version = :read";
  try {
    await d.dynamodb.send(
      new UpdateCommand({
        TableName: await d.output("Table"),
        Key: key("practice", { practice }),
        UpdateExpression: `SET ${sets.join(", ")} ADD rev :one`,
        ConditionExpression: asRead,
        ExpressionAttributeNames: Object.fromEntries(NAMES.map((name) => [`#${at(name)}`, name])),
        ExpressionAttributeValues: {
          ":one": 1,
          // One of an earlier version counts as the first.
          ":next": kept ? (version ?? 1) + 1 : 1,
          ...(version !== undefined && { ":read": version }),
          ...Object.fromEntries(NAMES.map((name) => [`:${at(name)}`, full[name]])),
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if (tries <= 1) throw new Refusal("The practice is being changed by others. Try again.");
    return put(d, practice, given, listed, tries - 1);
  }
  await announce(d, practice, async () => (await load(d, practice))?.name ?? full.name, listed);
  d.say(`${full.name} is at ${full.portalAddress}/sign-in.`);
  return full;
}

export async function load(d: Deployment, practice: string): Promise<Practice | undefined> {
  const kept = await read(d, practice);
  return kept && known(kept);
}

type Item = Record<string, any>;

async function read(d: Deployment, practice: string): Promise<Item | undefined> {
  const { Item } = await d.dynamodb.send(
    new GetCommand({ TableName: await d.output("Table"), Key: key("practice", { practice }), ConsistentRead: true }),
  );
  return Item;
}

/** What this command knows of the settings. */
const known = (item: Item) =>
  Object.fromEntries(NAMES.map((name) => [name, item[name]])) as unknown as Practice;

/** Ends every session of a practice, of staff and of clients: none that began before now is taken any more.
 *  Who may enter stays as it was. */
export async function revokeEveryone(d: Deployment, practice: string): Promise<void> {
  // The clock counts whole seconds: the next one is after every session that began before.
  const from = new Date((await d.clock()).getTime() + 1000);
  try {
    await d.dynamodb.send(
      new UpdateCommand({
        TableName: await d.output("Table"),
        Key: key("practice", { practice }),
        UpdateExpression: "SET sessionsFrom = :from ADD rev :one",
        ConditionExpression: "attribute_exists(PK)",
        ExpressionAttributeValues: { ":from": from.toISOString(), ":one": 1 },
      }),
    );
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException)
      throw new Refusal(`There is no practice ${practice}.`);
    throw error;
  }
  // Whoever signs in after this was said, stays.
  while ((await d.clock()) <= from) await d.wait(200);
  d.say(`No session of ${practice} from before ${from.toISOString()} is taken any more.`);
}
