import { beforeEach, describe, expect, it, vi } from "vitest";
import { inSteps, sayDate, sayDay, sayIfKnown, sayWait, speak, translator } from "./language";

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("navigator", { languages: ["en-GB", "fr"] });
});

const words = { hello: "Hello {name}", found: { one: "{count} client", other: "{count} clients" } };
const t = translator<typeof words>();

describe("words", () => {
  beforeEach(() => speak("en", words));

  it("take their parameters as they are, markup and placeholders included", () => {
    expect(t("hello", { name: "<b>{name}</b> $&" })).toBe("Hello <b>{name}</b> $&");
  });

  it("are chosen by number, and numbers are written as in the reader's region", () => {
    expect(t("found", { count: 1 })).toBe("1 client");
    expect(t("found", { count: 1200 })).toBe("1,200 clients");
    expect(sayIfKnown("nowhere")).toBeUndefined();
  });
});

it("writes dates as the reader's region does, in no time zone", () => {
  speak("en", words);
  expect(sayDate("1984-03-12")).toBe("12 March 1984");
  speak("es", words);
  expect(sayDate("1984-03-12")).toBe("12 de marzo de 1984");
});

it("names the year of a day only when it is another one", () => {
  speak("en", words);
  const year = new Date().getFullYear();
  expect(sayDay(`${year}-06-15T12:00:00Z`)).toBe("15\u00a0June");
  expect(sayDay("2019-06-15T12:00:00Z")).toBe("15\u00a0June\u00a02019");
});

it("rounds the time to wait up", () => {
  speak("en", words);
  expect(sayWait(1)).toBe("1 second");
  expect(sayWait(59)).toBe("59 seconds");
  expect(sayWait(61)).toBe("2 minutes");
});

it("counts down in steps", () => {
  expect([900_000, 60_001, 60_000, 46_000, 45_000, 1, 0, -5].map(inSteps)).toEqual([
    900, 120, 60, 60, 45, 15, 0, 0,
  ]);
});
