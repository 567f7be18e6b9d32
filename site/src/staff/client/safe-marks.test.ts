import { describe, expect, it } from "vitest";
import { marksEdit, mergeMarks, sayMark, type Marks } from "./safe-marks";

const way = (text: string, safe: boolean) => ({ type: "home" as const, text, safe });
const base: Marks = { safeContact: false, emails: [way("ana@example.com", true), way("old@example.com", false)] };

describe("the marks of safe contact", () => {
  it("are sent when they were changed", () => {
    expect(marksEdit(4, base, { ...base, safeContact: true })).toEqual({ version: 4, safeContact: true });
    expect(marksEdit(4, base, { ...base, emails: [way("ana@example.com", false)] })).toEqual({
      version: 4,
      emails: [{ type: "home", address: "ana@example.com", safe: false }],
    });
  });

  it("stay as ticked when somebody else has changed the client, whose own changes are taken over and named", () => {
    const mine = { safeContact: true, emails: [way("ana@example.com", true), way("old@example.com", true)] };
    const theirs = {
      safeContact: false,
      emails: [way("Ana@example.com", false), way("old@example.com", false), way("new@example.com", true)],
    };
    const { draft, changes } = mergeMarks(base, mine, theirs);
    expect(draft).toEqual({
      safeContact: true,
      emails: [way("Ana@example.com", false), way("old@example.com", true), way("new@example.com", true)],
    });
    expect(changes).toEqual([{ field: "emails", clash: true }]);
    expect(sayMark(theirs, "emails")).toBe(
      "Ana@example.com, old@example.com, new@example.com (marked as safe)",
    );
  });

  it("that both set are no difference", () => {
    const mine = { ...base, safeContact: true };
    expect(mergeMarks(base, mine, mine)).toEqual({
      draft: mine,
      changes: [{ field: "safeContact", clash: false }],
    });
  });
});
