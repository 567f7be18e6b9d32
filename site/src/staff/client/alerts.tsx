// Who gets a chart's alerts: one person, or else the practice's inbox.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Failure } from "../../api/http";
import type { PortalUsers } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { focusHeading, keepFocus } from "../../ui/heading";
import { say } from "../../ui/toast";
import { mayChange } from "../session";
import { getsAlerts, isGone, isNews, type Chart } from "./chart";

/** A keyboard walks through the radios one by one; only the one it rests on is meant. */
const REST_MS = 500;

export function AlertChoice(props: {
  name: string;
  assigned: boolean;
  /** Assigned they get nothing before they enrol. */
  later?: boolean;
  onAssign: (restMs: number) => void;
}) {
  const id = useId();
  const said = t(props.assigned ? "users.assigned" : "users.assign");
  const later = props.assigned && props.later && (
    <span class="small later" id={id}>
      {t("users.fromEnrollment")}
    </span>
  );
  if (!mayChange.value) {
    return (
      <>
        <span class="muted">{props.assigned ? said : ""}</span> {later}
      </>
    );
  }
  return (
    <>
      <label class="assign">
        <input
          type="radio"
          aria-describedby={later ? id : undefined}
          name="alert-recipient"
          checked={props.assigned}
          // A click made by an arrow key has no click count.
          onClick={(event) => props.onAssign(event.detail ? 0 : REST_MS)}
        />
        <span>
          {said}
          <span class="sr-only"> {t("users.assignWho", { name: props.name })}</span>
        </span>
      </label>
      {later}
    </>
  );
}

/** The choice shows at once; the server's word replaces it, and its refusal takes it back. */
export function useAlerts(chart: Chart, users: PortalUsers) {
  const [wish, setWish] = useState<{ id: string | null } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const latest = useRef<{ id: string | null } | null>(null);

  const { run, failure } = useAction(async (): Promise<void> => {
    try {
      // A newer choice made while one is on its way follows it, so that the last one stands.
      for (let sent = latest.current; sent; sent = latest.current === sent ? null : latest.current) {
        await chart.assignAlerts(sent.id);
        if (latest.current === sent) {
          const user = chart.user(sent.id);
          const said = user?.status === "active" ? "users.nowAssigned" : "users.laterAssigned";
          say(user ? t(said, { name: sayName(user.name) }) : t("users.nowInbox"));
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      // Somebody revoked meanwhile has no radio any more.
      if (isNews(thrown)) void chart.catchUp().then(keepFocus);
      if (!isGone(thrown)) throw thrown;
      const gone = users.portalUsers.find((user) => user.portalUserId === latest.current?.id);
      // The row that has the focus is about to go.
      focusHeading();
      say(t("users.gone", { name: gone ? sayName(gone.name) : "" }));
    } finally {
      setWish(null);
    }
  });
  // Whoever leaves the page while the choice rests has made it.
  useEffect(
    () => () => {
      if (!timer.current) return;
      clearTimeout(timer.current);
      void run();
    },
    [],
  );

  const chosen = wish ? wish.id : (users.portalUsers.find(getsAlerts)?.portalUserId ?? null);
  return {
    chosen,
    failure,
    retry: () => {
      setWish(latest.current);
      void run();
    },
    assign: (id: string | null, restMs: number) => {
      // The second half of a double click asks for nothing new.
      if (id === chosen) return;
      clearTimeout(timer.current);
      const next = { id };
      latest.current = next;
      setWish(next);
      timer.current = setTimeout(() => {
        timer.current = undefined;
        void run();
      }, restMs);
    },
  };
}
