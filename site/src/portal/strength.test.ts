import { expect, it } from "vitest";
import { advise } from "./strength";

const about = ["Harbor Practice", "O’Brien", "1987", "05", "09"];

it("counts what is missing, by character and not by code unit", () => {
  expect(advise("", about).missing).toBe(15);
  expect(advise("tidal lantern", about)).toEqual({ missing: 2, weakness: null, piece: "" });
  expect(advise("🦊".repeat(15), []).missing).toBe(0);
});

it.each([
  ["Harbor practice 1987!", "personal", "Harbor"],
  ["BRIEN brien brien 99", "personal", "BRIEN"],
  ["passwordpassword", "common", "password"],
  ["Contraseña2024!!", "common", "Contraseña"],
  ["MotDePasse1234567", "common", "MotDePasse"],
  ["aaaaaaaaaaaaaaaaaaa", "repeat", "aaaaaaaaaaaaaaaaaaa"],
  ["kremlkremlkremlkreml", "repeat", "kremlkremlkremlkreml"],
  ["12345678901234567", "row", "1234567890"],
  ["ZYXWVUTSRQPONML", "row", "ZYXWVUTSRQPONML"],
  ["qwertyuiop asdfghjkl", "row", "qwertyuiop"],
] as const)("says what is easy about %s", (password, weakness, piece) => {
  expect(advise(password, about)).toMatchObject({ missing: 0, weakness, piece });
});

it.each([
  "tidal lantern orchard 27",
  "copper window gallery 41",
  "welcome tidal lantern orchard",
  "ночь улица фонарь аптека",
  "harbor seals eat seventeen fish",
  "   spaces     are    fine   too",
])("has nothing against %s", (password) => {
  expect(advise(password, about)).toEqual({ missing: 0, weakness: null, piece: "" });
});

it("bears whatever is pasted", () => {
  const pasted = Array.from({ length: 5000 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join("");
  const before = performance.now();
  advise(pasted, about);
  expect(performance.now() - before).toBeLessThan(500);
});
