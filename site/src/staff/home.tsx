// The first page: the day's work. Its heading is here at once; what the day brings comes with code of its own.
import { accessSummary } from "../api/staff";
import { sayLongDay } from "../messages/language";
import { t } from "../messages/staff";
import { Heading } from "../ui/heading";
import { lazyPage } from "../ui/lazy";
import { useResource } from "../ui/resource";
import { mayChange } from "./session";

const Today = lazyPage(async () => (await import("./today/today")).Today);

export function Home() {
  // Asked for beside the code that shows it.
  const summary = useResource(accessSummary);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <Heading title={t("home.title")}>{t("home.title")}</Heading>
          <p class="muted">{sayLongDay(new Date().toISOString())}</p>
        </div>
        {mayChange.value && (
          <a class="button primary" href="/clients/new">
            {t("home.new")}
          </a>
        )}
      </div>
      <Today summary={summary} />
    </div>
  );
}
