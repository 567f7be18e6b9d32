import { afterEach, describe, expect, it, vi } from "vitest";
import { answer, Failure, Submission } from "./http";

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
    await expect(problem(502, "<html>")).rejects.toMatchObject({ status: 502, code: "unknown", fields: [] });
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
