import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Settings } from "../../api/practice";
import { speak } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import { COUNTRIES } from "./countries";
import { draftOf, editOf, effects, problems, sayValue } from "./settings-draft";

const SETTINGS: Settings = {
  name: "Harbor",
  senderName: "Harbor Post",
  alertInbox: "desk@harbor.example",
  language: "en",
  timeZone: "America/New_York",
  country: "US",
  invitationDays: 7,
  clientIdleSeconds: 600,
  clientSessionSeconds: 3600,
  staffIdleSeconds: 90,
  staffSessionSeconds: 43_200,
  passwordMinimum: 15,
  secondFactor: "off",
  guardianRules: [],
  version: 3,
};
const base = draftOf(SETTINGS);

beforeAll(() => {
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("navigator", { languages: ["en-US"] });
  speak("en", staff);
});

it("tells sessions in minutes, and sends what was changed alone", () => {
  expect(base).toMatchObject({ clientIdleSeconds: "10", staffIdleSeconds: "1.5", invitationDays: "7" });
  const draft = { ...base, staffIdleSeconds: "2,5", invitationDays: " 3 ", name: "Cove" };
  expect(editOf(3, base, draft)).toEqual({ version: 3, staffIdleSeconds: 150, invitationDays: 3, name: "Cove" });
  expect(problems(base)).toEqual([]);
});

describe("what can be seen to be wrong", () => {
  it.each([
    ["invitationDays", "0", /enter 1 to 30/],
    ["invitationDays", "soon", /enter 1 to 30/],
    ["clientIdleSeconds", "61", /enter 1 to 60/],
    ["passwordMinimum", "8", /enter 15 to 64/],
    ["staffSessionSeconds", "", /enter 5 to 1,440/],
  ] as const)("%s: %s", (field, value, message) => {
    expect(problems({ ...base, [field]: value })).toEqual([{ field, message: expect.stringMatching(message) }]);
  });

  it("is an unused session that would outlast a used one", () => {
    const draft = { ...base, clientIdleSeconds: "20", clientSessionSeconds: "10" };
    expect(problems(draft)).toEqual([
      { field: "clientIdleSeconds", message: expect.stringContaining("at most what is entered for") },
    ]);
  });
});

it("says what saving would do, and that shorter sessions count for open ones", () => {
  const draft = { ...base, language: "fr", clientIdleSeconds: "5", staffSessionSeconds: "900" };
  expect(effects(base, draft)).toEqual([
    "Mails from now on are in this language: French.",
    "Sessions of clients end when they are unused for 5 minutes, those that are open now too.",
    "Sessions of staff that begin from now on end after 900 minutes. Those that are open end as before.",
  ]);
  expect(sayValue(base, "country")).toBe("United States");
});

it("sends the rules by age as the API has them, and says that they count at once", () => {
  const draft = { ...base, guardianRules: [{ age: "18", allows: null }] };
  expect(editOf(3, base, draft)).toEqual({ version: 3, guardianRules: [{ fromAge: 18, allows: "none" }] });
  expect(effects(base, draft)).toEqual([expect.stringMatching(/from 18: no access\. It counts at once/)]);
  expect(effects(draft, base)).toEqual([expect.stringMatching(/comes back at once/)]);
  expect(problems({ ...base, guardianRules: [{ age: "x", allows: null }] })).toHaveLength(1);
});

it("knows every country once", () => {
  const codes = COUNTRIES.split(" ");
  expect([codes.length, new Set(codes).size]).toEqual([249, 249]);
});
