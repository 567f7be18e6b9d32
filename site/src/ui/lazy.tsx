// A page whose code comes when it is first opened.
import { h, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../api/http";
import { FailureNote } from "./failure";
import { Skeleton } from "./resource";

export function lazyPage<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let page: ComponentType<P> | undefined;

  return function LazyPage(props: P) {
    const [failed, setFailed] = useState(false);
    const [, redraw] = useState(0);
    useEffect(() => {
      if (page) return;
      let gone = false;
      load().then(
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
    if (!failed) return <Skeleton lines={4} />;
    // A new version may have replaced the files this page knows of: only loading afresh finds them.
    return <FailureNote failure={new Failure(0, "unreachable")} onRetry={() => location.reload()} />;
  };
}
