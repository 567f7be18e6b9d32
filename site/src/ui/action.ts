// A change on its way to the server.
import { useRef, useState } from "preact/hooks";
import { Failure } from "../api/http";

interface Action<A extends unknown[]> {
  /** Starts the change; while one is on its way, further calls (Enter again, on a slow line) do nothing. */
  run: (...args: A) => Promise<void>;
  busy: boolean;
  failure: Failure | null;
  forget: () => void;
}

export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>): Action<A> {
  const [state, show] = useState<{ busy: boolean; failure: Failure | null }>({ busy: false, failure: null });
  // A ref beside the state: the second call may come before the next render.
  const running = useRef(false);

  const run = async (...args: A): Promise<void> => {
    if (running.current) return;
    running.current = true;
    show({ busy: true, failure: null });
    let failure: Failure | null = null;
    try {
      await act(...args);
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      failure = thrown;
    } finally {
      running.current = false;
      show({ busy: false, failure });
    }
  };
  return { ...state, run, forget: () => show((now) => ({ ...now, failure: null })) };
}
