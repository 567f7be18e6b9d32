// What the staff console may ask of the API, by name.
import createHttp from "openapi-fetch";
import { answer, file, patientFetch, type AnswerOf, type BodyOf, type Failure } from "./http";
import type { paths } from "./schema";

export const http = createHttp<paths>({ baseUrl: "", fetch: patientFetch });

const USERS = "/api/clients/{clientId}/portal-users";
const USER = `${USERS}/{portalUserId}` as const;

export type Session = AnswerOf<"/api/staff/session", "get">;
export type Search = BodyOf<"/api/clients/search", "post">;
export type Found = AnswerOf<"/api/clients/search", "post">;
export type Hit = Found["clients"][number];
export type Client = AnswerOf<"/api/clients/{clientId}", "get">;
/** When and why a chart was closed, and of a duplicate which chart is the right one. */
export type Closing = BodyOf<"/api/clients/{clientId}/close", "post">;
export const CLOSE_REASONS = ["left", "deceased", "duplicate"] as const satisfies readonly Closing["reason"][];
type PersonName = Client["name"];
export type ClientEdit = BodyOf<"/api/clients/{clientId}", "patch">;
export type NewClient = BodyOf<"/api/clients", "post">;
export type SyncRows = BodyOf<"/api/clients/sync", "post">["rows"];
export type PortalUser = AnswerOf<typeof USERS, "get">["portalUsers"][number] & {
  /** Chosen to get the alerts, which begins with their enrolling: told by the chart's `alertRecipient`. */
  alertsFromEnrollment?: boolean;
};
export type PortalUsers = Omit<AnswerOf<typeof USERS, "get">, "portalUsers"> & { portalUsers: PortalUser[] };
/** An app that is told of the end of an access. */
export type ToldApp = NonNullable<PortalUser["apps"]>[number];
/** How far that has come, without the app's name: the list of portal users has it. */
export type ToldState = NonNullable<Progress["apps"]>[number];
export type Progress = AnswerOf<`${typeof USER}/progress`, "get">;
export type NewPortalUser = BodyOf<typeof USERS, "post">;
export type PortalUserEdit = BodyOf<typeof USER, "patch">;
/** Why access is revoked; the practice's inbox gets the alerts next unless somebody is named. */
export type Revocation = NonNullable<BodyOf<`${typeof USER}/revoke`, "post">>;
export const REASONS = ["request", "left-care", "court-order", "safety", "mistake", "other"] as const;
export type Reason = (typeof REASONS)[number];
/** The account that a person's address or username opens already. */
export type Account = {
  name: PersonName;
  charts: { clientId: string; name: PersonName; relationship: Relationship }[];
};
export type Permission = PortalUser["permissions"][number];
export type Relationship = PortalUser["relationship"];
export type Receipt = Omit<AnswerOf<`${typeof USER}/revoke`, "post">, "portalUser"> & {
  portalUser?: PortalUser | null;
};
export type HistoryEvent = AnswerOf<"/api/clients/{clientId}/history", "get">["events"][number];
export type Alert = AnswerOf<"/api/clients/{clientId}/alerts", "get">["alerts"][number];

/** One of the practice's lists of access. */
export type View = AccessQuery["view"];
export type AccessQuery = BodyOf<"/api/access", "post">;
export type AccessRow = AnswerOf<"/api/access", "post">["rows"][number];
export type AccessCount = AnswerOf<"/api/access/summary", "get">["views"][number];

export type App = AnswerOf<"/api/apps/{appId}", "get">;
export type NewApp = BodyOf<"/api/apps", "post">;
export type AppEdit = BodyOf<"/api/apps/{appId}", "patch">;
export type PublicKey = App["publicKeys"][number];
export type SystemScope = App["scopes"][number];

/** A person of the staff list. */
export type Member = AnswerOf<"/api/staff", "get">["staff"][number];
export type NewMember = BodyOf<"/api/staff", "post">;
export type MemberEdit = BodyOf<"/api/staff/{staffId}", "patch">;

/** Where the browser goes to sign in; it comes back to `returnTo`. */
export const signInAddress = (returnTo: string): string =>
  `/api/staff/sign-in?returnTo=${encodeURIComponent(returnTo)}`;

export const session = () => answer(http.GET("/api/staff/session"));

export const signOut = () => answer(http.DELETE("/api/staff/session"));

/** Goes over to another practice of one's own. */
export const switchPractice = (practice: string): Promise<Session> =>
  answer(http.PUT("/api/staff/session", { body: { practice } }));

/** Who may be the client that was to be created. */
export const duplicatesIn = ({ code, problem }: Failure): Hit[] | undefined =>
  code === "possible_duplicate" ? (problem as { matches?: Hit[] }).matches : undefined;

/** Whose account it is that the portal user would have come into. */
export const accountIn = ({ problem }: Failure): Account | undefined =>
  (problem as { account?: Account }).account;

export const search = (body: Search, signal: AbortSignal): Promise<Found> =>
  answer(http.POST("/api/clients/search", { body, signal }));

export const createClient = (body: NewClient, key: string) =>
  answer(http.POST("/api/clients", { body, params: { header: { "Idempotency-Key": key } } }));

/** What becomes of up to 25 clients of a file; with `dryRun`, what would. */
export const syncClients = (rows: SyncRows, dryRun: boolean) =>
  answer(http.POST("/api/clients/sync", { body: { rows, dryRun } }));

export const client = (clientId: string, signal?: AbortSignal) =>
  answer(http.GET("/api/clients/{clientId}", { params: { path: { clientId } }, signal: signal ?? null }));

export const editClient = (clientId: string, body: ClientEdit) =>
  answer(http.PATCH("/api/clients/{clientId}", { params: { path: { clientId } }, body }));

export const closeClient = (clientId: string, body: Closing): Promise<{ receipts: Receipt[] }> =>
  answer(http.POST("/api/clients/{clientId}/close", { params: { path: { clientId } }, body }));

export const reopenClient = (clientId: string) =>
  answer(http.POST("/api/clients/{clientId}/reopen", { params: { path: { clientId } } }));

export const portalUsers = (clientId: string, signal?: AbortSignal): Promise<PortalUsers> =>
  answer(
    http.GET(USERS, {
      params: { path: { clientId } },
      signal: signal ?? null,
    }),
  );

export const addPortalUser = (clientId: string, body: NewPortalUser, key: string): Promise<PortalUser> =>
  answer(
    http.POST(USERS, {
      params: { path: { clientId }, header: { "Idempotency-Key": key } },
      body,
    }),
  );

const at = (clientId: string, portalUserId: string) => ({ path: { clientId, portalUserId } });

export const editPortalUser = (
  clientId: string,
  portalUserId: string,
  body: PortalUserEdit,
): Promise<PortalUser> => answer(http.PATCH(USER, { params: at(clientId, portalUserId), body }));

export const resendInvitation = (clientId: string, portalUserId: string): Promise<PortalUser> =>
  answer(http.POST(`${USER}/invitation`, { params: at(clientId, portalUserId) }));

/** A code for one sign-in, for a person without their second factor. A repeated request makes no second one, and is
 *  answered without the code. */
export const resetFactor = (clientId: string, portalUserId: string, key: string) =>
  answer(
    http.POST(`${USER}/factor-reset`, {
      params: { ...at(clientId, portalUserId), header: { "Idempotency-Key": key } },
    }),
  );

/** The person can try to sign in at once. */
export const unlock = (clientId: string, portalUserId: string, key: string): Promise<PortalUser> =>
  answer(
    http.POST(`${USER}/unlock`, {
      params: { ...at(clientId, portalUserId), header: { "Idempotency-Key": key } },
    }),
  );

/** An invitation to be printed, for a person without an e-mail address. A repeated request makes no second one, and is
 *  answered without the link. */
export const printSheet = (clientId: string, portalUserId: string, key: string) =>
  answer(
    http.POST(`${USER}/sheet`, {
      params: { ...at(clientId, portalUserId), header: { "Idempotency-Key": key } },
    }),
  );

/** Asked by the page itself, again and again: it is no work that keeps the session. */
export const progress = (clientId: string, portalUserId: string, signal: AbortSignal): Promise<Progress> =>
  answer(
    http.GET(`${USER}/progress`, { params: at(clientId, portalUserId), signal }),
    true,
  );

export const revoke = (clientId: string, portalUserId: string, body: Revocation): Promise<Receipt> =>
  answer(http.POST(`${USER}/revoke`, { params: at(clientId, portalUserId), body }));

export const activate = (clientId: string, portalUserId: string): Promise<Receipt> =>
  answer(http.POST(`${USER}/activate`, { params: at(clientId, portalUserId) }));

/** `word` is what the person typed; `alertRecipient` the successor's id, or "practice" for its inbox. */
export const deletePortalUser = (
  clientId: string,
  portalUserId: string,
  word: string,
  alertRecipient?: string,
): Promise<Receipt> =>
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

export const alerts = (clientId: string) =>
  answer(http.GET("/api/clients/{clientId}/alerts", { params: { path: { clientId } } }));

/** How many stand in each list; nobody is named, so asking leaves no trace. */
export const accessSummary = (signal?: AbortSignal) =>
  answer(http.GET("/api/access/summary", { signal: signal ?? null }));

/** The same, asked by the page itself: it is no work that keeps the session. */
export const accessSummaryAgain = (signal: AbortSignal) =>
  answer(
    http.GET("/api/access/summary", { params: { header: { "Latchkey-Activity": "none" } }, signal }),
    true,
  );

export const accessPage = (body: AccessQuery, signal?: AbortSignal) =>
  answer(http.POST("/api/access", { body, signal: signal ?? null }));

export const apps = (signal?: AbortSignal) => answer(http.GET("/api/apps", { signal: signal ?? null }));

const ofApp = (appId: string) => ({ path: { appId } });

export const app = (appId: string, signal?: AbortSignal): Promise<App> =>
  answer(http.GET("/api/apps/{appId}", { params: ofApp(appId), signal: signal ?? null }));

export const registerApp = (body: NewApp, key: string) =>
  answer(http.POST("/api/apps", { body, params: { header: { "Idempotency-Key": key } } }));

export const editApp = (appId: string, body: AppEdit): Promise<App> =>
  answer(http.PATCH("/api/apps/{appId}", { params: ofApp(appId), body }));

export const renewSecret = (appId: string, key: string) =>
  answer(
    http.POST("/api/apps/{appId}/secret", {
      params: { ...ofApp(appId), header: { "Idempotency-Key": key } },
    }),
  );

/** `word` is what the person typed. */
export const deleteApp = (appId: string, word: string) =>
  answer(http.DELETE("/api/apps/{appId}", { params: { ...ofApp(appId), query: { confirm: word } } }));

export const staffList = (signal?: AbortSignal) =>
  answer(http.GET("/api/staff", { signal: signal ?? null }));

export const addMember = (body: NewMember, key: string): Promise<Member> =>
  answer(http.POST("/api/staff", { body, params: { header: { "Idempotency-Key": key } } }));

const ofMember = (staffId: string) => ({ path: { staffId } });

export const editMember = (staffId: string, body: MemberEdit): Promise<Member> =>
  answer(http.PATCH("/api/staff/{staffId}", { params: ofMember(staffId), body }));

export const removeMember = (staffId: string) =>
  answer(http.DELETE("/api/staff/{staffId}", { params: ofMember(staffId) }));

export const endMemberSessions = (staffId: string): Promise<Member> =>
  answer(http.POST("/api/staff/{staffId}/end-sessions", { params: ofMember(staffId) }));

/** The portal's origin, by which apps know it. */
export const issuer = async (): Promise<string> =>
  (await file<AnswerOf<"/.well-known/openid-configuration", "get">>("/.well-known/openid-configuration"))
    .issuer;
