import { file } from "../api/http";
import { choose, type Languages } from "../messages/choice";
import { language, type Catalogue } from "../messages/language";
import { t } from "../messages/portal";
import english from "../messages/portal.en.json?url";
import spanish from "../messages/portal.es.json?url";
import french from "../messages/portal.fr.json?url";
import { useAction } from "../ui/action";
import { FailureNote } from "../ui/failure";

const FILES: Record<string, string> = { en: english, es: spanish, fr: french };

export const languages: Languages = {
  names: { en: "English", es: "Español", fr: "Français" },
  load: (tag) => file<Catalogue>(FILES[tag] ?? english),
};

export function Language() {
  const change = useAction((tag: string) => choose(tag, languages));
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
