import { expect, it } from "vitest";
import { Failure } from "../../api/http";
import type { AccessQuery, AccessRow } from "../../api/staff";
import { AccessReader } from "./access-reader";

const rows = (from: number, count: number): AccessRow[] =>
  Array.from({ length: count }, (_, n) => ({
    client: { clientId: `c${from + n}`, name: { first: "", last: "" }, recordNumber: "" },
  }));

const FILTER = { view: "without-access", query: "", professional: "" } as const;

/** A list of so many, whose cursors are places in it; fails once where it is told to. */
function list(size: number, failAt?: number) {
  const asked: AccessQuery[] = [];
  let failed = false;
  const ask = (body: AccessQuery) => {
    asked.push(body);
    const from = Number(body.cursor ?? 0);
    if (from === failAt && !failed) {
      failed = true;
      return Promise.reject(new Failure(503, "unavailable"));
    }
    const to = Math.min(from + (body.limit ?? 0), size);
    return Promise.resolve({ rows: rows(from, to - from), nextCursor: to < size ? String(to) : null });
  };
  return { asked, ask };
}

it("shows a page at a time, and says when nothing is left", async () => {
  const { asked, ask } = list(70);
  const reader = new AccessReader(FILTER, ask);
  await reader.next();
  expect([reader.shown.value?.length, reader.complete.value]).toEqual([50, false]);
  await reader.next();
  expect([reader.shown.value?.length, reader.complete.value]).toEqual([70, true]);
  expect(asked).toEqual([
    { view: "without-access", limit: 50 },
    { view: "without-access", limit: 50, cursor: "50" },
  ]);
});

it("reads all of it without showing it, and shows from there what was read already", async () => {
  const { asked, ask } = list(260);
  const reader = new AccessReader(FILTER, ask);
  await reader.next();
  expect(await reader.all()).toHaveLength(260);
  expect([reader.shown.value?.length, reader.complete.value, reader.count.value]).toEqual([50, false, 260]);
  const requests = asked.length;
  await reader.next();
  expect([reader.shown.value?.length, reader.complete.value]).toEqual([100, false]);
  expect(asked).toHaveLength(requests);
  reader.showAll();
  expect([reader.shown.value?.length, reader.complete.value]).toEqual([260, true]);
});

it("goes on where it failed", async () => {
  const { asked, ask } = list(250, 150);
  const reader = new AccessReader(FILTER, ask);
  await reader.next();
  await expect(reader.all()).rejects.toBeInstanceOf(Failure);
  expect(await reader.all()).toHaveLength(250);
  expect(asked.map(({ cursor }) => cursor ?? "")).toEqual(["", "50", "150", "150"]);
});

it("asks for what was typed, and lists nobody twice", async () => {
  const asked: AccessQuery[] = [];
  const ask = (body: AccessQuery) => {
    asked.push(body);
    return Promise.resolve({ rows: rows(0, 2), nextCursor: body.cursor ? null : "on" });
  };
  const reader = new AccessReader({ view: "active", query: "amara", professional: "Dr. Lima" }, ask);
  await reader.next();
  expect(asked[0]).toEqual({ view: "active", limit: 50, query: "amara", professional: "Dr. Lima" });
  expect(await reader.all()).toHaveLength(2);
});

it("stops reading when nobody looks any more", async () => {
  const { asked, ask } = list(1000);
  const reader = new AccessReader(FILTER, ask);
  await reader.next();
  reader.close();
  await reader.all();
  expect(asked).toHaveLength(1);
});

it("takes a page that was given up for no failure", async () => {
  const ask = (_: AccessQuery, signal?: AbortSignal) =>
    new Promise<never>((_, refuse) =>
      signal?.addEventListener("abort", () => refuse(new DOMException("", "AbortError"))),
    );
  const reader = new AccessReader(FILTER, ask);
  const reading = reader.next();
  reader.close();
  await reading;
  expect(reader.complete.value).toBe(false);
});
