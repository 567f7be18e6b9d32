// The local home under test: started once, on a free port and with nothing in its memory, and gone
// with everything it wrote when the tests are over.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const HERE = import.meta.dirname;
const PROGRAM = resolve(HERE, process.env["LATCHKEY_LOCAL"] || "../../target/debug/latchkey-local");
const SITE = resolve(HERE, process.env["SITE_DIR"] || "../../site/dist");
const PATIENCE_MS = 60_000;

/** Starts the home, tells the tests where it is, and answers how to stop it. */
export default async function start(): Promise<() => Promise<void>> {
  for (const [what, where, how] of [
    ["the local home", PROGRAM, "cargo build -p latchkey-local"],
    ["the site", join(SITE, "portal.html"), "npm ci && npm run build, in site/"],
  ] as const) {
    if (!existsSync(where)) throw new Error(`${what} is not built (${where} is missing): ${how}`);
  }
  const state = mkdtempSync(join(tmpdir(), "latchkey-e2e-"));
  const home = spawn(PROGRAM, {
    env: { ...process.env, PORT: "0", STATE_DIR: state, SITE_DIR: SITE, ROSTER: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async () => {
    await ended(home);
    rmSync(state, { recursive: true, force: true });
  };
  try {
    const { staff, portal } = await announced(home);
    process.env["LATCHKEY_STAFF"] = staff;
    process.env["LATCHKEY_PORTAL"] = portal;
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return stop;
}

/** The addresses that the home prints when it is ready. */
function announced(home: ChildProcess): Promise<{ staff: string; portal: string }> {
  return new Promise((found, failed) => {
    let said = "";
    const impatient = setTimeout(() => failed(new Error(`the home is not ready:\n${said}`)), PATIENCE_MS);
    const hear = (chunk: Buffer) => {
      said += chunk;
      const [, staff] = /Staff +(\S+)/.exec(said) ?? [];
      const [, portal] = /Clients +(\S+)/.exec(said) ?? [];
      if (!staff || !portal || !said.includes("Ctrl-C")) return;
      clearTimeout(impatient);
      found({ staff, portal });
    };
    home.stdout?.on("data", hear);
    home.stderr?.on("data", hear);
    home.once("error", failed);
    home.once("exit", (code) => failed(new Error(`the home ended with ${code}:\n${said}`)));
  });
}

function ended(home: ChildProcess): Promise<void> {
  if (home.exitCode !== null || home.signalCode !== null || !home.pid) return Promise.resolve();
  return new Promise((done) => {
    home.once("exit", () => done());
    home.kill("SIGINT");
  });
}
