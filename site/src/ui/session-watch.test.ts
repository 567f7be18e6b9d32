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
  who = "ana";
  saysEnd = true;

  readonly ask = async () => {
    this.asked += 1;
    if (this.dead) throw new Failure(0, "unreachable");
    if (this.end && this.end <= Date.now()) throw new Failure(401, "signed_out");
    const moved = Math.min(Date.now() + 10 * MINUTE, this.begun + 60 * MINUTE);
    if (moved - this.end >= MINUTE) this.end = moved;
    const utmost = new Date(this.begun + 60 * MINUTE).toISOString();
    return {
      who: this.who,
      expiresAt: new Date(this.end).toISOString(),
      ...(this.saysEnd && { endsAt: utmost }),
    };
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
  const onSession = vi.fn();
  const watch = new SessionWatch({ ask: server.ask, who: (session) => session.who, onSession, onEnd });
  watch.begin(await server.ask());
  server.asked = 0;
  return { server, watch, onEnd, onSession };
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

it.each([true, false])(
  "goes on for whoever stays, and says of the last end that nothing moves it",
  async (saysEnd) => {
    const server = new Server();
    server.saysEnd = saysEnd;
    const { watch, onEnd } = await signedIn(server);
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
  },
);

it("knows the last end from the first answer, also on a page that was opened shortly before it", async () => {
  const server = new Server();
  for (let uses = 0; uses < 9; uses++) {
    await server.ask();
    await pass(6);
  }
  const { watch } = await signedIn(server);
  await pass(4.1);
  expect(watch.warning.value).toEqual({ left: 120, last: true });
});

it("shows nobody's page to somebody else: said by the server, or by a tab where they signed in", async () => {
  const { server, watch, onEnd, onSession } = await signedIn();
  await watch.stay();
  expect(onSession).toHaveBeenCalledTimes(1);
  const other = await signedIn();
  server.who = "bo";
  await watch.stay();
  expect(onEnd.mock.calls).toEqual([["other"]]);
  expect(onSession).toHaveBeenCalledTimes(1);
  // That one asked is the page's own affair; that somebody else is in concerns every tab.
  expect(other.onEnd).not.toHaveBeenCalled();
  watch.begin(await server.ask());
  expect(other.onEnd.mock.calls).toEqual([["other"]]);
  expect(onEnd).toHaveBeenCalledTimes(1);
});

it("hears of what the page asks by itself only that the session is over", async () => {
  const { server, watch, onEnd } = await signedIn();
  const said = (status: number) => {
    const response = new Response(null, { status });
    Object.defineProperty(response, "url", {
      value: "http://localhost/api/clients/1/portal-users/2/progress",
    });
    return answer(Promise.resolve({ data: {}, response }), true);
  };
  await pass(5);
  await said(200);
  await pass(3.1);
  expect(watch.warning.value).toMatchObject({ left: 120 });
  expect(server.asked).toBe(0);
  await expect(said(401)).rejects.toThrow();
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
