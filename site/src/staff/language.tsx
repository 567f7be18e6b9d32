// English is part of the console; the other languages come when they are spoken.
import { file } from "../api/http";
import { languagesOf } from "../messages/choice";
import type { Catalogue } from "../messages/language";
import { staff } from "../messages/staff.en";
import spanish from "../messages/staff.es.json?url";
import french from "../messages/staff.fr.json?url";
import { LanguageChoice } from "../ui/language-choice";

const FILES: Record<string, string> = { es: spanish, fr: french };

export const languages = languagesOf(async (tag) => {
  const address = FILES[tag];
  return address ? file<Catalogue>(address) : staff;
});

export const Language = () => <LanguageChoice of={languages} />;
