// What the pages about the practice may ask of the API: apart, as they come later.
import { answer, type AnswerOf, type BodyOf } from "./http";
import { http } from "./staff";

export type PracticeEvent = AnswerOf<"/api/history", "post">["events"][number];
export type HistoryQuery = BodyOf<"/api/history", "post">;
export type Settings = AnswerOf<"/api/practice", "get">;
export type SettingsEdit = BodyOf<"/api/practice", "patch">;

export const settings = (signal?: AbortSignal): Promise<Settings> =>
  answer(http.GET("/api/practice", { signal: signal ?? null }));

export const editSettings = (body: SettingsEdit): Promise<Settings> =>
  answer(http.PATCH("/api/practice", { body }));

/** `word` is what the person typed. */
export const endSessions = (word: string, key: string) =>
  answer(
    http.POST("/api/practice/end-sessions", {
      body: { confirm: word },
      params: { header: { "Idempotency-Key": key } },
    }),
  );

export const practiceHistory = (body: HistoryQuery) => answer(http.POST("/api/history", { body }));
