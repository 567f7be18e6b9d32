import { beforeAll, describe, expect, it, vi } from "vitest";
import { speak } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import { problemsOf, rulesOf, sayRules, ticked, toRules, type Rule } from "./rules";

beforeAll(() => {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("navigator", { languages: ["en-US"] });
  speak("en", staff);
});

it("sends what it was given", () => {
  const rules = [{ fromAge: 12, allows: ["basic" as const] }, { fromAge: 18, allows: "none" as const }];
  expect(toRules(rulesOf(rules))).toEqual(rules);
});

it("ticks in the order of the list, and takes “No access” away", () => {
  expect(ticked(["billing"], "basic", true)).toEqual(["basic", "billing"]);
  expect(ticked(["basic", "billing"], "basic", false)).toEqual(["billing"]);
  expect(ticked(null, "messaging", true)).toEqual(["messaging"]);
});

describe("what can be seen to be wrong with a rule", () => {
  it.each<[string, Rule[], string[]]>([
    ["an age too high", [{ age: "121", allows: null }], ["guardianRules[0].fromAge"]],
    ["no age", [{ age: " ", allows: null }], ["guardianRules[0].fromAge"]],
    ["nothing chosen", [{ age: "12", allows: [] }], ["guardianRules[0].allows"]],
    [
      "an age twice",
      [
        { age: "12", allows: ["basic"] },
        { age: " 12", allows: null },
      ],
      ["guardianRules[1].fromAge"],
    ],
    ["nothing", [{ age: "0", allows: null }], []],
  ])("%s", (_, rules, fields) => {
    expect(problemsOf(rules).map(({ field }) => field)).toEqual(fields);
  });
});

it("says the rules in a line", () => {
  expect(sayRules([{ age: "12", allows: ["basic", "billing"] }, { age: "18", allows: null }])).toBe(
    `from ${12}: ${staff["permission.basic"]}, ${staff["permission.billing"]}; from 18: no access`,
  );
  expect(sayRules([])).toBe("");
});
