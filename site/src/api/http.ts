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

const listeners = new Set<(failure: Failure | null) => void>();

/** Hear of every failure, beside the page that called: for what concerns the whole app. */
export function onFailure(listener: (failure: Failure) => void): void {
  listeners.add((failure) => failure && listener(failure));
}

/** Hear of every answer of the API; null for one that is no failure. */
export function onAnswer(listener: (failure: Failure | null) => void): void {
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

/** The value of a call, or a Failure thrown. A call given up through its signal rejects with AbortError. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
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
    if (fromApi) tell(null);
    return outcome.data as NonNullable<T>;
  }
  throw tell(failureOf(outcome.error, outcome.response));
}

/**
 * A call with nothing but a body, typed by the API's document. The portal makes only such calls and
 * spares its visitors the weight of openapi-fetch with it; whatever has parameters goes through that.
 */
export function send<P extends keyof paths, M extends keyof paths[P] & ("get" | "post" | "put" | "delete")>(
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
  const value: unknown = text ? JSON.parse(text) : undefined;
  return response.ok ? { data: value as T, response } : { error: value, response };
}

function tell<F extends Failure | null>(failure: F): F {
  for (const listener of listeners) listener(failure);
  return failure;
}

function failureOf(body: unknown, response: Response): Failure {
  const problem = (typeof body === "object" && body ? body : {}) as Partial<Problem>;
  const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Failure(
    response.status,
    problem.code ?? "unknown",
    problem.detail,
    problem.fields,
    Number.isFinite(wait) ? wait : undefined,
    problem.requestId,
  );
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
