// Ready-made settings. By an app's own it keeps its promise that a revocation is felt at the next request: each
// asks Latchkey anew for every request, and remembers no answer. A system's get it a token, and an app's that posts
// alerts do, too.
import type { Alert, App, Permission, SystemScope } from "../../api/staff";

export const PROGRAMS = ["nginx", "caddy", "apache", "apachePages", "curl", "node", "alertCurl", "alertNode"] as const;
export type Program = (typeof PROGRAMS)[number];

/** Stands for a secret that is not known any more. */
export const PUT_SECRET = "put-the-secret-here";

/** What Latchkey keeps in a browser at the portal: the session, and that the device signed in before. */
const COOKIES = ["__Host-latchkey-portal", "__Host-latchkey-device"];

const NO_COPY = `# Else the browser shows its copy without asking.
    Header always set Cache-Control no-store`;

interface Facts {
  app: App;
  /** The portal's origin. */
  issuer: string;
  secret: string | null;
}

/** The settings that fit an app or a system, by how it shows that it is itself. */
export function settingsFor(facts: Facts): { program: Program; text: string }[] {
  const { app } = facts;
  const portal = app.kind === "portal";
  // Posting alerts has settings of its own.
  const callsMore = !portal && `${app.scopes}` !== "alerts";
  const fits: Record<Program, boolean> = {
    nginx: portal,
    caddy: portal,
    // It signs with no key that the API takes, and who cannot prove itself may not introspect.
    apache: portal && app.authentication === "secret",
    apachePages: portal && app.authentication === "secret" && app.redirectUris.length > 0,
    curl: callsMore,
    node: callsMore || (portal && app.redirectUris.length > 0),
    alertCurl: app.scopes.includes("alerts"),
    alertNode: app.scopes.includes("alerts"),
  };
  return PROGRAMS.filter((program) => fits[program]).map((program) => ({
    program,
    text: `${TEXTS[program](facts).trim()}\n`,
  }));
}

const TEXTS: Record<Program, (facts: Facts) => string> = {
  nginx: (facts) => {
    const headers = ["Subject", "Session", "Charts"];
    const variable = (header: string) => `$latchkey_${header.toLowerCase()}`;
    // Of this app alone: with a name that two apps share, one would be let in by what the other may.
    const own = facts.app.appId.split(".")[1]?.toLowerCase();
    const [check, signIn] = [`/latchkey-check-${own}`, `@latchkey-sign-in-${own}`];
    // Without it nginx takes anybody's word for being Latchkey.
    const verified = facts.issuer.startsWith("https:")
      ? `
    proxy_ssl_server_name on;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;`
      : "";
    return `
# In the server block of ${new URL(facts.issuer).host}: the session's cookie is sent to no other host.
# Nor to the app: with it everything in the portal opens.
set $latchkey_cookies $http_cookie;
${COOKIES.map(
  (name) => `if ($latchkey_cookies ~ "^(|.*; ?)${name}=[^;]*;? ?(.*)$") {
    set $latchkey_cookies $1$2;
}`,
).join("\n")}
location ${pathOf(facts)} {
    auth_request ${check};
    error_page 401 = ${signIn};
    # Else the browser shows its copy without asking. Headers that the server block adds must be repeated here.
    add_header Cache-Control no-store always;
${headers.map((each) => `    auth_request_set ${variable(each)} $upstream_http_latchkey_${each.toLowerCase()};`).join("\n")}
${headers.map((each) => `    proxy_set_header Latchkey-${each} ${variable(each)};`).join("\n")}
    proxy_set_header Cookie $latchkey_cookies;
    # The app.
    proxy_pass http://127.0.0.1:8080;
}
location = ${check} {
    internal;
    # Latchkey. Where this nginx stands in front of it, by the address behind.
    proxy_pass ${facts.issuer}${checkOf(facts)};
    proxy_set_header Host ${new URL(facts.issuer).host};${verified}
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
}
location ${signIn} {
    return 302 ${signInOf(facts)};
}`;
  },

  caddy: (facts) => `
# The session's cookie is sent to no other host than the portal's.
${facts.issuer} {
    handle ${pathOf(facts)}* {
        # Latchkey. Where this Caddy stands in front of it, by the address behind.
        forward_auth ${facts.issuer} {
            header_up Host ${new URL(facts.issuer).host}
            uri ${checkOf(facts)}
            copy_headers Latchkey-Subject Latchkey-Session Latchkey-Charts
            @signed_out status 401
            handle_response @signed_out {
                redir * ${signInOf(facts)}
            }
        }
        # The app is not to see the session's cookie, with which everything in the portal opens; and in other
        # spellings, a browser would say of itself what only Latchkey says.
        request_header Cookie "(^|; ?)((${COOKIES.join("|")})=[^;]*(; ?|$))+" "$1"
        request_header -Latchkey_*
        # Else the browser shows its copy without asking.
        header Cache-Control no-store
        # The app.
        reverse_proxy 127.0.0.1:8080
    }
}`,

  apache: ({ app, issuer, secret }) => `
# mod_auth_openidc 2.4.5 or newer, and mod_headers. Requests bring the app's access token: "Authorization: Bearer …".
OIDCOAuthIntrospectionEndpoint ${issuer}/api/oauth/introspect
OIDCOAuthIntrospectionEndpointAuth client_secret_basic
OIDCOAuthClientID ${app.appId}
OIDCOAuthClientSecret ${secret ?? PUT_SECRET}
OIDCOAuthRemoteUserClaim sub
<Location ${locationOf(app)}>
    AuthType oauth20
    Require valid-user
    # Ask for every request: by default an answer is kept until the token runs out.
    OIDCOAuthTokenIntrospectionInterval -1
    ${NO_COPY}
</Location>`,

  // When it asks again and is refused, it forgets what it was told before, and keeps the person signed in. So the
  // answer is what lets people in.
  apachePages: ({ app, issuer, secret }) => `
# mod_auth_openidc 2.4.5 or newer, and mod_headers, in the server block of ${new URL(app.redirectUris[0] ?? issuer).host}.
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${app.appId}
OIDCClientSecret ${secret ?? PUT_SECRET}
OIDCRedirectURI ${app.redirectUris[0]}
OIDCScope "${scopeOf(app)}"
OIDCPKCEMethod S256
OIDCCryptoPassphrase "exec:/usr/bin/openssl rand -hex 32"
# Ask again after a second: it cannot ask for every request.
OIDCUserInfoRefreshInterval 1
OIDCPassUserInfoAs json
<Location ${locationOf(app)}>
    AuthType openid-connect
    # Without an answer nobody is let in. "Require valid-user" would let in everybody who once signed in.
    Require expr "%{REMOTE_USER} != '' && %{ENV:OIDC_userinfo_json} != ''"
    ${NO_COPY}
</Location>
# Where people come back nobody is known yet. Below the rest, which would overrule it; and nothing but this page.
<LocationMatch "^${escaped(new URL(app.redirectUris[0] ?? issuer).pathname)}$">
    AuthType openid-connect
    Require valid-user
</LocationMatch>`,

  curl: (facts) => `
${shellToken(facts, facts.app.scopes)}

# Every call brings it.
${facts.app.scopes
  .flatMap((scope) => CALLS[scope]?.(facts.issuer) ?? [])
  .map((call) => `curl --header "Authorization: Bearer $TOKEN" \\\n  ${call}`)
  .join("\n")}`,

  node: (facts) => `${discovery(facts)}
${facts.app.kind === "system" ? system(facts) : signIn(facts)}`,

  alertCurl: (facts) => `
${shellToken(facts, ["alerts"])}

# Sent again within a day with the same key, it stays one alert.
curl --header "Authorization: Bearer $TOKEN" \\
  --header 'Idempotency-Key: ${WHAT_WAITS}' \\
  ${posted(`{"recordNumber": "${RECORD}", "kind": "${kindOf(facts.app)}"}`)} \\
  ${facts.issuer}/api/alerts`,

  alertNode: (facts) => `${discovery(facts)}
${nodeToken(["alerts"])}

// Word that something waits for a client. Sent again within a day with the same id, it stays one alert.
export async function postAlert(alert, id) {
  const { access_token } = await token();
  const answer = await fetch(${JSON.stringify(`${facts.issuer}/api/alerts`)}, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: "Bearer " + access_token,
      "Idempotency-Key": id,
    },
    body: JSON.stringify(alert),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

await postAlert({ recordNumber: "${RECORD}", kind: "${kindOf(facts.app)}" }, "${WHAT_WAITS}");`,
};

const RECORD = "put-the-record-number-here";
/** The id that the program has for what waits. */
const WHAT_WAITS = "put-the-id-of-what-waits-here";

/** What an app may post: with a permission, that permission's kind alone. */
const KINDS: Record<Permission, Alert["kind"]> = {
  basic: "appointment",
  messaging: "message",
  documents: "document",
  sessions: "session",
  billing: "invoice",
  surveys: "survey",
};
const kindOf = ({ permission = "messaging" }: App): Alert["kind"] => KINDS[permission];

/** One call that each scope opens. */
const CALLS: Partial<Record<SystemScope, (issuer: string) => string>> = {
  clients: (issuer) => `${posted('{"query": "Okafor"}')} ${issuer}/api/clients/search`,
  access: (issuer) => `${issuer}/api/clients/put-the-client-here/portal-users`,
  history: (issuer) => `${issuer}/api/clients/put-the-client-here/history`,
};

const posted = (body: string) => `--header 'Content-Type: application/json' --data '${body}'`;

function shellToken({ app, issuer, secret }: Facts, scopes: readonly SystemScope[]): string {
  const proof =
    app.authentication === "secret"
      ? `--user '${app.appId}:${secret ?? PUT_SECRET}'`
      : `--data client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  --data-urlencode "client_assertion=$ASSERTION"`;
  return `${
    app.authentication === "key"
      ? `# ASSERTION is a JWT that is signed with the private key: alg ES256, kid ${app.publicKeys.map(({ kid }) => kid).join(" or ")}.
# iss and sub are ${app.appId}, aud is ${issuer},
# exp is at most 5 minutes away, and jti is another one each time.
`
      : ""
  }# A token, which works for ten minutes.
TOKEN=$(curl --silent --show-error ${issuer}/api/oauth/token \\
  ${proof} \\
  --data grant_type=client_credentials \\
  --data-urlencode 'scope=${scopes.join(" ")}' |
  sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p')`;
}

const discovery = (facts: Facts): string => `
// npm install openid-client@6
${facts.app.authentication === "key" ? 'import { readFile } from "node:fs/promises";\n' : ""}import * as client from "openid-client";

${KEY[facts.app.authentication]}const latchkey = await client.discovery(
  new URL(${JSON.stringify(facts.issuer)}),
  ${JSON.stringify(facts.app.appId)},
  undefined,
  ${proofOf(facts)},${facts.issuer.startsWith("http:") ? "\n  { execute: [client.allowInsecureRequests] }," : ""}
);`;

const nodeToken = (scopes: readonly SystemScope[]): string => `
// A token, which works for ten minutes.
export const token = () =>
  client.clientCredentialsGrant(latchkey, { scope: ${JSON.stringify(scopes.join(" "))} });`;

const system = ({ app, issuer }: Facts): string => `${nodeToken(app.scopes)}

// Every call brings it.
export const call = (tokens, path, request = {}) =>
  fetch(new URL(path, ${JSON.stringify(issuer)}), {
    ...request,
    headers: { "Content-Type": "application/json", Authorization: "Bearer " + tokens.access_token },
  });`;

const signIn = (facts: Facts): string => `
// Where to send the browser. Keep the checks in the browser's session.
export async function signIn() {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  };
  const address = client.buildAuthorizationUrl(latchkey, {
    redirect_uri: ${JSON.stringify(facts.app.redirectUris[0])},
    scope: ${JSON.stringify(scopeOf(facts.app))},
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  });
  return { address, checks };
}

// What the browser came back with, for tokens.
export const arrive = (address, checks) => client.authorizationCodeGrant(latchkey, address, checks);

// The charts that the person may see now: none once the access is revoked. Ask before every answer, and
// never answer from memory.
${
  facts.app.authentication === "none"
    ? `export async function charts(tokens) {
  try {
    const { sub } = tokens.claims();
    return (await client.fetchUserInfo(latchkey, tokens.access_token, sub)).charts;
  } catch (error) {
    if (error instanceof client.WWWAuthenticateChallengeError) return [];
    throw error;
  }
}`
    : `export async function charts(tokens) {
  const { active, charts } = await client.tokenIntrospection(latchkey, tokens.access_token);
  return active ? charts : [];
}`
}`;

const KEY: Record<App["authentication"], string> = {
  secret: "",
  none: "",
  key: `const jwk = JSON.parse(await readFile("private-key.json", "utf8"));
const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
`,
};

function proofOf({ app, secret }: Facts): string {
  switch (app.authentication) {
    case "secret":
      return `client.ClientSecretBasic(${JSON.stringify(secret ?? PUT_SECRET)})`;
    case "key":
      return `client.PrivateKeyJwt({ key, kid: ${JSON.stringify(app.publicKeys[0]?.kid)} })`;
    case "none":
      return "client.None()";
  }
}

/** What the app asks to be told. */
function scopeOf({ permission }: App): string {
  const all = ["basic", "messaging", "documents", "sessions", "billing", "surveys"];
  return ["openid", "profile", ...(permission ? [permission] : all)].join(" ");
}

/** The part of the app's host that is the app's: the folder of the page to which the tile leads. That page alone
 *  would leave all others open to everybody. */
const locationOf = ({ launchUrl }: App): string =>
  launchUrl ? new URL(launchUrl).pathname.replace(/[^/]*$/, "") : "/";

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

const checkOf = ({ app }: Facts): string => `/api/portal/check?app=${app.appId}`;

const signInOf = ({ app, issuer }: Facts): string => `${issuer}/${app.appId.split(".")[0]}/sign-in`;

/** Where the app stands on the portal's own host: where its tile leads, if that is there, else at its name. */
function pathOf({ app, issuer }: Facts): string {
  const tile = app.launchUrl ? new URL(app.launchUrl) : undefined;
  // A last part with a dot is a file.
  const path = tile?.pathname.replace(/\/[^/]*\.[^/]*$/, "").replace(/\/*$/, "/");
  if (tile?.origin === issuer && path && path !== "/") return path;
  const name = app.name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z\d]+/g, "-")
    .replace(/^-|-$/g, "");
  return `/${name || "app"}/`;
}
