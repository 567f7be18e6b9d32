import { expect, it } from "vitest";
import { csv } from "./csv";

it("is what RFC 4180 says, marked as UTF-8", () => {
  expect(
    csv([
      ["Time", "Who"],
      ['Zoë "Z"', "a, b\r\nc"],
    ]),
  ).toBe('\uFEFF"Time","Who"\r\n"Zoë ""Z""","a, b\r\nc"\r\n');
});

it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])("runs no formula: %j", (text) => {
  expect(csv([[text]])).toBe(`\uFEFF"'${text}"\r\n`);
});

it("leaves alone what only looks like one further on", () => {
  expect(csv([["a=b", "x-y", ""]])).toBe('\uFEFF"a=b","x-y",""\r\n');
});
