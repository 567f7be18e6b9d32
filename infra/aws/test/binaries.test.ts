// What becomes of a program that Lambda would take and could not run.
import { chmodSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { beforeEach, expect, test } from "vitest";
import { checkBinaries, fault } from "../lib/binaries.ts";
import { FUNCTIONS } from "../lib/functions.ts";
import { latchkey } from "../lib/latchkey.ts";
import { given, placeholders, program } from "./synthesised.ts";

const NAMES = Object.keys(FUNCTIONS);
let folder: string;
const revoke = () => join(folder, "revoke", "bootstrap");
beforeEach(() => {
  folder = placeholders("arm64");
});

test("programs of the stack's architecture pass", () => {
  expect(() => checkBinaries(folder, NAMES, "arm64")).not.toThrow();
  expect(() => checkBinaries(placeholders("x86_64"), NAMES, "x86_64")).not.toThrow();
});

test("this very Node is a program of its own architecture, and of no other", () => {
  const [own, other] = process.arch === "arm64" ? (["arm64", "x86_64"] as const) : (["x86_64", "arm64"] as const);
  expect(fault(process.execPath, own)).toBeUndefined();
  expect(fault(process.execPath, other)).toContain(`is built for ${own}, and the stack's functions run on ${other}`);
});

test.each<[string, () => void, string]>([
  ["one that was not built", () => rmSync(revoke()), "is not there"],
  ["nine bytes", () => writeFileSync(revoke(), "bootstrap"), "is no program for Linux, but 9 bytes"],
  ["a script", () => writeFileSync(revoke(), `#!/bin/sh\n${" ".repeat(99)}`), "is no program for Linux"],
  ["another architecture", () => writeFileSync(revoke(), program("x86_64")), "is built for x86_64"],
  [
    "a program of 32 bits",
    () => writeFileSync(revoke(), program("arm64").fill(1, 4, 5)),
    "is no program of 64 bits",
  ],
  ["an object file", () => writeFileSync(revoke(), program("arm64").fill(1, 16, 17)), "is no program that can be started"],
  ["one that was cut off", () => truncateSync(revoke(), 127), "is cut off: 127 bytes of 128"],
  ["one without anything to load", () => writeFileSync(revoke(), program("arm64").fill(0, 56, 58)), "is cut off"],
  ["one that nobody may run", () => chmodSync(revoke(), 0o644), "may not be run by everybody (mode 644): chmod 755"],
  ["one that others may run and not read", () => chmodSync(revoke(), 0o711), "may not be run by everybody (mode 711)"],
  ["one that only its owner may run", () => chmodSync(revoke(), 0o700), "may not be run by everybody (mode 700)"],
])("%s is refused, by its file", (_, spoil, why) => {
  spoil();
  expect(() => checkBinaries(folder, NAMES, "arm64")).toThrow(`${revoke()}: ${why}`);
});

test("all of them are named at once, and how they are built", () => {
  rmSync(revoke());
  chmodSync(join(folder, "search", "bootstrap"), 0o600);
  expect(() => checkBinaries(folder, NAMES, "arm64")).toThrow(
    /revoke\/bootstrap: is not there\n.*search\/bootstrap: .*\nTo build them: make binaries ARCHITECTURE=arm64/,
  );
});

test("no stack is made of them", () => {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  expect(() => latchkey(app, given({ architecture: "x86_64" }), folder)).toThrow("could not run these functions");
});
