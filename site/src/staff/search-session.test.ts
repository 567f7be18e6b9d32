import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Hit } from "../api/staff";
import { Failure } from "../api/http";
import { SearchSession } from "./search-session";

const hit = (clientId: string) => ({ clientId }) as Hit;

/** A server that answers when the test says so. */
function slowServer() {
  const asked: {
    query: string;
    cursor?: string | null;
    signal: AbortSignal;
    answer: (ids: string[], next?: string) => void;
    fail: () => void;
  }[] = [];
  const search = new SearchSession(
    (body, signal) =>
      new Promise((resolve, reject) => {
        asked.push({
          ...body,
          signal,
          answer: (ids, next) => resolve({ clients: ids.map(hit), nextCursor: next ?? null }),
          fail: () => reject(new Failure(503, "unavailable")),
        });
      }),
  );
  return { search, asked };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const shown = (search: SearchSession) => search.hits.value.map((each) => each.clientId);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks once, 120 ms after the last letter", async () => {
  const { search, asked } = slowServer();
  for (const text of ["a", "am", "ama"]) search.type(text);
  await vi.advanceTimersByTimeAsync(119);
  expect(asked).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked.map((each) => each.query)).toEqual(["ama"]);
});

it("gives up a question that newer typing has overtaken, and never shows its answer", async () => {
  const { search, asked } = slowServer();
  search.type("am");
  await vi.advanceTimersByTimeAsync(120);
  search.type("amb");
  expect(asked[0]!.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(120);
  asked[1]!.answer(["ambrose"]);
  await settle();
  asked[0]!.answer(["amara", "ambrose"]);
  await settle();
  expect(shown(search)).toEqual(["ambrose"]);
});

it("asks nothing below two characters, in whatever words", async () => {
  const { search, asked } = slowServer();
  for (const text of ["a", " a ", "a b"]) search.type(text);
  await vi.advanceTimersByTimeAsync(500);
  expect(asked).toHaveLength(0);
  expect(search.tooShort.value).toBe(true);
});

it("adds the next page to what is shown", async () => {
  const { search, asked } = slowServer();
  search.type("zed");
  await vi.advanceTimersByTimeAsync(120);
  asked[0]!.answer(["one"], "next");
  await settle();
  void search.more();
  void search.more();
  expect(asked.map((each) => each.cursor)).toEqual([undefined, "next"]);
  asked[1]!.answer(["two"]);
  await settle();
  expect(shown(search)).toEqual(["one", "two"]);
  expect(search.cursor.value).toBeNull();
});

it("says what failed and asks again", async () => {
  const { search, asked } = slowServer();
  search.type("zed");
  await vi.advanceTimersByTimeAsync(120);
  asked[0]!.fail();
  await settle();
  expect(search.failure.value?.code).toBe("unavailable");
  void search.now();
  asked[1]!.answer(["one"]);
  await settle();
  expect(search.failure.value).toBeNull();
  expect(shown(search)).toEqual(["one"]);
});
