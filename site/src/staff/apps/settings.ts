// Ready-made settings by which an app keeps its promise: whoever lost access is refused at the next question.
// Each asks Latchkey anew for every request, and remembers no answer.
import type { App } from "../../api/staff";

export const PROGRAMS = ["nginx", "caddy", "apache", "node"] as const;
export type Program = (typeof PROGRAMS)[number];

/** Stands for a secret that is not known any more. */
export const PUT_SECRET = "put-the-secret-here";

interface Facts {
  app: App;
  /** The portal's origin. */
  issuer: string;
  secret: string | null;
}

/** The settings that fit an app, by how it shows that it is itself. A system has none: it calls the API by
 *  itself. */
export function settingsFor(facts: Facts): { program: Program; text: string }[] {
  const { app } = facts;
  if (app.kind !== "portal") return [];
  const fits: Record<Program, boolean> = {
    nginx: true,
    caddy: true,
    // It signs with no key that the API takes, and who cannot prove itself may not introspect.
    apache: app.authentication === "secret",
    node: app.redirectUris.length > 0,
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
    return `
# In the server block of ${new URL(facts.issuer).host}: the session's cookie is sent to no other host.
location ${pathOf(facts)} {
    auth_request /latchkey-check;
    error_page 401 = @latchkey-sign-in;
${headers.map((each) => `    auth_request_set ${variable(each)} $upstream_http_latchkey_${each.toLowerCase()};`).join("\n")}
${headers.map((each) => `    proxy_set_header Latchkey-${each} ${variable(each)};`).join("\n")}
    # The app.
    proxy_pass http://127.0.0.1:8080;
}
location = /latchkey-check {
    internal;
    # Latchkey. Where this nginx stands in front of it, by the address behind.
    proxy_pass ${facts.issuer}${checkOf(facts)};
    proxy_ssl_server_name on;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
}
location @latchkey-sign-in {
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
        # The app.
        reverse_proxy 127.0.0.1:8080
    }
}`,

  apache: ({ app, issuer, secret }) => `
# mod_auth_openidc 2.4.5 or newer. Requests bring the app's access token: "Authorization: Bearer …".
OIDCOAuthIntrospectionEndpoint ${issuer}/api/oauth/introspect
OIDCOAuthIntrospectionEndpointAuth client_secret_basic
OIDCOAuthClientID ${app.appId}
OIDCOAuthClientSecret ${secret ?? PUT_SECRET}
OIDCOAuthRemoteUserClaim sub
<Location ${app.launchUrl ? new URL(app.launchUrl).pathname : "/"}>
    AuthType oauth20
    Require valid-user
    # Ask for every request: by default an answer is kept until the token runs out.
    OIDCOAuthTokenIntrospectionInterval -1
</Location>`,

  node: (facts) => `
// npm install openid-client@6
${facts.app.authentication === "key" ? 'import { readFile } from "node:fs/promises";\n' : ""}import * as client from "openid-client";

${KEY[facts.app.authentication]}const latchkey = await client.discovery(
  new URL(${JSON.stringify(facts.issuer)}),
  ${JSON.stringify(facts.app.appId)},
  undefined,
  ${proofOf(facts)},${facts.issuer.startsWith("http:") ? "\n  { execute: [client.allowInsecureRequests] }," : ""}
);

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

// Before every answer, and never from memory: what was revoked is refused from here on.
${
  facts.app.authentication === "none"
    ? `// Throws once there is no access any more.
export const person = (tokens) =>
  client.fetchUserInfo(latchkey, tokens.access_token, tokens.claims().sub);`
    : `export async function mayPass(tokens) {
  const { active } = await client.tokenIntrospection(latchkey, tokens.access_token);
  return active;
}`
}`,
};

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

const checkOf = ({ app }: Facts): string => `/api/portal/check?app=${app.appId}`;

const signInOf = ({ app, issuer }: Facts): string => `${issuer}/${app.appId.split(".")[0]}/sign-in`;

/** Where the app stands on the portal's own host: where its tile leads, if that is there, else at its name. */
function pathOf({ app, issuer }: Facts): string {
  const tile = app.launchUrl ? new URL(app.launchUrl) : undefined;
  if (tile?.origin === issuer && tile.pathname !== "/") return tile.pathname.replace(/\/*$/, "/");
  const name = app.name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z\d]+/g, "-")
    .replace(/^-|-$/g, "");
  return `/${name || "app"}/`;
}
