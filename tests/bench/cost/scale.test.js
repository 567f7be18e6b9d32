import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { ASSUMED as OF_COST, CALLS, MAILS, stated } from "./model.js";
import { ASSUMED, LIMITS, SHAPES, measure, order } from "./scale.js";

const { bench, cold } = stated();
const limit = (word) => {
  const found = LIMITS.filter(({ name }) => name.includes(word));
  equal(found.length, 1, word);
  return found[0];
};
const [one, many] = SHAPES;
const close = (value, expected) => ok(Math.abs(value / expected - 1) < 0.002, `${value} is not ${expected}`);

test("every limit that the design is held against is there", () => {
  const words = ["the API", "hash passwords", "search partition", "outbox's index", "the stream brings", "mails a day"];
  for (const word of [...words, "bounces", "the archive", "is imported", "`restore`"])
    ok(LIMITS.some(({ name }) => name.includes(word)), word);
});

test("a load is what the stated use asks for in its busiest second", () => {
  const calls = Object.values(CALLS).reduce((all, each) => all + each, 0) * 1e6;
  close(measure(limit("requests a second to the API"), one, bench, cold).load, (calls / (21 * 8 * 3600)) * 5);
  const mails = MAILS.reduce((all, name) => all + CALLS[name], 0) * 1e6;
  close(measure(limit("mails a day"), many, bench, cold).load, mails / 21);
  // Refusals are asked for at the same route.
  close(measure(limit("busiest route"), one, bench, cold).load, (CALLS["token.introspect"] * 1e6 * 5) / 604_800);
});

test("measured units are what a load is computed with", () => {
  const slow = structuredClone(cold);
  slow.programs["sign-in"].processor *= 10;
  const of = (figures) => measure(limit("hash passwords"), one, bench, figures).load;
  ok(of(slow) > 5 * of(cold));
  const more = structuredClone(bench);
  for (const units of Object.values(more.operations)) units.write *= 2;
  const writes = (figures) => measure(limit("writes a second of the main table"), one, figures, cold).load;
  close(writes(more), 2 * writes(bench));
});

test("where load and limit meet, the one is the other", () => {
  for (const each of LIMITS)
    for (const shape of SHAPES) {
      const { reachedAt, used } = measure(each, shape, bench, cold);
      if (!reachedAt || each.dilutes) continue;
      const practices = shape.practices === 1 ? 1 : (shape.practices * reachedAt) / shape.clients;
      const there = measure(each, { clients: reachedAt, practices }, bench, cold);
      close(there.load, there.limit);
      // A load that grows with the clients is over its limit from there on.
      if (each.limit({ clients: 1 }) === each.limit({ clients: 1e9 })) equal(used >= 1, reachedAt <= shape.clients, each.name);
    }
});

test("what is a practice's own is not reached by many small ones", () => {
  for (const word of ["settings", "who came when", "history's index", "is imported", "invites all"]) {
    equal(measure(limit(word), many, bench, cold).reachedAt, undefined, word);
    ok(measure(limit(word), one, bench, cold).reachedAt, word);
  }
});

test("the first five that give way have a plan, and so has what a million clients are beyond", () => {
  const rows = order(bench, cold);
  const reached = rows.map(({ shapes }) => Math.min(...shapes.map(({ reachedAt }) => reachedAt ?? Infinity)));
  deepEqual(reached, reached.toSorted((a, b) => a - b));
  for (const { limit } of rows.slice(0, 5)) ok(limit.plan, limit.name);
  for (const { limit, shapes } of rows) if (shapes.some(({ used }) => used >= 1)) ok(limit.plan, limit.name);
});

test("the mails of a stream wait for each other, as many side by side as it has shards", () => {
  const { limit: most } = measure(limit("the stream brings"), one, bench, cold);
  close(most, (ASSUMED.shards.value * 1000) / (ASSUMED.sending.value + 4 * OF_COST.roundTrip.value));
});
