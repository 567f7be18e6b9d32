// The site's one door to the network. Pages never see a path, a status code or a Response: they
// call the named operations of staff.ts and portal.ts and get a value or a Failure.
import type { components, paths } from "./schema";

type Problem = components["schemas"]["Problem"];
export type FieldProblem = components["schemas"]["FieldProblem"];

/** What is sent to an operation, and what it answers, as the API's document has it. */
export type BodyOf<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends {
  requestBody?: { content: { "application/json": infer B } };
}
  ? B
  : never;
export type AnswerOf<P extends keyof paths, M extends keyof paths[P]> = paths[P][M] extends {
  responses: infer R;
}
  ? Answered<R, keyof R & (200 | 201 | 202)>
  : never;
type Answered<R, S extends keyof R> = S extends S
  ? R[S] extends { content: { "application/json": infer A } }
    ? A
    : never
  : never;

/** Why a call gave no answer we can use, in terms a page can act on. */
export class Failure extends Error {
  constructor(
    /** 0 when no answer came at all. */
    readonly status: number,
    /** The API's stable slug; "unreachable" when no answer came, "unknown" when it made no sense. */
    readonly code: string,
    /** The API's sentence for a person; may be empty. */
    readonly detail = "",
    readonly fields: readonly FieldProblem[] = [],
    /** Whole seconds to wait, from Retry-After. */
    readonly retryAfter?: number,
    readonly requestId?: string,
    /** The whole problem, for members that only some codes have. */
    readonly problem: Partial<Problem> = {},
  ) {
    super(code);
  }
}

/** Long enough for a slow line, short enough that nobody waits for a dead one. */
const PATIENCE_MS = 30_000;

/** The browser's fetch, except that it does not wait for ever. */
export function patientFetch(request: Request): Promise<Response> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  return fetch(request, { signal: AbortSignal.any([request.signal, limit]) });
}

type Listener = (failure: Failure | null) => void;
const listeners = new Set<Listener>();

/** Hear of every failure, beside the page that called: for what concerns the whole app. */
export function onFailure(listener: (failure: Failure) => void): void {
  listeners.add((failure) => failure && listener(failure));
}

/** Hear of every answer of the API that somebody's work asked for; null for one that is no failure. */
export function onAnswer(listener: Listener): void {
  listeners.add(listener);
}

/** How far this machine's clock was behind the server's at its last answer. */
let behind = 0;

/** The time as the server has it, in milliseconds: sessions end by that clock, and people's are wrong. */
export const serverTime = (): number => Date.now() + behind;

/** Only the API is listened to: a file can be an old answer out of the browser's store. */
function note(response: Response): boolean {
  if (!response.url.includes("/api/")) return false;
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (date) behind = date - Date.now();
  return true;
}

/** The value of a call, or a Failure thrown. A call given up through its signal rejects with AbortError.
 *  `unasked` is for what the page asks by itself: only the end of the session is heard of, no work. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
  unasked = false,
): Promise<NonNullable<T>> {
  let outcome;
  try {
    outcome = await call;
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "AbortError") throw thrown;
    throw tell(new Failure(0, "unreachable"));
  }
  const fromApi = note(outcome.response);
  if (outcome.response.ok) {
    if (fromApi && !unasked) tell(null);
    return outcome.data as NonNullable<T>;
  }
  throw tell(failureOf(outcome.error, outcome.response));
}

type Method = "get" | "post" | "put" | "patch" | "delete";

/**
 * A call with nothing but a body, typed by the API's document. The portal makes only such calls and
 * spares its visitors the weight of openapi-fetch with it; whatever has parameters goes through that.
 */
export function send<P extends keyof paths, M extends keyof paths[P] & Method>(
  method: M,
  path: P,
  body?: BodyOf<P, M>,
  key?: string,
): Promise<AnswerOf<P, M>> {
  const request = new Request(path, {
    method: method.toUpperCase(),
    headers: {
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(key && { "Idempotency-Key": key }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return answer(patientFetch(request).then(read)) as Promise<AnswerOf<P, M>>;
}

/** A file that the host serves beside the pages. */
export const file = <T>(address: string): Promise<NonNullable<T>> =>
  answer(patientFetch(new Request(address)).then(read<T>));

async function read<T>(response: Response): Promise<{ data?: T; error?: unknown; response: Response }> {
  const text = await response.text();
  if (!response.ok) return { error: parsed(text), response };
  return text ? { data: JSON.parse(text) as T, response } : { response };
}

/** What stands before the API, such as the edge, refuses in HTML. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tell<F extends Failure | null>(failure: F): F {
  for (const listener of listeners) listener(failure);
  return failure;
}

function failureOf(body: unknown, response: Response): Failure {
  const problem = (typeof body === "object" && body ? body : {}) as Partial<Problem>;
  return new Failure(
    response.status,
    problem.code ?? codeOf(response.status),
    problem.detail,
    problem.fields,
    secondsIn(response.headers.get("Retry-After")),
    problem.requestId,
    problem,
  );
}

/** What a refusal means that is not the API's own: the edge's are 502 to 504 and 429. */
function codeOf(status: number): string {
  if (status === 429) return "too_many_attempts";
  return status > 501 && status < 505 ? "unavailable" : "unknown";
}

/** RFC 9110: seconds, or a date. */
function secondsIn(retryAfter: string | null): number | undefined {
  if (!retryAfter) return undefined;
  const seconds = /^\d+$/.test(retryAfter.trim())
    ? Number(retryAfter)
    : Math.ceil((Date.parse(retryAfter) - serverTime()) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/**
 * One key for one intention: the same body sent again (a retry after a broken line, a second click)
 * carries the same key and has one effect; a corrected body is a new intention with a new key.
 */
export class Submission {
  #body = "";
  #key = "";

  keyFor(body: unknown): string {
    const text = JSON.stringify(body);
    if (text !== this.#body) {
      this.#body = text;
      this.#key = crypto.randomUUID();
    }
    return this.#key;
  }
}
