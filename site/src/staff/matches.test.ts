import { expect, it } from "vitest";
import { partsOf, reason } from "./matches";

/** The text with what is marked in brackets. */
const marked = (text: string, query: string) =>
  partsOf(text, query)
    .map((part) => (part.match ? `[${part.text}]` : part.text))
    .join("");

it("marks the beginnings of words, in any order", () => {
  expect(marked("Jane Smith", "smi jan")).toBe("[Jan]e [Smi]th");
  expect(marked("Samuel Ames", "am")).toBe("Samuel [Am]es");
  expect(marked("Jane Smith", "ane")).toBe("Jane Smith");
  expect(marked("Anne-Marie", "mar")).toBe("Anne-[Mar]ie");
});

it("does not mind accents, case and apostrophes, in either of the two", () => {
  expect(marked("Zoë D’Angelo-Müller", "zoe dangelo MUL")).toBe("[Zoë] [D’Angelo]-[Mül]ler");
  expect(marked("OBrien", "o'br")).toBe("[OBr]ien");
  expect(marked("Zoe\u0308", "zoë")).toBe("[Zoë]");
});

it("marks nothing for what is no word", () => {
  expect(marked("Jane", " - ")).toBe("Jane");
  expect(marked("", "jane")).toBe("");
});

it("names what else a client was found by", () => {
  const more = ["ana@mail.example", "(207) 644-9173", "HP-1"];
  expect(reason("9173", ["Ana Silva", "1990-01-02"], more)).toBe("(207) 644-9173");
  expect(reason("ana@mail", ["Ana Silva", "1990-01-02"], more)).toBe("ana@mail.example");
  expect(reason("silva", ["Ana Silva", "1990-01-02"], more)).toBeUndefined();
  expect(reason("slva", ["Ana Silva"], more)).toBeUndefined();
});
