// What the pages of the second step have in common.
import type { Challenge, SignedIn } from "../api/factors";
import { Failure } from "../api/http";
import type { Practice } from "../api/portal";

export interface Step {
  practice: Practice;
  challenge: Challenge;
  onIn: (session: SignedIn) => void;
  /** From the beginning. */
  onBack: () => void;
  /** Too many wrong answers. */
  onLocked: (failure: Failure) => void;
  onInactive: () => void;
}

/** What is thrown here and means another page. */
export function useStep({ onBack, onLocked, onInactive }: Step) {
  return async (act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      if (thrown.code === "challenge_expired") return onBack();
      if (thrown.code === "access_not_active") return onInactive();
      if (thrown.status === 429) return onLocked(thrown);
      throw thrown;
    }
  };
}
