import { expect, it } from "vitest";
import type { PortalUser } from "../../api/staff";
import { draftOf, editOf, newDraftOf, reopening, type Draft } from "./portal-user-draft";

const user = {
  name: { first: "Gene", last: "Okafor" },
  email: "gene@mail.example",
  username: "gene",
  relationship: "guardian",
  permissions: ["basic"],
  given: ["basic", "messaging"],
  until: "2026-12-03",
  chartOwner: false,
} as unknown as PortalUser;

it("begins with what was given, of which the client’s age may leave less", () => {
  expect(draftOf(user).permissions).toEqual(["basic", "messaging"]);
});

it("sends a day that was changed, and null for one that was emptied", () => {
  const base = draftOf(user);
  expect(editOf(3, base, { ...base, until: "", reviewOn: "2027-01-01" })).toEqual({
    version: 3,
    until: null,
    reviewOn: "2027-01-01",
  });
  expect(editOf(3, base, { ...base, first: "Jean" })).not.toHaveProperty("until");
});

it("takes no day along to another chart", () => {
  expect(newDraftOf(user)).toMatchObject({ until: "", reviewOn: "" });
});

it("says when saving gives access again that a clock has ended", () => {
  const now = Date.parse("2026-12-10T09:00:00Z");
  const says = (ended: string, change: Partial<Draft>, status = "revoked") => {
    const over = { ...user, status, ended: { at: "2026-12-04T05:00:00Z", reason: ended } } as PortalUser;
    const base = draftOf(over);
    return reopening(over, base, { ...base, ...change }, now);
  };
  expect(says("until", { until: "" })).toBe("user.reopens");
  expect(says("until", { until: "2026-12-10" })).toBe("user.reopens");
  expect(says("until", { until: "2026-12-08" })).toBeUndefined();
  expect(says("until", { relationship: "other" })).toBeUndefined();
  expect(says("age", { relationship: "other" })).toBe("user.reopens");
  expect(says("age", { relationship: "parent" })).toBeUndefined();
  expect(says("age", { permissions: ["billing"] })).toBe("user.mayReopen");
  expect(says("court-order", { until: "", relationship: "other" })).toBeUndefined();
  expect(says("until", { until: "" }, "active")).toBeUndefined();
});
