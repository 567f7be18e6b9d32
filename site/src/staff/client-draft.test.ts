import { describe, expect, it } from "vitest";
import type { Client } from "../api/staff";
import {
  clientEdit,
  draftOf,
  EMPTY,
  mergeClient,
  newClient,
  problems,
  sayValue,
  withoutEmptyRows,
} from "./client-draft";

const client: Client = {
  clientId: "c1",
  name: { first: "Ana", last: "Silva" },
  dateOfBirth: "1990-01-02",
  recordNumber: "HP-1",
  emails: [{ type: "home", address: "ana@example.com", safe: false }],
  phones: [],
  professional: "Dr. Lima",
  portal: { status: "none", users: 0 },
  safeContact: false,
  chartOwner: null,
  alertRecipient: null,
  version: 4,
};

describe("an edit", () => {
  const base = draftOf(client);

  it("names only what was changed", () => {
    expect(clientEdit(4, base, { ...base, phones: [{ type: "mobile", text: " 555 0100 " }] })).toEqual({
      version: 4,
      phones: [{ type: "mobile", number: "555 0100" }],
    });
  });

  it("sends the whole name for a part of it, and null for a professional taken away", () => {
    expect(clientEdit(4, base, { ...base, preferred: "Nita", professional: " " })).toEqual({
      version: 4,
      name: { first: "Ana", last: "Silva", preferred: "Nita" },
      professional: null,
    });
  });
});

describe("an edit that came too late", () => {
  const way = (text: string, safe?: boolean) => ({ type: "home" as const, text, ...(safe !== undefined && { safe }) });
  const withEmails = (...emails: ReturnType<typeof way>[]) => ({ ...draftOf(client), emails });
  const base = withEmails(way("ana@example.com", true));

  it("does not bring back a mark that the other person took away", () => {
    const mine = withEmails(way("ana@example.com", true), way("work@example.com"));
    const { draft, changes } = mergeClient(base, mine, withEmails(way("Ana@example.com", false)));
    expect(draft.emails).toEqual([way("ana@example.com", false), way("work@example.com")]);
    expect(changes).toEqual([{ field: "emails", clash: true }]);
    expect(mergeClient(base, mine, withEmails()).draft.emails[0]).toEqual(way("ana@example.com", false));
  });

  it("keeps a mark that was touched here, and takes one that was not from the other person", () => {
    const mine = withEmails(way("ana@example.com", false), way("work@example.com", true));
    expect(mergeClient(base, mine, base).draft.emails).toEqual(mine.emails);
    const theirs = withEmails(way("ana@example.com", true), way("work@example.com", false));
    expect(mergeClient(base, mine, theirs).draft.emails).toEqual([
      way("ana@example.com", false),
      way("work@example.com", false),
    ]);
  });

  it("is found to be our own, whose answer was lost, when an address was added", () => {
    const mine = withEmails(way("ana@example.com", true), way("work@example.com"));
    const saved = withEmails(way("ana@example.com", true), way("work@example.com", false));
    expect(mergeClient(base, mine, saved).draft).toEqual(saved);
  });

  it("says the mark of an address that has it", () => {
    expect(sayValue(withEmails(way("ana@example.com", true), way("work@example.com", false)), "emails")).toBe(
      "ana@example.com (marked as safe), work@example.com",
    );
  });
});

describe("a new client", () => {
  it("leaves out what was left empty", () => {
    expect(newClient({ ...EMPTY, last: "Björk", dateOfBirth: "1965-11-21" })).toEqual({
      name: { first: "", last: "Björk" },
      dateOfBirth: "1965-11-21",
      emails: [],
      phones: [],
    });
  });

  it("needs one name and a date of birth, and finds the row of a bad address", () => {
    const emails = [
      { type: "home" as const, text: "" },
      { type: "work" as const, text: "nonsense" },
    ];
    expect(problems({ ...EMPTY, emails }).map((problem) => problem.field)).toEqual([
      "name.first",
      "dateOfBirth",
      "emails[1].address",
    ]);
    expect(withoutEmptyRows({ ...EMPTY, emails }).emails).toHaveLength(1);
  });
});
