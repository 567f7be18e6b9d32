import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Failure } from "../../api/http";
import type { PortalUser, Progress, ToldState } from "../../api/staff";
import { ProgressWatch } from "./progress";

type Mail = NonNullable<PortalUser["mail"]>;
const mail = (state: Mail["state"]): Mail => ({ kind: "invitation", state, at: "2026-11-26T10:00:00Z" });

function following(answers: (Mail["state"] | number)[], from: Mail["state"] = "queued") {
  const asked: number[] = [];
  const seen: string[] = [];
  const begun = Date.now();
  const watch = new ProgressWatch(
    async () => {
      asked.push((Date.now() - begun) / 1000);
      const next = answers.shift() ?? "sent";
      if (typeof next === "number") throw new Failure(next, "unavailable");
      return { mail: mail(next) };
    },
    ({ mail }) => seen.push(mail?.state ?? "none"),
    { mail: mail(from) },
  );
  watch.start();
  return { asked, seen, watch };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks at growing distances until the mail has arrived", async () => {
  const { asked, seen } = following(["queued", "sent", "sent", "delivered"]);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toEqual([2, 6, 14, 30]);
  expect(seen).toEqual(["sent", "delivered"]);
});

it.each(["delivered", "bounced", "complained"] as const)("asks nothing about what was %s", async (state) => {
  const { asked } = following([], state);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toEqual([]);
});

it("gives up after five minutes, and begins anew when somebody looks", async () => {
  const { asked, watch } = following([]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(asked.at(-1)).toBeLessThanOrEqual(360);
  const before = asked.length;
  watch.start();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked).toHaveLength(before + 1);
});

it("goes on after a broken line, and stops when it is refused or left", async () => {
  const broken = following([0, 503, "delivered"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(broken.seen).toEqual(["delivered"]);
  const refused = following([404]);
  const over = following([401]);
  const left = following([]);
  await vi.advanceTimersByTimeAsync(2_000);
  left.watch.stop();
  await vi.advanceTimersByTimeAsync(600_000);
  expect([refused.asked, over.asked, left.asked]).toEqual([[2], [2], [2]]);
});

it("asks until every app was told, or could not be", async () => {
  const app = (name: string, state: ToldState["state"]): ToldState => ({ appId: `harbor.${name}`, state });
  const both = (...[a, b]: [ToldState["state"], ToldState["state"]]): Progress => ({
    mail: mail("delivered"),
    apps: [app("Messages", a), app("Bills", b)],
  });
  const answers = [both("telling", "telling"), both("told", "telling"), both("told", "failed")];
  const seen: unknown[] = [];
  const last = both("told", "failed");
  const watch = new ProgressWatch(
    async () => answers.shift() ?? last,
    ({ apps = [] }) => seen.push(apps.map(({ state }) => state)),
    both("telling", "telling"),
  );
  watch.start();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(seen).toEqual([
    ["told", "telling"],
    ["told", "failed"],
  ]);
  expect(answers).toHaveLength(0);
});
