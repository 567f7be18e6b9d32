import { t } from "../messages/staff";
import { Heading } from "../ui/heading";
import { mayChange } from "./session";

export function Home() {
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("home.title")}>{t("home.title")}</Heading>
          <p class="muted">{t("home.lead")}</p>
        </div>
        {mayChange.value && (
          <a class="button primary" href="/clients/new">
            {t("home.new")}
          </a>
        )}
      </div>
      <p class="muted">{t("home.hint")}</p>
    </div>
  );
}
