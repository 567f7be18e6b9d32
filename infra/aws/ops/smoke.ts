// The smoke test: every route of the API and every function is called as nobody, changes nothing, and must answer as it
// answers nobody. It finds what a template cannot show: a program that does not start, a secret that may not be read, a
// route that leads nowhere. `npm run ops -- smoke`, and a step of every deployment.
import { readFileSync } from "node:fs";
import { paginateListStackResources } from "@aws-sdk/client-cloudformation";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { FUNCTIONS, functionName } from "../lib/functions.ts";
import type { Deployment } from "./deployment.ts";

const DOCUMENT = new URL("../../../shared/openapi.json", import.meta.url);
const METHODS = ["get", "put", "post", "patch", "delete"] as const;
const FORM = "application/x-www-form-urlencoded";

export type Side = "staff" | "portal";

/** A request without credentials, and what may answer it. */
export interface Route {
  method: string;
  path: string;
  function: string;
  side: Side;
  body?: { type: string; text: string };
  right: number[];
}

interface Operation {
  operationId: string;
  security?: object[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, unknown>;
}

export interface ApiDocument {
  paths: Record<string, Partial<Record<(typeof METHODS)[number], Operation>>>;
}

/** Every route of the API document. Where credentials are needed, the right answer is 401, or 400 where the form of what
 *  is asked is looked at first; elsewhere a page, a way on, or a refusal of what lacks everything. */
export function routes(document = JSON.parse(readFileSync(DOCUMENT, "utf8")) as ApiDocument): Route[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method): Route[] => {
      const operation = item[method];
      if (!operation) return [];
      const types = Object.keys(operation.requestBody?.content ?? {});
      const form = types.includes(FORM) && !types.includes("application/json");
      const right = operation.security?.length ? [400, 401] : [200, 204, 303, 400, 422];
      return [
        {
          method: method.toUpperCase(),
          path: path.replace(/\{\w+\}/g, "nobody"),
          function: operation.operationId.split(".")[0]!,
          side: path.startsWith("/api/portal/") ? "portal" : "staff",
          ...(types.length && { body: form ? { type: FORM, text: "" } : { type: "application/json", text: "{}" } }),
          right: right.filter((status) => String(status) in operation.responses),
        },
      ];
    }),
  );
}

/** What functions are called with that no route leads to: nothing to do, or what the schedule says anyway. */
const EVENTS: Record<string, object> = {
  deliver: { sweep: true },
  "send-mail": { sweep: true },
  "mail-events": {
    version: "0",
    id: "00000000-0000-0000-0000-000000000000",
    "detail-type": "Email Delivered",
    source: "aws.ses",
    account: "",
    time: "2026-01-01T00:00:00Z",
    region: "",
    resources: [],
    // About no mail of ours: passed over.
    detail: { eventType: "Delivery", mail: { tags: {} } },
  },
};

/** The same for those without a name of their own, by how their logical ids begin. */
const UNNAMED: Record<string, object> = { ArchivistCopy: { Records: [] }, ArchivistLook: {} };

export interface Fault {
  what: string;
  why: string;
}

/** How the two sites are reached. */
export interface Reach {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Without a slash at the end: by CloudFront's own names, which lead there before the practice's DNS does. */
  at: Record<Side, string>;
  /** What the pages come from, as the browser says. */
  origin: Record<Side, string>;
}

/** How often what does not answer is called again: after a deployment, rights and routes take seconds to be everywhere. */
const TRIES = 4;
const PAUSE = 5000;
/** Calls at a time: a new account runs ten functions at once. */
const AT_ONCE = 4;

/** Calls everything, and answers what did not answer as it must. */
export async function smoke(d: Deployment, reach: Reach): Promise<{ called: number; faults: Fault[] }> {
  const { calls, faults: untried } = await invocations(d);
  for (const route of routes()) calls.push(() => callRoute(route, reach));
  const faults: (Fault | undefined)[] = [...untried];
  const line = [...calls];
  const work = async () => {
    for (let call = line.shift(); call; call = line.shift()) faults.push(await patiently(d, call));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const found = faults.filter((one) => one !== undefined).sort((a, b) => a.what.localeCompare(b.what));
  return { called: calls.length, faults: found };
}

type Call = () => Promise<Fault | undefined>;

async function patiently(d: Deployment, call: Call): Promise<Fault | undefined> {
  for (let tried = 1; ; tried += 1) {
    const fault = await call();
    if (!fault || tried === TRIES) return fault;
    await d.wait(PAUSE);
  }
}

async function callRoute(route: Route, { fetch, at, origin }: Reach): Promise<Fault | undefined> {
  const { method, path, side, body, right } = route;
  const what = `${method} ${path} (${route.function})`;
  try {
    const { status } = await fetch(at[side] + path, {
      method,
      redirect: "manual",
      headers: { origin: origin[side], ...(body && { "content-type": body.type }) },
      ...(body && { body: body.text }),
      signal: AbortSignal.timeout(30_000),
    });
    return right.includes(status) ? undefined : { what, why: `answers ${status}, and not ${right.join(" or ")}` };
  } catch (error) {
    const { cause, message } = error as Error;
    return { what, why: `does not answer: ${cause instanceof Error ? cause.message : message}` };
  }
}

/** A call of each function that no route leads to. One that nobody knows how to call is a fault of this file. */
async function invocations(d: Deployment): Promise<{ calls: Call[]; faults: Fault[] }> {
  const routed = new Set(routes().map((route) => route.function));
  const named = new Map(Object.keys(FUNCTIONS).map((name) => [functionName(d.settings, name), name]));
  const calls: Call[] = [];
  const faults: Fault[] = [];
  const missing = new Set(named.keys());
  const pages = paginateListStackResources({ client: d.cloudFormation }, { StackName: d.settings.deployment });
  for await (const { StackResourceSummaries = [] } of pages) {
    for (const { ResourceType, LogicalResourceId = "", PhysicalResourceId = "", ResourceStatus } of StackResourceSummaries) {
      if (ResourceType !== "AWS::Lambda::Function" || ResourceStatus === "DELETE_COMPLETE") continue;
      missing.delete(PhysicalResourceId);
      const name = named.get(PhysicalResourceId);
      if (name && routed.has(name)) continue;
      const event = name
        ? EVENTS[name]
        : Object.entries(UNNAMED).find(([begin]) => LogicalResourceId.startsWith(begin))?.[1];
      // The CDK's own, which runs while CloudFormation does.
      if (!event && LogicalResourceId.startsWith("Custom")) continue;
      const what = `function ${PhysicalResourceId}`;
      if (event) calls.push(() => invoke(d, what, PhysicalResourceId, event));
      else faults.push({ what, why: "is called by no route, and the smoke test does not know how" });
    }
  }
  for (const name of missing) faults.push({ what: `function ${name}`, why: "is not in the stack" });
  return { calls, faults };
}

async function invoke(d: Deployment, what: string, FunctionName: string, event: object): Promise<Fault | undefined> {
  try {
    const answer = await d.lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }));
    if (!answer.FunctionError) return undefined;
    const told = Buffer.from(answer.Payload ?? []).toString();
    return { what, why: `fails: ${told.slice(0, 300)}` };
  } catch (error) {
    return { what, why: `cannot be called: ${(error as Error).message}` };
  }
}
