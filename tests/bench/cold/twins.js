// Makes sure that the functions in Node do what the real ones do, so that comparing them is fair: the same
// answers, and the same left in the tables, for what is asked of them in a day and for what is refused.
import { deepStrictEqual } from "node:assert/strict";
import { request } from "./events.js";
import { Instance } from "./lambda.js";

const QUERIES = [
  "abbott",
  "ma",
  "amara ok",
  "okafor amara",
  "1984-03-12",
  "3/12/1984",
  "2075551233",
  "1233",
  "hp-200001",
  "amaraokafor@mail",
  "mail.exam",
  "garcia marquez",
  "obrien",
  "nguyen tess",
  "Ortega-Ruiz",
  "okafro",
  "lindhlom nadia",
  "zebedee qvist",
  "x",
  "  ",
];

/** What is asked of both; each begins where the one before it left the table. */
function* asked({ staff, auditor, amara, samuel }, { STAFF_ORIGIN }) {
  const search = (body, rest) =>
    request("POST", "/api/clients/search", { cookie: staff, origin: STAFF_ORIGIN, body, ...rest });
  const parameters = amara.ids("c.okafor1l");
  const revoke = (rest) =>
    request("POST", "/api/clients/{clientId}/portal-users/{portalUserId}/revoke", {
      cookie: staff,
      origin: STAFF_ORIGIN,
      parameters,
      ...rest,
    });
  for (const query of QUERIES) yield ["search", search({ query })];
  let cursor = null;
  do {
    const page = yield ["search", search({ query: "abbott", limit: 7, cursor })];
    cursor = JSON.parse(page.body).nextCursor;
  } while (cursor);
  yield ["search", search({ query: "abbott", limit: 51 })];
  yield ["search", search({ query: "abbott", more: 1 })];
  yield ["search", search({ query: "abbott", cursor: "bm90IG91cnM" })];
  yield ["search", search({ query: "abbott" }, { cookie: undefined })];
  yield ["search", search({ query: "abbott" }, { origin: "https://elsewhere.example" })];
  yield ["revoke", revoke({ cookie: auditor })];
  yield ["revoke", revoke({ body: { reason: { code: "left-care", note: "Moved away" } } })];
  yield ["revoke", revoke({ body: { reason: { code: "left-care", note: "Moved away" } } })];
  yield ["revoke", revoke({ parameters: amara.ids("amara.okafor") })];
  yield ["revoke", revoke({ parameters: { ...parameters, portalUserId: samuel.id } })];
  yield ["revoke", revoke({ parameters: { ...parameters, clientId: "none" } })];
  yield ["revoke", revoke({ body: { reason: 7 } })];
  yield ["revoke", revoke({ cookie: `${staff}x` })];
  yield ["revoke", revoke({ parameters: amara.ids("ngozi.O0"), body: {} })];
}

/** Throws where a function in Node differs from the one in Rust; answers how many answers were compared. */
export async function compare(home, world, programs, log) {
  const { partition, users } = world.amara;
  const partitions = [partition, ...users.map(({ account }) => account)];
  const before = await home.items(partitions);
  const began = new Date().toISOString();
  const run = async (nameOf) => {
    const instances = new Map();
    const answers = [];
    try {
      const questions = asked(world, home.environment);
      for (let next = questions.next(); !next.done; ) {
        const [name, event] = next.value;
        const program = programs.find((one) => one.name === nameOf(name));
        if (!instances.has(name)) instances.set(name, await Instance.start(program, program.environment, log));
        const { answer } = await instances.get(name).invoke(event);
        answers.push({ path: event.rawPath, body: event.body, answer: essence(answer, began) });
        next = questions.next(answer);
      }
      const [items, event] = [await home.items(partitions), await home.event(partition)];
      return { answers, items: masked(items, began), event: masked({ ...event, SK: undefined }, began) };
    } finally {
      await Promise.all([...instances.values()].map((instance) => instance.stop()));
      await home.restore(partitions, before);
    }
  };
  const real = await run((name) => name);
  deepStrictEqual(await run((name) => `${name} in Node`), real);
  return real.answers.length;
}

/** What must be alike in two answers. */
function essence({ statusCode, headers, body }, began) {
  const { "x-request-id": id, "content-length": length, ...rest } = headers;
  return { statusCode, headers: rest, named: Boolean(id), body: masked(JSON.parse(body), began) };
}

/** A value without what cannot be alike: the moments since `began`, the names of events and requests, and the
 *  addresses that requests come from. */
function masked(value, began) {
  return JSON.parse(
    JSON.stringify(value, (key, part) => {
      if (["eventId", "requestId", "source"].includes(key)) return part && "some";
      const moment = typeof part === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(part);
      return moment && part >= began ? "now" : part;
    }),
  );
}
