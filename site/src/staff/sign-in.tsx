// Staff sign in at their practice's own identity provider; this page only sends them there.
import { useState } from "preact/hooks";
import { signInAddress } from "../api/staff";
import { t } from "../messages/staff";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Heading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { Language } from "./language";
import { here, SIGN_IN } from "./session";
import { kept } from "./typed";

export function SignIn({ left }: { left: "here" | "elsewhere" | null }) {
  // The server sends whoever could not be signed in back here, with the reason.
  const problem = new URLSearchParams(location.search).get("problem");
  const reason = problem === "expired" || problem === "no_role" ? problem : "refused";
  const returnTo = left === "here" || location.pathname === SIGN_IN ? "/" : here();
  return (
    <main class="gate">
      <p class="brand">
        <Anchor /> {t("brand")}
      </p>
      <section class="card gate-card">
        <Heading title={t("signIn.title")}>{t("signIn.title")}</Heading>
        <p class="muted">{t("signIn.lead")}</p>
        {left && <p role="status">{t(left === "here" ? "signIn.out" : "signIn.outElsewhere")}</p>}
        {problem && (
          <p class="error" role="alert">
            {t(`signIn.${reason}`)}
          </p>
        )}
        <a class="button primary wide" href={signInAddress(returnTo)}>
          {t("signIn.action")}
        </a>
      </section>
      <Language />
    </main>
  );
}

/** The session ended in the middle of the work: nothing is left of the page but what was typed. */
export function Over() {
  const [asking, ask] = useState(true);
  const title = t("session.endedTitle");
  const toSignIn = signInAddress(here());
  return (
    <main class="gate">
      <p class="brand">
        <Anchor /> {t("brand")}
      </p>
      <section class={asking ? undefined : "card gate-card"}>
        <Heading title={title} hidden={asking}>
          {title}
        </Heading>
        {!asking && (
          <>
            <Typed />
            <a class="button primary wide" href={toSignIn}>
              {t("signIn.action")}
            </a>
          </>
        )}
      </section>
      {asking && (
        <Dialog title={title} onClose={() => ask(false)}>
          {(close) => (
            <>
              <Typed />
              <div class="actions">
                <Button onClick={close}>{t("session.later")}</Button>
                <a class="button primary" href={toSignIn} autofocus>
                  {t("signIn.action")}
                </a>
              </div>
            </>
          )}
        </Dialog>
      )}
      <Language />
    </main>
  );
}

function Typed() {
  const fields = kept.value?.fields;
  return (
    <>
      <p>
        <span class="muted">{t("session.ended")}</span> {fields && t("session.typed")}
      </p>
      {fields?.map(({ label, text }) => (
        <div class="field" key={label}>
          <label>
            {label}
            <input type="text" readOnly value={text} />
          </label>
        </div>
      ))}
    </>
  );
}
