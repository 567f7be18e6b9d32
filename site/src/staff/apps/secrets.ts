// A secret that was made just now. The API tells it once, so it is kept until its app's page was left, and in
// memory only.
import { signal } from "../../ui/signal";

export interface Made {
  appId: string;
  /** Null where the answer that had it was lost on its way. */
  secret: string | null;
}

export const made = signal<Made | null>(null);

export function forgetSecrets(): void {
  made.value = null;
}
