import { beforeEach, expect, it, vi } from "vitest";
import type { AccessRow, PortalUser, View } from "../../api/staff";
import { speak } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import { sayFacts, sayFilter, sayOrder, table, viewIn } from "./access-words";

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("navigator", { languages: ["en-US"] });
  speak("en", staff);
});

const filter = (view: View, query = "", professional = "") => ({ view, query, professional });

it("takes from the address a view that exists, and else the first", () => {
  expect(["expired", "nothing", undefined].map(viewIn)).toEqual(["expired", "all", "all"]);
});

it("says the order in which the rows come", () => {
  expect(sayOrder(filter("all"))).toBe("By the client’s last and first name");
  expect(sayOrder(filter("invited"))).toBe("What ends first comes first");
  expect(sayOrder(filter("locked"))).toBe("What ends first comes first");
  expect(sayOrder(filter("ending"))).toBe("What ends first comes first");
  expect(sayOrder(filter("expired"))).toBe("What ended last comes first");
  expect(sayOrder(filter("unused"))).toBe("The longest unused comes first");
  // Of a professional's clients there is an index of names alone; what was looked for comes as it was found.
  expect(sayOrder(filter("expired", "", "Dr. Lima"))).toBe("By the client’s last and first name");
  expect(sayOrder(filter("expired", "amara", "Dr. Lima"))).toBe("The best match comes first");
});

it("says of a row what a clock ended, and what is to come", () => {
  const user = { status: "revoked", permissions: [], until: "2026-12-03" } as unknown as PortalUser;
  const at = "2026-12-04T05:00:00Z";
  expect(sayFacts({ ...user, ended: { at, reason: "until" } })).toEqual(["The last day was December 3, 2026"]);
  expect(sayFacts({ ...user, status: "active", ending: { on: "2026-12-03", reason: "narrows" } })).toEqual([
    "Narrows on December 3, 2026: the client reaches an age",
  ]);
});

it("says on paper what narrows the list", () => {
  expect(sayFilter(filter("all"))).toBe("");
  expect(sayFilter(filter("all", "amara", "Dr. Lima"))).toBe(
    "Name, record number or e-mail: amara; Professional: Dr. Lima",
  );
});

it("writes a portal user's row under as many headings, and a client's without them", () => {
  const client = {
    clientId: "c",
    name: { first: "Amara", last: "Okafor" },
    recordNumber: "HP-200001",
    professional: "Dr. Lima",
  };
  const row: AccessRow = {
    client,
    portalUser: {
      portalUserId: "p",
      name: { first: "Chidi", last: "Okafor" },
      username: "chidi",
      email: "chidi@mail.example",
      sharesEmail: false,
      relationship: "spouse",
      permissions: ["basic", "billing"],
      status: "invited",
      chartOwner: true,
      receivesAlerts: false,
      invitation: { sentAt: "2026-11-20T09:00:00Z", expiresAt: "2026-11-27T09:00:00Z" },
      mail: { kind: "invitation", state: "bounced", at: "2026-11-20T09:00:00Z", reason: "no such mailbox" },
      until: "2026-12-03",
      ending: { on: "2026-12-03", reason: "until" },
      version: 1,
    },
  };
  const [head, cells] = table([row], "all");
  expect(cells).toHaveLength(head?.length ?? 0);
  expect(cells).toEqual([
    "Amara Okafor",
    "HP-200001",
    "Dr. Lima",
    "Chidi Okafor",
    "Spouse",
    "chidi",
    "chidi@mail.example",
    "Invited",
    "Basic Functions; Billing, Invoicing & Insurance",
    "yes",
    "no",
    "",
    "2026-11-27T09:00:00Z",
    "",
    "Invitation",
    "Bounced: no such mailbox",
    "2026-12-03",
    "",
  ]);
  expect(table([{ client }], "without-owner")).toEqual([
    ["Client", "Record number", "Professional"],
    ["Amara Okafor", "HP-200001", "Dr. Lima"],
  ]);
});
