// Ready-made settings for what stands in front of an app, or is one, with everything filled in.
import { issuer, type App } from "../../api/staff";
import { t } from "../../messages/staff";
import { Loaded, useResource } from "../../ui/resource";
import { Copyable } from "../copyable";
import { PUT_SECRET, settingsFor } from "./settings";

export function Settings({ app, secret }: { app: App; secret: string | null }) {
  const known = useResource(issuer);
  const missing = app.authentication === "secret" && !secret;
  return (
    <section class="card" aria-labelledby="settings">
      <div class="card-head">
        <h2 id="settings">{t("app.settings")}</h2>
      </div>
      <div class="padded">
        <p class="muted">{t("app.settingsLead")}</p>
        {missing && <p class="muted">{t("app.settingsSecret", { put: PUT_SECRET })}</p>}
      </div>
      <Loaded of={known} lines={4}>
        {(issuer) =>
          settingsFor({ app, issuer, secret }).map(({ program, text }) => (
            <details key={program} class="setting">
              <summary>{t(`setting.${program}`)}</summary>
              <div class="details-body">
                <p class="muted">{t(`setting.explain.${program}`)}</p>
                <Copyable name={t(`setting.${program}`)} text={text} />
              </div>
            </details>
          ))
        }
      </Loaded>
    </section>
  );
}
