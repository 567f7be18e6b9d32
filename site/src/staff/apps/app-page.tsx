// One app or system: what it is registered as, its secret right after that was made, and how it is set up.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { app as load, issuer, type App } from "../../api/staff";
import { sayTime } from "../../messages/language";
import { t } from "../../messages/staff";
import { Button } from "../../ui/button";
import { FailureNote } from "../../ui/failure";
import { focusHeading, Heading } from "../../ui/heading";
import { lazyPage } from "../../ui/lazy";
import { Skeleton, useResource } from "../../ui/resource";
import { say } from "../../ui/toast";
import { Copyable } from "../copyable";
import { state as signedIn } from "../session";
import { pathOf, sayServes } from "./app-draft";
import { DeleteApp, RenewSecret, SwitchApp, type AppChange } from "./app-dialogs";
import { forgetSecrets, made } from "./secrets";
import { Settings } from "./setting-list";
import { Standing } from "./standing";

const EditApp = lazyPage(async () => (await import("./edit-app")).EditApp);

export function AppPage({ id = "", editing = false }: { id?: string; editing?: boolean }) {
  // Another app is another page, even where only the address changes.
  return <Open key={id} id={id} editing={editing} />;
}

function Open({ id, editing }: { id: string; editing: boolean }) {
  const now = signedIn.value;
  const practice = now.at === "in" ? now.session.practice.id : "";
  const app = useResource((signal) => load(`${practice}.${id}`, signal));
  useEffect(
    () => () => {
      if (!`${location.pathname}/`.startsWith(`/apps/${id}/`)) forgetSecrets();
    },
    [],
  );

  const state = app.state.value;
  if (state.at === "ready") {
    const onChange = (changed: App) => app.set(changed);
    return editing ? (
      <EditApp app={state.value} onSaved={onChange} />
    ) : (
      <Shown app={state.value} onChange={onChange} />
    );
  }
  if (state.at === "failed" && state.failure.status === 404) {
    return (
      <div class="page">
        <Heading title={t("app.goneTitle")}>{t("app.goneTitle")}</Heading>
        <p>{t("app.gone")}</p>
        <p>
          <a href="/apps">{t("app.toList")}</a>
        </p>
      </div>
    );
  }
  return (
    <div class="page">
      <Heading title={t("apps.title")}>{t("apps.title")}</Heading>
      {state.at === "failed" ? (
        <FailureNote failure={state.failure} onRetry={() => void app.load()} />
      ) : (
        <Skeleton lines={5} />
      )}
    </div>
  );
}

function Shown({ app, onChange }: { app: App; onChange: (app: App) => void }) {
  const { route } = useLocation();
  const [doing, setDoing] = useState<AppChange | null>(null);
  const { name } = app;
  const known = useResource(issuer);
  const secret = made.value?.appId === app.appId ? made.value : null;

  const change = { app, onClose: () => setDoing(null) };
  const done = (said: string) => {
    focusHeading();
    say(said);
  };
  return (
    <div class="page">
      <p class="back">
        <a href="/apps">{t("apps.title")}</a>
      </p>
      <div class="page-head">
        <div>
          <Heading title={name}>{name}</Heading>
          <p>
            <Standing of={app} />
          </p>
        </div>
      </div>
      {secret && <Secret key={secret.secret} name={name} secret={secret.secret} />}
      <section class="card" aria-labelledby="registration">
        <div class="card-head">
          <h2 id="registration">{t("app.registration")}</h2>
          <a class="button plain" href={`${pathOf(app)}/edit`} aria-label={t("apps.edit", { name })}>
            {t("users.edit")}
          </a>
        </div>
        <Facts app={app} />
        <div class="band actions start">
          {app.authentication === "secret" && (
            <Button onClick={() => setDoing("secret")}>{t("app.newSecret")}</Button>
          )}
          <Button onClick={() => setDoing(app.enabled ? "off" : "on")}>
            {t(app.enabled ? "app.turnOff" : "app.turnOn")}
          </Button>
          <Button kind="danger-text" onClick={() => setDoing("delete")}>
            {t("users.delete")}
          </Button>
        </div>
      </section>
      {app.launchUrl && app.enabled && known.value && (
        <TestSignIn name={name} href={tileOf(app.launchUrl, known.value)} />
      )}
      <Settings app={app} secret={secret?.secret ?? null} issuer={known} />
      {(doing === "off" || doing === "on") && (
        <SwitchApp
          {...change}
          onDone={(now) => {
            onChange(now);
            done(t(now.enabled ? "app.isOn" : "app.isOff", { name }));
          }}
        />
      )}
      {doing === "secret" && (
        <RenewSecret
          {...change}
          onDone={(secret) => {
            made.value = { appId: app.appId, secret };
            say(t("app.secretMade", { name }));
          }}
        />
      )}
      {doing === "delete" && (
        <DeleteApp
          {...change}
          onDone={() => {
            if (location.pathname === pathOf(app)) route("/apps");
            say(t("apps.deleted", { name }));
          }}
        />
      )}
    </div>
  );
}

/** Takes the focus: it is there now, and not again. */
function Secret({ name, secret }: { name: string; secret: string | null }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), []);
  return (
    <section class="card padded secret" aria-labelledby="secret">
      <h2 ref={heading} id="secret" tabIndex={-1}>
        {t("app.secretOf", { name })}
      </h2>
      <p>{t(secret ? "app.secretShown" : "app.secretLost")}</p>
      {secret && <Copyable short name={t("app.secretOf", { name })} text={secret} />}
      <div class="actions start">
        <Button
          onClick={() => {
            forgetSecrets();
            focusHeading();
          }}
        >
          {t(secret ? "app.secretKept" : "app.secretNoted")}
        </Button>
      </div>
    </section>
  );
}

/** Where a tile leads, but for the chart. */
function tileOf(launchUrl: string, issuer: string): string {
  const address = new URL(launchUrl);
  address.searchParams.set("iss", issuer);
  return address.href;
}

const TestSignIn = ({ name, href }: { name: string; href: string }) => (
  <section class="card padded" aria-labelledby="test">
    <h2 id="test">{t("app.test")}</h2>
    <p id="test-what">{t("app.testWhat", { name })}</p>
    <div class="actions start">
      <a class="button plain" href={href} target="_blank" rel="noopener" aria-describedby="test-what">
        {t("app.testOpen", { name })}
      </a>
    </div>
  </section>
);

function Facts({ app }: { app: App }) {
  const portal = app.kind === "portal";
  return (
    <dl class="facts padded">
      <dt>{t("app.clientId")}</dt>
      <dd>
        <Copyable short name={t("app.clientId")} text={app.appId} />
      </dd>
      <dt>{t("app.kind")}</dt>
      <dd>{t(`app.kind.${app.kind}`)}</dd>
      <dt>{t(portal ? "app.serves" : "app.scopes")}</dt>
      <dd>{sayServes(app)}</dd>
      <dt>{t("app.authentication")}</dt>
      <dd>
        {t(`app.authentication.${app.authentication}`)}
        {app.publicKeys.length > 0 && <Lines of={app.publicKeys.map(({ kid }) => kid)} />}
      </dd>
      {portal && (
        <>
          <dt>{t("app.redirectUris")}</dt>
          <dd>
            <Lines of={app.redirectUris} />
          </dd>
          <dt>{t("app.launchUrl")}</dt>
          <dd>
            <Lines of={app.launchUrl ? [app.launchUrl] : []} />
          </dd>
          <dt>{t("app.postLogoutRedirectUris")}</dt>
          <dd>
            <Lines of={app.postLogoutRedirectUris} />
          </dd>
          <dt>{t("app.logoutUri")}</dt>
          <dd>
            <Lines of={app.logoutUri ? [app.logoutUri] : []} />
          </dd>
          <dt>{t("app.scope.alerts")}</dt>
          <dd>
            <Lines of={app.scopes.includes("alerts") ? [t("app.postsAlerts")] : []} />
          </dd>
        </>
      )}
      <dt>{t("app.lastUsed")}</dt>
      <dd class="figures">{app.lastUsedAt ? sayTime(app.lastUsedAt) : t("app.neverUsed")}</dd>
    </dl>
  );
}

const Lines = ({ of: lines }: { of: readonly string[] }) =>
  lines.length ? (
    <ul class="plain breaks">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  ) : (
    <span class="muted">{t("overview.nothing")}</span>
  );
