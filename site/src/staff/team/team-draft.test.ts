import { expect, test } from "vitest";
import type { Member } from "../../api/staff";
import { draftOf, EMPTY, memberEdit, newMember, problems } from "./team-draft";

const sam: Member = { staffId: "1", name: "Sam", email: "sam@harbor.example", role: "staff", version: 3 };

test("an edit sends what was changed and no more", () => {
  const base = draftOf(sam);
  expect(memberEdit(3, base, base)).toEqual({ version: 3 });
  expect(memberEdit(3, base, { ...base, role: "auditor" })).toEqual({ version: 3, role: "auditor" });
  expect(memberEdit(3, base, { ...base, email: " new@harbor.example " })).toEqual({
    version: 3,
    email: "new@harbor.example",
  });
});

test("a person has a name and an address", () => {
  expect(problems(EMPTY).map(({ field }) => field)).toEqual(["name", "email"]);
  expect(problems({ ...EMPTY, name: "Sam", email: " " }).map(({ field }) => field)).toEqual(["email"]);
  expect(problems(draftOf(sam))).toEqual([]);
  expect(newMember({ name: " Sam ", email: "sam@harbor.example ", role: "admin" })).toEqual({
    name: "Sam",
    email: "sam@harbor.example",
    role: "admin",
  });
});
