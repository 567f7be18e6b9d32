import { describe, expect, it } from "vitest";
import type { Client } from "../api/staff";
import { clientEdit, draftOf, EMPTY, newClient, problems, withoutEmptyRows } from "./client-draft";

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
