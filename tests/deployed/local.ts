// The local home, started for the tests on a free port with nothing in its memory.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

const PROGRAM = resolve(
  import.meta.dirname,
  process.env["LATCHKEY_LOCAL"] || "../../target/debug/latchkey-local",
);

export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const state = mkdtempSync(join(tmpdir(), "latchkey-both-"));
  const program = spawn(PROGRAM, {
    env: { ...process.env, PORT: "0", STATE_DIR: state, ROSTER: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((done) => program.once("exit", () => done()));
  const stop = async () => {
    program.kill();
    await ended;
    rmSync(state, { recursive: true, force: true });
  };
  let said = "";
  const staff = await new Promise<string>((found, failed) => {
    const hear = (chunk: Buffer) => {
      said += chunk;
      const [, staff] = /Staff +(\S+)/.exec(said) ?? [];
      if (staff && said.includes("Ctrl-C")) found(staff);
    };
    program.stdout.on("data", hear);
    program.stderr.on("data", hear);
    program.once("error", failed);
    program.once("exit", (code) => failed(new Error(`the home ended with ${code}:\n${said}`)));
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const { port } = new URL(staff);
  project.provide("home", {
    kind: "local",
    staff,
    portal: `http://portal.localhost:${port}`,
    port: Number(port),
    mails: `http://127.0.0.1:${port}/mailbox/messages?limit=1000`,
  });
  return stop;
}
