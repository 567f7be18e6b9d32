import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { answer, Failure } from "../api/http";
import { SessionWatch } from "./session-watch";

const MINUTE = 60_000;

/** A server with one session: ten minutes idle, an hour at most, and its end moved a minute or more. */
class Server {
  readonly begun = Date.now();
  end = 0;
  asked = 0;
  dead = false;

  readonly ask = async () => {
    this.asked += 1;
    if (this.dead) throw new Failure(0, "unreachable");
    if (this.end && this.end <= Date.now()) throw new Failure(401, "signed_out");
    const moved = Math.min(Date.now() + 10 * MINUTE, this.begun + 60 * MINUTE);
    if (moved - this.end >= MINUTE) this.end = moved;
    return { expiresAt: new Date(this.end).toISOString() };
  };
}

let tabs: { onmessage?: (event: { data: unknown }) => void }[] = [];

beforeEach(() => {
  tabs = [];
  vi.useFakeTimers();
  vi.stubGlobal("document", { addEventListener: () => {} });
  vi.stubGlobal(
    "BroadcastChannel",
    class {
      onmessage?: (event: { data: unknown }) => void;
      constructor() {
        tabs.push(this);
      }
      postMessage(data: unknown) {
        for (const tab of tabs) if (tab !== this) tab.onmessage?.({ data });
      }
    },
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function signedIn(server = new Server()) {
  const onEnd = vi.fn();
  const watch = new SessionWatch(server.ask, onEnd);
  watch.begin(await server.ask());
  server.asked = 0;
  return { server, watch, onEnd };
}

const pass = (minutes: number) => vi.advanceTimersByTimeAsync(minutes * MINUTE);

/** Work: an answer of the API that is not about the session. */
async function work(server: Server) {
  await server.ask();
  server.asked -= 1;
  const response = new Response(null, { status: 200 });
  Object.defineProperty(response, "url", { value: "http://localhost/api/clients/search" });
  await answer(Promise.resolve({ data: {}, response }));
}

it("warns two minutes before an idle end, counts down in steps, and is over", async () => {
  const { server, watch, onEnd } = await signedIn();
  await pass(7.9);
  expect(watch.warning.value).toBeNull();
  await pass(0.2);
  expect(watch.warning.value).toEqual({ left: 120, last: false });
  await pass(1.2);
  expect(watch.warning.value).toEqual({ left: 45, last: false });
  expect(server.asked).toBe(0);
  await pass(1);
  expect(onEnd.mock.calls).toEqual([["over"]]);
  expect(watch.warning.value).toBeNull();
});

it("goes on for whoever stays, and says of the last end that nothing moves it", async () => {
  const { watch, onEnd } = await signedIn();
  for (let stays = 0; stays < 6; stays++) {
    await pass(8.7);
    expect(watch.warning.value, `after ${stays}`).toMatchObject({ last: false });
    await watch.stay();
    expect(watch.warning.value).toBeNull();
  }
  await pass(6);
  expect(watch.warning.value).toEqual({ left: 120, last: true });
  watch.dismiss();
  await pass(1);
  expect(watch.warning.value).toBeNull();
  await pass(1);
  expect(onEnd.mock.calls).toEqual([["over"]]);
});

it("asks after work, instead of warning too early, and no later than a minute after it", async () => {
  const { server, watch, onEnd } = await signedIn();
  await pass(0.5);
  await work(server);
  expect(server.asked).toBe(0);
  await pass(0.6);
  expect(server.asked).toBe(1);
  await pass(5);
  await work(server);
  await pass(2.1);
  expect([watch.warning.value, server.asked]).toEqual([null, 2]);
  await pass(6);
  expect(watch.warning.value).not.toBeNull();
  await pass(2);
  expect(server.asked).toBe(3);
  expect(onEnd.mock.calls).toEqual([["over"]]);
});

it("asks again a minute later when the line was broken", async () => {
  const { server, watch } = await signedIn();
  await pass(0.5);
  await work(server);
  server.dead = true;
  await pass(3);
  expect(server.asked).toBe(3);
  server.dead = false;
  await pass(1);
  expect(server.asked).toBe(4);
  await pass(6);
  expect(watch.warning.value).toBeNull();
});

it("does not take a machine's waking for work", async () => {
  const { server, watch, onEnd } = await signedIn();
  await work(server);
  // Asleep no clock ticks.
  vi.setSystemTime(Date.now() + 8.5 * MINUTE);
  await pass(0.1);
  expect(server.asked).toBe(0);
  expect(watch.warning.value).toMatchObject({ last: false });
  await pass(2);
  expect(onEnd.mock.calls).toEqual([["over"]]);
});

it("keeps the session of a line that broke, and says it is over only after its time", async () => {
  const { server, watch, onEnd } = await signedIn();
  await pass(8.5);
  server.dead = true;
  await expect(watch.stay()).rejects.toThrow("unreachable");
  expect(watch.warning.value).not.toBeNull();
  expect(onEnd).not.toHaveBeenCalled();
  await pass(2);
  expect(onEnd.mock.calls).toEqual([["over"]]);
});

it("hears of other tabs: kept there, kept here; signed out there, out here; and two at rest keep nothing", async () => {
  const server = new Server();
  const here = await signedIn(server);
  await pass(0.5);
  const there = await signedIn(server);
  await pass(8);
  expect(here.watch.warning.value).not.toBeNull();
  await there.watch.stay();
  expect(here.watch.warning.value).toBeNull();
  await pass(12);
  expect(here.onEnd.mock.calls).toEqual([["over"]]);
  expect(there.onEnd.mock.calls).toEqual([["over"]]);

  const first = await signedIn();
  const second = await signedIn(first.server);
  first.watch.signedOut();
  expect(second.onEnd.mock.calls).toEqual([["elsewhere"]]);
  expect(first.onEnd).not.toHaveBeenCalled();
});
