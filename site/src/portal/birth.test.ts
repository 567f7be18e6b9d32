import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { speak } from "../messages/language";
import portal from "../messages/portal.en.json";
import { birthDate, parts } from "./birth";

const NOW = new Date(2026, 10, 26);

function inLanguage(tag: string): void {
  vi.stubGlobal("navigator", { languages: [tag] });
  speak(tag.split("-")[0] ?? tag, portal);
}

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: {} });
  inLanguage("en-US");
});
afterEach(() => vi.unstubAllGlobals());

const judged = (day: string, month: string, year: string) => {
  const said = birthDate({ day, month, year }, "dateOfBirth", NOW);
  return "date" in said
    ? said.date
    : said.wrong.map(({ field, message }) => `${field.split(".")[1]}: ${message}`);
};

it.each([
  ["en-US", ["month", "day", "year"]],
  ["en-GB", ["day", "month", "year"]],
  ["es-ES", ["day", "month", "year"]],
  ["fr-FR", ["day", "month", "year"]],
])("asks in %s for %j", (tag, order) => {
  inLanguage(tag);
  expect(parts()).toEqual(order);
});

describe("takes", () => {
  it.each([
    ["27", "3", "1984", "1984-03-27"],
    [" 07 ", "03", "1984 ", "1984-03-07"],
    ["29", "2", "2024", "2024-02-29"],
    ["12", "March", "1984", "1984-03-12"],
    ["12", "mar.", "1984", "1984-03-12"],
    ["1", "sept", "1984", "1984-09-01"],
    ["1", "ENERO", "1984", "1984-01-01"],
    ["1", "fév", "1984", "1984-02-01"],
    ["1", "aout", "1984", "1984-08-01"],
    ["1", "décembre", "1984", "1984-12-01"],
    ["１", "１", "１９８４", "1984-01-01"],
    ["26", "11", "2026", "2026-11-26"],
    // Where the practice is, it may be tomorrow.
    ["27", "11", "2026", "2026-11-27"],
  ])("%s %s %s", (day, month, year, date) => expect(judged(day, month, year)).toBe(date));
});

describe("asks about", () => {
  it.each([
    ["", "", "", "month: Enter the client’s date of birth"],
    ["1", "2", "84", "year: Enter all four digits of the year: 1984?"],
    ["1", "2", "02", "year: Enter all four digits of the year: 1902 or 2002?"],
    ["1", "2", "984", "year: Enter all four digits of the year"],
    ["1", "2", "19840", "year: Enter all four digits of the year"],
    ["1", "2", "2084", "year: This date of birth lies in the future. Check the year"],
    ["28", "11", "2026", "year: This date of birth lies in the future. Check the year"],
    ["1", "2", "1784", "year: Enter a year from 1850 on"],
    ["31", "2", "1984", "day: There is no such day in this month"],
    ["29", "2", "1983", "day: There is no such day in this month"],
    ["32", "2", "1984", "day: Enter a day from 1 to 31"],
    ["0", "2", "1984", "day: Enter a day from 1 to 31"],
    ["first", "2", "1984", "day: Enter a day from 1 to 31"],
    ["1", "13", "1984", "month: Enter a month from 1 to 12, or its name"],
    ["1", "ma", "1984", "month: Enter a month from 1 to 12, or its name"],
    ["1", "jui", "1984", "month: Enter a month from 1 to 12, or its name"],
    ["1", "spring", "1984", "month: Enter a month from 1 to 12, or its name"],
  ])("%j %j %j", (day, month, year, said) => expect(judged(day, month, year)).toEqual([said]));

  it("whatever is missing", () => {
    expect(judged("1", "", "")).toEqual(["month: Enter the month of birth", "year: Enter the year of birth"]);
  });
});
