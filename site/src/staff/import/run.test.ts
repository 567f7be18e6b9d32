// Calls of 25 rows: in order, a few at a time, stopped and gone on with.
import { expect, test } from "vitest";
import type { Candidate, Client } from "./judge";
import { Run, type Outcome } from "./run";

const candidates = (count: number): Candidate[] =>
  Array.from({ length: count }, (_, n) => ({
    line: n + 2,
    cells: [],
    faults: [],
    client: { recordNumber: String(n), name: { first: "A", last: "B" }, dateOfBirth: "1984-03-12" },
  }));
const all = (rows: Candidate[]) => rows.map((_, n) => n);
const made = (rows: Client[]): Outcome[] =>
  rows.map(({ recordNumber }) => ({ outcome: "created", clientId: recordNumber }));

test("every row gets its own outcome, in calls of 25 and three at a time", async () => {
  const rows = candidates(130);
  const sizes: number[] = [];
  let [now, most] = [0, 0];
  const run = new Run(
    rows,
    all(rows),
    async (asked) => {
      sizes.push(asked.length);
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return made(asked);
    },
    () => {},
  );
  await run.start();
  expect(run.finished).toBe(true);
  expect(sizes).toEqual([25, 25, 25, 25, 25, 5]);
  expect(most).toBe(3);
  expect(rows.every((_, n) => run.outcomes.get(n)?.clientId === String(n))).toBe(true);
});

test("what is left out is not asked about", async () => {
  const rows = candidates(5);
  const asked: string[] = [];
  const run = new Run(rows, [1, 4], async (some) => (asked.push(...some.map((r) => r.recordNumber)), made(some)), () => {});
  await run.start();
  expect(asked).toEqual(["1", "4"]);
  expect(run.total).toBe(2);
});

test("after a stop it goes on where it was, and no row is sent twice", async () => {
  const rows = candidates(200);
  const asked: string[] = [];
  const run: Run = new Run(
    rows,
    all(rows),
    async (some) => {
      asked.push(...some.map((row) => row.recordNumber));
      if (asked.length === 75) run.stop();
      return made(some);
    },
    () => {},
  );
  await run.start();
  expect(run.finished).toBe(false);
  expect(run.done).toBeLessThan(200);
  await run.start();
  expect(run.finished).toBe(true);
  expect(asked.sort()).toEqual(all(rows).map(String).sort());
});

test("a call that failed is told of and sent again, and those beside it count", async () => {
  const rows = candidates(100);
  let fail = true;
  const run = new Run(
    rows,
    all(rows),
    async (some) => {
      if (fail && some[0]!.recordNumber === "25") throw new Error("unreachable");
      return made(some);
    },
    () => {},
  );
  await expect(run.start()).rejects.toThrow("unreachable");
  expect(run.outcomes.has(0)).toBe(true);
  expect(run.outcomes.has(25)).toBe(false);
  fail = false;
  await run.start();
  expect(run.finished).toBe(true);
});
