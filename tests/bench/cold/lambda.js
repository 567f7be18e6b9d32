// Plays AWS Lambda for one program: starts it as Lambda would, with the Runtime API
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) on loopback, hands it events one at
// a time, and says when things happened. All times are milliseconds of one monotonic clock.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { openSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { performance } from "node:perf_hooks";

const VERSION = "/2018-06-01/runtime/";
const DEADLINE_MS = 10_000;
const MEMORY_MB = 256;

/** A program that runs as one Lambda execution environment does: from its start to its end. */
export class Instance {
  #program;
  #log;
  #server;
  #process;
  /** What the program is waited for: its next `next`, its answer, or its end. */
  #waiting = new Map();
  /** The open `next`, once the program asked for it. */
  #next;
  /** Why nothing more is to be expected of it. */
  #failure;

  /** Starts a program, whose output goes to the file `log`; answers once it has asked for its first event. */
  static async start(program, environment, log) {
    const instance = new Instance();
    instance.#program = program;
    instance.#log = log;
    await instance.#listen();
    instance.began = performance.now();
    instance.#spawn(environment);
    try {
      instance.ready = await instance.#until("next");
    } catch (failure) {
      await instance.stop();
      throw failure;
    }
    return instance;
  }

  /** Hands over an event; answers what the program said to it, and from when to when that took. */
  async invoke(event) {
    if (!this.#next) await this.#until("next");
    const next = this.#next;
    this.#next = undefined;
    const text = JSON.stringify(event);
    const answered = this.#until("response");
    const from = performance.now();
    next
      .writeHead(200, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        "lambda-runtime-aws-request-id": randomUUID(),
        "lambda-runtime-deadline-ms": Date.now() + DEADLINE_MS,
        "lambda-runtime-invoked-function-arn": `arn:aws:lambda:us-east-1:123456789012:function:${this.#program.name}`,
        "lambda-runtime-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
      })
      .end(text);
    const { at, body } = await answered;
    return { from, to: at, answer: JSON.parse(body) };
  }

  /** How long its threads have had a processor so far, in milliseconds
   *  (https://docs.kernel.org/scheduler/sched-stats.html). */
  processor() {
    const tasks = `/proc/${this.#process.pid}/task`;
    const nanoseconds = (task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ", 1)[0]);
    return readdirSync(tasks).reduce((sum, task) => sum + nanoseconds(task), 0) / 1e6;
  }

  /** The most memory that the program has held, in bytes. */
  memory() {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)[1]) * 1024;
  }

  /** Ends it as Lambda does: without a word. */
  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await gone;
    }
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #listen() {
    this.#server = createServer((request, response) => this.#serve(request, response));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  #spawn(environment) {
    const { name, command } = this.#program;
    const output = openSync(this.#log, "a");
    this.#process = spawn(command[0], command.slice(1), {
      stdio: ["ignore", output, output],
      env: {
        ...environment,
        _HANDLER: "bootstrap",
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${this.#server.address().port}`,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(MEMORY_MB),
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        AWS_LAMBDA_LOG_STREAM_NAME: "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
        AWS_REGION: "us-east-1",
        AWS_DEFAULT_REGION: "us-east-1",
        LAMBDA_TASK_ROOT: "/var/task",
        LAMBDA_RUNTIME_DIR: "/var/runtime",
        LANG: "en_US.UTF-8",
        TZ: ":UTC",
        PATH: "/usr/local/bin:/usr/bin:/bin",
      },
    });
    this.#process.once("error", (error) => this.#fail(error.message));
    this.#process.once("exit", (code, signal) => this.#fail(`it ended with ${code ?? signal}`));
  }

  #serve(request, response) {
    const at = performance.now();
    const path = request.url.slice(VERSION.length);
    if (path === "invocation/next") {
      this.#next = response;
      return this.#happened("next", at);
    }
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      // Received to its last byte: that is when Lambda has the answer.
      const at = performance.now();
      response.writeHead(202).end();
      const body = Buffer.concat(parts).toString();
      if (path.endsWith("/response")) return this.#happened("response", { at, body });
      this.#fail(`it reports an error: ${body}`);
    });
  }

  #until(what) {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const timer = setTimeout(() => this.#fail(`no ${what} within ${DEADLINE_MS / 1000} s`), DEADLINE_MS);
      this.#waiting.set(what, { resolve, reject, timer });
    });
  }

  #happened(what, value) {
    const waiting = this.#waiting.get(what);
    this.#waiting.delete(what);
    clearTimeout(waiting?.timer);
    waiting?.resolve(value);
  }

  #fail(why) {
    const said = readFileSync(this.#log, "utf8").trimEnd().split("\n").slice(-5).join("\n");
    this.#failure ??= new Error(`${this.#program.name}: ${why}\n${said}`);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#failure);
    }
    this.#waiting.clear();
  }
}
