// Whose charts the person may open, and what of them.
import { useEffect, useRef } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import * as api from "../api/portal";
import { sayName } from "../messages/name";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { Loaded, useResource } from "../ui/resource";
import { SessionWarning } from "../ui/session-watch";
import { addressOf, asleep, enter, greeting, session, signOut, watch } from "./door";
import { Frame } from "./frame";

export function Home({ practice }: { practice: api.Practice }) {
  const { route } = useLocation();
  // Asked on every visit, also right after signing in: access may have ended meanwhile.
  const asked = useResource(async () => enter(await api.session()));
  const state = asked.state.value;
  const now = session.value;
  const wasIn = useRef(false);
  wasIn.current ||= now !== null;
  const refused = state.at === "failed" && state.failure.status === 401;
  const nobody = refused || (wasIn.current && !now);
  // The cookie belongs to one practice; its portal is the place to be, whichever address was opened.
  const elsewhere = now && now.practice !== practice.id ? now.practice : null;

  useEffect(() => {
    if (nobody) route(addressOf(practice, "sign-in"), true);
    else if (elsewhere) route(addressOf({ id: elsewhere }), true);
  }, [nobody, elsewhere]);

  // Whoever comes back to a page left open must not find charts there that were closed meanwhile.
  useEffect(() => {
    const askAgain = () => {
      if (document.visibilityState === "visible" && session.peek()) void watch.stay().catch(() => {});
    };
    document.addEventListener("visibilitychange", askAgain);
    return () => document.removeEventListener("visibilitychange", askAgain);
  }, []);

  const leaving = useAction(signOut);

  if (!now || nobody || elsewhere || asleep.value) {
    return (
      <Frame brand={practice.name} title={t("home.wait")} step="wait" wide waiting>
        {!nobody && <Loaded of={asked}>{() => null}</Loaded>}
      </Frame>
    );
  }
  return (
    <>
      <Frame brand={practice.name} title={t("home.title", { name: sayName(now.name) })} step="home" wide>
        {greeting.value === "enrolled" && (
          <p class="notice">{t("home.enrolled", { username: now.username })}</p>
        )}
        <p class="muted">
          {now.charts.length
            ? t("home.lead", { count: now.charts.length })
            : t("home.none", { practice: practice.name })}
        </p>
        <ul class="charts" aria-label={t("home.charts")}>
          {now.charts.map((chart) => (
            <li key={chart.clientId}>
              <h2>{sayName(chart.name)}</h2>
              <Permissions of={chart} practice={practice} />
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
      <SessionWarning watch={watch} />
    </>
  );
}

function Permissions({ of: { permissions }, practice }: { of: api.Chart; practice: api.Practice }) {
  if (!permissions.length) return <p class="muted">{t("home.nothing", { practice: practice.name })}</p>;
  return (
    <>
      <p class="small">{t("home.may")}</p>
      <dl>
        {permissions.map((permission) => (
          <div key={permission}>
            <dt>{t(`permission.${permission}`)}</dt>
            <dd>{t(`may.${permission}`)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
