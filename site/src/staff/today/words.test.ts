import { beforeEach, expect, it, vi } from "vitest";
import type { AccessRow, PortalUser } from "../../api/staff";
import { speak } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import { sayStep, sayTrouble, wayOf } from "./words";

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("navigator", { languages: ["en-US"] });
  speak("en", staff);
});

const row = (mail: PortalUser["mail"], status: PortalUser["status"] = "invited"): AccessRow => ({
  client: { clientId: "one", name: { first: "Amara", last: "Okafor" }, recordNumber: "R-1" },
  portalUser: {
    portalUserId: "two",
    name: { first: "Amara", last: "Okafor" },
    username: "amara",
    email: "amara@mail.example",
    relationship: "self",
    permissions: ["basic"],
    status,
    chartOwner: false,
    receivesAlerts: false,
    sharesEmail: false,
    version: 1,
    ...(mail && { mail }),
  },
});

const AT = "2026-11-27T09:00:00Z";

it("offers to correct an address that mail came back from", () => {
  const bounced = row({ kind: "invitation", state: "bounced", at: AT, reason: "no such mailbox" });
  expect(sayStep("bounced", bounced)).toBe("Correct and send");
  expect(wayOf("bounced", bounced)).toBeUndefined();
  expect(sayTrouble("bounced", bounced)).toContain("amara@mail.example: no such mailbox");
});

it("leads to safe contact where a mail was not sent because of it", () => {
  for (const status of ["invited", "active"] as const) {
    const withheld = row({ kind: "invitation", state: "bounced", at: AT, reason: "unsafe-address" }, status);
    expect(sayStep("bounced", withheld)).toBe("Open safe contact");
    expect(wayOf("bounced", withheld)).toBe("/clients/one/safe");
    expect(sayTrouble("bounced", withheld)).toContain("Not sent: amara@mail.example is not marked as safe");
  }
});
