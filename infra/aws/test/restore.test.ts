// What a restored table holds, judged item by item: whoever was shut out since the copy stays so.
import { describe, expect, test } from "vitest";
import { plan, type Copy, type Event } from "../ops/restore.ts";

const NOW = new Date("2026-03-02T12:00:00Z");
const PK = "P#harbor#C#C1";
const PHC =
  "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$7ClhSqOEUlYaULh1qFaTUdRyKeVbvQg8+Jt8GKt0NDE";

const accountOf = (username: string) => `P#harbor#A#key-of-${username}`;

type Item = { PK: string; SK: string; [name: string]: any };

const invitation = { hash: "…", expiresAt: "2026-03-08T00:00:00.000Z" };

/** A copy: Ilse and Omar may enter C1, Rana is invited; Ilse may also enter C2. */
function copied(): Item[] {
  const user = (client: string, id: string, username: string, more: object): Item => ({
    PK: `P#harbor#C#${client}`,
    SK: `A#USER#${id}`,
    portalUserId: id,
    clientId: client,
    username,
    account: `key-of-${username}`,
    email: `${username}@mail.example`,
    access: "active",
    enrolledAt: "2026-01-01T00:00:00.000Z",
    sessions: { S1: "2026-03-01T00:10:00.000Z" },
    version: 3,
    rev: 7,
    ...more,
  });
  const client = (id: string, more: object): Item => ({
    PK: `P#harbor#C#${id}`,
    SK: "A#CLIENT",
    clientId: id,
    version: 1,
    rev: 4,
    ...more,
  });
  const account = (
    username: string,
    grants: Record<string, string>,
    more: object = { password: PHC },
  ): Item => ({
    PK: accountOf(username),
    SK: "ACCOUNT",
    username,
    email: `${username}@mail.example`,
    grants: Object.fromEntries(
      Object.entries(grants).map(([client, portalUserId]) => [
        client,
        "password" in more
          ? { portalUserId, active: true }
          : { portalUserId, active: false, invitedUntil: invitation.expiresAt },
      ]),
    ),
    sessions: { S1: {} },
    reset: { hash: "…", expiresAt: "2026-03-01T01:00:00.000Z" },
    rev: 2,
    ...more,
  });
  return [
    client("C1", {
      chartOwner: "U1",
      alertRecipient: "U1",
      portal: { users: 3, active: 2, invitedUntil: invitation.expiresAt },
    }),
    client("C2", { chartOwner: "U4", portal: { users: 1, active: 1 } }),
    user("C1", "U1", "ilse", { resetUntil: "2026-03-01T01:00:00.000Z" }),
    user("C1", "U2", "omar", {}),
    user("C1", "U3", "rana", { access: "invited", enrolledAt: undefined, invitation, sessions: {} }),
    user("C2", "U4", "ilse", {}),
    account("ilse", { C1: "U1", C2: "U4" }),
    account("omar", { C1: "U2" }),
    account("rana", { C1: "U3" }, {}),
  ];
}

/** Events of after the copy, in this order. */
function happened(
  ...all: [action: string, user?: string, changed?: string[], more?: Partial<Event>][]
): Event[] {
  return all.map(([action, portalUserId, changed = [], more = {}], at) => ({
    PK,
    SK: `01E${at}`,
    eventId: `01E${at}`,
    practice: "harbor",
    clientId: "C1",
    ...(portalUserId && { portalUserId }),
    at: `2026-03-01T0${at}:00:00.000Z`,
    actor: { id: "dana", name: "Dana", role: "admin" },
    action,
    changed,
    source: "",
    requestId: `request ${at}`,
    ...more,
  }));
}

/** The table after a restoration, and what was said of it. */
async function restored(events: Event[], items = copied()) {
  const copy: Copy = {
    chart: async (pk) => items.filter((item) => item.PK === pk && item.SK.startsWith("A#")),
    account: async (pk) => items.find((item) => item.PK === pk),
  };
  const made = await plan(copy, events, NOW, "copy");
  const table = new Map(items.map((item) => [`${item.PK} ${item.SK}`, item]));
  for (const [at, item] of made.otherwise) {
    if (item) table.set(at, item);
    else table.delete(at);
  }
  const find = (pk: string, sk: string) => table.get(`${pk} ${sk}`);
  return {
    ...made,
    user: (id: string) => [...table.values()].find((item) => item["portalUserId"] === id),
    client: find(PK, "A#CLIENT")!,
    account: (username: string) => find(accountOf(username), "ACCOUNT"),
    told: made.events.map(({ action, portalUserId }) => [action, portalUserId]),
  };
}

describe("a restored table", () => {
  test("is the copy, where nothing happened that it must know", async () => {
    const events = happened(["client-opened"], ["signed-in", "U1"], ["sign-in-refused", "U2"], ["refused"], ["client-shown"], ["portal-user-shown"], ["history-shown"]);
    const { otherwise, events: told } = await restored(events);
    expect([otherwise.size, told]).toEqual([0, []]);
  });

  test("shuts out whoever was revoked", async () => {
    const { user, client, account, told, closed } = await restored(
      happened(["access-revoked", "U1", ["status"]]),
    );
    expect(user("U1")).toMatchObject({ access: "revoked", sessions: {}, version: 4 });
    expect(user("U1")).not.toHaveProperty("resetUntil");
    expect(account("ilse")).toMatchObject({
      grants: { C1: { active: false }, C2: { active: true } },
      sessions: {},
      password: PHC,
    });
    expect(account("ilse")).not.toHaveProperty("reset");
    expect(client).not.toHaveProperty("alertRecipient");
    expect(client).toMatchObject({ chartOwner: "U1", portal: { users: 3, active: 1 } });
    // The rest of the chart is as it was, and the history says already what happened.
    expect(user("U2")).toEqual(copied()[3]);
    expect([told, closed]).toEqual([[], 1]);
  });

  test("shuts out whoever was revoked and activated again: what was opened since is lost", async () => {
    const { user, told } = await restored(happened(["access-revoked", "U2"], ["access-activated", "U2"]));
    expect(user("U2")).toMatchObject({ access: "revoked" });
    expect(told).toEqual([["access-revoked", "U2"]]);
  });

  test("does not have whoever was deleted, nor an account that opened nothing else", async () => {
    const { user, client, account, deleted } = await restored(
      happened(["portal-user-deleted", "U1"], ["portal-user-deleted", "U2"]),
    );
    expect([user("U1"), user("U2"), deleted]).toEqual([undefined, undefined, 2]);
    expect(account("ilse")?.["grants"]).toEqual({ C2: { portalUserId: "U4", active: true } });
    expect(account("omar")).toBeUndefined();
    expect(client["portal"]).toEqual({ users: 1, active: 0, invitedUntil: "2026-03-08T00:00:00.000Z" });
    for (const role of ["chartOwner", "alertRecipient"]) expect(client).not.toHaveProperty(role);
  });

  test("shuts out a person whose address was changed, everywhere: resets would go to the old one", async () => {
    const { user, account, told } = await restored(happened(["portal-user-updated", "U1", ["email"]]));
    expect([user("U1"), user("U4")]).toEqual([
      expect.objectContaining({ access: "revoked" }),
      expect.objectContaining({ access: "revoked" }),
    ]);
    expect(account("ilse")?.["grants"]).toMatchObject({ C1: { active: false }, C2: { active: false } });
    expect(told.sort()).toEqual([
      ["access-revoked", "U1"],
      ["access-revoked", "U4"],
    ]);
  });

  test.each([
    [["permissions"], "revoked"],
    [["something new"], "revoked"],
    [["name", "relationship"], "active"],
  ])("judges an edit by what was changed: %j", async (changed, access) => {
    const { user } = await restored(happened(["portal-user-updated", "U2", changed]));
    expect(user("U2")).toMatchObject({ access });
  });

  test("takes no password that was changed, the old one or any other", async () => {
    const { account, user, told, passwords } = await restored(
      happened(
        ["password-changed", "U1"],
        ["password-changed", "U4", [], { PK: "P#harbor#C#C2", clientId: "C2" }],
      ),
    );
    const { password } = account("ilse")!;
    expect(password).not.toBe(PHC);
    expect(password).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    // The person may still enter, after a reset.
    expect(account("ilse")?.["grants"]).toMatchObject({ C1: { active: true }, C2: { active: true } });
    expect(user("U1")).toMatchObject({ access: "active", sessions: {} });
    expect([told, passwords]).toEqual([[["password-changed", "U1"]], 1]);
  });

  test.each([
    ["invitation-resent", "U3"],
    ["enrollment-refused", "U3"],
    ["enrolled", "U3"],
    ["client-updated", undefined],
  ])("takes no invitation of before %s", async (action, id) => {
    const { user, client, account, invitations } = await restored(happened([action, id]));
    expect(user("U3")).toMatchObject({ access: "invited" });
    expect(user("U3")).not.toHaveProperty("invitation");
    expect(account("rana")?.["grants"]).toEqual({ C1: { portalUserId: "U3", active: false } });
    expect(client["portal"]).toEqual({ users: 3, active: 2 });
    expect(invitations).toBe(1);
  });

  test("takes no reset of before a newer one", async () => {
    const { account, user } = await restored(happened(["password-reset-requested", "U1"]));
    expect(account("ilse")).not.toHaveProperty("reset");
    expect(user("U1")).toMatchObject({ access: "active" });
  });

  test("sends alerts that were assigned since to the practice", async () => {
    const { client, user } = await restored(
      happened(["alert-recipient-assigned", undefined, ["alertRecipient"]]),
    );
    expect(client).not.toHaveProperty("alertRecipient");
    expect(user("U3")).toHaveProperty("invitation");
  });

  test("shuts out whoever was invited and then revoked, and has the account wait for nobody", async () => {
    const { user, account } = await restored(happened(["access-revoked", "U3", ["status"]]));
    expect(user("U3")).toMatchObject({ access: "revoked" });
    expect(account("rana")?.["grants"]).toEqual({ C1: { portalUserId: "U3", active: false } });
  });

  test("shuts out whom something happened to that this version does not know", async () => {
    const { user } = await restored(happened(["access-suspended", "U2"]));
    expect(user("U2")).toMatchObject({ access: "revoked" });
    await expect(restored(happened(["chart-sealed"]))).rejects.toThrow("What is chart-sealed?");
  });

  test("forgets who came later", async () => {
    const later = { PK: "P#harbor#C#C9", clientId: "C9" };
    const { otherwise } = await restored(
      happened(
        ["client-created", undefined, [], later],
        ["portal-user-added", "U9", [], later],
        ["enrolled", "U8"],
      ),
    );
    expect([...otherwise.keys()].filter((key) => /C9|U8|U9/.test(key))).toEqual([]);
  });

  test("is not made while who may enter cannot be said", async () => {
    const items = copied().filter(({ username, SK }) => username !== "omar" || SK !== "ACCOUNT");
    await expect(restored(happened(["access-revoked", "U2"]), items)).rejects.toThrow("has no account");
  });

  test("is the same when it is made again, and the history tells it once", async () => {
    const events = happened(["access-revoked", "U2"], ["access-activated", "U2"], ["password-changed", "U1"]);
    const first = await restored(events);
    expect(first.told).toHaveLength(2);
    const second = await restored([...events, ...first.events]);
    expect(second.told).toEqual([]);
    expect(second.user("U2")).toEqual(first.user("U2"));
  });
});
