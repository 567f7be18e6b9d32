// Which language to speak: the one chosen here before, else the first of the reader's own that we have.
import { speak, type Catalogue } from "./language";

/** The languages on offer, in their own names. English is part of the page, others come when chosen. */
export interface Languages {
  readonly names: Readonly<Record<string, string>>;
  readonly load: (language: string) => Promise<Catalogue>;
}

const KEPT = "language";

export async function choose(language: string, from: Languages): Promise<void> {
  speak(language, await from.load(language));
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

/** Speaks the reader's language; English at once where no other is wanted or to be had. */
export async function greet(from: Languages, english: Catalogue): Promise<void> {
  const wanted = [kept(), ...navigator.languages.map((tag) => tag.split("-")[0] ?? "")];
  const language = wanted.find((each) => each in from.names) ?? "en";
  try {
    speak(language, language === "en" ? english : await from.load(language));
  } catch {
    speak("en", english);
  }
}

function kept(): string {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}
