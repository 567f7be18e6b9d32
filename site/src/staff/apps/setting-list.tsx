// Ready-made settings for what stands in front of an app, or is one, or a system, with everything filled in.
import type { App } from "../../api/staff";
import { t } from "../../messages/staff";
import { Loaded, type Resource } from "../../ui/resource";
import { Copyable } from "../copyable";
import { PUT_SECRET, settingsFor } from "./settings";

export function Settings(props: {
  app: App;
  secret: string | null;
  /** The portal's origin. */
  issuer: Resource<string>;
}) {
  const { app, secret } = props;
  const missing = app.authentication === "secret" && !secret;
  return (
    <section class="card" aria-labelledby="settings">
      <div class="card-head">
        <h2 id="settings">{t("app.settings")}</h2>
      </div>
      <div class="padded">
        <p class="muted">{t(`app.settingsLead.${app.kind}`)}</p>
        {missing && <p class="muted">{t("app.settingsSecret", { put: PUT_SECRET })}</p>}
      </div>
      <Loaded of={props.issuer} lines={4}>
        {(issuer) =>
          settingsFor({ app, issuer, secret }).map(({ program, text }) => (
            <details key={program} class="setting">
              <summary>{t(`setting.${program}`)}</summary>
              <div class="details-body">
                <p class="muted">{t(app.kind === "system" && program === "node" ? "setting.explain.nodeSystem" : `setting.explain.${program}`)}</p>
                <Copyable name={t(`setting.${program}`)} text={text} />
              </div>
            </details>
          ))
        }
      </Loaded>
    </section>
  );
}
