// `make bench-cold`: how fast every function's program starts, answers and goes on answering, how much
// memory it takes and how large it is, beside the least that such a program can be and beside the same in
// Node. All take turns in one run, so that whatever disturbs the machine disturbs all alike. Prints
// Markdown; names the aims that are missed, and fails when a limit is passed.
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { deflateRawSync } from "node:zlib";
import { Home } from "./home.js";
import { Instance } from "./lambda.js";
import { programs } from "./programs.js";
import { AIMS, LIMITS, missed, summary, tables } from "./report.js";
import { sample } from "./sample.js";
import { compare } from "./twins.js";
import { Wire, together } from "./wire.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const LOCAL = process.env.LATCHKEY_LOCAL || join(ROOT, "target/debug/latchkey-local");
const LAMBDA = process.env.LAMBDA_DIR || join(ROOT, "target/lambda");
const FIGURES = process.env.COLD_JSON || join(ROOT, "target/cold.json");
/** How often every program is started. */
const ROUNDS = Number(process.env.ROUNDS || 20);
/** How often it is called each time, after its first answer. */
const WARM = Number(process.env.WARM || 25);
/** Only these, as in `PROGRAMS="floor,search,search in Node"`. */
const ONLY = process.env.PROGRAMS?.split(",");
/** What a change set off in the home (a mail going out) is over by then. */
const SETTLED_MS = 15;
/** Whatever a program does after its answer, before it asks for the next event, is done by then. */
const AFTER_MS = 3;

class Bench {
  /** The home, the wires to its table, its mail service and an app, and the programs with what they have shown. */
  static async open(home) {
    const bench = new Bench();
    const { AWS_ENDPOINT_URL_DYNAMODB: table, AWS_ENDPOINT_URL_SESV2: mail, ...rest } = home.environment;
    bench.home = home;
    bench.app = await listening();
    bench.wires = await Promise.all([table, mail, `http://127.0.0.1:${bench.app.address().port}`].map(Wire.to));
    const [AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_SESV2, listener] = bench.wires.map(({ url }) => url);
    const environment = {
      ...rest,
      AWS_ENDPOINT_URL_DYNAMODB,
      AWS_ENDPOINT_URL_SESV2,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    };
    bench.log = join(home.folder, "programs.log");
    bench.world = await sample(home, listener);
    bench.programs = await programs(bench.world, environment, LAMBDA, home.folder);
    for (const program of bench.programs) {
      program.before = await home.items(program.partitions);
      program.seen = { floor: [], ready: [], first: [], warm: [], overhead: [], processor: [], memory: [] };
    }
    bench.floor = bench.programs.find(({ name }) => name === "floor");
    return bench;
  }

  /** One program from its start to its end, and a start of the floor before or after it: a machine is quicker at
   *  one moment than at another, and the floor that counts is the one of this moment. */
  async turn(program, round) {
    if (round % 2 === 0) await this.#startFloor(program);
    await this.#run(program);
    if (round % 2 === 1) await this.#startFloor(program);
  }

  async #startFloor({ seen }) {
    const floor = await this.#start(this.floor);
    seen.floor.push(floor.ready - floor.began);
    await floor.stop();
  }

  async #run(program) {
    const { seen } = program;
    await this.#restore(program);
    const instance = await this.#start(program);
    try {
      seen.ready.push(instance.ready - instance.began);
      seen.first.push((await this.#call(program, instance)).to - instance.began);
      for (let call = 0; call < WARM; call++) {
        await this.#restore(program);
        const before = instance.processor();
        const { from, to } = await this.#call(program, instance);
        seen.warm.push(to - from);
        const requests = this.wires.flatMap((wire) => wire.requests);
        seen.overhead.push(to - from - together(requests, from, to));
        // What a call leaves to be done after its answer is its own too.
        await pause(AFTER_MS);
        seen.processor.push(instance.processor() - before);
      }
      seen.memory.push(instance.memory());
    } finally {
      await instance.stop();
    }
  }

  #start(program) {
    return Instance.start(program, program.environment, this.log);
  }

  async #restore({ partitions, before }) {
    if (!partitions.length) return;
    await this.home.restore(partitions, before);
    await pause(SETTLED_MS);
  }

  async #call(program, instance) {
    for (const wire of this.wires) wire.forget();
    const called = await instance.invoke(program.event());
    if (!program.right(called.answer)) {
      throw new Error(`${program.name} answers ${JSON.stringify(called.answer)}`);
    }
    return called;
  }

  close() {
    for (const wire of this.wires) wire.close();
    this.app.close();
  }
}

/** An app that takes whatever it is told. */
async function listening() {
  const app = createServer((request, response) => request.resume().on("end", () => response.end()));
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  return app;
}

/** The size of a zip file with this one file in it, in bytes: the file deflated, and the headers. */
function zipped(file) {
  return deflateRawSync(readFileSync(file), { level: 9 }).length + 98 + 2 * "bootstrap".length;
}

async function main() {
  const home = await Home.start(LOCAL);
  let bench;
  try {
    bench = await Bench.open(home);
    const measured = bench.programs.filter(({ name }) => !ONLY || ONLY.includes(name));
    const missing = measured.filter(({ file }) => !existsSync(file)).map(({ file }) => file);
    if (missing.length) throw new Error(`not built: ${missing.join(", ")}`);
    if (measured.some(({ instead }) => instead)) {
      const compared = await compare(home, bench.world, bench.programs, bench.log);
      console.error(`${compared} answers of Node are those of Rust.`);
    }
    for (let round = 0; round < ROUNDS; round++) {
      process.stderr.write(`\rround ${round + 1} of ${ROUNDS}`);
      // Nobody always comes after the same other.
      const from = (round * 7) % measured.length;
      for (const program of [...measured.slice(from), ...measured.slice(0, from)]) await bench.turn(program, round);
    }
    process.stderr.write("\n");
    const figures = summary(measured.map((program) => ({ ...program, zip: zipped(program.file) })));
    console.log(tables(figures, { rounds: ROUNDS, warm: WARM }));
    mkdirSync(dirname(FIGURES), { recursive: true });
    writeFileSync(FIGURES, `${JSON.stringify({ rounds: ROUNDS, warm: WARM, programs: figures }, null, 2)}\n`);
    for (const line of missed(figures, AIMS)) console.error(`aim missed: ${line}`);
    const passed = missed(figures, LIMITS);
    for (const line of passed) console.error(`limit passed: ${line}`);
    if (passed.length) process.exitCode = 1;
  } finally {
    bench?.close();
    await home.stop();
  }
}

await main();
