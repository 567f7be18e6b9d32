// Choosing the language: a plain select with each language in its own name.
import { choose, type Languages } from "../messages/choice";
import { language } from "../messages/language";
import { t } from "../messages/shared";
import { useAction } from "./action";
import { FailureNote } from "./failure";

export function LanguageChoice({ of: languages }: { of: Languages }) {
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
