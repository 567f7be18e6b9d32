/** The shape openapi-typescript gives to the API's document. */
type Json<T> = { content: { "application/json": T } };
type Answer<S extends number, T> = {
  responses: { [K in S]: { headers: { [name: string]: unknown } } & (T extends undefined ? { content?: never } : Json<T>) } & {
    default: { headers: { [name: string]: unknown }; content: { "application/problem+json": components["schemas"]["Problem"] } };
  };
};
type Where<P> = { parameters: { path: P; query?: never; header?: never; cookie?: never } };
type Nowhere = { parameters: { path?: never; query?: never; header?: never; cookie?: never } };
type Creates = { header?: { "Idempotency-Key"?: string } };
type Body<T> = { requestBody: Json<T> };
type OptionalBody<T> = { requestBody?: Json<T> };
type InClient = { clientId: string };
type OfUser = { clientId: string; portalUserId: string };
type S = components["schemas"];

export interface paths {
  "/api/staff/session": {
    get: Nowhere & Answer<200, S["StaffSession"]>;
    delete: Nowhere & Answer<204, undefined>;
  };
  "/api/clients/search": { post: Nowhere & Body<S["SearchRequest"]> & Answer<200, S["SearchPage"]> };
  "/api/clients": {
    post: { parameters: Creates & { path?: never; query?: never; cookie?: never } } & Body<S["NewClient"]> & Answer<201, S["Client"]>;
  };
  "/api/clients/{clientId}": {
    get: Where<InClient> & Answer<200, S["Client"]>;
    patch: Where<InClient> & Body<S["ClientEdit"]> & Answer<200, S["Client"]>;
  };
  "/api/clients/{clientId}/portal-users": {
    get: Where<InClient> & Answer<200, S["PortalUsers"]>;
    post: { parameters: Creates & { path: InClient; query?: never; cookie?: never } } & Body<S["NewPortalUser"]> & Answer<201, S["PortalUser"]>;
  };
  "/api/clients/{clientId}/portal-users/{portalUserId}": {
    patch: Where<OfUser> & Body<S["PortalUserEdit"]> & Answer<200, S["PortalUser"]>;
    delete: {
      parameters: { path: OfUser; query: { confirm: string; alertRecipient?: string }; header?: never; cookie?: never };
    } & Answer<200, S["Receipt"]>;
  };
  "/api/clients/{clientId}/portal-users/{portalUserId}/invitation": { post: Where<OfUser> & Answer<202, S["PortalUser"]> };
  "/api/clients/{clientId}/portal-users/{portalUserId}/revoke": {
    post: Where<OfUser> & OptionalBody<{ reason?: string }> & Answer<200, S["Receipt"]>;
  };
  "/api/clients/{clientId}/portal-users/{portalUserId}/activate": { post: Where<OfUser> & Answer<200, S["Receipt"]> };
  "/api/clients/{clientId}/alert-recipient": {
    put: Where<InClient> & Body<{ portalUserId: string | null }> & Answer<200, { alertRecipient: string | null }>;
  };
  "/api/clients/{clientId}/chart-owner": {
    put: Where<InClient> & Body<{ portalUserId: string }> & Answer<200, { chartOwner: string }>;
  };
  "/api/clients/{clientId}/history": {
    get: { parameters: { path: InClient; query?: { cursor?: string }; header?: never; cookie?: never } } & Answer<200, S["HistoryPage"]>;
  };
  "/api/portal/sign-in": { post: Nowhere & Body<S["PortalSignIn"]> & Answer<200, S["PortalSession"]> };
  "/api/portal/session": {
    get: Nowhere & Answer<200, S["PortalSession"]>;
    delete: Nowhere & Answer<204, undefined>;
  };
  "/api/portal/enrollment/check": { post: Nowhere & Body<{ token: string }> & Answer<200, S["InvitationCheck"]> };
  "/api/portal/enrollment": { post: Nowhere & Body<S["Enrollment"]> & Answer<201, S["PortalSession"]> };
  "/api/portal/password-reset": { post: Nowhere & Body<{ practice: string; username: string }> & Answer<202, undefined> };
  "/api/portal/password": { put: Nowhere & Body<{ token: string; password: string }> & Answer<204, undefined> };
}

export interface components {
  schemas: {
    Problem: {
      type: string; title: string; status: number; code: string; detail: string; requestId: string;
      fields?: S["FieldProblem"][];
    };
    FieldProblem: { field: string; code: string; message: string };
    PersonName: { first: string; last: string; preferred?: string };
    ContactType: "home" | "work" | "mobile" | "other";
    Email: { type: S["ContactType"]; address: string };
    Phone: { type: S["ContactType"]; number: string };
    Permission: "basic" | "messaging" | "documents" | "sessions" | "billing" | "surveys";
    Relationship: "self" | "parent" | "guardian" | "spouse" | "other";
    AccessStatus: "invited" | "expired" | "active" | "revoked";
    PortalSummary: { status: "none" | S["AccessStatus"]; users: number };
    StaffSession: {
      name: string; email: string; role: "admin" | "staff" | "auditor";
      practice: S["Practice"]; expiresAt: string;
    };
    Practice: { id: string; name: string };
    SearchRequest: { query: string; limit?: number; cursor?: string };
    SearchHit: {
      clientId: string; name: S["PersonName"]; dateOfBirth: string; recordNumber: string;
      email?: string; phone?: string; professional?: string; portal: S["PortalSummary"];
    };
    SearchPage: { clients: S["SearchHit"][]; nextCursor?: string | null };
    NewClient: {
      name: S["PersonName"]; dateOfBirth: string; recordNumber?: string;
      emails?: S["Email"][]; phones?: S["Phone"][]; professional?: string;
    };
    ClientEdit: {
      version: number; name?: S["PersonName"]; dateOfBirth?: string; recordNumber?: string;
      emails?: S["Email"][]; phones?: S["Phone"][]; professional?: string | null;
    };
    Client: {
      clientId: string; name: S["PersonName"]; dateOfBirth: string; recordNumber: string;
      emails: S["Email"][]; phones: S["Phone"][]; professional?: string;
      portal: S["PortalSummary"]; chartOwner?: string | null; alertRecipient?: string | null; version: number;
    };
    PortalUsers: { portalUsers: S["PortalUser"][]; chartOwner?: string | null; alertRecipient?: string | null };
    PortalUser: {
      portalUserId: string; name: S["PersonName"]; username: string; email: string;
      relationship: S["Relationship"]; permissions: S["Permission"][]; status: S["AccessStatus"];
      chartOwner: boolean; receivesAlerts: boolean;
      invitation?: { sentAt: string; expiresAt: string };
      mail?: S["MailState"]; lastSignInAt?: string; version: number;
    };
    MailState: {
      kind: "invitation" | "access-granted" | "password-reset" | "password-changed";
      state: "queued" | "sent" | "delivered" | "bounced" | "complained"; at: string; reason?: string;
    };
    NewPortalUser: {
      name: S["PersonName"]; email: string; username?: string; relationship: S["Relationship"];
      permissions: S["Permission"][]; chartOwner?: boolean;
    };
    PortalUserEdit: {
      version: number; name?: S["PersonName"]; relationship?: S["Relationship"];
      permissions?: S["Permission"][]; email?: string;
    };
    Receipt: {
      portalUser?: S["PortalUser"] | null; at: string;
      ended: { sessions: number; invitations: number; resets: number };
      alertRecipient?: string | null; mail?: { kind: S["MailState"]["kind"]; state: S["MailState"]["state"] } | null;
    };
    HistoryEvent: {
      at: string; actor: { name: string; role: string }; action: string;
      portalUserId?: string; changed: string[];
    };
    HistoryPage: { events: S["HistoryEvent"][]; nextCursor?: string | null };
    PortalSignIn: { practice: string; username: string; password: string };
    Chart: { clientId: string; name: S["PersonName"]; permissions: S["Permission"][] };
    PortalSession: { name: S["PersonName"]; username: string; charts: S["Chart"][]; expiresAt: string };
    InvitationCheck: {
      practice: S["Practice"]; state: "open" | "expired" | "used"; expiresAt: string; account: "new" | "existing";
    };
    Enrollment: { token: string; lastName: string; dateOfBirth: string; password: string };
  };
}
