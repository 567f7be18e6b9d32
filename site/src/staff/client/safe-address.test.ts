import { expect, it } from "vitest";
import type { Client } from "../../api/staff";
import { allowsMailTo, mailable } from "./safe-address";

const client = (safeContact: boolean, ...emails: [string, boolean][]) =>
  ({
    safeContact,
    emails: emails.map(([address, safe]) => ({ type: "home", address, safe })),
  }) as unknown as Client;

it("sends to any address while the client is not under safe contact", () => {
  const open = client(false, ["ana@example.com", false]);
  expect([allowsMailTo(open, "ana@example.com"), allowsMailTo(open, "else@example.com")]).toEqual([true, true]);
  expect(mailable(open)).toEqual(["ana@example.com"]);
});

it("sends under safe contact to marked addresses alone, in any case", () => {
  const safe = client(true, ["Ana@example.com", true], ["old@example.com", false]);
  expect(allowsMailTo(safe, " ana@Example.com ")).toBe(true);
  expect(["old@example.com", "else@example.com"].filter((each) => allowsMailTo(safe, each))).toEqual([]);
  expect(mailable(safe)).toEqual(["Ana@example.com"]);
});

it("needs the mark wherever an address stands", () => {
  expect(mailable(client(true, ["ana@example.com", true], ["ANA@example.com", false]))).toEqual([]);
});
