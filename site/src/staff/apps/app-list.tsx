// "Apps & systems": what else lets people in on Latchkey's word, or calls the API by itself.
import { apps, type App } from "../../api/staff";
import { sayLately } from "../../messages/language";
import { t } from "../../messages/staff";
import { Heading } from "../../ui/heading";
import { Loaded, useResource } from "../../ui/resource";
import { pathOf, sayServes } from "./app-draft";
import { Standing } from "./standing";

export function Apps() {
  const all = useResource(apps);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("apps.title")}>{t("apps.title")}</Heading>
          <p class="muted">{t("apps.lead")}</p>
        </div>
        <a class="button primary" href="/apps/new">
          {t("apps.new")}
        </a>
      </div>
      <section class="card" aria-label={t("apps.title")}>
        <Loaded of={all} lines={4}>
          {({ apps }) => (apps.length ? <Table apps={apps} /> : <Empty />)}
        </Loaded>
      </section>
    </div>
  );
}

const Empty = () => (
  <div class="padded">
    <p>{t("apps.empty")}</p>
    <p class="muted">{t("apps.emptyHint")}</p>
  </div>
);

// The roles are spelled out because a table drawn as cards (narrow screens) loses them.
const Table = ({ apps }: { apps: App[] }) => (
  <table class="users" role="table">
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader">{t("app.name")}</th>
        <th role="columnheader">{t("app.kind")}</th>
        <th role="columnheader">{t("app.serves")}</th>
        <th role="columnheader">{t("app.lastUsed")}</th>
        <th role="columnheader">{t("app.standing")}</th>
        <th role="columnheader">
          <span class="sr-only">{t("users.actions")}</span>
        </th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      {apps.map((app) => (
        <tr key={app.appId} role="row">
          <th role="rowheader" scope="row">
            {app.name}
            <span class="small breaks">{app.appId}</span>
          </th>
          <td role="cell">
            <span class="cell-label">{t("app.kind")}</span>
            {t(`app.kind.${app.kind}`)}
          </td>
          <td role="cell">
            <span class="cell-label">{t("app.serves")}</span>
            {sayServes(app)}
          </td>
          <td role="cell" class="figures">
            <span class="cell-label">{t("app.lastUsed")}</span>
            {app.lastUsedAt ? sayLately(app.lastUsedAt) : t("app.neverUsed")}
          </td>
          <td role="cell">
            <Standing of={app} />
          </td>
          <td role="cell" class="row-actions">
            <div>
              <a class="button plain" href={pathOf(app)} aria-label={t("apps.openWhich", { name: app.name })}>
                {t("apps.open")}
              </a>
            </div>
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);
