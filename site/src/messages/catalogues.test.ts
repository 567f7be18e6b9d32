import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../api/staff";
import { bulk } from "./bulk.en";
import { clocks } from "./clocks.en";
import { closing } from "./closing.en";
import { factorReset } from "./factor-reset.en";
import { histories } from "./history.en";
import { importing } from "./import.en";
import importingSpanish from "./import.es.json";
import importingFrench from "./import.fr.json";
import type { Catalogue, Message } from "./language";
import { pages } from "./pages.en";
import { people } from "./people.en";
import { practice } from "./practice.en";
import portal from "./portal.en.json";
import portalSpanish from "./portal.es.json";
import portalFrench from "./portal.fr.json";
import { refusals } from "./refusals.en";
import { safe } from "./safe.en";
import { shared } from "./shared.en";
import { sheet } from "./sheet.en";
import { staff } from "./staff.en";
import staffSpanish from "./staff.es.json";
import staffFrench from "./staff.fr.json";
import { team } from "./team.en";
import { unlocking } from "./unlock.en";

const sentences = (message: Message): string[] =>
  typeof message === "string" ? [message] : Object.values(message);

const placeholders = (message: Message): string[] =>
  [...new Set(sentences(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();

it("says in the portal what both pages say", () => {
  expect(portal).toMatchObject(shared);
});

const later = [
  pages, people, team, clocks, closing, safe, refusals, factorReset, sheet, histories, practice, bulk, unlocking,
];
const everything = Object.assign({}, staff, ...later) as Catalogue;

it("says nothing twice in the console's English catalogues", () => {
  const keys = [staff, ...later].flatMap((words) => Object.keys(words));
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});

it("has a word for everything that the history notes", () => {
  type Word = `action.${HistoryEvent["action"]}`;
  // Compiled: names what is missing.
  const missing: Exclude<Word, keyof typeof histories | keyof typeof practice>[] = [];
  const none: never[] = missing;
  expect(none).toEqual([]);
});

describe.each<[string, Catalogue, Catalogue]>([
  ["the portal in Spanish", portal, portalSpanish],
  ["the portal in French", portal, portalFrench],
  ["the console in Spanish", everything, staffSpanish],
  ["the console in French", everything, staffFrench],
  ["the page Import in Spanish", importing, importingSpanish],
  ["the page Import in French", importing, importingFrench],
])("%s", (_, english, words) => {
  it("says all that English says, and nothing else", () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  });

  it("fills the same places, and says one and other where English does", () => {
    for (const [key, message] of Object.entries(english)) {
      const said = words[key]!;
      expect(placeholders(said), key).toEqual(placeholders(message));
      expect(typeof said, key).toBe(typeof message);
      expect(
        sentences(said).every((text) => text.trim()),
        key,
      ).toBe(true);
    }
  });
});
