// Whose charts the person may open, and what of them: a tile for each app that is there for it, and in words
// what has none.
import { useEffect, useRef } from "preact/hooks";
import * as api from "../api/portal";
import { sayName } from "../messages/name";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { useResource } from "../ui/resource";
import { SessionWarning } from "../ui/session-watch";
import { addressOf, greeting, session, signOut, watch } from "./door";
import { Frame } from "./frame";
import { useInside } from "./inside";

export function Home({ practice }: { practice: api.Practice }) {
  const apps = useResource(api.apps);
  // Charts and tiles show together, so that nothing is pushed down. Tried again, tiles come later.
  const ready = useRef(false);
  ready.current ||= apps.state.value.at !== "loading";
  const { now, waiting } = useInside(practice);

  // A person who comes back to a page left open must not find charts there that were closed meanwhile.
  useEffect(() => {
    const askAgain = () => {
      if (document.visibilityState !== "visible" || !session.peek()) return;
      void watch.stay().catch(() => {});
      void apps.load();
    };
    document.addEventListener("visibilitychange", askAgain);
    return () => document.removeEventListener("visibilitychange", askAgain);
  }, []);

  const leaving = useAction(signOut);

  if (!now || !ready.current) {
    return (
      <Frame brand={practice.name} title={t("home.wait")} step="wait" wide waiting>
        {waiting}
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
              <Chart of={chart} tiles={tilesOf(chart, apps.value)} practice={practice} />
            </li>
          ))}
        </ul>
        {apps.state.value.at === "failed" && (
          <FailureNote failure={apps.state.value.failure} onRetry={() => void apps.load()} />
        )}
        <FailureNote failure={leaving.failure} />
        <div class="actions">
          <p class="muted breaks">
            {t("home.username", { username: now.username })}
            <br />
            <a href={addressOf(practice, "account")}>{t("account.open")}</a>
          </p>
          <Button busy={leaving.busy} onClick={() => void leaving.run()}>
            {t("home.signOut")}
          </Button>
        </div>
      </Frame>
      <SessionWarning watch={watch} />
    </>
  );
}

interface Tile {
  appId: string;
  name: string;
  permission?: api.Permission;
  href: string;
}

/** Also of an older answer, a tile is shown only for what the session says now. */
function tilesOf({ clientId, permissions }: api.Chart, known: api.Apps | undefined): Tile[] {
  return (known?.apps ?? []).flatMap(({ charts, ...app }) => {
    const entrance = charts.find((each) => each.clientId === clientId);
    const may = !app.permission || permissions.includes(app.permission);
    return entrance && may ? [{ ...app, href: entrance.href }] : [];
  });
}

function Chart(props: { of: api.Chart; tiles: readonly Tile[]; practice: api.Practice }) {
  const { tiles } = props;
  const { permissions } = props.of;
  if (!permissions.length) return <p class="muted">{t("home.nothing", { practice: props.practice.name })}</p>;
  const rest = permissions.filter((each) => !tiles.some(({ permission }) => permission === each));
  return (
    <>
      {tiles.length > 0 && (
        <ul class="tiles" aria-label={t("home.open", { name: sayName(props.of.name) })}>
          {tiles.map(({ appId, name, permission, href }) => (
            <li key={appId}>
              {/* The router leaves whole addresses alone, and so an app on the portal's own host. */}
              <a href={href}>
                <strong>{name}</strong>
                {permission && <span>{t(`may.${permission}`)}</span>}
              </a>
            </li>
          ))}
        </ul>
      )}
      {rest.length > 0 && (
        <>
          <p class="small">{t(tiles.length ? "home.mayElse" : "home.may")}</p>
          <dl>
            {rest.map((permission) => (
              <div key={permission}>
                <dt>{t(`permission.${permission}`)}</dt>
                <dd>{t(`may.${permission}`)}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </>
  );
}
