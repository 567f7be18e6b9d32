// Which language to speak: the one chosen here before, else the first of the reader's own that we have.
import { language as spokenNow, speak, type Catalogue } from "./language";

/** The languages on offer, in their own names. */
export interface Languages {
  readonly names: Readonly<Record<string, string>>;
  readonly load: (language: string) => Promise<Catalogue>;
}

/** The languages that both pages speak, each out of its own files. */
export const languagesOf = (load: Languages["load"]): Languages => ({
  names: { en: "English", es: "Español", fr: "Français" },
  load,
});

const KEPT = "language";

export async function choose(language: string, from: Languages): Promise<void> {
  speak(language, await from.load(language));
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** Speaks what the person chose elsewhere, unless a language was chosen here. */
export async function prefer(language: string, from: Languages): Promise<void> {
  if (!kept() && language !== spokenNow()) speak(language, await from.load(language));
}

/** Speaks the reader's language, or English where we have none of theirs. `asked`: tags that come before the
 *  browser's, and after what the reader chose here. */
export async function greet(from: Languages, asked: readonly string[] = []): Promise<void> {
  const tags = [kept(), ...asked, ...navigator.languages].map((tag) => tag.split("-")[0] ?? "");
  const language = tags.find((each) => each in from.names) ?? "en";
  speak(language, await from.load(language));
}

function kept(): string {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}
