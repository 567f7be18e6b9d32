// A page whose code comes when it is first opened.
import { Fragment, h, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../api/http";
import { FailureNote } from "./failure";
import { Skeleton } from "./resource";

interface Lazily {
  /** What stands around the waiting, and around the failing, of a page that brings all that itself. */
  around?: ComponentType<{ failed: boolean; children?: ComponentChildren }>;
  /** Load it now: it is the page that was opened. */
  now?: boolean;
}

export function lazyPage<P extends object>(
  load: () => Promise<ComponentType<P>>,
  { around, now }: Lazily = {},
): ComponentType<P> {
  let page: ComponentType<P> | undefined;
  let coming = now ? load() : undefined;
  // Where it is drawn, its failing is told.
  coming?.catch(() => {});

  return function LazyPage(props: P) {
    const [failed, setFailed] = useState(false);
    const [, redraw] = useState(0);
    useEffect(() => {
      if (page) return;
      let gone = false;
      (coming ??= load()).then(
        (loaded) => {
          page = loaded;
          if (!gone) redraw((n) => n + 1);
        },
        () => !gone && setFailed(true),
      );
      return () => {
        gone = true;
      };
    }, []);

    if (page) return h(page, props);
    // A new version may have replaced the files this page knows of: only loading afresh finds them.
    const shown = failed ? (
      <FailureNote failure={new Failure(0, "unreachable")} onRetry={() => location.reload()} />
    ) : (
      <Skeleton lines={4} />
    );
    return around ? h(around, { failed }, shown) : h(Fragment, null, shown);
  };
}
