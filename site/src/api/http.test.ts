import { afterEach, describe, expect, it, vi } from "vitest";
import { answer, Failure, send, Submission } from "./http";

const problem = (status: number, body: unknown, headers?: Record<string, string>) =>
  answer(
    Promise.resolve({ error: body, response: new Response(null, { status, ...(headers && { headers }) }) }),
  );

afterEach(() => vi.restoreAllMocks());

describe("a failure", () => {
  it("carries what the problem says", async () => {
    const fields = [{ field: "password", code: "too_short", message: "Use at least 15 characters." }];
    await expect(
      problem(422, { code: "too_short", detail: "No.", requestId: "r1", fields }),
    ).rejects.toMatchObject({
      status: 422,
      code: "too_short",
      detail: "No.",
      requestId: "r1",
      fields,
    });
  });

  it("carries the seconds to wait", async () => {
    await expect(problem(429, { code: "too_many_attempts" }, { "Retry-After": "61" })).rejects.toMatchObject({
      retryAfter: 61,
    });
  });

  it("is made of nonsense too", async () => {
    await expect(problem(500, "<html>")).rejects.toMatchObject({ status: 500, code: "unknown", fields: [] });
  });

  it.each([
    [503, "<html><h1>503</h1></html>", "unavailable"],
    [502, "Bad Gateway", "unavailable"],
    [504, "", "unavailable"],
    [429, "<html>", "too_many_attempts"],
    [500, "<html>", "unknown"],
    [403, "<html>", "unknown"],
  ])("of %i in HTML is the edge's, and no broken line", async (status, body, code) => {
    vi.stubGlobal(
      "Request",
      class {
        signal = new AbortController().signal;
      },
    );
    vi.stubGlobal("fetch", async () => new Response(body, { status }));
    await expect(send("get", "/api/portal/session")).rejects.toMatchObject({ status, code });
    vi.unstubAllGlobals();
  });

  it("waits until a date as for seconds", async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    await expect(problem(503, undefined, { "Retry-After": inAMinute })).rejects.toSatisfy(
      (failure: Failure) => failure.retryAfter! > 55 && failure.retryAfter! <= 60,
    );
    await expect(problem(503, undefined, { "Retry-After": "soon" })).rejects.toMatchObject({
      retryAfter: undefined,
    });
  });

  it("says that no answer came, and leaves a call that was given up alone", async () => {
    await expect(answer(Promise.reject(new TypeError("network")))).rejects.toEqual(
      new Failure(0, "unreachable"),
    );
    await expect(answer(Promise.reject(new DOMException("", "AbortError")))).rejects.toBeInstanceOf(
      DOMException,
    );
  });
});

describe("a submission's key", () => {
  it("stays for the same body and changes with it", () => {
    const submission = new Submission();
    const first = submission.keyFor({ name: "Ana" });
    expect(submission.keyFor({ name: "Ana" })).toBe(first);
    expect(submission.keyFor({ name: "Anna" })).not.toBe(first);
  });
});
