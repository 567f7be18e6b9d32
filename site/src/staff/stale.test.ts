import { describe, expect, it } from "vitest";
import { merge, touched } from "./stale";

const base = { first: "Ana", last: "Silva", emails: ["a@example.com"] };

describe("an edit that came too late", () => {
  it("keeps what was typed and takes over what was not touched", () => {
    const mine = { ...base, first: "Anna" };
    const theirs = { ...base, last: "Sousa" };
    expect(merge(base, mine, theirs)).toEqual({
      draft: { first: "Anna", last: "Sousa", emails: ["a@example.com"] },
      changes: [{ field: "last", clash: false }],
    });
  });

  it("names a field that both changed, and keeps ours", () => {
    const mine = { ...base, emails: ["mine@example.com"] };
    const theirs = { ...base, emails: ["theirs@example.com"] };
    const { draft, changes } = merge(base, mine, theirs);
    expect(draft.emails).toEqual(["mine@example.com"]);
    expect(changes).toEqual([{ field: "emails", clash: true }]);
  });

  it("sees no clash where both typed the same", () => {
    const same = { ...base, last: "Sousa" };
    expect(merge(base, same, same).changes).toEqual([{ field: "last", clash: false }]);
  });

  it("has nothing to say when only something beside the form changed", () => {
    expect(merge(base, { ...base, first: "Anna" }, base).changes).toEqual([]);
  });
});

it("finds the fields that were touched", () => {
  expect([...touched(base, { ...base, emails: [], first: "Anna" })]).toEqual(["first", "emails"]);
});
