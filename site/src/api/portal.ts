// What the clients' portal may ask of the API, by name.
import { practiceList, send, type Schemas } from "./http";

export type Chart = Schemas["Chart"];
export type InvitationCheck = Schemas["InvitationCheck"];
export type Practice = Schemas["Practice"];
export type Session = Schemas["PortalSession"];

export const practices = async (): Promise<Practice[]> => (await practiceList()).practices;

export const signIn = (body: Schemas["PortalSignIn"]) => send("post", "/api/portal/sign-in", body);

export const session = () => send("get", "/api/portal/session");

export const signOut = () => send("delete", "/api/portal/session");

export const checkInvitation = (token: string) => send("post", "/api/portal/enrollment/check", { token });

/** With a key: whoever loses the answer on a bad line and tries again is enrolled, not told "used". */
export const enroll = (body: Schemas["Enrollment"], key: string) =>
  send("post", "/api/portal/enrollment", body, key);

export const requestReset = (practice: string, username: string) =>
  send("post", "/api/portal/password-reset", { practice, username });

export const setPassword = (token: string, password: string) =>
  send("put", "/api/portal/password", { token, password });
