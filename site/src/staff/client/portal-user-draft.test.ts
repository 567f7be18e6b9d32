import { expect, it } from "vitest";
import type { PortalUser } from "../../api/staff";
import { draftOf, editOf, newDraftOf } from "./portal-user-draft";

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
