import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { AIMS, LIMITS, missed, quantile, summary, tables } from "./report.js";
import { together } from "./wire.js";

const request = (from, to) => ({ from, to });

test("time with requests under way counts once, and only within the call", () => {
  equal(together([], 0, 10), 0);
  equal(together([request(1, 3), request(5, 6)], 0, 10), 3, "one after the other");
  equal(together([request(1, 4), request(2, 6)], 0, 10), 5, "side by side");
  equal(together([request(1, 9), request(2, 3)], 0, 10), 8, "one within the other");
  equal(together([request(2, 3), request(1, 9)], 0, 10), 8, "in whichever order they are noted");
  equal(together([request(-5, 2), request(8, 20)], 0, 10), 4, "cut at both ends");
  equal(together([request(-5, -1), request(11, 20)], 0, 10), 0, "outside");
});

test("quantiles lie between the values", () => {
  equal(quantile([3, 1, 2], 0.5), 2);
  equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  equal(quantile([7], 0.99), 7);
});

/** Figures of a floor, a function and the same in Node, with something changed. */
function figures({ floor = 10, ready = 10, first = 20, memory = 10, zip = 1, own = 0.5, ...rest } = {}) {
  const program = (name, [ready, first, memory, own], more) => ({
    name,
    seen: {
      floor: [floor],
      ready: [ready],
      first: [first],
      warm: [own + 1],
      overhead: [own],
      processor: [own],
      memory: [memory * 1024 * 1024],
    },
    zip: zip * 1_000_000,
    ...more,
  });
  return summary([
    program("floor", [10, 12, 5, 0.2]),
    program("search", [ready, first, memory, own], rest),
    program("search in Node", [200, 400, 80, 5], { instead: "search" }),
  ]);
}

test("aims that are kept are not spoken of", () => {
  deepEqual(missed(figures(), AIMS), []);
  deepEqual(missed(figures({ floor: 11, ready: 16 }), AIMS), [], "the floor that counts is the one beside it");
  deepEqual(missed(figures({ own: 30, hashes: true }), AIMS), [], "a password's hash takes its time");
});

test("each aim that is missed has a line", () => {
  deepEqual(missed(figures({ ready: 16 }), AIMS), ["search is ready after 1.6 × the floor's time, not 1.5 ×"]);
  deepEqual(missed(figures({ zip: 4.1 }), AIMS), ["search is 4.10 MB zipped, not 4 MB"]);
  deepEqual(missed(figures({ own: 1.3 }), AIMS), ["search takes 1.10 ms of its own beyond the floor, not 1 ms"]);
  deepEqual(missed(figures({ first: 80 }), AIMS), ["search answers first 5.0 × faster than Node, not 8 ×"]);
  deepEqual(missed(figures({ memory: 40 }), AIMS), ["search takes 2.0 × less memory than Node, not 4 ×"]);
});

test("an aim that is out of reach has a limit, and every other is its own", () => {
  deepEqual(missed(figures({ ready: 24, own: 3.6 }), LIMITS), []);
  deepEqual(missed(figures({ ready: 26 }), LIMITS), ["search is ready after 2.6 × the floor's time, not 2.5 ×"]);
  deepEqual(missed(figures({ own: 4 }), LIMITS), ["search takes 3.80 ms of its own beyond the floor, not 3.5 ms"]);
  equal(missed(figures({ zip: 4.1, first: 80, memory: 40 }), LIMITS).length, 3);
});

test("the tables name every program", () => {
  const printed = tables(figures(), { rounds: 1, warm: 1 });
  for (const name of ["floor", "search", "search in Node", "Beside Node"]) equal(printed.includes(name), true);
});
