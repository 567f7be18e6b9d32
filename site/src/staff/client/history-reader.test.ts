import { expect, it } from "vitest";
import { Failure } from "../../api/http";
import type { HistoryEvent } from "../../api/staff";
import { HistoryReader } from "./history-reader";

const event = (action: string) => ({ action }) as unknown as HistoryEvent;

/** A history of three pages; each of the cursors named fails once. */
function history(...failing: string[]) {
  const asked: string[] = [];
  const reader = new HistoryReader(async (cursor = "1") => {
    asked.push(cursor);
    const fails = failing.indexOf(cursor);
    if (fails >= 0) {
      failing.splice(fails, 1);
      throw new Failure(503, "unavailable");
    }
    return { events: [event(cursor)], nextCursor: cursor === "3" ? null : String(Number(cursor) + 1) };
  });
  return { reader, asked, read: () => reader.events.value?.map((each) => each.action as string) };
}

it("reads a page at a time, and all of it when asked", async () => {
  const { reader, read } = history();
  expect(reader.events.value).toBeNull();
  await reader.next();
  expect(read()).toEqual(["1"]);
  expect(reader.complete.value).toBe(false);
  await reader.all();
  expect(read()).toEqual(["1", "2", "3"]);
  expect(reader.complete.value).toBe(true);
});

it("reads no page twice for two who want it at once", async () => {
  const { reader, asked, read } = history();
  await Promise.all([reader.next(), reader.all(), reader.all()]);
  expect(asked).toEqual(["1", "2", "3"]);
  expect(read()).toEqual(["1", "2", "3"]);
});

it("goes on after a failure from where it stopped", async () => {
  const { reader, asked, read } = history("2");
  await expect(reader.all()).rejects.toBeInstanceOf(Failure);
  expect(read()).toEqual(["1"]);
  await reader.all();
  expect(asked).toEqual(["1", "2", "2", "3"]);
  expect(read()).toEqual(["1", "2", "3"]);
});

it("stops when nobody is looking any more", async () => {
  const { reader, asked } = history();
  const all = reader.all();
  reader.close();
  await all;
  expect(asked).toEqual(["1"]);
});
