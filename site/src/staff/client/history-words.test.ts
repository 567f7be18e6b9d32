import { expect, it, vi } from "vitest";
import type { HistoryEvent } from "../../api/staff";
import { speak, type Catalogue } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import spanish from "../../messages/staff.es.json";
import french from "../../messages/staff.fr.json";
import type { Chart } from "./chart";
import { sayAction, sayEvent } from "./history-words";

const event: HistoryEvent = {
  at: "2026-11-22T14:00:00.000Z",
  actor: { name: "Dana", role: "admin" },
  action: "other",
  changed: [],
};

it.each<[string, Catalogue, string]>([
  ["en", staff, "Dana did something that this page does not know yet"],
  ["es", spanish, "Dana hizo algo que esta página aún no conoce"],
  ["fr", french, "Dana a fait quelque chose que cette page ne connaît pas encore"],
])("says in words what a newer version did, in %s", (language, words, sentence) => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("navigator", { languages: [language] });
  speak(language, words);
  const chart = { user: () => undefined } as unknown as Chart;
  expect(sayEvent(event, chart)).toBe(sentence);
  expect(sayAction(event.action)).toBe(words["action.other"]);
});
