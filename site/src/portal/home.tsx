// Whose charts the person may open, and what of them.
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { Failure } from "../api/http";
import * as api from "../api/portal";
import { sayName } from "../messages/name";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { Loaded, useResource } from "../ui/resource";
import { addressOf, greeting, session } from "./door";
import { Frame } from "./frame";

export function Home({ practice }: { practice: api.Practice }) {
  const { route } = useLocation();
  // Asked on every visit, also right after signing in: access may have ended meanwhile.
  const current = useResource(async () => (session.value = await api.session()));
  const state = current.state.value;
  const signedOut = state.at === "failed" && state.failure.status === 401;
  // The cookie belongs to one practice; its portal is the place to be, whichever address was opened.
  const elsewhere =
    state.at === "ready" && state.value.practice !== practice.id ? state.value.practice : null;

  useEffect(() => {
    if (!signedOut) return;
    if (session.value) greeting.value = "ended";
    session.value = null;
    route(addressOf(practice, "sign-in"), true);
  }, [signedOut]);

  useEffect(() => {
    if (elsewhere) route(addressOf({ id: elsewhere }), true);
  }, [elsewhere]);

  // Whoever comes back to a page left open must not find charts there that were closed meanwhile.
  useEffect(() => {
    const askAgain = () => {
      if (document.visibilityState === "visible") void current.load();
    };
    document.addEventListener("visibilitychange", askAgain);
    return () => document.removeEventListener("visibilitychange", askAgain);
  }, [current]);

  const leaving = useAction(async () => {
    try {
      await api.signOut();
    } catch (thrown) {
      if (!(thrown instanceof Failure && thrown.status === 401)) throw thrown;
    }
    session.value = null;
    greeting.value = "out";
    route(addressOf(practice, "sign-in"), true);
  });

  if (state.at !== "ready" || elsewhere) {
    return (
      <Frame brand={practice.name} title={t("home.wait")} step="wait">
        {!signedOut && <Loaded of={current}>{() => null}</Loaded>}
      </Frame>
    );
  }
  const now = state.value;
  return (
    <Frame brand={practice.name} title={t("home.title", { name: sayName(now.name) })} step="home" wide>
      <p class="muted">
        {now.charts.length
          ? t("home.lead", { count: now.charts.length })
          : t("home.none", { practice: practice.name })}
      </p>
      <ul class="charts" aria-label={t("home.charts")}>
        {now.charts.map((chart) => (
          <li key={chart.clientId}>
            <h2>{sayName(chart.name)}</h2>
            {chart.permissions.length ? (
              <>
                <p class="small">{t("home.may")}</p>
                <ul class="pills">
                  {chart.permissions.map((permission) => (
                    <li key={permission}>{t(`permission.${permission}`)}</li>
                  ))}
                </ul>
              </>
            ) : (
              <p class="muted">{t("home.nothing", { practice: practice.name })}</p>
            )}
          </li>
        ))}
      </ul>
      <FailureNote failure={leaving.failure} />
      <div class="actions">
        <p class="muted breaks">{t("home.username", { username: now.username })}</p>
        <Button busy={leaving.busy} onClick={() => void leaving.run()}>
          {t("home.signOut")}
        </Button>
      </div>
    </Frame>
  );
}
