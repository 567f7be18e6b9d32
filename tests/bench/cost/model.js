// What a month costs: how a practice uses Latchkey (assumed, and stated), times what each operation asks of
// the table and how long its function works (measured), times what AWS asks for it (list prices, of which no
// free tier is subtracted).

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Practices, by their number of clients, and what changes with size: how many of a function's calls find it
 *  cold, the hours of a month in which somebody is at work, and the part of requests that X-Ray records (one a
 *  second and one in twenty of the rest). */
export const SIZES = [
  { clients: 1_000, cold: 0.3, hours: 250, traced: 1 },
  { clients: 10_000, cold: 0.1, hours: 350, traced: 1 },
  { clients: 1_000_000, cold: 0.005, hours: 730, traced: 0.1 },
];

/** How often each operation is asked for, per client and month. Names are those of `make bench`. */
export const CALLS = {
  // Two visits to the portal, of five pages each; two of them are its home, which shows the apps.
  "sign-in": 2,
  "sign-in, refused": 0.2,
  "portal-session": 10,
  "portal-session.apps": 4,
  "portal-session.sign-out": 0.5,
  "reset-password": 0.05,
  "reset-password.choose": 0.04,
  "enroll.check": 0.06,
  enroll: 0.03,
  // With each visit an app is opened, which has the person let in, is told who it is and asks again with each of five
  // pages. Some apps have a proxy ask instead. Every fourth visit ends with a sign-out there.
  "authorize.metadata": 0.1,
  authorize: 2,
  token: 2,
  userinfo: 2,
  "token.introspect": 10,
  check: 2,
  "end-session": 0.5,
  // The front desk: one of staff for 100 clients, 21 days, a sign-in and ten looks at the session each.
  "staff-sign-in": 0.21,
  "staff-sign-in.callback": 0.21,
  "staff-sign-in.session": 2.1,
  "staff-sign-in.sign-out": 0.1,
  search: 2,
  client: 1.5,
  "list-portal-users": 0.5,
  history: 0.1,
  "create-client": 0.03,
  "client.edit": 0.1,
  "add-portal-user": 0.04,
  "update-portal-user": 0.02,
  "resend-invitation": 0.01,
  revoke: 0.02,
  activate: 0.01,
  delete: 0.005,
  "assign-alert": 0.01,
  "change-owner": 0.005,
  "close-client": 0.01,
  "apps.list": 0.001,
  "staff.list": 0.001,
  // The practice's programs tell of four things, each far from the others: so that each is a mail.
  alerts: 4,
  "alerts.list": 0.05,
};

/** Operations that send a mail. */
export const MAILS = ["reset-password", "reset-password.choose", "add-portal-user", "resend-invitation", "activate", "alerts"];
/** What the table's stream has `send-mail` do for each call of an operation, by the name under which `make bench`
 *  measures it. The mail that comes of it is counted with the others. */
export const STREAMED = { "reset-password": "reset-password, resolved" };
/** Operations that begin sessions in which an app is opened. However such a session ends, the app is told. */
export const TOLD = ["sign-in"];
/** Operations that load pages, and how many: a sign-in to the portal, the way into an app and out of it, a day at
 *  the front desk. */
const PAGES = { "sign-in": 5, authorize: 1, "end-session": 1, "staff-sign-in.callback": 40 };
/** Operations that leave no event: looks at a session, and what apps ask again. Nearly every other call leaves one. */
export const QUIET = [
  "portal-session",
  "portal-session.apps",
  "staff-sign-in.session",
  "authorize.metadata",
  "authorize",
  "userinfo",
  "token.introspect",
  "check",
];

/** Secrets that a function reads when it starts: the signing key, the key of HMACs, or both. */
export const SECRETS = {
  activate: 1,
  "add-portal-user": 1,
  alerts: 1,
  apps: 1,
  authorize: 1,
  "create-client": 1,
  delete: 1,
  deliver: 1,
  enroll: 2,
  "resend-invitation": 1,
  "reset-password": 1,
  "send-mail": 1,
  "sign-in": 2,
  staff: 1,
  "staff-sign-in": 2,
  token: 1,
  "update-portal-user": 1,
};

/** Functions that hash passwords, and so have a processor to themselves. */
const HASHING = ["enroll", "reset-password", "sign-in"];
/** What an operation takes that is not the one its function was measured by: choosing a password hashes it. */
const LIKE = { "reset-password.choose": "enroll" };

/** What else is assumed. */
export const ASSUMED = {
  memory: { value: 512, unit: "MB of a function; its share of a processor is as much of the 1,769 MB of a whole one" },
  hashingMemory: { value: 1769, unit: "MB of a function that hashes passwords" },
  roundTrip: { value: 6, unit: "ms of a round trip to the table" },
  staffClients: { value: 100, unit: "clients for each of staff" },
  mailUnits: { value: 12, unit: "write units for a mail on its way: leased, sent, shown, delivered" },
  mailReads: { value: 6, unit: "read units for it" },
  sweeps: { value: 8_640, unit: "sweeps of the mails that wait: one in five minutes" },
  noticeUnits: { value: 6, unit: "write units for a notice to an app: queued, told, out of the outbox" },
  noticeReads: { value: 3, unit: "read units for it" },
  noticeSweeps: { value: 43_200, unit: "sweeps of the notices that wait: one a minute" },
  listening: { value: 200, unit: "ms that an app takes to answer one" },
  archived: { value: 300, unit: "ms in which a batch of events is archived" },
  batch: { value: 1000, unit: "events in a batch at most; an object of the archive is one" },
  unmoved: { value: 128, unit: "kB below which an object stays in S3 Standard" },
  standardMonths: { value: 3, unit: "months that a larger one stays there" },
  stored: { value: 14, unit: "kB of a client with its entries, portal user and account, index included" },
  event: { value: 0.6, unit: "kB of an event, in the table and in the archive" },
  years: { value: 6, unit: "years of history that have come together" },
  weeklies: { value: 5, unit: "weekly backups of the main table that are kept, each whole" },
  warm: { value: 7, unit: "days until a monthly one goes to cold storage" },
  answer: { value: 3, unit: "kB of an answer of the API, headers included" },
  page: { value: 20, unit: "kB of a page, most of it in the browser's cache" },
  files: { value: 3, unit: "requests for files with a page" },
  uncached: { value: 2, unit: "of them that browsers ask for each time: the page itself, and the practice's file" },
  pageSeconds: { value: 60, unit: "seconds for which a place of CloudFront gives those out without asking S3" },
  places: { value: 3, unit: "such places that people of a practice come by" },
  edgeLogged: { value: 0.4, unit: "kB of CloudFront's log of a request" },
  logged: { value: 0.9, unit: "kB of log of a call: its line, and the API's access log" },
  callLines: { value: 0.7, unit: "kB of Lambda's own lines of a call" },
  packed: { value: 0.15, unit: "of a log's size is left when it is kept" },
  tableKey: { value: 0.05, unit: "requests to KMS for a call: table and log keys are kept for minutes" },
  rotations: { value: 2, unit: "yearly rotations of the key that are paid for; further ones are not" },
  sites: { value: 2, unit: "sites, each with a distribution and a firewall" },
  rules: { value: 5, unit: "rules of each firewall" },
  rareFrom: { value: 70_000, unit: "clients (`people.clients`) from which on the history's table is in Standard-IA" },
  historyUnits: { value: 3, unit: "write units for an event: two in its transaction, one for the index" },
  metrics: { value: 2, unit: "metrics of requests: failures and lockouts; one counts for the hours in which it is written" },
  mailMetrics: { value: 6, unit: "metrics of mails: sent, failed, refused, delivered, bounced, reported" },
};

/** What a deployment is made of, by the settings' `tier`. `infra/aws/test/tiers.test.ts` holds the stack against it.
 *  - `plus`: Cognito's Plus plan, with threat protection; else Essentials.
 *  - `traced`: X-Ray.
 *  - `historyClass`, `historyRecovery`: how the history's table is kept: in Standard, in Standard-IA, or in what is cheaper
 *    at its size. The archive has it in any case.
 *  - `dashboard`: one of more than 50 metrics is paid for, a smaller one is not.
 *  - `callsLogged`: Lambda's own lines of every call in the log.
 *  - `secrets`: in Secrets Manager; what is in Parameter Store costs nothing.
 *  - `plans`: CloudFront's flat-rate plans (`edgePlan`), each with its firewall, where that is cheaper than use.
 *  - `allowances`: what AWS gives every account for good is subtracted. */
export const TIERS = {
  full: {
    plus: true,
    traced: true,
    historyClass: "standard",
    historyRecovery: true,
    dashboard: "large",
    alarms: 17,
    callsLogged: true,
    logMonths: 12,
    monthlies: 12,
    secrets: 3,
    plans: false,
    allowances: false,
  },
  standard: {
    plus: false,
    traced: false,
    historyClass: "by size",
    historyRecovery: false,
    dashboard: "small",
    alarms: 10,
    callsLogged: false,
    logMonths: 12,
    monthlies: 12,
    secrets: 3,
    plans: true,
    allowances: true,
  },
  lean: {
    plus: false,
    traced: false,
    historyClass: "by size",
    historyRecovery: false,
    dashboard: "none",
    alarms: 10,
    callsLogged: false,
    logMonths: 3,
    monthlies: 0,
    secrets: 3,
    plans: true,
    allowances: true,
  },
};

/** What a month may cost with the tier `standard`, in dollars, by the sizes above. */
export const AIMS = [5, 10, 400];

/** What would save more, and is left: the AWS chapter says why. */
export const LEFT = {
  "signing and token keys in Parameter Store": { secrets: 1 },
};

/** What single differences between the tiers save. */
export const LEVERS = {
  "CloudFront's flat-rate plans, with the firewall": { plans: true },
  "Cognito Essentials": { plus: false },
  "no X-Ray": { traced: false },
  "history without point-in-time recovery": { historyRecovery: false },
  "history in Standard-IA, from 70,000 clients on": { historyClass: "by size" },
  "what AWS gives every account for good": { allowances: true },
  "a dashboard of at most 50 metrics": { dashboard: "small" },
  "ten alarms": { alarms: 10 },
  "Lambda's own lines of failed calls alone": { callsLogged: false },
  "logs for three months": { logMonths: 3 },
  "no monthly backups": { monthlies: 0 },
  ...LEFT,
};

/** What the staff's site is asked for; the rest is the portal's. */
const OF_PORTAL =
  /^(sign-in|portal-session|reset-password|enroll|authorize|token|userinfo|check|end-session)\b/;

const HOURS = 730;
const FULL_PROCESSOR = 1769;
const assumed = (name) => ASSUMED[name].value;
const functionOf = (operation) => operation.split(/[.,]/)[0];

/** Milliseconds that AWS counts for a call: what the function does itself, slower by its share of a processor,
 *  and what it waits for the table; whole ones. */
export function billedMs(own, rounds, memory) {
  const share = Math.min(1, memory / FULL_PROCESSOR);
  return Math.max(1, Math.ceil(own / share + rounds * assumed("roundTrip")));
}

/** Sizes of a function, in MB, that one may choose between. */
const MEMORIES = [128, 256, 512, 1024, FULL_PROCESSOR];

/** What a call takes, in milliseconds, and a million of them cost, in dollars, at each size: the mean of all calls
 *  of the functions that hash passwords, or of the others. */
export function memories(hashing, bench, cold, { prices }) {
  const rows = work(1, bench, cold).filter(({ name }) => HASHING.includes(functionOf(name)) === hashing);
  const calls = total(rows, () => 1);
  return MEMORIES.map((memory) => {
    const ms = total(rows, ({ program, rounds }) => billedMs(program.processor, rounds, memory)) / calls;
    const { usd, per } = prices.lambdaSecond;
    return { memory, ms, usd: (((ms * memory) / 1024) * 1000 * usd) / per };
  });
}

/** What each operation is measured to take, and how often it is asked for by so many clients. Throws when one
 *  was not measured. */
export function work(clients, bench, cold) {
  return Object.entries(CALLS).map(([name, each]) => {
    const units = bench.operations[name];
    // Searches differ more among themselves than with the size of a practice: theirs is the mean of all kinds.
    const read = name === "search" ? bench.searches?.read : undefined;
    const program = cold.programs[LIKE[name] ?? functionOf(name)];
    if (!units) throw new Error(`make bench has not measured ${name}`);
    if (!program) throw new Error(`make bench-cold has not measured ${functionOf(name)}`);
    const memory = assumed(HASHING.includes(functionOf(name)) ? "hashingMemory" : "memory");
    return { name, calls: each * clients, ...units, ...(read && { read }), memory, program };
  });
}

/** What the stream brings for the calls of these operations, and what each is measured to take. Throws when one
 *  was not measured. */
export function streamed(rows, bench) {
  return rows.flatMap(({ name, calls }) => {
    const what = STREAMED[name];
    if (!what) return [];
    const units = bench.operations[what];
    if (!units) throw new Error(`make bench has not measured ${what}`);
    return [{ name: what, calls, ...units }];
  });
}

/** What is computed with where the benchmarks were not run: an operation of two reads and three writes in two round trips,
 *  and the processor's time that `make bench-cold` printed on two cores. */
export function stated() {
  const names = [...Object.keys(CALLS), ...Object.values(STREAMED)];
  const functions = [...names.map(functionOf), "send-mail", "mail-events", "deliver"];
  const processor = (name) => (HASHING.includes(name) ? 30 : 1);
  return {
    bench: { operations: Object.fromEntries(names.map((name) => [name, { read: 2, write: 3, rounds: 2 }])) },
    cold: {
      programs: Object.fromEntries(functions.map((name) => [name, { processor: processor(name), ready: { median: 10 } }])),
    },
  };
}

/** The figures of both benchmarks, or those that are stated. */
export function figures(target = process.env.TARGET || resolve(import.meta.dirname, "../../../target")) {
  const [bench, cold] = ["bench.json", "cold.json"].map((name) => {
    const file = join(target, name);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  });
  if (bench && cold) return { bench, cold, source: "the figures of `make bench` and `make bench-cold`" };
  return { ...stated(), source: "stated figures, since `make bench` and `make bench-cold` were not run: two reads and three writes a call" };
}

const sum = (values) => values.reduce((all, value) => all + value, 0);
const total = (rows, what) => sum(rows.map((row) => row.calls * what(row)));

/** Quantities of a month, by the name of their price, under the service that bills them. */
export function quantities({ clients, cold: coldPart, hours, traced }, bench, cold, tier = TIERS.full, list) {
  const rows = work(clients, bench, cold);
  const calls = total(rows, () => 1);
  const mails = total(
    rows.filter(({ name }) => MAILS.includes(name)),
    () => 1,
  );
  const notices = total(
    rows.filter(({ name }) => TOLD.includes(name)),
    () => 1,
  );
  const asides = streamed(rows, bench);
  const pages = total(rows, ({ name }) => PAGES[name] ?? 0);
  const events = total(rows, ({ name }) => (QUIET.includes(name) ? 0 : 1));
  // A batch waits five minutes, as a sweep of the mails does, or until it is full.
  const batches = Math.max(Math.min(events, assumed("sweeps")), events / assumed("batch"));
  const sweeps = assumed("sweeps") + assumed("noticeSweeps");
  const invoked = calls + total(asides, () => 1) + 2 * mails + notices + sweeps + batches;
  const seconds = lambdaSeconds(rows, { asides, mails, notices, batches, coldPart }, cold);
  const months = 12 * assumed("years");
  const historyGb = (events * months * assumed("event")) / 1e6;
  const mainGb = (clients * assumed("stored")) / 1e6;
  const moved = (events * assumed("event")) / batches >= assumed("unmoved");
  const standardGb = moved ? (historyGb * assumed("standardMonths")) / months : historyGb;
  const warm = (assumed("warm") * 24) / HOURS;
  const edge = sites(rows);
  const atEdge = sum(edge.map(({ requests }) => requests));
  const infrequent = tier.historyClass === "by size" && clients >= assumed("rareFrom");
  const historyWrites = infrequent ? events * assumed("historyUnits") : 0;
  const logged = assumed("logged") + (tier.callsLogged ? assumed("callLines") : 0);
  const logsGb = (invoked * logged + atEdge * assumed("edgeLogged")) / 1e6;
  return {
    Lambda: { lambdaRequest: invoked, lambdaSecond: seconds },
    "API Gateway": { apiRequest: calls },
    DynamoDB: {
      readUnit:
        total([...rows, ...asides], ({ read }) => read) +
        mails * assumed("mailReads") +
        notices * assumed("noticeReads") +
        sweeps,
      writeUnit:
        total([...rows, ...asides], ({ write }) => write) +
        mails * assumed("mailUnits") +
        notices * assumed("noticeUnits") -
        historyWrites,
      storage: infrequent ? mainGb : mainGb + historyGb,
      recovery: tier.historyRecovery ? mainGb + historyGb : mainGb,
      ...(infrequent && { writeUnitRare: historyWrites, storageRare: historyGb }),
    },
    Backup: {
      backup: mainGb * (assumed("weeklies") + (tier.monthlies ? warm : 0)),
      coldBackup: tier.monthlies ? mainGb * (tier.monthlies - warm) : 0,
    },
    S3: {
      archivePut: batches,
      archiveMove: moved ? batches : 0,
      archiveStandard: standardGb,
      archiveStorage: historyGb - standardGb,
      // Of many practices each has a file of its own: this is one practice.
      pageGet: assumed("uncached") * Math.min(pages, (assumed("places") * hours * 3600) / assumed("pageSeconds")),
    },
    ...atTheEdge(edge, tier, list),
    SES: { mail: mails },
    Cognito: { [tier.plus ? "staff" : "staffEssentials"]: Math.ceil(clients / assumed("staffClients")) },
    "KMS, Secrets Manager": {
      key: 1 + assumed("rotations"),
      keyRequest: invoked * assumed("tableKey"),
      secret: tier.secrets,
      // Those that a sweep calls every few minutes stay warm for it.
      secretRequest:
        coldPart *
        (total(rows, ({ name }) => SECRETS[functionOf(name)] ?? 0) +
          (mails + total(asides, () => 1)) * SECRETS["send-mail"] +
          notices * SECRETS.deliver),
    },
    CloudWatch: {
      logs: logsGb,
      logStorage: logsGb * tier.logMonths * assumed("packed"),
      metric: (assumed("metrics") * Math.min(calls, hours) + assumed("mailMetrics") * Math.min(mails, hours)) / HOURS,
      alarm: tier.alarms,
      dashboard: tier.dashboard === "large" ? 1 : 0,
    },
    "X-Ray": { trace: tier.traced ? invoked * traced : 0 },
  };
}

function lambdaSeconds(rows, { asides, mails, notices, batches, coldPart }, { programs }) {
  const called = ({ program, rounds, memory }) => {
    const warm = billedMs(program.processor, rounds, memory);
    // A start has a whole processor to itself, whatever the memory.
    return ((warm + coldPart * Math.ceil(program.ready.median)) * memory) / 1024 / 1000;
  };
  const memory = assumed("memory");
  const driven = (name, rounds) => {
    const program = programs[name];
    if (!program) throw new Error(`make bench-cold has not measured ${name}`);
    return { program, rounds, memory };
  };
  const sender = driven("send-mail", 4);
  const noter = driven("mail-events", 1);
  const teller = driven("deliver", 4);
  const archivist = (assumed("archived") * memory) / 1024 / 1000;
  return (
    total(rows, called) +
    total(asides, ({ rounds }) => called({ ...sender, rounds })) +
    mails * (called(sender) + called(noter)) +
    notices * (called(teller) + (assumed("listening") * memory) / 1024 / 1000) +
    assumed("sweeps") * called({ ...sender, rounds: 1 }) +
    assumed("noticeSweeps") * called({ ...teller, rounds: 1 }) +
    batches * archivist
  );
}

/** Requests, CloudFront functions and GB of each site. */
function sites(rows) {
  return [true, false].map((portal) => {
    const own = rows.filter(({ name }) => OF_PORTAL.test(name) === portal);
    const calls = total(own, () => 1);
    const pages = total(own, ({ name }) => PAGES[name] ?? 0);
    return {
      requests: calls + pages * assumed("files"),
      functions: pages * assumed("files"),
      gb: (calls * assumed("answer") + pages * assumed("page")) / 1e6,
    };
  });
}

/** What the sites' distributions and firewalls are billed for: by use, or by the smallest plan that holds a site, where
 *  that costs less than its use. */
function atTheEdge(edge, tier, list) {
  const made = {
    CloudFront: { edgeRequest: 0, edgeFunction: 0, transfer: 0 },
    WAF: { acl: 0, rule: 0, wafRequest: 0 },
  };
  for (const { requests, functions, gb } of edge) {
    const use = {
      CloudFront: { edgeRequest: requests, edgeFunction: functions, transfer: gb },
      WAF: { acl: 1, rule: assumed("rules"), wafRequest: requests },
    };
    const [plan] = tier.plans ? plansFor(requests, gb, list) : [];
    if (plan && plan.usd <= cost(use, list)) {
      made.CloudFront[plan.name] = (made.CloudFront[plan.name] ?? 0) + 1;
      continue;
    }
    for (const [service, parts] of Object.entries(use))
      for (const [name, quantity] of Object.entries(parts)) made[service][name] += quantity;
  }
  return made;
}

/** The plans that hold so many requests and GB, the cheapest first. */
const plansFor = (requests, gb, { prices }) =>
  Object.entries(prices)
    .filter(([, { holds }]) => holds && holds.requests >= requests && holds.gb >= gb)
    .map(([name, { usd }]) => ({ name, usd }))
    .sort((a, b) => a.usd - b.usd);

const cost = (services, { prices }) =>
  sum(
    Object.values(services).flatMap((parts) =>
      Object.entries(parts).map(([name, quantity]) => (quantity * prices[name].usd) / prices[name].per),
    ),
  );

/** Dollars of a month, by service and by the name of the price. */
export function bill(size, bench, cold, list, tier = TIERS.full) {
  const { prices } = list;
  const services = Object.entries(quantities(size, bench, cold, tier, list)).map(([service, parts]) => {
    const lines = Object.entries(parts).map(([name, quantity]) => {
      const price = prices[name];
      if (!price) throw new Error(`there is no price for ${name}`);
      const given = tier.allowances ? (price.allowance?.quantity ?? 0) : 0;
      return [name, { quantity, usd: (Math.max(0, quantity - given) * price.usd) / price.per }];
    });
    return [service, { usd: sum(lines.map(([, { usd }]) => usd)), lines: Object.fromEntries(lines) }];
  });
  return { usd: sum(services.map(([, { usd }]) => usd)), services: Object.fromEntries(services) };
}
