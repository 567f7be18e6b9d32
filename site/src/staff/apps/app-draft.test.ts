import { beforeEach, expect, it, vi } from "vitest";
import type { App } from "../../api/staff";
import { speak } from "../../messages/language";
import { staff } from "../../messages/staff.en";
import {
  appEdit,
  draftOf,
  EMPTY,
  newApp,
  pathOf,
  problems,
  sayServes,
  sayValue,
  withoutEmptyRows,
  type Draft,
} from "./app-draft";

const KEY = { kty: "EC", crv: "P-256", kid: "one", x: "x", y: "y" };

const app: App = {
  appId: "harbor.01KAV0000000000000000000AA",
  name: "Messages",
  kind: "portal",
  permission: "messaging",
  launchUrl: "https://rooms.example/",
  redirectUris: ["https://rooms.example/in"],
  postLogoutRedirectUris: [],
  authentication: "secret",
  publicKeys: [],
  scopes: [],
  enabled: true,
  version: 3,
};

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  speak("en", staff);
});

const sent = (draft: Partial<Draft>) => newApp(withoutEmptyRows({ ...EMPTY, ...draft }));

it("sends of an app what belongs to its kind, without what was left empty", () => {
  const typed = {
    name: " Messages ",
    permission: "messaging",
    redirectUris: ["", " https://rooms.example/in "],
    scopes: ["clients"],
    publicKeys: ["{}"],
  } as const;
  const draft = { ...typed, redirectUris: [...typed.redirectUris], scopes: [...typed.scopes], publicKeys: ["{}"] };
  expect(sent(draft)).toEqual({
    name: "Messages",
    kind: "portal",
    authentication: "secret",
    permission: "messaging",
    redirectUris: ["https://rooms.example/in"],
    postLogoutRedirectUris: [],
  });
  expect(sent({ ...draft, kind: "system", authentication: "key" })).toEqual({
    name: "Messages",
    kind: "system",
    authentication: "key",
    publicKeys: [{}],
    scopes: ["clients"],
  });
});

it("sends of an app that it may post alerts, and no other scope, where it proves itself", () => {
  const scopes = ({ scopes }: ReturnType<typeof sent>) => scopes;
  expect(scopes(sent({ scopes: ["clients", "alerts"] }))).toEqual(["alerts"]);
  expect(scopes(sent({ scopes: ["alerts"], authentication: "none" }))).toBeUndefined();
  expect(scopes(sent({ kind: "system", scopes: ["clients", "alerts"] }))).toEqual(["clients", "alerts"]);
  const base = draftOf({ ...app, scopes: ["alerts"] });
  expect(appEdit(3, base, { ...base, scopes: [] })).toEqual({ version: 3, scopes: [] });
});

it("takes a set of keys for as many keys", () => {
  const set = JSON.stringify({ keys: [KEY, { ...KEY, kid: "two" }] });
  const { publicKeys } = withoutEmptyRows({ ...EMPTY, publicKeys: [set, " "] });
  expect(publicKeys.map((text) => JSON.parse(text).kid)).toEqual(["one", "two"]);
});

it("sees what is missing, what is no key, and what is a private one", () => {
  const fields = (draft: Partial<Draft>) =>
    problems(withoutEmptyRows({ ...EMPTY, name: "OpenEMR", ...draft })).map(({ field }) => field);
  expect(fields({})).toEqual([]);
  expect(fields({ name: " ", kind: "system" })).toEqual(["name", "scopes"]);
  expect(fields({ authentication: "key" })).toEqual(["publicKeys"]);
  const rows = [JSON.stringify(KEY), "[]", JSON.stringify({ ...KEY, d: "d" }), '{"kty":"oct","k":"k"}'];
  expect(fields({ authentication: "key", publicKeys: rows })).toEqual([
    "publicKeys[1]",
    "publicKeys[2]",
    "publicKeys[3]",
  ]);
});

it("sends of an edit what changed, and null for what was taken away", () => {
  const base = draftOf(app);
  expect(appEdit(3, base, { ...base })).toEqual({ version: 3 });
  expect(
    appEdit(3, base, { ...base, permission: "", launchUrl: " ", redirectUris: ["https://rooms.example/at"] }),
  ).toEqual({
    version: 3,
    permission: null,
    launchUrl: null,
    redirectUris: ["https://rooms.example/at"],
  });
  const keyed = draftOf({ ...app, authentication: "key", publicKeys: [KEY] });
  expect(appEdit(3, keyed, { ...keyed, publicKeys: [JSON.stringify({ ...KEY, kid: "two" })] })).toEqual({
    version: 3,
    publicKeys: [{ ...KEY, kid: "two" }],
  });
});

it("says what an app is there for, and where its page is", () => {
  vi.stubGlobal("navigator", { languages: ["en"] });
  expect(sayServes(app)).toBe("Messaging");
  const { permission: _, ...general } = app;
  expect(sayServes(general)).toBe("Whatever it asks for");
  expect(sayServes({ ...app, kind: "system", scopes: ["clients", "alerts"] })).toBe("Clients and Alerts");
  expect(sayValue(draftOf(app), "authentication")).toBe("A secret");
  expect(pathOf(app)).toBe("/apps/01KAV0000000000000000000AA");
});
