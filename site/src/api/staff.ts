// What the staff console may ask of the API, by name.
import createHttp from "openapi-fetch";
import { answer, patientFetch, type Schemas } from "./http";
import type { paths } from "./schema";

const http = createHttp<paths>({ baseUrl: "", fetch: patientFetch });

export type Session = Schemas["StaffSession"];
export type Client = Schemas["Client"];
export type ClientEdit = Schemas["ClientEdit"];
export type NewClient = Schemas["NewClient"];
export type Hit = Schemas["SearchHit"];
export type HistoryEvent = Schemas["HistoryEvent"];
export type Name = Schemas["PersonName"];
export type NewPortalUser = Schemas["NewPortalUser"];
export type Permission = Schemas["Permission"];
export type PortalUser = Schemas["PortalUser"];
export type PortalUserEdit = Schemas["PortalUserEdit"];
export type PortalUsers = Schemas["PortalUsers"];
export type Receipt = Schemas["Receipt"];
export type Relationship = Schemas["Relationship"];

/** Where the browser goes to sign in; it comes back to `returnTo`. */
export const signInAddress = (returnTo: string): string =>
  `/api/staff/sign-in?returnTo=${encodeURIComponent(returnTo)}`;

export const session = () => answer(http.GET("/api/staff/session"));

export const signOut = () => answer(http.DELETE("/api/staff/session"));

export const search = (body: Schemas["SearchRequest"], signal: AbortSignal) =>
  answer(http.POST("/api/clients/search", { body, signal }));

export const createClient = (body: NewClient, key: string) =>
  answer(http.POST("/api/clients", { body, params: { header: { "Idempotency-Key": key } } }));

export const client = (clientId: string, signal?: AbortSignal) =>
  answer(http.GET("/api/clients/{clientId}", { params: { path: { clientId } }, signal: signal ?? null }));

export const editClient = (clientId: string, body: ClientEdit) =>
  answer(http.PATCH("/api/clients/{clientId}", { params: { path: { clientId } }, body }));

export const portalUsers = (clientId: string, signal?: AbortSignal) =>
  answer(
    http.GET("/api/clients/{clientId}/portal-users", {
      params: { path: { clientId } },
      signal: signal ?? null,
    }),
  );

export const addPortalUser = (clientId: string, body: NewPortalUser, key: string) =>
  answer(
    http.POST("/api/clients/{clientId}/portal-users", {
      params: { path: { clientId }, header: { "Idempotency-Key": key } },
      body,
    }),
  );

const USER = "/api/clients/{clientId}/portal-users/{portalUserId}";

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
