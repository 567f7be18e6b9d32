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

/** What a load is held against: a number, or what grows with the clients; and what becomes of it, `plan`, for those that
 *  give way first. */
function held(name, of, most, load, plan) {
  return { name, of, load, limit: typeof most === "number" ? () => most : most, ...(plan && { plan }) };
}
const OF_ONE_KEY = "DynamoDB, of one key";
const OF_AN_INDEX = `${OF_ONE_KEY} of an index`;
/** Mails that SES takes in a day of an account that has left the sandbox. */
const SES_A_DAY = 50_000;
/** Mails a second that a change for many asks for: `mailsASecond`. */
const ASKED_A_SECOND = 14;

export const LIMITS = [
  held(
    "requests a second to the busiest route",
    "`throttle`, by `people.clients`",
    ({ clients }) => Math.min(10_000, Math.max(50, clients / 2000)),
    (a) => a.route,
  ),
  held("requests a second to the API", "API Gateway, of an account and region", 10_000, (a) => a.all),
  held("functions at once", "Lambda's quota, once it is asked for", 1000, (a) => a.running),
  held(
    "sign-ins at once, which hash passwords",
    '`"signIns": 10`',
    10,
    (a) => a.signingIn,
    "raise `signIns`: each ten of them are 1 % of Lambda's quota",
  ),
  held(
    "reads a second of a practice's settings",
    "DynamoDB, of one item",
    3000,
    (a) => a.perPractice(a.all),
    "each environment keeps the settings for a second: then sessions end a second later",
  ),
  held(
    "writes a second of the commonest search partition, at an import of 50 clients a second",
    OF_ONE_KEY,
    1000,
    () => 50 * assumed("items") * assumed("common"),
  ),
  held(
    "reads a second of the commonest search partition",
    OF_ONE_KEY,
    3000,
    (a) => a.perPractice(a.searches) * a.searchReads * assumed("common"),
  ),
  held(
    "writes a second of a practice's list of who came when",
    `${OF_AN_INDEX}: an old entry and a new one`,
    1000,
    (a) => 2 * a.perPractice(a.signIns),
  ),
  held("writes a second of the history's index of a practice", OF_AN_INDEX, 1000, (a) => a.perPractice(a.eventsASecond)),
  held(
    "writes a second of the outbox's index",
    `${OF_AN_INDEX}: all that waits, of all practices`,
    1000,
    (a) => 2 * a.waiting,
    "spread what waits over sixteen keys by its id, and have the sweep ask for each",
  ),
  held("writes a second of the main table", "DynamoDB's quota of a table on demand", 40_000, (a) => a.writes),
  held(
    "mails a second that the stream brings",
    "one after the other, of each shard",
    () => (assumed("shards") * 1000) / (assumed("sending") + 4 * OF_COST.roundTrip.value),
    (a) => a.mailsASecond,
    "`parallelizationFactor` of 4 for `send-mail`, as `deliver` has; what comes too much waits and is not lost",
  ),
  held(
    "mails a day",
    "SES, of an account that has left the sandbox",
    SES_A_DAY,
    (a) => a.mailsADay,
    "ask SES for more before, with the numbers of `make cost`: it raises the quota of who has few bounces",
  ),
  held(
    "days in which a change for many invites all clients of a practice",
    "a working week; SES takes 50,000 mails a day",
    5,
    (a) => Math.max(a.practice / SES_A_DAY, a.practice / (ASKED_A_SECOND * 24 * 3600)),
    "the same request to SES; then raise `mailsASecond`",
  ),
  {
    ...held(
      "part of a day's mails that bounces, when a practice invites an old roster",
      "SES looks into an account at 5 %; a change for many stops there, a minute late",
      0.05,
      (a) => {
        const invited = Math.min(a.practice, ASKED_A_SECOND * assumed("late"));
        const all = invited + a.mailsADay;
        return all < assumed("judged") ? 0 : (invited * assumed("dead")) / all;
      },
      "a tenant of SES, with a reputation of its own, for each practice that invites; the others go on sending",
    ),
    // Other mails dilute it: a larger deployment is under its limit again.
    dilutes: true,
  },
  held(
    "minutes in which a practice's history of a year is read from the archive",
    "an hour; its objects hold all practices",
    60,
    (a) => {
      const objects = 365 * Math.max(288, (12 * a.events) / 365 / OF_COST.batch.value);
      return (objects * assumed("fetched")) / assumed("together") / 60_000;
    },
  ),
  held(
    "hours in which a roster is imported, by 50 clients a second",
    "a night",
    12,
    (a) => a.practice / 50 / 3600,
    "name the clients in `people.clients` before: the route takes one of 2,000 of them a second",
  ),
  held(
    "hours for which both sites are closed by `restore`",
    "half a working day",
    4,
    (a) => (a.clients * assumed("items") * assumed("restored")) / 3_600_000,
    "write sixteen parts of the copy side by side, and close the sites for the closing of accesses alone",
  ),
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
