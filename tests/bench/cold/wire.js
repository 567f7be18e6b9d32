// Stands between programs and a service, and notes when the service was at work for them: from the
// first byte of a request to the last byte of its answer. HTTP/1.1 without pipelining, which is how
// SDKs speak, needs no parsing for that: who has been answered and sends again makes a new request.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { performance } from "node:perf_hooks";

export class Wire {
  #server;
  /** `[from, to]` of every request since `forget`, in the order of their beginnings. */
  #requests = [];

  /** Listens on loopback for requests to the service at `url`. */
  static async to(url) {
    const wire = new Wire();
    const { hostname, port } = new URL(url);
    wire.#server = createServer({ noDelay: true }, (program) => wire.#join(program, hostname, Number(port)));
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    wire.url = `http://127.0.0.1:${wire.#server.address().port}`;
    return wire;
  }

  forget() {
    this.#requests = [];
  }

  /** The requests since `forget`. */
  get requests() {
    return this.#requests;
  }

  close() {
    this.#server.close();
  }

  #join(program, host, port) {
    const service = connect({ host, port, noDelay: true });
    let request;
    program.on("data", (bytes) => {
      const now = performance.now();
      if (!request || request.answered) {
        request = { from: now, to: now, answered: false };
        this.#requests.push(request);
      }
      service.write(bytes);
    });
    service.on("data", (bytes) => {
      program.write(bytes);
      if (request) Object.assign(request, { to: performance.now(), answered: true });
    });
    for (const [one, other] of [
      [program, service],
      [service, program],
    ]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  }
}

/** How many milliseconds between `from` and `to` at least one of the requests was under way. */
export function together(requests, from, to) {
  let sum = 0;
  let until = from;
  for (const request of [...requests].sort((a, b) => a.from - b.from)) {
    const end = Math.min(request.to, to);
    sum += Math.max(0, end - Math.max(until, request.from));
    until = Math.max(until, end);
  }
  return sum;
}
