import { file } from "../api/http";
import { languagesOf } from "../messages/choice";
import type { Catalogue } from "../messages/language";
import english from "../messages/portal.en.json?url";
import spanish from "../messages/portal.es.json?url";
import french from "../messages/portal.fr.json?url";
import { LanguageChoice } from "../ui/language-choice";

const FILES: Record<string, string> = { en: english, es: spanish, fr: french };

export const languages = languagesOf((tag) => file<Catalogue>(FILES[tag] ?? english));

export const Language = () => <LanguageChoice of={languages} />;
