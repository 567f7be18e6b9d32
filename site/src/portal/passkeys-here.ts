// Whether a passkey was used in this browser: all that is kept of it, and no person's.
const KEY = "passkeys";

export function usesPasskeys(): boolean {
  try {
    return "PublicKeyCredential" in window && localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}

/** A browser that keeps nothing asks for the password first. */
export function notePasskey(): void {
  try {
    localStorage.setItem(KEY, "1");
  } catch {
    // It is a convenience.
  }
}
