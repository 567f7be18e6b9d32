// The words of the page Import, which come with it: English in its code, the other languages as files.
import { file } from "../api/http";
import { signal } from "../ui/signal";
import { importing } from "./import.en";
import spanish from "./import.es.json?url";
import french from "./import.fr.json?url";
import { say, type Catalogue, type Params } from "./language";

type Words = Record<keyof typeof importing, Catalogue[string]>;

const FILES: Record<string, string> = { es: spanish, fr: french };
const words = signal<Words>(importing);

/** Says the page in a language from now on. */
export async function speakImport(language: string): Promise<void> {
  const address = FILES[language];
  words.value = address ? await file<Words>(address) : importing;
}

export const t = (key: keyof typeof importing, params: Params = {}): string => say(words.value[key], params);
