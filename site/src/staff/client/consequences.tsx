// What a change brings about, in short lists: whoever decides sees what ends and what does not.
import { useId } from "preact/hooks";
import type { PortalUser } from "../../api/staff";
import { sayList } from "../../messages/language";
import { t } from "../../messages/staff";

export type Consequences = Partial<Record<"happens" | "ends" | "stays", readonly (string | false)[]>>;

/** Of the apps that are open to somebody whose access ends. */
export function sayOpenApps({ openApps = [] }: PortalUser): string | false {
  const apps = sayList(openApps.map(({ name }) => name));
  return openApps.length > 0 && t("ends.apps", { count: openApps.length, apps });
}

export function ConsequenceLists({ of }: { of: Consequences }) {
  return (
    <div class="consequences">
      {(["happens", "ends", "stays"] as const).map((kind) => {
        const items = (of[kind] ?? []).filter((item) => item !== false);
        return items.length > 0 && <Items key={kind} title={t(`what.${kind}`)} items={items} />;
      })}
    </div>
  );
}

function Items({ title, items }: { title: string; items: readonly string[] }) {
  const id = useId();
  return (
    <section>
      <h3 id={id}>{title}</h3>
      <ul aria-labelledby={id}>
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </section>
  );
}
