import { choose, type Languages } from "../messages/choice";
import { language, type Catalogue } from "../messages/language";
import { t } from "../messages/portal";
import { portal } from "../messages/portal.en";
import { useAction } from "../ui/action";
import { FailureNote } from "../ui/failure";

const CATALOGUES: Record<string, () => Promise<Catalogue>> = {
  en: async () => portal,
};

export const languages: Languages = {
  names: { en: "English" },
  load: (name) => (CATALOGUES[name] ?? CATALOGUES["en"]!)(),
};

export function Language() {
  const change = useAction((name: string) => choose(name, languages));
  return (
    <div class="language">
      <label for="language">{t("language")}</label>{" "}
      <select
        id="language"
        value={language()}
        onChange={(event) => void change.run(event.currentTarget.value)}
      >
        {Object.entries(languages.names).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
      <FailureNote failure={change.failure} />
    </div>
  );
}
