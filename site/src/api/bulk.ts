// What the pages about changes for many may ask of the API: apart, as they come later.
import { answer, type AnswerOf, type BodyOf } from "./http";
import { http } from "./staff";

export type NewBulk = BodyOf<"/api/bulk", "post">;
export type BulkAction = NewBulk["action"];
export type Prepared = AnswerOf<"/api/bulk", "post">;
export type BulkRow = Prepared["rows"][number];
export type Why = Prepared["skipped"][number]["why"];
export type BulkProgress = AnswerOf<"/api/bulk/{bulkId}", "get">;
export type BulkRows = AnswerOf<"/api/bulk/{bulkId}/rows", "get">;

export const prepareBulk = (body: NewBulk, key: string): Promise<Prepared> =>
  answer(http.POST("/api/bulk", { body, params: { header: { "Idempotency-Key": key } } }));

const of = (bulkId: string) => ({ path: { bulkId } });

/** `word` is what the person typed, for a revocation. */
export const startBulk = (bulkId: string, word: string): Promise<BulkProgress> =>
  answer(http.POST("/api/bulk/{bulkId}/start", { params: of(bulkId), body: word ? { confirm: word } : {} }));

export const stopBulk = (bulkId: string): Promise<BulkProgress> =>
  answer(http.POST("/api/bulk/{bulkId}/stop", { params: of(bulkId) }));

/** Asked by the page itself, again and again: it is no work that keeps the session. */
export const bulkProgress = (bulkId: string, signal: AbortSignal): Promise<BulkProgress> =>
  answer(http.GET("/api/bulk/{bulkId}", { params: of(bulkId), signal }), true);

export const bulkRows = (bulkId: string, signal: AbortSignal): Promise<BulkRows> =>
  answer(http.GET("/api/bulk/{bulkId}/rows", { params: of(bulkId), signal }));
