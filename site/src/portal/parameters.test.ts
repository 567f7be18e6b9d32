import { expect, it } from "vitest";
import { languagesIn, parametersIn, practiceOf } from "./parameters";

it("reads what an app says, and names what comes twice", () => {
  const { values, twice } = parametersIn("?client_id=harbor.01J&state=a%20b%26c&nonce=&x=1&x=1&__proto__=p");
  expect(Object.entries(values)).toEqual([
    ["client_id", "harbor.01J"],
    ["state", "a b&c"],
    ["nonce", ""],
    ["x", "1"],
    ["__proto__", "p"],
  ]);
  expect(twice).toEqual(["x"]);
  expect(parametersIn("").twice).toEqual([]);
});

it("knows the practice of an app, and the languages of its person", () => {
  expect(practiceOf({ client_id: "harbor.01J" })).toBe("harbor");
  expect(practiceOf({ client_id: "nonsense" })).toBe("");
  expect(practiceOf({})).toBe("");
  expect(languagesIn({ ui_locales: "fr-CA  es" })).toEqual(["fr-CA", "es"]);
  expect(languagesIn({})).toEqual([]);
});
