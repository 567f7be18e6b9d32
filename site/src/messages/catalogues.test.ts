import { describe, expect, it } from "vitest";
import type { Catalogue, Message } from "./language";
import portal from "./portal.en.json";
import spanish from "./portal.es.json";
import french from "./portal.fr.json";
import { shared } from "./shared.en";

const sentences = (message: Message): string[] =>
  typeof message === "string" ? [message] : Object.values(message);

const placeholders = (message: Message): string[] =>
  [...new Set(sentences(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();

it("says in the portal what both pages say", () => {
  expect(portal).toMatchObject(shared);
});

describe.each<[string, Catalogue]>([
  ["Spanish", spanish],
  ["French", french],
])("%s", (_, words) => {
  it("says all that English says, and nothing else", () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(portal).sort());
  });

  it("fills the same places, and says one and other where English does", () => {
    for (const [key, message] of Object.entries<Message>(portal)) {
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
