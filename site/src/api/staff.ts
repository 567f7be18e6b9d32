// What the staff console may ask of the API, by name.
import createHttp from "openapi-fetch";
import { answer, patientFetch, type AnswerOf, type BodyOf } from "./http";
import type { paths } from "./schema";

const http = createHttp<paths>({ baseUrl: "", fetch: patientFetch });

const USERS = "/api/clients/{clientId}/portal-users";
const USER = `${USERS}/{portalUserId}` as const;

export type Session = AnswerOf<"/api/staff/session", "get">;
export type Search = BodyOf<"/api/clients/search", "post">;
export type Hit = AnswerOf<"/api/clients/search", "post">["clients"][number];
export type Client = AnswerOf<"/api/clients/{clientId}", "get">;
export type ClientEdit = BodyOf<"/api/clients/{clientId}", "patch">;
export type NewClient = BodyOf<"/api/clients", "post">;
export type PortalUsers = AnswerOf<typeof USERS, "get">;
export type PortalUser = PortalUsers["portalUsers"][number];
export type NewPortalUser = BodyOf<typeof USERS, "post">;
export type PortalUserEdit = BodyOf<typeof USER, "patch">;
export type Permission = PortalUser["permissions"][number];
export type Relationship = PortalUser["relationship"];
export type Receipt = AnswerOf<`${typeof USER}/revoke`, "post">;
export type HistoryEvent = AnswerOf<"/api/clients/{clientId}/history", "get">["events"][number];

/** Where the browser goes to sign in; it comes back to `returnTo`. */
export const signInAddress = (returnTo: string): string =>
  `/api/staff/sign-in?returnTo=${encodeURIComponent(returnTo)}`;

export const session = () => answer(http.GET("/api/staff/session"));

export const signOut = () => answer(http.DELETE("/api/staff/session"));

export const search = (body: Search, signal: AbortSignal) =>
  answer(http.POST("/api/clients/search", { body, signal }));

export const createClient = (body: NewClient, key: string) =>
  answer(http.POST("/api/clients", { body, params: { header: { "Idempotency-Key": key } } }));

export const client = (clientId: string, signal?: AbortSignal) =>
  answer(http.GET("/api/clients/{clientId}", { params: { path: { clientId } }, signal: signal ?? null }));

export const editClient = (clientId: string, body: ClientEdit) =>
  answer(http.PATCH("/api/clients/{clientId}", { params: { path: { clientId } }, body }));

export const portalUsers = (clientId: string, signal?: AbortSignal) =>
  answer(
    http.GET(USERS, {
      params: { path: { clientId } },
      signal: signal ?? null,
    }),
  );

export const addPortalUser = (clientId: string, body: NewPortalUser, key: string) =>
  answer(
    http.POST(USERS, {
      params: { path: { clientId }, header: { "Idempotency-Key": key } },
      body,
    }),
  );

const at = (clientId: string, portalUserId: string) => ({ path: { clientId, portalUserId } });

export const editPortalUser = (clientId: string, portalUserId: string, body: PortalUserEdit) =>
  answer(http.PATCH(USER, { params: at(clientId, portalUserId), body }));

export const resendInvitation = (clientId: string, portalUserId: string) =>
  answer(http.POST(`${USER}/invitation`, { params: at(clientId, portalUserId) }));

export const revoke = (clientId: string, portalUserId: string) =>
  answer(http.POST(`${USER}/revoke`, { params: at(clientId, portalUserId), body: {} }));

export const activate = (clientId: string, portalUserId: string) =>
  answer(http.POST(`${USER}/activate`, { params: at(clientId, portalUserId) }));

/** `word` is what the person typed; `alertRecipient` the successor's id, or "practice" for its inbox. */
export const deletePortalUser = (
  clientId: string,
  portalUserId: string,
  word: string,
  alertRecipient?: string,
) =>
  answer(
    http.DELETE(USER, {
      params: {
        ...at(clientId, portalUserId),
        query: { confirm: word, ...(alertRecipient ? { alertRecipient } : {}) },
      },
    }),
  );

/** null hands the alerts to the practice's inbox. */
export const assignAlerts = (clientId: string, portalUserId: string | null) =>
  answer(
    http.PUT("/api/clients/{clientId}/alert-recipient", {
      params: { path: { clientId } },
      body: { portalUserId },
    }),
  );

export const changeOwner = (clientId: string, portalUserId: string) =>
  answer(
    http.PUT("/api/clients/{clientId}/chart-owner", {
      params: { path: { clientId } },
      body: { portalUserId },
    }),
  );

export const history = (clientId: string, cursor?: string) =>
  answer(
    http.GET("/api/clients/{clientId}/history", {
      params: { path: { clientId }, query: cursor ? { cursor } : {} },
    }),
  );
