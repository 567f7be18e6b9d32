// Starts apps and Debian's servers as programs of the test, on free ports of the loopback, with their settings
// in a folder of the test. None is a service of the system.
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { dirname, join } from "node:path";

const PATIENCE_MS = 30_000;

/** Ports that are free, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  for (let index = 0; index < count; index++) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    held.push(server);
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => once(server.close(), "close")));
  return ports;
}

/** Writes files, by their paths below a folder. */
export function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** A certificate for a host, and its key, as files: `certificate.pem` and `key.pem`. */
export function certify(folder: string, host: string): void {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"];
  const name = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  const out = ["-days", "2", "-out", "certificate.pem"];
  execFileSync("openssl", ["req", "-x509", ...key, ...name, ...out], { cwd: folder, stdio: "ignore" });
}

export interface Start {
  /** Where it listens once it is ready. */
  port: number;
  cwd: string;
  env?: Record<string, string>;
}

/** A program that runs until the tests are over. */
export class Running {
  private said = "";
  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    const hear = (chunk: Buffer) => void (this.said += chunk);
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
  }

  /** Starts it, and waits until it listens. Names under .localhost are this machine for it, by libnss-wrapper:
   *  a machine's own resolver may not know them. */
  static async start(command: string, args: string[], { port, cwd, env = {} }: Start): Promise<Running> {
    write(cwd, { hosts: "127.0.0.1 localhost portal.localhost\n" });
    const wrapped = { LD_PRELOAD: "libnss_wrapper.so", NSS_WRAPPER_HOSTS: join(cwd, "hosts") };
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...wrapped, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = new Running(command, child);
    child.once("error", (error) => (running.said += error.message));
    try {
      await running.listens(port);
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  private async listens(port: number): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end && this.isAlive; ) {
      // Another program can have taken the port since it was free: then this one has ended.
      if ((await accepts(port)) && this.isAlive) return;
      await new Promise((wake) => setTimeout(wake, 20));
    }
    throw new Error(`${this.name} does not listen at ${port}:\n${this.said}`);
  }

  private get isAlive(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  async stop(): Promise<void> {
    if (!this.isAlive) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((found) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => found(true)).once("error", () => found(false));
    socket.once("connect", () => socket.destroy());
  });
