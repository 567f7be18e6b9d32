// What a practice's IT chooses before it deploys: one JSON file, named by `LATCHKEY_SETTINGS`. Everything
// has a default but the region, the sender and where alarms go. Mistakes are named, all of them at once.
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { fileURLToPath } from "node:url";
import { TIERS, type Tier } from "./tiers.ts";

/** The staff's OpenID Connect issuer, when it is not the pool that the stack makes. */
export interface Issuer {
  url: string;
  clientId: string;
  /** Name of a Secrets Manager secret (plain text) with the client's secret, if the issuer gave one. */
  clientSecretName?: string;
}

export interface Settings {
  /** Tells deployments in one account apart: part of the names of stacks, keys and secrets. */
  deployment: string;
  region: string;
  /** From whom mails come; its domain is verified with SES. */
  sender: string;
  /** An identity that SES has already, for the sender's address, its domain or one above: the stack uses it and
   *  leaves it alone. By itself it makes one for the domain, of which a region has only one. */
  senderIdentity?: string;
  /** Who gets the alarms, by e-mail. */
  alarms: string;
  /** Host names of the two sites and the certificate (us-east-1) that covers both; CloudFront's own names
   *  when not given. */
  hosts?: { staff: string; portal: string; certificateArn: string };
  issuer?: Issuer;
  /** What a deployment spends beside its use. */
  tier: Tier;
  /** Whether X-Ray records requests: by itself as the tier says. */
  tracing: boolean;
  /** The plan of CloudFront that each site is on, if it is billed by a plan and not by use. */
  edgePlan: "none" | "FREE" | "PRO" | "BUSINESS";
  architecture: "arm64" | "x86_64";
  /** MiB of a function; `passwords` are those that hash them, which takes a whole processor. */
  memory: { usual: number; passwords: number };
  /** Functions of sign-in that may run at a time, reserved for it; 0 reserves nothing. A new account has no room for
   *  a reservation, which fails there and takes the whole deployment with it: `preflight` says when it can be set. */
  signIns: number;
  /** For how many people this is, of all practices: the limits below grow with them. */
  people: { staff: number; clients: number };
  /** Requests a second that each route of the API takes, and how many at once above that: by itself as `limits` says. */
  throttle?: { rate: number; burst: number };
  /** Mails that a change for many may ask for in a second: no more than SES takes from the account. */
  mailsASecond: number;
  /** Requests that one address may make to sign-in, enrolment and reset within five minutes. */
  doorLimit: number;
  /** Requests that one address may make to the API of a site within five minutes. */
  apiLimit: number;
  /** Addresses, or ranges of them in CIDR notation, that get nothing of the two sites. */
  blockedAddresses: string[];
  logDays: number;
  /** Days that a weekly backup is kept, and years that a monthly one is. */
  backupDays: number;
  backupYears: number;
  /** The backup vault (ARN), of another region or account, that gets a copy of each. */
  backupCopies?: string;
  /** Years that the history's archive can be changed by nobody. */
  archiveYears: number;
  /** For real patients, or to try Latchkey out. It has no default, since neither can be taken back: what is locked for
   *  patients stays for years, and what is there after a try-out goes with its stack. */
  use: "patients" | "try-out";
  /** Whether tables, archive and pool outlive the stack: by itself those of patients. */
  keepData: boolean;
  tags: Record<string, string>;
  /** What a first deployment makes at its end; `ops up` asks for it where it is not given. */
  first?: First;
}

/** The practice that a first deployment makes, and its first admin. */
export interface First {
  practice: string;
  name: string;
  alertInbox: string;
  /** Of the admin. */
  email: string;
  /** The admin's name. */
  admin: string;
}

type Asked = "region" | "sender" | "alarms" | "use";
type Given = Partial<Settings> & Pick<Settings, Asked>;

/** Log retentions that CloudWatch offers, in days. */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** No backup may be kept for less: the lock on their vault says so, and cannot be changed when this is. */
export const LEAST_BACKUP_DAYS = 7;

const VAULT = /^arn:[^:]+:backup:[a-z0-9-]+:\d{12}:backup-vault:[\w-]{2,50}$/;
/** As many as WAF holds in a set. */
const MOST_BLOCKED = 10_000;
const HOST = /^(?=.{4,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const EMAIL = /^[^\s@<>"]+@(?=.{4,253}$)[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/** Fills in what was not given. Throws with every mistake in it. */
export function settings(given: Given): Settings {
  const tier = TIERS[given.tier ?? "standard"] ?? TIERS.standard;
  const usual: Omit<Settings, Asked> = {
    deployment: "latchkey",
    tier: "standard",
    tracing: tier.traced,
    edgePlan: "none",
    architecture: "arm64",
    memory: { usual: 512, passwords: 1769 },
    signIns: 0,
    people: { staff: 50, clients: 2000 },
    mailsASecond: 14,
    doorLimit: 100,
    apiLimit: 3000,
    blockedAddresses: [],
    logDays: tier.logDays,
    backupDays: 35,
    backupYears: 1,
    archiveYears: 6,
    keepData: given.use === "patients",
    tags: {},
  };
  const full: Settings = { ...usual, ...given };
  const whole = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  const rules: [boolean, string][] = [
    [/^[a-z][a-z0-9-]{1,19}$/.test(full.deployment), "deployment: 2 to 20 of a-z, 0-9 and -"],
    [/^[a-z]{2}(-[a-z]+)+-\d$/.test(full.region ?? ""), "region: a region of AWS, such as us-east-1"],
    [EMAIL.test(full.sender ?? ""), "sender: the address that mails come from"],
    [EMAIL.test(full.alarms ?? ""), "alarms: the address that alarms go to"],
    [
      ["patients", "try-out"].includes(full.use),
      `use: "patients", whose history and backups nobody can delete for years, you neither; or "try-out", which goes with its stack`,
    ],
    [full.use !== "patients" || full.keepData === true, "keepData: the data of patients are kept"],
    [Object.keys(TIERS).includes(full.tier), `tier: ${Object.keys(TIERS).join(", ")}`],
    [typeof full.tracing === "boolean", "tracing: true or false"],
    [["none", "FREE", "PRO", "BUSINESS"].includes(full.edgePlan), "edgePlan: none, FREE, PRO or BUSINESS"],
    [["arm64", "x86_64"].includes(full.architecture), "architecture: arm64 or x86_64"],
    [whole(full.memory.usual, 128, 10240), "memory.usual: 128 to 10240 MiB"],
    [whole(full.memory.passwords, 256, 10240), "memory.passwords: 256 to 10240 MiB"],
    [whole(full.signIns, 0, 1000), "signIns: 0 to 1000"],
    [whole(full.people.staff, 1, 10_000), "people.staff: 1 to 10000"],
    [whole(full.people.clients, 1, 10_000_000), "people.clients: 1 to 10000000"],
    [whole(full.mailsASecond, 1, 10000), "mailsASecond: 1 to 10000"],
    [whole(full.doorLimit, 10, 2_000_000), "doorLimit: 10 to 2000000"],
    [LOG_DAYS.includes(full.logDays), `logDays: one of ${LOG_DAYS.join(", ")}`],
    [whole(full.apiLimit, 10, 2_000_000), "apiLimit: 10 to 2000000"],
    [
      full.blockedAddresses.length <= MOST_BLOCKED && full.blockedAddresses.every(addressRange),
      `blockedAddresses: up to ${MOST_BLOCKED} addresses or ranges, such as 192.0.2.0/24, and not everybody`,
    ],
    [whole(full.backupDays, LEAST_BACKUP_DAYS, 3650), `backupDays: ${LEAST_BACKUP_DAYS} to 3650`],
    [whole(full.backupYears, 1, 100), "backupYears: 1 to 100"],
    [whole(full.archiveYears, 1, 100), "archiveYears: 1 to 100"],
  ];
  if (full.throttle) {
    rules.push(
      [whole(full.throttle.rate, 1, 10000), "throttle.rate: 1 to 10000"],
      [whole(full.throttle.burst, 1, 5000), "throttle.burst: 1 to 5000"],
    );
  }
  if (full.hosts) {
    const { staff, portal, certificateArn } = full.hosts;
    rules.push(
      [HOST.test(staff) && HOST.test(portal), "hosts: two host names"],
      [staff !== portal, "hosts: the sites must not share a host: their cookies and rights are apart"],
      [/^arn:[^:]+:acm:us-east-1:/.test(certificateArn), "hosts.certificateArn: a certificate in us-east-1"],
    );
  }
  if (full.issuer) {
    rules.push([
      full.issuer.url.startsWith("https://") && !!full.issuer.clientId,
      "issuer: an https url and a clientId",
    ]);
  }
  if (full.senderIdentity) {
    const domains = full.sender?.split("@")[1] ?? "";
    rules.push([
      full.senderIdentity === full.sender || `.${domains}`.endsWith(`.${full.senderIdentity}`),
      "senderIdentity: the sender's address, its domain or one above",
    ]);
  }
  if (full.backupCopies) {
    rules.push([VAULT.test(full.backupCopies), "backupCopies: the ARN of a backup vault"]);
  }
  if (full.first) {
    const { practice = "", name = "", alertInbox = "", email = "", admin = "" } = full.first;
    rules.push(
      [/^[a-z0-9-]{2,32}$/.test(practice), "first.practice: 2 to 32 of a-z, 0-9 and -"],
      [!!name.trim() && !!admin.trim(), "first: the name of the practice, and of its admin (admin)"],
      [EMAIL.test(alertInbox) && EMAIL.test(email), "first: e-mail addresses, of the practice (alertInbox) and of its admin (email)"],
    );
  }
  const named = ["first", "region", "sender", "senderIdentity", "alarms", "use", "throttle", "hosts", "issuer", "backupCopies"];
  const known = [...Object.keys(usual), ...named];
  for (const name of Object.keys(given))
    rules.push([known.includes(name), `${name}: there is no such setting`]);
  const wrong = rules.filter(([holds]) => !holds).map(([, rule]) => rule);
  if (wrong.length) throw new Error(`The settings are not right:\n  ${wrong.join("\n  ")}`);
  return full;
}

/** How a first deployment is made until all of it stands: as a try-out, which nothing keeps. What is protected for
 *  patients cannot be cleared away again, the account's owner neither. */
export const provisional = (settings: Settings): Settings => ({ ...settings, use: "try-out", keepData: false });

/** Requests that are taken. `doors` and `api` are those of one address within five minutes, by site: all staff of a
 *  practice may sit behind one address, while a client rarely shares theirs with many. */
export interface Limits {
  doors: Record<Site, number>;
  api: Record<Site, number>;
  /** Of each route, from everybody, a second: a flood at one door leaves every other route its own. */
  route: { rate: number; burst: number };
}
export type Site = "Staff" | "Portal";

export function limits({ people, throttle, doorLimit, apiLimit }: Settings): Limits {
  // One hundredth of the clients comes in the busiest hour, and asks at a route five times.
  const rate = Math.min(10_000, Math.max(50, people.staff, Math.ceil(people.clients / 2000)));
  return {
    // Everybody signs in at eight o'clock, some of them twice.
    doors: { Staff: Math.max(doorLimit, 4 * people.staff), Portal: doorLimit },
    api: { Staff: Math.max(apiLimit, 100 * people.staff), Portal: apiLimit },
    route: throttle ?? { rate, burst: Math.min(5000, 2 * rate) },
  };
}

/** Addresses in CIDR notation, as WAF wants them: one alone gets the length of all its bits. Null for what is
 *  none, and for everybody. */
export function addressRange(text: string): { version: "IPV4" | "IPV6"; cidr: string } | null {
  const [address, length, ...more] = text.split("/");
  const version = isIP(address!);
  const bits = version === 4 ? 32 : 128;
  const kept = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : 0;
  if (!version || more.length || kept < 1 || kept > bits) return null;
  return { version: version === 4 ? "IPV4" : "IPV6", cidr: `${address}/${kept}` };
}

/** The file that `LATCHKEY_SETTINGS` names, or `settings.json` beside this app. */
export const settingsPath = () =>
  process.env["LATCHKEY_SETTINGS"] || fileURLToPath(new URL("../settings.json", import.meta.url));

/** The settings in that file. */
export function settingsFile(): Settings {
  return settings(JSON.parse(readFileSync(settingsPath(), "utf8")));
}

/** Names of what lies outside the stack, since keys are data: the ops commands make and turn them. No secret's
 *  name may end in a hyphen and six characters, which Secrets Manager would take for the end of its own. */
export function keyNames(deployment: string) {
  return {
    /** Secret, JSON `{kid, pem}`: the key that signs session tokens. */
    signingKey: `${deployment}/signing-key`,
    /** Secret, plain text: the key of HMACs. */
    tokenSecret: `${deployment}/token-key`,
    /** Secret, plain text: what CloudFront shows to the API. */
    originSecret: `${deployment}/origin-key`,
    /** Parameter: which version of the signing key signs. Functions read the secret when they start, and their
     *  environment names its version, so that a deployment after a turn starts them anew. */
    signingVersion: `/${deployment}/signing-version`,
    /** Parameter: which version of the HMAC key counts; as above. */
    tokenVersion: `/${deployment}/token-version`,
    /** Parameter: which version of the client's secret at the issuer counts; as above. */
    clientSecretVersion: `/${deployment}/client-secret-version`,
    /** Parameter: public keys of session tokens, a JWK set. */
    verifyingKeys: `/${deployment}/verifying-keys`,
    /** Parameter: which version of the origin secret CloudFront shows. */
    originVersion: `/${deployment}/origin-version`,
    /** Parameter: SHA-256 of every origin secret that the API accepts, in base64url, separated by spaces. */
    originDigests: `/${deployment}/origin-digests`,
  };
}
