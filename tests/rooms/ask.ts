// Requests as programs send them: no redirect is followed, and names under .localhost are this machine
// (RFC 6761), which browsers know and not every resolver does.
import type { LookupFunction } from "node:net";
import { lookup } from "node:dns";
import { request as overHttp, type IncomingHttpHeaders } from "node:http";
import { request as overHttps } from "node:https";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const PATIENCE_MS = 30_000;

/** Finds names as browsers do. */
const find: LookupFunction = (host, options, found) => {
  if (!/(^|\.)localhost$/.test(host)) return lookup(host, options, found);
  if (options.all) return found(null, [{ address: "127.0.0.1", family: 4 }]);
  return found(null, "127.0.0.1", 4);
};

export function ask(address: string, { method = "GET", headers = {}, body }: Asked = {}): Promise<Answer> {
  const send = address.startsWith("https:") ? overHttps : overHttp;
  return new Promise((answered, failed) => {
    const wait = { lookup: find, timeout: PATIENCE_MS };
    const asked = send(address, { ...wait, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => (text += part));
      answer.once("end", () => answered({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.once("error", failed);
    });
    asked.once("timeout", () => asked.destroy(new Error(`${address} does not answer`)));
    asked.once("error", failed);
    asked.end(body);
  });
}
