// A code on paper for a lost second factor: made after proof in person, and shown this once.
import { useLayoutEffect, useRef } from "preact/hooks";
import { resetFactor } from "../../api/staff";
import { t } from "../../messages/factor-reset";
import { t as sayOfSafe } from "../../messages/safe";
import { sayTime } from "../../messages/language";
import { sayName } from "../../messages/name";
import { Button } from "../../ui/button";
import { PaperDialog, type Printing } from "./paper-dialog";
import { withholds } from "./safe-address";

export function ResetFactor(props: Printing) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const { email } = user;
  const told = email && t("factorReset.mail", { name, email });
  const mail = withholds(chart, email) ? sayOfSafe("safe.notSent", { email: email ?? "" }) : told;
  return (
    <PaperDialog
      {...props}
      titles={[t("factorReset.title", { name }), t("factorReset.made", { name })]}
      lead={t("factorReset.proof", { name })}
      consequences={{
        happens: [
          t("factorReset.happens", { name }),
          ...(mail ? [mail] : []),
        ],
        ends: [t("factorReset.ends")],
        stays: [t("factorReset.stays", { name })],
      }}
      lost={t("factorReset.lost")}
      action={t("factorReset.make")}
      done={t("factorReset.done", { name })}
      make={(key) => resetFactor(chart.clientId, user.portalUserId, key)}
      secretOf={({ code }) => code}
    >
      {({ expiresAt }, code, onGiven) => <Code code={code} until={expiresAt} onGiven={onGiven} />}
    </PaperDialog>
  );
}

/** What is handed over. */
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
        <Button onClick={() => print()}>{t("factorReset.print")}</Button>
        <Button kind="primary" onClick={props.onGiven}>
          {t("factorReset.given")}
        </Button>
      </div>
    </>
  );
}
