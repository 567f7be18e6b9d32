import { beforeEach, expect, it, vi } from "vitest";
import type { PortalUser, PortalUsers, Receipt } from "../../api/staff";
import { speak } from "../../messages/language";
import { staff as words } from "../../messages/staff.en";
import { Chart } from "./chart";
import { sayEnded } from "./receipt";

const name = { first: "Pat", last: "Person" };
const apps = [{ appId: "harbor.messages", name: "Messages", state: "telling" }];
const user = { portalUserId: "pat", name, status: "revoked", apps } as PortalUser;
const receipt = {
  portalUser: null,
  at: "2026-01-31T09:30:00Z",
  ended: { sessions: 1, invitations: 0, resets: 0 },
  alertRecipient: null,
  apps,
} as unknown as Receipt;

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  speak("en", words);
});

it("promises no answer of apps after a deletion, which nobody is left to tell of", () => {
  const chart = new Chart("client");
  chart.users.set({ portalUsers: [user] } as PortalUsers);
  const say = (done: "revoke" | "delete") => String((sayEnded(done, receipt, user, chart) as () => string)());
  expect(say("revoke")).toContain("Messages is being told; no answer yet.");
  chart.users.set({ portalUsers: [] as PortalUser[] } as PortalUsers);
  expect(say("delete")).toContain("Messages is sent word of it.");
  expect(say("delete")).not.toContain("no answer");
});
