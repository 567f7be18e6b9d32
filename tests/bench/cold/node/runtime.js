// The Runtime API's client: the part that Lambda brings along for Node, as small as it can be.
import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const options = { agent, host, port, method, path: `/2018-06-01/runtime/${path}`, headers };
    const asked = request(options, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, text: Buffer.concat(parts).toString() }));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Hands every event to `handle` until Lambda ends the process. */
export async function serve(handle) {
  for (;;) {
    const { headers, text } = await call("GET", "invocation/next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      const answer = await handle(JSON.parse(text));
      await call("POST", `invocation/${id}/response`, JSON.stringify(answer));
    } catch (error) {
      const report = { errorType: error.name, errorMessage: error.message, stackTrace: error.stack.split("\n") };
      await call("POST", `invocation/${id}/error`, JSON.stringify(report));
    }
  }
}
