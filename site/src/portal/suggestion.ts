// A passkey alone: suggested by the browser where the username is typed, or asked for by a button.
import * as api from "../api/factors";
import { get, NotGiven } from "./webauthn";

/** Whether the browser can suggest passkeys in a field. */
const suggests = async (): Promise<boolean> =>
  (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false;

/** Has the browser suggest; waits until the person takes one. Null when there is nothing to wait for. */
export async function suggested(practice: string, signal: AbortSignal): Promise<api.SignedIn | null> {
  if (!(await suggests()) || signal.aborted) return null;
  return ask(practice, { mediation: "conditional", signal });
}

/** Has the browser ask at once. Null when the person stopped it. */
export const asked = (practice: string): Promise<api.SignedIn | null> => ask(practice, {});

async function ask(practice: string, more: Parameters<typeof get>[1]): Promise<api.SignedIn | null> {
  const { challenge, options } = await api.askForPasskey(practice);
  try {
    return await api.byPasskeyAlone(challenge, await get(options, more));
  } catch (thrown) {
    if (thrown instanceof NotGiven) return null;
    throw thrown;
  }
}
