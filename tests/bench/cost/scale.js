// What gives way first when there are more clients: for each limit the load, what it is held against, and the size at
// which the two meet. Of one practice with all clients, and of many practices of 100: some limits are a practice's own.
import { pathToFileURL } from "node:url";
import { ASSUMED as OF_COST, MAILS, QUIET, TOLD, billedMs, figures, work } from "./model.js";

/** What is assumed beside the use that `model.js` states. */
export const ASSUMED = {
  working: { value: 21 * 8 * 3600, unit: "seconds of a month in which people are at work" },
  peak: { value: 5, unit: "times the mean of those seconds, in the busiest one" },
  days: { value: 21, unit: "days of a month at which mails go out" },
  shards: { value: 4, unit: "shards of the main table's stream: as many as a new table has parts" },
  sending: { value: 100, unit: "ms until SES has taken a mail" },
  items: { value: 24, unit: "items of a client: chart, portal user, account, address, search entries" },
  restored: { value: 0.8, unit: "ms in which `ops restore` reads, compares and writes an item: 25 in a request" },
  fetched: { value: 50, unit: "ms until an object of the archive is read" },
  together: { value: 32, unit: "objects of the archive that are read side by side" },
  common: { value: 0.05, unit: "of names begin with the two commonest letters" },
  late: { value: 60, unit: "seconds until a mail's bounce is counted" },
  judged: { value: 1000, unit: "mails a day below which SES judges nobody: it does not say how many" },
  dead: { value: 0.2, unit: "of the addresses of an old roster are dead" },
};
const assumed = (name) => ASSUMED[name].value;

/** Two shapes of the same number of clients. */
export const SHAPES = [
  { name: "1,000,000 clients in one practice", clients: 1_000_000, practices: 1 },
  { name: "10,000 practices of 100", clients: 1_000_000, practices: 10_000 },
];

const sum = (values) => values.reduce((all, value) => all + value, 0);

/** What a second, a day and a practice of this shape ask for. */
function asked({ clients, practices }, bench, cold) {
  const rows = work(clients, bench, cold);
  const busiest = (calls) => (calls / assumed("working")) * assumed("peak");
  const calls = (which) => sum(rows.filter(({ name }) => which(name)).map((row) => row.calls));
  const routes = new Map();
  for (const { name, calls } of rows) {
    const route = name.split(",")[0];
    routes.set(route, (routes.get(route) ?? 0) + calls);
  }
  const running = (row) => busiest(row.calls) * (billedMs(row.program.processor, row.rounds, row.memory) / 1000);
  const mails = calls((name) => MAILS.includes(name));
  return {
    practice: clients / practices,
    perPractice: (rate) => rate / practices,
    route: busiest(Math.max(...routes.values())),
    all: busiest(calls(() => true)),
    running: sum(rows.map(running)),
    signingIn: sum(rows.filter(({ name }) => name.startsWith("sign-in")).map(running)),
    signIns: busiest(calls((name) => name === "sign-in")),
    searches: busiest(calls((name) => name === "search")),
    searchReads: rows.find(({ name }) => name === "search").read,
    events: calls((name) => !QUIET.includes(name)),
    eventsASecond: busiest(calls((name) => !QUIET.includes(name))),
    writes: busiest(sum(rows.map((row) => row.calls * row.write))),
    waiting: busiest(mails + calls((name) => TOLD.includes(name))),
    mailsADay: mails / assumed("days"),
    mailsASecond: busiest(mails),
  };
}

/** Each with what it is held against, and what becomes of it: `plan` for those that give way first. */
export const LIMITS = [
  {
    name: "requests a second to the busiest route",
    of: "`throttle`, by `people.clients`",
    load: (a) => a.route,
    limit: ({ clients }) => Math.min(10_000, Math.max(50, clients / 2000)),
  },
  { name: "requests a second to the API", of: "API Gateway, of an account and region", load: (a) => a.all, limit: () => 10_000 },
  { name: "functions at once", of: "Lambda's quota, once it is asked for", load: (a) => a.running, limit: () => 1000 },
  {
    name: "sign-ins at once, which hash passwords",
    of: '`"signIns": 10`',
    load: (a) => a.signingIn,
    limit: () => 10,
    plan: "raise `signIns`: each ten of them are 1 % of Lambda's quota",
  },
  {
    name: "reads a second of a practice's settings",
    of: "DynamoDB, of one item",
    load: (a) => a.perPractice(a.all),
    limit: () => 3000,
    plan: "each environment keeps the settings for a second: then sessions end a second later",
  },
  {
    name: "writes a second of the commonest search partition, at an import of 50 clients a second",
    of: "DynamoDB, of one key",
    load: () => 50 * assumed("items") * assumed("common"),
    limit: () => 1000,
  },
  {
    name: "reads a second of the commonest search partition",
    of: "DynamoDB, of one key",
    load: (a) => a.perPractice(a.searches) * a.searchReads * assumed("common"),
    limit: () => 3000,
  },
  {
    name: "writes a second of a practice's list of who came when",
    of: "DynamoDB, of one key of an index: an old entry and a new one",
    load: (a) => 2 * a.perPractice(a.signIns),
    limit: () => 1000,
  },
  {
    name: "writes a second of the history's index of a practice",
    of: "DynamoDB, of one key of an index",
    load: (a) => a.perPractice(a.eventsASecond),
    limit: () => 1000,
  },
  {
    name: "writes a second of the outbox's index",
    of: "DynamoDB, of one key of an index: all that waits, of all practices",
    load: (a) => 2 * a.waiting,
    limit: () => 1000,
    plan: "spread what waits over sixteen keys by its id, and have the sweep ask for each",
  },
  { name: "writes a second of the main table", of: "DynamoDB's quota of a table on demand", load: (a) => a.writes, limit: () => 40_000 },
  {
    name: "mails a second that the stream brings",
    of: "one after the other, of each shard",
    load: (a) => a.mailsASecond,
    limit: () => (assumed("shards") * 1000) / (assumed("sending") + 4 * OF_COST.roundTrip.value),
    plan: "`parallelizationFactor` of 4 for `send-mail`, as `deliver` has; what comes too much waits and is not lost",
  },
  {
    name: "mails a day",
    of: "SES, of an account that has left the sandbox",
    load: (a) => a.mailsADay,
    limit: () => 50_000,
    plan: "ask SES for more before, with the numbers of `make cost`: it raises the quota of who has few bounces",
  },
  {
    name: "days in which a change for many invites all clients of a practice",
    of: "a working week; SES takes 50,000 mails a day",
    load: (a) => Math.max(a.practice / 50_000, a.practice / (14 * 24 * 3600)),
    limit: () => 5,
    plan: "the same request to SES; then raise `mailsASecond`",
  },
  {
    name: "part of a day's mails that bounces, when a practice invites an old roster",
    of: "SES looks into an account at 5 %; a change for many stops there, a minute late",
    // Other mails dilute it: a larger deployment is under its limit again.
    dilutes: true,
    load: (a) => {
      const invited = Math.min(a.practice, 14 * assumed("late"));
      const all = invited + a.mailsADay;
      return all < assumed("judged") ? 0 : (invited * assumed("dead")) / all;
    },
    limit: () => 0.05,
    plan: "a tenant of SES, with a reputation of its own, for each practice that invites; the others go on sending",
  },
  {
    name: "minutes in which a practice's history of a year is read from the archive",
    of: "an hour; its objects hold all practices",
    load: (a) => {
      const objects = 365 * Math.max(288, (12 * a.events) / 365 / OF_COST.batch.value);
      return (objects * assumed("fetched")) / assumed("together") / 60_000;
    },
    limit: () => 60,
  },
  {
    name: "hours in which a roster is imported, by 50 clients a second",
    of: "a night",
    load: (a) => a.practice / 50 / 3600,
    limit: () => 12,
    plan: "name the clients in `people.clients` before: the route takes one of 2,000 of them a second",
  },
  {
    name: "hours for which both sites are closed by `restore`",
    of: "half a working day",
    load: (a) => (a.clients * assumed("items") * assumed("restored")) / 3_600_000,
    limit: () => 4,
    plan: "write sixteen parts of the copy side by side, and close the sites for the closing of accesses alone",
  },
];

/** Load, limit, and the number of clients at which the first reaches the second, of this shape: as many practices in
 *  proportion, or one. Undefined where none does. */
export function measure(limit, shape, bench, cold) {
  const at = (clients) => {
    const grown = { clients, practices: shape.practices === 1 ? 1 : (shape.practices * clients) / shape.clients };
    return { load: limit.load({ ...asked(grown, bench, cold), clients }), limit: limit.limit(grown) };
  };
  const reached = (clients) => {
    const { load, limit } = at(clients);
    return load >= limit;
  };
  const now = { ...at(shape.clients) };
  now.used = now.load / now.limit;
  // By steps of a tenth: what is diluted is reached and left again.
  let high = 1;
  while (high < 1e10 && !reached(high)) high *= 1.1;
  if (high >= 1e10) return now;
  let low = high / 1.1;
  while (high / low > 1.001) {
    const middle = Math.sqrt(low * high);
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return { ...now, reachedAt: high };
}

/** The limits, those first that a shape reaches first. */
export function order(bench, cold) {
  const all = LIMITS.map((limit) => ({ limit, shapes: SHAPES.map((shape) => measure(limit, shape, bench, cold)) }));
  const first = ({ shapes }) => Math.min(...shapes.map(({ reachedAt }) => reachedAt ?? Infinity));
  return all.sort((a, b) => first(a) - first(b));
}

const number = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: value < 1000 ? 2 : 3 });

/** As Markdown, a line each. */
export function table(rows) {
  const cell = ({ load, limit, reachedAt }) =>
    `${number(load)} of ${number(limit)}${reachedAt ? `; at ${number(reachedAt)}` : "; never"}`;
  return [
    `| limit | is | ${SHAPES.map(({ name }) => name).join(" | ")} |`,
    "| --- | --- | --: | --: |",
    ...rows.map(({ limit, shapes }) => `| ${limit.name} | ${limit.of} | ${shapes.map(cell).join(" | ")} |`),
  ];
}

function print() {
  const { bench, cold, source } = figures();
  const rows = order(bench, cold);
  console.log(`By ${source}.\n`);
  console.log(table(rows).join("\n"));
  console.log("\nWhat is done about those that give way first:\n");
  for (const { limit } of rows) if (limit.plan) console.log(`- **${limit.name}**: ${limit.plan}.`);
  console.log("\nAssumed:\n");
  for (const { value, unit } of Object.values(ASSUMED)) console.log(`- ${number(value)} ${unit}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) print();
