import { beforeAll, expect, it, vi } from "vitest";
import type { PortalUser } from "../../api/staff";
import { speak } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import { sayOver, sayTerms } from "./clock-words";
import { sayEnding } from "./ending";

const known = (more: Partial<PortalUser>) =>
  ({ status: "active", permissions: ["basic"], ...more }) as PortalUser;

beforeAll(() => {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  speak("en", staff);
});

it("says until when access is open, but not of access that is over", () => {
  expect(sayTerms(known({ until: "2026-12-03" }))).toEqual(["Until 3 December 2026"]);
  expect(sayTerms(known({ until: "2026-12-03", status: "revoked" }))).toEqual([]);
});

it("names what the client’s age takes away of what was given", () => {
  expect(sayTerms(known({ given: ["basic", "billing", "messaging"] }))).toEqual([
    `Not at the client’s age: ${staff["permission.billing"]} and ${staff["permission.messaging"]}`,
  ]);
});

it("says which clock ended it, and nothing where a person did", () => {
  const at = "2026-12-04T05:00:00.000Z";
  const over = (reason: "until" | "age" | "request") => sayOver(known({ until: "2026-12-03", ended: { at, reason } }));
  expect(over("until")).toBe("The last day was 3 December 2026");
  expect(over("age")).toMatch(/^The client has reached an age/);
  expect(over("request")).toBeUndefined();
});

it("says what is to come, and when", () => {
  const said = (["until", "age", "narrows", "review"] as const).map((reason) =>
    sayEnding(known({ ending: { on: "2026-12-03", reason } })),
  );
  expect(said.map((each) => each?.split(" 3 December 2026")[0])).toEqual([
    "Ends on",
    "Ends on",
    "Narrows on",
    "Review on",
  ]);
  expect(sayEnding(known({}))).toBeUndefined();
});
