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
  expect(programs({})).toEqual(["nginx", "caddy", "apache", "apachePages", "node"]);
  expect(programs({ redirectUris: [] })).toEqual(["nginx", "caddy", "apache"]);
  expect(programs({ authentication: "none" })).toEqual(["nginx", "caddy", "node"]);
  expect(programs({ authentication: "key", redirectUris: [] })).toEqual(["nginx", "caddy"]);
  expect(programs({ kind: "system", redirectUris: [], scopes: ["clients"] })).toEqual(["curl", "node"]);
  const alerts = ["alertCurl", "alertNode"];
  expect(programs({ redirectUris: [], scopes: ["alerts"] })).toEqual(["nginx", "caddy", "apache", ...alerts]);
  expect(programs({ kind: "system", redirectUris: [], scopes: ["alerts"] })).toEqual(alerts);
  const both: Partial<App> = { kind: "system", redirectUris: [], scopes: ["alerts", "history"] };
  expect(programs(both)).toEqual(["curl", "node", ...alerts]);
});

it("has proxies ask for this app, and overwrite what a browser says of itself", () => {
  const nginx = text("nginx");
  expect(nginx).toContain(`proxy_pass ${ISSUER}/api/portal/check?app=${app.appId};`);
  expect(nginx).toContain("proxy_set_header Host portal.practice.example;");
  expect(nginx).toContain("location /mensajes-mas/ {");
  expect(nginx).toContain(`return 302 ${ISSUER}/harbor/sign-in;`);
  expect(nginx).toContain("proxy_set_header Cookie $latchkey_cookies;");
  const caddy = text("caddy");
  expect(caddy).toContain(`uri /api/portal/check?app=${app.appId}\n`);
  for (const header of ["Latchkey-Subject", "Latchkey-Session", "Latchkey-Charts"]) {
    expect(nginx).toMatch(new RegExp(`proxy_set_header ${header} \\$latchkey_`));
    expect(caddy).toMatch(new RegExp(`copy_headers .*${header}`));
  }
  expect(caddy).toContain("request_header -Latchkey_*\n");
});

it("has two apps on one host checked apart", () => {
  const other = text("nginx", { appId: "harbor.01KAV0000000000000000000BB" });
  const names = (setting: string): string[] => setting.match(/^location (= \/|@)\S+/gm) ?? [];
  expect(names(text("nginx"))).toEqual([
    "location = /latchkey-check-01kav0000000000000000000aa",
    "location @latchkey-sign-in-01kav0000000000000000000aa",
  ]);
  expect(other).toContain("auth_request /latchkey-check-01kav0000000000000000000bb;");
  expect(other).toContain("error_page 401 = @latchkey-sign-in-01kav0000000000000000000bb;");
  expect(names(other).filter((name) => names(text("nginx")).includes(name))).toEqual([]);
});

it("has nginx look whether it is Latchkey that answers, where there is TLS", () => {
  const local = settingsFor({ app, issuer: "http://portal.localhost:8600", secret: null })[0]?.text;
  for (const directive of ["proxy_ssl_server_name on;", "proxy_ssl_verify on;", "proxy_ssl_trusted_certificate /"]) {
    expect(text("nginx")).toContain(directive);
    expect(local).not.toContain(directive);
  }
});

it("has browsers keep no copy of an answer", () => {
  expect(text("nginx")).toContain("    add_header Cache-Control no-store always;\n");
  expect(text("caddy")).toContain("        header Cache-Control no-store\n");
  for (const program of ["apache", "apachePages"] as const) {
    expect(text(program)).toContain("and mod_headers");
    expect(text(program)).toMatch(/Header always set Cache-Control no-store\n<\/Location>\n/);
  }
});

it.each([
  ["a=1; __Host-latchkey-portal=x.y; b=2", "a=1; b=2"],
  ["__Host-latchkey-portal=x; __Host-latchkey-device=y; b=2", "b=2"],
  ["__Host-latchkey-device=y; b=2; __Host-latchkey-portal=x", "b=2; "],
  ["__Host-latchkey-portal=x", ""],
  // Set by the app itself, so that the real one would be passed over.
  ["__Host-latchkey-portal=x; a__Host-latchkey-portal=y", "a__Host-latchkey-portal=y"],
  ["a=1; b=__Host-latchkey-portal", "a=1; b=__Host-latchkey-portal"],
])("passes %o on to the app without the portal's cookies", (cookies, passed) => {
  const [, find = "", put = ""] = /request_header Cookie "(.*)" "(.*)"/.exec(text("caddy")) ?? [];
  expect(cookies.replace(new RegExp(find, "g"), put)).toBe(passed);
  const finds = [...text("nginx").matchAll(/^if \(\$latchkey_cookies ~ "(.*)"\)/gm)].map(([, find = ""]) => find);
  expect(finds.reduce((left, find) => left.replace(new RegExp(find), "$1$2"), cookies)).toBe(passed);
});

it("puts the app where its tile leads, if that is on the portal's host", () => {
  expect(text("nginx", { launchUrl: `${ISSUER}/rooms/one?from=tile` })).toContain("location /rooms/one/ {");
  expect(text("nginx", { launchUrl: `${ISSUER}/rooms/index.html` })).toContain("location /rooms/ {");
  expect(text("nginx", { launchUrl: `${ISSUER}/` })).toContain("location /mensajes-mas/ {");
  expect(text("nginx", { launchUrl: `${ISSUER}/index.html` })).toContain("location /mensajes-mas/ {");
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
  ["/start", "/"],
  ["/rooms/index.html", "/rooms/"],
  ["/rooms/", "/rooms/"],
  ["/rooms/one?from=/tile", "/rooms/"],
  ["", "/"],
])("has Apache guard every page beside the one at %o", (tile, location) => {
  for (const program of ["apache", "apachePages"] as const)
    expect(text(program, { launchUrl: `https://rooms.example${tile}` })).toContain(`<Location ${location}>\n`);
});

it("has Apache, where it signs people in, let in nobody of whom there is no answer", () => {
  const pages = text("apachePages", { launchUrl: "https://rooms.example/rooms/" });
  expect(pages).toContain("OIDCRedirectURI https://rooms.example/in\n");
  expect(pages).toContain('OIDCScope "openid profile messaging"\n');
  expect(pages).toContain("OIDCUserInfoRefreshInterval 1\n");
  const [, rooms = "", back] = pages.split(/<Location(?:Match)? (?=[\/"])/);
  expect(rooms).toContain("/rooms/>\n");
  expect(rooms).toContain("%{ENV:OIDC_userinfo_json} != ''");
  expect(rooms).not.toContain("Require valid-user\n");
  // The later one overrules: of a folder it would open what is below.
  expect(back).toContain('"^/in$">\n');
  expect(text("apachePages", { redirectUris: ["https://rooms.example/a.b/in"] })).toContain('"^/a\\.b/in$">\n');
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

const system: Partial<App> = { kind: "system", redirectUris: [], scopes: ["clients", "history"] };

it("gets a system its token, and calls what its scopes open", () => {
  const curl = text("curl", system);
  expect(curl).toContain(`--user '${app.appId}:s3cret' \\\n`);
  expect(curl).toContain("--data-urlencode 'scope=clients history' |\n");
  expect(curl).toContain(`${ISSUER}/api/clients/search\n`);
  expect(curl).toContain("/history\n");
  expect(curl).not.toContain("/api/alerts");
  expect(text("curl", system, null)).toContain(`${app.appId}:${PUT_SECRET}'`);
  const keyed = text("curl", {
    ...system,
    authentication: "key",
    publicKeys: [{ kty: "EC", crv: "P-256", kid: "one", x: "x", y: "y" }],
  });
  expect(keyed).toContain('"client_assertion=$ASSERTION"');
  expect(keyed).toContain("kid one.");
  expect(keyed).not.toContain("--user");
});

it("writes a system's program that parses", () => {
  const node = text("node", system);
  expect(node).toContain('clientCredentialsGrant(latchkey, { scope: "clients history" })');
  expect(node).not.toContain("authorizationCodeGrant");
  const body = node.replace(/^import .*$/gm, "").replace(/^export /gm, "");
  expect(() => new Function(`return async () => {${body}}`)).not.toThrow();
});

it("posts an alert with a token for that alone, and with a key by which it stays one", () => {
  for (const changes of [
    { scopes: ["alerts"] },
    { kind: "system", redirectUris: [], scopes: ["clients", "alerts"] },
  ] as Partial<App>[]) {
    const curl = text("alertCurl", changes);
    expect(curl).toContain(`--user '${app.appId}:s3cret' \\\n`);
    expect(curl).toContain("--data-urlencode 'scope=alerts' |\n");
    expect(curl).toContain("--header 'Idempotency-Key: put-the-id-of-what-waits-here'");
    expect(curl).toContain(`${ISSUER}/api/alerts\n`);
    const node = text("alertNode", changes);
    expect(node).toContain('clientCredentialsGrant(latchkey, { scope: "alerts" })');
    expect(node).toContain(`fetch("${ISSUER}/api/alerts"`);
    expect(node).toContain('"Idempotency-Key": id');
    const body = node.replace(/^import .*$/gm, "").replace(/^export /gm, "");
    expect(() => new Function(`return async () => {${body}}`)).not.toThrow();
  }
  expect(text("curl", { ...system, scopes: ["clients", "alerts"] })).not.toContain("/api/alerts");
});

it.each([
  ["basic", "appointment"],
  ["messaging", "message"],
  ["documents", "document"],
  ["sessions", "session"],
  ["billing", "invoice"],
  ["surveys", "survey"],
] as const)("has an app for %s post what it may: %s", (permission, kind) => {
  const changes: Partial<App> = { permission, scopes: ["alerts"] };
  expect(text("alertCurl", changes)).toContain(`"kind": "${kind}"`);
  expect(text("alertNode", changes)).toContain(`kind: "${kind}"`);
});
