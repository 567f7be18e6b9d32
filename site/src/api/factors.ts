// What a person signs in with beside the password, by name. Apart from the rest of the portal: few come here.
import { send, type AnswerOf, type BodyOf } from "./http";
import type { Session } from "./portal";

export type Method = BodyOf<"/api/portal/sign-in/factor", "post">["method"];
export type Passkey = AnswerOf<"/api/portal/account/passkeys", "post">;

/** What the right password is answered with where a factor is asked for, or has to be added. */
export interface Challenge {
  challenge: string;
  methods?: Method[];
  /** What to ask the browser, where a passkey is one of the methods. */
  passkey?: unknown;
}

/** What a browser answered: the API judges it, not these types. */
export type Credential = Record<string, never>;

/** Who is in; after a recovery code with the new one. */
export type SignedIn = Session & { recoveryCode?: string };

/** The password again in a session, or the challenge before there is one. */
export type Opening = { proof: { password: string } } | { challenge: string };

export const byCode = (challenge: string, method: Method, code: string) =>
  send("post", "/api/portal/sign-in/factor", { challenge, method, code });

export const byPasskey = (challenge: string, credential: Credential) =>
  send("post", "/api/portal/sign-in/factor", { challenge, method: "passkey", credential });

export const askForPasskey = (practice: string) =>
  send("post", "/api/portal/sign-in/passkey/options", { practice });

export const byPasskeyAlone = (challenge: string, credential: Credential) =>
  send("post", "/api/portal/sign-in/passkey", { challenge, credential });

export const newPasskey = (opening: Opening) => send("post", "/api/portal/account/passkeys/options", opening);

/** With a key: a person who loses the answer on a bad line and tries again has one passkey. */
export const addPasskey = (
  name: string,
  credential: Credential,
  key: string,
  challenge?: string,
) => send("post", "/api/portal/account/passkeys", { name, credential, ...(challenge && { challenge }) }, key);

const passkey = (id: string) =>
  `/api/portal/account/passkeys/${id}` as "/api/portal/account/passkeys/{passkeyId}";

export const renamePasskey = (id: string, name: string) => send("patch", passkey(id), { name });

export const removePasskey = (id: string, password: string) =>
  send("delete", passkey(id), { proof: { password } });

export const newApp = (opening: Opening) => send("post", "/api/portal/account/totp", opening);

export const confirmApp = (code: string, challenge?: string) =>
  send("put", "/api/portal/account/totp", { code, ...(challenge && { challenge }) });

export const removeApp = (password: string) =>
  send("delete", "/api/portal/account/totp", { proof: { password } });

export const newRecoveryCode = (password: string, key: string) =>
  send("post", "/api/portal/account/recovery-code", { proof: { password } }, key);
