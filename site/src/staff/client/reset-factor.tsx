// A code on paper for a lost second factor: made after proof in person, and shown this once.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { resetFactor, type PortalUser } from "../../api/staff";
import { t } from "../../messages/factor-reset";
import { t as sayOfSafe } from "../../messages/safe";
import { sayTime } from "../../messages/language";
import { sayName } from "../../messages/name";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import type { Said } from "../../ui/toast";
import { Decision } from "../decision";
import { useAccessChange } from "./access-dialogs";
import type { Chart } from "./chart";
import { ConsequenceLists } from "./consequences";
import { withholds } from "./safe-address";

type Made = Awaited<ReturnType<typeof resetFactor>>;

export function ResetFactor(props: {
  chart: Chart;
  user: PortalUser;
  onDone: (said: Said) => void;
  onClose: () => void;
}) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const [made, setMade] = useState<Made | null>(null);
  const [lost, setLost] = useState(false);
  // Asked again with it after no answer came, no second code is made, and the first is not told again.
  const key = useRef(crypto.randomUUID());
  const action = useAccessChange({
    ...props,
    change: async () => {
      const answer = await resetFactor(chart.clientId, user.portalUserId, key.current);
      key.current = crypto.randomUUID();
      setLost(!answer.code);
      setMade(answer);
      // Its notice stands in the list as the last mail.
      void chart.catchUp();
      return null;
    },
  });
  const code = made?.code;
  const { email } = user;
  const told = email && t("factorReset.mail", { name, email });
  const mail = withholds(chart, email) ? sayOfSafe("safe.notSent", { email: email ?? "" }) : told;
  const title = t(code ? "factorReset.made" : "factorReset.title", { name });
  return (
    <Dialog title={title} busy={action.busy} typed={!!code} onClose={props.onClose}>
      {(close) =>
        made && code ? (
          <Code
            code={code}
            until={made.expiresAt}
            onGiven={() => {
              close();
              props.onDone(t("factorReset.done", { name }));
            }}
          />
        ) : (
          <>
            <p>{t("factorReset.proof", { name })}</p>
            <ConsequenceLists
              of={{
                happens: [
                  t("factorReset.happens", { name }),
                  ...(mail ? [mail] : []),
                ],
                ends: [t("factorReset.ends")],
                stays: [t("factorReset.stays", { name })],
              }}
            />
            <FailureNote failure={action.failure} />
            <p class="error" role="alert">
              {lost && !action.failure && t("factorReset.lost")}
            </p>
            <Decision close={close} autoFocusCancel>
              <Button kind="primary" busy={action.busy} onClick={() => void action.run(close)}>
                {t("factorReset.make")}
              </Button>
            </Decision>
          </>
        )
      }
    </Dialog>
  );
}

/** What is handed over. Escape does not close it: it would be gone. */
function Code(props: { code: string; until: string; onGiven: () => void }) {
  const code = useRef<HTMLParagraphElement>(null);
  // The button that made it is gone.
  useLayoutEffect(() => code.current?.focus(), []);
  return (
    <>
      <p ref={code} class="code" tabIndex={-1}>
        {props.code}
      </p>
      <p>{t("factorReset.until", { time: sayTime(props.until) })}</p>
      <p>{t("factorReset.how")}</p>
      <div class="actions">
        <Button onClick={() => print()}>
          {t("factorReset.print")}
        </Button>
        <Button kind="primary" onClick={props.onGiven}>
          {t("factorReset.given")}
        </Button>
      </div>
    </>
  );
}
