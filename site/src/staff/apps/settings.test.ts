import { expect, it } from "vitest";
import type { App } from "../../api/staff";
import { PUT_SECRET, settingsFor, type Program } from "./settings";

const ISSUER = "https://portal.practice.example";
const app: App = {
  appId: "harbor.01KAV0000000000000000000AA",
  name: "Mensajes & más",
  kind: "portal",
  permission: "messaging",
  redirectUris: ["https://rooms.example/in"],
  postLogoutRedirectUris: [],
  authentication: "secret",
  publicKeys: [],
  scopes: [],
  enabled: true,
  version: 1,
};

function text(program: Program, changes: Partial<App> = {}, secret: string | null = "s3cret"): string {
  const all = settingsFor({ app: { ...app, ...changes }, issuer: ISSUER, secret });
  return all.find((setting) => setting.program === program)?.text ?? "";
}
const programs = (changes: Partial<App>) =>
  settingsFor({ app: { ...app, ...changes }, issuer: ISSUER, secret: null }).map(({ program }) => program);

it("offers what an app can use", () => {
  expect(programs({})).toEqual(["nginx", "caddy", "apache", "node"]);
  expect(programs({ authentication: "none" })).toEqual(["nginx", "caddy", "node"]);
  expect(programs({ authentication: "key", redirectUris: [] })).toEqual(["nginx", "caddy"]);
  expect(programs({ kind: "system" })).toEqual([]);
});

it("has proxies ask for this app, and overwrite what a browser says of itself", () => {
  const nginx = text("nginx");
  expect(nginx).toContain(`proxy_pass ${ISSUER}/api/portal/check?app=${app.appId};`);
  expect(nginx).toContain("location /mensajes-mas/ {");
  expect(nginx).toContain(`return 302 ${ISSUER}/harbor/sign-in;`);
  const caddy = text("caddy");
  expect(caddy).toContain(`uri /api/portal/check?app=${app.appId}\n`);
  for (const header of ["Latchkey-Subject", "Latchkey-Session", "Latchkey-Charts"]) {
    expect(nginx).toMatch(new RegExp(`proxy_set_header ${header} \\$latchkey_`));
    expect(caddy).toMatch(new RegExp(`copy_headers .*${header}`));
  }
});

it("puts the app where its tile leads, if that is on the portal's host", () => {
  expect(text("nginx", { launchUrl: `${ISSUER}/rooms/one?from=tile` })).toContain("location /rooms/one/ {");
  expect(text("nginx", { launchUrl: `${ISSUER}/` })).toContain("location /mensajes-mas/ {");
  expect(text("nginx", { launchUrl: "https://rooms.example/rooms/" })).toContain("location /mensajes-mas/ {");
  expect(text("nginx", { name: "消息" })).toContain("location /app/ {");
});

it("has Apache remember no answer", () => {
  const apache = text("apache", { launchUrl: "https://rooms.example/rooms/" });
  expect(apache).toContain("OIDCOAuthTokenIntrospectionInterval -1\n");
  expect(apache).toContain("OIDCOAuthClientSecret s3cret\n");
  expect(apache).toContain("<Location /rooms/>");
  expect(text("apache", {}, null)).toContain(`OIDCOAuthClientSecret ${PUT_SECRET}\n`);
});

it.each([
  [{}, 'client.ClientSecretBasic("s3cret")', "tokenIntrospection"],
  [
    { authentication: "key", publicKeys: [{ kty: "EC", crv: "P-256", kid: 'a"b', x: "x", y: "y" }] },
    'client.PrivateKeyJwt({ key, kid: "a\\"b" })',
    "tokenIntrospection",
  ],
  [{ authentication: "none" }, "client.None()", "fetchUserInfo"],
] as [Partial<App>, string, string][])("writes a program that parses, for %o", (changes, proof, asks) => {
  const node = text("node", changes);
  expect(node).toContain(proof);
  expect(node).toContain(asks);
  expect(node).toContain('redirect_uri: "https://rooms.example/in"');
  expect(node).toContain('scope: "openid profile messaging"');
  const body = node.replace(/^import .*$/gm, "").replace(/^export /gm, "");
  expect(() => new Function(`return async () => {${body}}`)).not.toThrow();
});

it("asks for every permission where the app serves none in particular, and takes http at home", () => {
  const { permission: _, ...general } = app;
  const [node] = settingsFor({ app: general, issuer: "http://portal.localhost:8600", secret: null }).slice(-1);
  expect(node?.text).toContain('"openid profile basic messaging documents sessions billing surveys"');
  expect(node?.text).toContain("allowInsecureRequests");
});
