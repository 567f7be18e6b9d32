// Staff sign in at their practice's own identity provider; this page only sends them there.
import { signInAddress } from "../api/staff";
import { t } from "../messages/staff";
import { Heading } from "../ui/heading";
import { Anchor } from "../ui/icons";
import { here } from "./session";

export function SignIn({ justSignedOut }: { justSignedOut: boolean }) {
  const refused = new URLSearchParams(location.search).has("error");
  const returnTo = refused || justSignedOut ? "/" : here();
  return (
    <main class="gate">
      <p class="brand">
        <Anchor /> Latchkey
      </p>
      <section class="card gate-card">
        <Heading title={t("signIn.title")}>{t("signIn.title")}</Heading>
        <p class="muted">{t("signIn.lead")}</p>
        {justSignedOut && <p role="status">{t("signIn.out")}</p>}
        {refused && <p class="error">{t("signIn.refused")}</p>}
        <a class="button primary wide" href={signInAddress(returnTo)}>
          {t("signIn.action")}
        </a>
      </section>
    </main>
  );
}
