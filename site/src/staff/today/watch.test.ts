import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Failure } from "../../api/http";
import { PACE_MS, Watch } from "./watch";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watching(answers: (string | number)[] = []) {
  const begun = Date.now();
  const asked: number[] = [];
  const heard: string[] = [];
  const watch = new Watch(
    async () => {
      asked.push((Date.now() - begun) / PACE_MS);
      const next = answers.shift() ?? "same";
      if (typeof next === "number") throw new Failure(next, "unavailable");
      return next;
    },
    (answer) => heard.push(answer),
  );
  watch.start();
  return { asked, heard, watch };
}

it("asks once a minute as long as somebody looks", async () => {
  const { asked, heard, watch } = watching(["one", "two"]);
  await vi.advanceTimersByTimeAsync(PACE_MS - 1);
  expect(asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(1 + PACE_MS);
  expect([asked, heard]).toEqual([[1, 2], ["one", "two"]]);
  watch.stop();
  await vi.advanceTimersByTimeAsync(10 * PACE_MS);
  expect(asked).toEqual([1, 2]);
});

it("asks at once when somebody comes back, and not because they come and go", async () => {
  const { asked, watch } = watching();
  watch.stop();
  await vi.advanceTimersByTimeAsync(PACE_MS / 2);
  watch.start();
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toEqual([]);
  watch.stop();
  await vi.advanceTimersByTimeAsync(5 * PACE_MS);
  watch.start();
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(PACE_MS);
  expect(asked).toHaveLength(2);
});

it("goes on after a broken line, and stops when it is refused", async () => {
  const broken = watching([0, 503, "there"]);
  const over = watching([401]);
  await vi.advanceTimersByTimeAsync(3 * PACE_MS);
  expect([broken.asked, broken.heard]).toEqual([[1, 2, 3], ["there"]]);
  expect([over.asked, over.heard]).toEqual([[1], []]);
});

it("hears nothing of what was asked before it was left", async () => {
  let answer: (text: string) => void = () => {};
  const heard: string[] = [];
  const watch = new Watch(
    () => new Promise<string>((answered) => (answer = answered)),
    (text) => heard.push(text),
  );
  watch.start();
  await vi.advanceTimersByTimeAsync(PACE_MS);
  watch.stop();
  answer("late");
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual([]);
});
