// What the clients' portal may ask of the API, by name.
import { Failure, file, send, type AnswerOf, type BodyOf } from "./http";

export type InvitationCheck = AnswerOf<"/api/portal/enrollment/check", "post">;
export type Practice = InvitationCheck["practice"];
export type Session = AnswerOf<"/api/portal/session", "get">;
export type Chart = Session["charts"][number];
export type Permission = Chart["permissions"][number];
export type Apps = AnswerOf<"/api/portal/apps", "get">;

/** The practice that is called so, if there is one; without a name, those that wish to be listed. */
export const practices = (id: string): Promise<Practice[]> =>
  id
    ? file<Practice>(`/practices/${id}.json`).then(
        (one) => [one],
        (thrown: unknown) => {
          if (thrown instanceof Failure && thrown.status === 404) return [];
          throw thrown;
        },
      )
    : file<{ practices: Practice[] }>("/config.json").then((all) => all.practices);

export const signIn = (body: BodyOf<"/api/portal/sign-in", "post">) =>
  send("post", "/api/portal/sign-in", body);

export const session = () => send("get", "/api/portal/session");

/** The apps that are open to the person, and where for each chart. */
export const apps = () => send("get", "/api/portal/apps");

/** What an app asks, as it stood in the address, and `asked` of an answer that wanted a sign-in. */
export const authorize = (request: BodyOf<"/api/portal/authorization", "post">) =>
  send("post", "/api/portal/authorization", request);

/** Who has to sign in, and for which app, before it is let in. */
export interface Wanted {
  app: { appId: string; name: string };
  practice: Practice;
  /** When it was first asked: goes along when it is asked again. */
  asked: string;
}

export const wantedBy = ({ status, problem }: Failure): Wanted | undefined =>
  status === 401 && "asked" in problem ? (problem as unknown as Wanted) : undefined;

/** Signs out on the way from an app. */
export type SignOut = BodyOf<"/api/portal/sign-out", "post">;
export const endSession = (request: SignOut) => send("post", "/api/portal/sign-out", request);

export const signOut = () => send("delete", "/api/portal/session");

export type Account = AnswerOf<"/api/portal/account", "get">;
export type OwnSession = Account["sessions"][number];
export type Access = AnswerOf<"/api/portal/charts/{clientId}/access", "get">;

export const account = () => send("get", "/api/portal/account");

export const speakTo = (language: Account["language"]) => send("patch", "/api/portal/account", { language });

export const changePassword = (password: string, proof: string) =>
  send("put", "/api/portal/account/password", { password, proof: { password: proof } });

/** With a key: whoever loses the answer on a bad line and tries again gets one mail. */
export const changeEmail = (email: string, proof: string, key: string) =>
  send("post", "/api/portal/account/email", { email, proof: { password: proof } }, key);

export const confirmEmail = (token: string, key: string) =>
  send("post", "/api/portal/email-confirmation", { token }, key);

/** Ends one session of the person, or `others`: all but this one. */
export const endOwn = (session: string) =>
  send("delete", `/api/portal/account/sessions/${session}` as "/api/portal/account/sessions/{sessionId}");

export const whoCanEnter = (client: string) =>
  send("get", `/api/portal/charts/${client}/access` as "/api/portal/charts/{clientId}/access");

export const checkInvitation = (token: string): Promise<InvitationCheck> =>
  send("post", "/api/portal/enrollment/check", { token });

/** With a key: whoever loses the answer on a bad line and tries again is enrolled, not told "used". */
export const enroll = (body: BodyOf<"/api/portal/enrollment", "post">, key: string) =>
  send("post", "/api/portal/enrollment", body, key);

export const requestReset = (practice: string, username: string) =>
  send("post", "/api/portal/password-reset", { practice, username });

export const setPassword = (token: string, password: string) =>
  send("put", "/api/portal/password", { token, password });
