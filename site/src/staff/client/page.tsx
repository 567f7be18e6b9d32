// A client's page: who it is on top, the sections beside, each with its own address.
import { useEffect, useMemo } from "preact/hooks";
import { Route, Router, useLocation } from "preact-iso/router";
import { sayDate } from "../../messages/language";
import { initials, sayName } from "../../messages/name";
import { t } from "../../messages/staff";
import { FailureNote } from "../../ui/failure";
import { Heading } from "../../ui/heading";
import { lazyPage } from "../../ui/lazy";
import { Skeleton } from "../../ui/resource";
import { forEditors, NotFound } from "../dead-ends";
import { known, remember } from "../recent";
import { mayChange } from "../session";
import { Chart } from "./chart";
import { Overview } from "./overview";
import { PortalUsers } from "./portal-users";

const EditClient = forEditors(lazyPage(async () => (await import("./notes")).EditClient));
const Communications = lazyPage(async () => (await import("./communications")).Communications);
const ClosedNote = lazyPage(async () => (await import("./notes")).ClosedNote);
const SafeMark = lazyPage(async () => (await import("./notes")).SafeMark);
const SafeContact = lazyPage(async () => (await import("./notes")).SafeContact);
const History = lazyPage(async () => (await import("./history")).History);

const SECTIONS = [
  ["", "overview"],
  ["/portal", "portal"],
  ["/communications", "communications"],
  ["/history", "history"],
] as const;

export function ClientPage({ clientId = "" }: { clientId?: string }) {
  // Another client is another page, even where only the address changes.
  return <Open key={clientId} clientId={clientId} />;
}

function Open({ clientId }: { clientId: string }) {
  const chart = useMemo(() => new Chart(clientId), []);
  useEffect(() => {
    void chart.client.load();
    return () => chart.close();
  }, []);

  const state = chart.client.state.value;
  useEffect(() => {
    if (state.at === "ready") remember(state.value);
  }, [state]);
  if (state.at === "failed" && state.failure.status === 404) {
    return (
      <div class="page">
        <Heading title={t("client.goneTitle")}>{t("client.goneTitle")}</Heading>
        <p>{t("client.gone")}</p>
        <p>
          <a href="/">{t("notFound.home")}</a>
        </p>
      </div>
    );
  }

  const who = chart.client.value ?? known(clientId);
  return (
    <div class="page">
      <div class="client-head">
        <span class="avatar" aria-hidden="true">
          {who && initials(who.name)}
        </span>
        <div>
          <Heading>{who ? sayName(who.name) : <span class="sr-only">{t("client.loading")}</span>}</Heading>
          <p class="muted figures">{who && t("client.born", { date: sayDate(who.dateOfBirth) })}</p>
          {state.at === "ready" && <SafeMark client={state.value} />}
        </div>
      </div>
      <div class="columns">
        <Sections base={`/clients/${clientId}`} />
        <div class="section">
          {!mayChange.value && <p class="notice">{t("client.readOnly")}</p>}
          {state.at === "ready" && state.value.closed && <ClosedNote chart={chart} client={state.value} />}
          {state.at === "loading" && <Skeleton lines={5} />}
          {state.at === "failed" && (
            <FailureNote failure={state.failure} onRetry={() => void chart.client.load()} />
          )}
          {state.at === "ready" && (
            <Router>
              <Route path="/" component={Overview} chart={chart} client={state.value} />
              <Route path="/edit" component={EditClient} chart={chart} client={state.value} />
              <Route path="/portal" component={PortalUsers} chart={chart} client={state.value} />
              <Route path="/portal/new" component={PortalUsers} chart={chart} client={state.value} adding />
              <Route
                path="/portal/:portalUserId"
                component={PortalUsers}
                chart={chart}
                client={state.value}
              />
              <Route path="/communications" component={Communications} chart={chart} client={state.value} />
              <Route path="/safe" component={SafeContact} chart={chart} client={state.value} />
              <Route path="/history" component={History} chart={chart} />
              <Route default component={NotFound} />
            </Router>
          )}
        </div>
      </div>
    </div>
  );
}

function Sections({ base }: { base: string }) {
  const { path } = useLocation();
  const here = path.slice(base.length);
  return (
    <nav class="sections" aria-label={t("client.nav")}>
      {SECTIONS.map(([rest, name]) => {
        // A form belongs to the section it was opened from.
        const within =
          rest === "" ? here === "" || here === "/edit" : here === rest || here.startsWith(`${rest}/`);
        return (
          <a key={rest} href={base + rest} aria-current={within ? "page" : undefined}>
            {t(`client.${name}`)}
          </a>
        );
      })}
    </nav>
  );
}
