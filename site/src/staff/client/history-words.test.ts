import { expect, it, vi } from "vitest";
import type { HistoryEvent } from "../../api/staff";
import { histories } from "../../messages/history.en";
import { speak, type Catalogue } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import spanish from "../../messages/staff.es.json";
import french from "../../messages/staff.fr.json";
import type { Chart } from "./chart";
import { sayAction, sayEvent, sayWhy } from "./history-words";

const event: HistoryEvent = {
  eventId: "01KAV0000000000000000000000",
  at: "2026-11-22T14:00:00.000Z",
  actor: { id: "dana", name: "Dana", role: "admin" },
  action: "other",
  changed: [],
};

it.each<[string, Catalogue, string]>([
  ["en", histories, "Dana did something that this page does not know yet"],
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

it("names whom something was for, where it was for one", () => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  speak("en", staff);
  const chart = { user: (id?: string) => id && { name: { first: "Amara", last: "Okafor" } } } as unknown as Chart;
  const said = (action: HistoryEvent["action"], portalUserId?: string) =>
    sayEvent({ ...event, action, ...(portalUserId && { portalUserId }) }, chart);
  expect(said("alert-posted")).toBe("Dana posted an alert");
  expect(said("alert-posted", "amara")).toBe("Dana posted an alert for Amara Okafor");
  expect(said("alert-recipient-assigned")).toBe("Dana assigned the alerts to the practice’s inbox");
  expect(said("alert-recipient-assigned", "amara")).toBe("Dana assigned the alerts to Amara Okafor");
  expect(said("alerts-shown")).toBe("Dana looked at the last alerts");
  expect(said("access-ended", "amara")).toBe("Amara Okafor’s access ended");
  expect(said("access-narrowed", "amara")).toBe("Amara Okafor’s access narrowed with the client’s age");
});

it("says why access was revoked or something was refused, and a reason it does not know as it is", () => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  speak("en", staff);
  const why = (reason: string) => sayWhy({ ...event, reason });
  expect(why("until")).toBe("the last day is over");
  expect(why("age")).toBe("the client has reached an age at which access of parents and guardians ends");
  expect(["court-order", "read_only", "systems_only", "insufficient_scope", "newer_than_this"].map(why)).toEqual([
    "court order",
    "the role may only look",
    "only apps and systems do this",
    "the app or system is not registered for this",
    "newer_than_this",
  ]);
  expect(sayWhy(event)).toBe("");
});
