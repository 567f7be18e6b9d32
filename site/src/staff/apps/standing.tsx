import type { App } from "../../api/staff";
import { t } from "../../messages/staff";

/** Whether an app may ask anything. */
export const Standing = ({ of: { enabled } }: { of: App }) => (
  <span class={`tag${enabled ? " active" : ""}`}>{t(enabled ? "app.on" : "app.off")}</span>
);
