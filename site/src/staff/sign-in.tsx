// Staff sign in at their practice's own identity provider; this page only sends them there.
import { signInAddress } from "../api/staff";
import { t } from "../messages/staff";
import { Heading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { Language } from "./language";
import { here, SIGN_IN } from "./session";

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
