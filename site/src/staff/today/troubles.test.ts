import { expect, it, vi } from "vitest";
import type { AccessRow, PortalUser, PortalUsers, View } from "../../api/staff";
import { afterChange, afterLook, afterResend, afterUnlock, has, isNews, TroubleList, without } from "./troubles";

const NOW = Date.parse("2026-11-27T09:00:00Z");
const inHours = (hours: number) => new Date(NOW + hours * 3_600_000).toISOString();

const user = (portalUserId: string, more: Partial<PortalUser> = {}): PortalUser => ({
  portalUserId,
  name: { first: "Amara", last: "Okafor" },
  username: "amara",
  email: "amara@mail.example",
  relationship: "self",
  permissions: ["basic"],
  status: "active",
  chartOwner: false,
  receivesAlerts: false,
  sharesEmail: false,
  version: 1,
  ...more,
});

const row = (id: string, portalUser?: PortalUser): AccessRow => ({
  client: { clientId: `client-${id}`, name: { first: "Amara", last: "Okafor" }, recordNumber: id },
  ...(portalUser && { portalUser }),
});

const bounced = (id: string, more: Partial<PortalUser> = {}) =>
  user(id, { mail: { kind: "invitation", state: "bounced", at: inHours(-1) }, ...more });

/** Answers these pages, one after the other, and says how often it was asked. */
function answering(...pages: { rows: AccessRow[]; nextCursor: string | null }[]) {
  const asked: unknown[] = [];
  const ask = (body: unknown) => {
    asked.push(body);
    return Promise.resolve(pages[Math.min(asked.length, pages.length) - 1]!);
  };
  return { asked, ask: ask as ConstructorParameters<typeof TroubleList>[2] };
}

it("tells each trouble from what a portal user is now", () => {
  expect(has("bounced", bounced("a"), NOW)).toBe(true);
  expect(has("bounced", bounced("a", { status: "revoked" }), NOW)).toBe(false);
  expect(has("bounced", user("a"), NOW)).toBe(false);
  expect(has("expired", user("a", { status: "expired" }), NOW)).toBe(true);
  expect(has("expired", user("a", { status: "invited" }), NOW)).toBe(false);
  const invited = (hours: number) =>
    user("a", { status: "invited", invitation: { sentAt: inHours(-1), expiresAt: inHours(hours) } });
  expect(has("ending", invited(47), NOW)).toBe(true);
  expect(has("ending", invited(48), NOW)).toBe(false);
  expect(has("clocks", user("a", { ending: { on: "2026-12-03", reason: "until" } }), NOW)).toBe(true);
  expect(has("clocks", user("a", { until: "2027-12-03" }), NOW)).toBe(false);
  expect(has("locked", user("a", { lockedUntil: inHours(1) }), NOW)).toBe(true);
  expect(has("locked", user("a", { lockedUntil: inHours(-1) }), NOW)).toBe(false);
});

it("counts down as rows leave, and asks for the next when none is left", async () => {
  const rows = ["1", "2"].map((id) => row(id, bounced(id)));
  const { asked, ask } = answering(
    { rows, nextCursor: "more" },
    { rows: [row("3", bounced("3"))], nextCursor: null },
  );
  const list = new TroubleList("bounced", { count: 3, more: false }, ask);
  await list.rows.load();
  expect(asked).toEqual([{ view: "bounced", limit: 5 }]);
  list.keep(without("1"));
  expect([list.count.value, list.rows.value?.length, asked.length]).toEqual([2, 1, 1]);
  list.keep(without("2"));
  expect(list.count.value).toBe(1);
  expect(asked.length).toBe(2);
  await vi.waitFor(() => expect(list.rows.value).toEqual([row("3", bounced("3"))]));
  list.keep(without("3"));
  expect([list.count.value, asked.length]).toEqual([0, 2]);
});

it("goes on saying that there are more than could be counted", async () => {
  const { ask } = answering({ rows: ["1", "2"].map((id) => row(id, bounced(id))), nextCursor: "more" });
  const list = new TroubleList("bounced", { count: 500, more: true }, ask);
  await list.rows.load();
  list.keep(without("1"));
  expect([list.count.value, list.more.value]).toEqual([500, true]);
});

it("believes a whole list more than a count that came from an index", async () => {
  const { ask } = answering({ rows: [], nextCursor: null });
  const list = new TroubleList("bounced", { count: 2, more: false }, ask);
  await list.rows.load();
  expect(list.count.value).toBe(0);
});

it("shows of the open invitations those that are about to end, and counts no others", async () => {
  const open = (id: string, expiresAt: string) =>
    row(id, user(id, { status: "invited", invitation: { sentAt: "", expiresAt } }));
  const soon = open("1", "2000-01-01T00:00:00Z");
  const late = open("2", "2999-01-01T00:00:00Z");
  const { asked, ask } = answering({ rows: [soon, late], nextCursor: "more" });
  const list = new TroubleList("ending", { count: 40, more: false }, ask);
  expect(list.count.value).toBeNull();
  await list.rows.load();
  expect(asked).toEqual([{ view: "invited", limit: 5 }]);
  expect([list.rows.value, list.count.value, list.more.value]).toEqual([[soon], 1, false]);

  const whole = answering({ rows: [soon], nextCursor: "more" });
  const all = new TroubleList("ending", { count: 40, more: false }, whole.ask);
  await all.rows.load();
  expect([all.count.value, all.more.value]).toEqual([1, true]);
});

it("takes a resent invitation from every list but those that it changes nothing of", () => {
  const sent = row("1", user("1"));
  for (const trouble of ["bounced", "expired", "ending"] as const)
    expect(afterResend(trouble, "1")(sent), trouble).toBe(false);
  expect(afterResend("locked", "1")(sent)).toBe(true);
  expect(afterResend("clocks", "1")(sent)).toBe(true);
  expect(afterResend("expired", "2")(sent)).toBe(true);
});

it("keeps a changed portal user where the trouble stays", () => {
  const before = row("1", bounced("1", { status: "expired" }));
  const mail = { kind: "invitation", state: "queued", at: inHours(0) } as const;
  const after = user("1", { status: "expired", mail });
  expect(afterChange("bounced", after, NOW)(before)).toBe(false);
  expect(afterChange("expired", after, NOW)(before)).toBe(true);
  // The answer of a change does not say whether somebody is locked out.
  expect(afterChange("locked", after, NOW)(before)).toBe(true);
});

it("follows what was found when the client's portal users were looked up", () => {
  const users = (more: Partial<PortalUsers>): PortalUsers => ({
    portalUsers: [],
    chartOwner: null,
    alertRecipient: null,
    ...more,
  });
  const owned = users({ chartOwner: "a" });
  const chosen = users({ alertRecipient: "a" });
  expect(afterLook("without-owner", "client-1", owned, NOW)(row("1"))).toBe(false);
  expect(afterLook("alerts-to-practice", "client-1", owned, NOW)(row("1"))).toBe(true);
  expect(afterLook("alerts-to-practice", "client-1", chosen, NOW)(row("1"))).toBe(false);
  expect(afterLook("without-owner", "client-2", owned, NOW)(row("1"))).toBe(true);
  const gone = row("1", bounced("1"));
  expect(afterLook("bounced", "client-1", users({}), NOW)(gone)).toBe(false);
  expect(afterLook("bounced", "client-1", users({ portalUsers: [bounced("1")] }), NOW)(gone)).toBe(true);
});

it("takes an unlocked person from the list of who is locked out, on every chart, and from no other", () => {
  const unlocked = user("1");
  const sibling = row("2", user("2"));
  const other = row("3", user("3", { username: "somebody else" }));
  expect([row("1", unlocked), sibling, other].map(afterUnlock("locked", unlocked))).toEqual([false, false, true]);
  expect(afterUnlock("bounced", unlocked)(row("1", unlocked))).toBe(true);
});

it("tells news from what was done here, and from a count that was wrong from the beginning", async () => {
  const rows = ["1", "2"].map((id) => row(id, bounced(id)));
  const { ask } = answering({ rows, nextCursor: null });
  const list = new TroubleList("bounced", { count: 3, more: false }, ask);
  await list.rows.load();
  const counts = (count: number, others: Partial<Record<View, number>> = {}, more = false) => [
    { view: "bounced" as const, count, more },
    ...Object.entries(others).map(([view, count]) => ({ view: view as View, count, more: false })),
  ];
  expect(isNews(counts(3), [list])).toBe(false);
  list.keep(without("1"));
  expect(isNews(counts(2), [list])).toBe(false);
  expect(isNews(counts(3), [list])).toBe(true);
  expect(isNews(counts(1), [list])).toBe(true);
  expect(isNews(counts(500, {}, true), [list])).toBe(true);
  // A trouble that was not there; and invitations, of which few are about to end.
  expect(isNews(counts(2, { locked: 1 }), [list])).toBe(true);
  expect(isNews(counts(2, { invited: 9, locked: 0, active: 8 }), [list])).toBe(false);
});
