// Which apps are told that an access ended, and how far word has come. The apps do not wait for it: they are
// refused when they ask.
import type { PortalUser, ToldApp } from "../../api/staff";
import { sayClock } from "../../messages/language";
import { t } from "../../messages/staff";
import type { Chart } from "./chart";
import { useProgress } from "./progress";

export function sayTold(app: ToldApp, at?: number): string {
  const { name, state } = app;
  return at ? t("told.at", { app: name, time: sayClock(at, true) }) : t(`told.${state}`, { app: name });
}

/** Of the last ending. Once the person is back in, only what is still under way. */
export function Told({ chart, user }: { chart: Chart; user: PortalUser }) {
  const over = user.status !== "active" && user.status !== "invited";
  const apps = (user.apps ?? []).filter(({ state }) => over || state === "telling");
  return (
    <>
      {apps.map((app) => (
        <p key={app.appId} class="small">
          {sayTold(app, chart.toldAt(user, app))}
        </p>
      ))}
    </>
  );
}

/** The same, where nothing else of the person's access is followed. */
export function ToldAlone(props: { chart: Chart; user: PortalUser }) {
  useProgress(props.chart, props.user);
  return <Told {...props} />;
}
