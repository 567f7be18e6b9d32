// Passkeys, between what the API writes in JSON and what the browser takes: bytes in unpadded base64url.

import type { Credential } from "../api/factors";
import { notePasskey } from "./passkeys-here";

/** The browser, the device or the person did not go on. Which of them, the browser does not tell. */
export class NotGiven extends Error {}

export const hasPasskeys = (): boolean => "PublicKeyCredential" in globalThis;

type Json = Record<string, unknown>;
interface Options {
  publicKey: Json & {
    challenge: string;
    user?: Json & { id: string };
    excludeCredentials?: (Json & { id: string })[];
    allowCredentials?: (Json & { id: string })[];
  };
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
};

const text = (buffer: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const known = (list: (Json & { id: string })[] = []) => list.map((each) => ({ ...each, id: bytes(each.id) }));

/** What the person's device made. */
export async function create(options: unknown): Promise<Credential> {
  const { publicKey } = options as Options;
  const asked = {
    ...publicKey,
    challenge: bytes(publicKey.challenge),
    user: publicKey.user && { ...publicKey.user, id: bytes(publicKey.user.id) },
    excludeCredentials: known(publicKey.excludeCredentials),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await given(navigator.credentials.create({ publicKey: asked }));
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    ...head(made),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports(),
    },
  } as unknown as Credential;
}

/** What the person's device answers. With `mediation` the browser suggests it where a username is typed, and waits. */
export async function get(
  options: unknown,
  more: { mediation?: CredentialMediationRequirement; signal?: AbortSignal } = {},
): Promise<Credential> {
  const { publicKey } = options as Options;
  const asked = {
    ...publicKey,
    challenge: bytes(publicKey.challenge),
    allowCredentials: known(publicKey.allowCredentials),
  } as unknown as PublicKeyCredentialRequestOptions;
  const made = await given(navigator.credentials.get({ publicKey: asked, ...more }));
  const response = made.response as AuthenticatorAssertionResponse;
  return {
    ...head(made),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle && text(response.userHandle),
    },
  } as unknown as Credential;
}

const head = ({ id, rawId, type }: PublicKeyCredential): Json => ({
  id,
  rawId: text(rawId),
  type,
  clientExtensionResults: {},
});

async function given(asked: Promise<globalThis.Credential | null>): Promise<PublicKeyCredential> {
  let credential;
  try {
    credential = await asked;
  } catch (thrown) {
    throw new NotGiven("no passkey", { cause: thrown });
  }
  if (!credential) throw new NotGiven("no passkey");
  notePasskey();
  return credential as PublicKeyCredential;
}
