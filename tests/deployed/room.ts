// An app behind the door, as its own server and the browsers that it sends to us call the API.
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { expect } from "vitest";
import { call, home, type Answer } from "./home.ts";
import { unique, type Desk, type Visitor } from "./people.ts";

// What the API answers is looked at where it matters.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

/** Where a room wants people to come in, and to be once they are signed out. */
export const IN = "https://rooms.example/in";
export const BYE = "https://rooms.example/bye";

const VERIFIER = "seven-quiet-kettles-hum-in-the-morning-light";
const challenge = createHash("sha256").update(VERIFIER).digest("base64url");
const KID = "room";

/** What the desk writes down of a new app: one for messages. */
export const newApp = () => ({
  name: `Room ${unique()}`,
  kind: "portal",
  permission: "messaging",
  launchUrl: "https://rooms.example/",
  redirectUris: [IN],
  postLogoutRedirectUris: [BYE],
  authentication: "secret",
});

/** A registered app, with what it proves itself by. */
export class Room {
  private constructor(
    readonly appId: string,
    private readonly proof: { secret: string } | { key: KeyObject; issuer: string },
  ) {}

  /** Registers one that has a secret. */
  static async open(desk: Desk, more: Record<string, unknown> = {}): Promise<Room> {
    const { app, secret } = await desk.must(201, "POST", "/apps", { ...newApp(), ...more });
    return new Room(app.appId, { secret });
  }

  /** Registers one that has a key of its own, and nothing else that is secret. */
  static async withKey(desk: Desk): Promise<Room> {
    const { privateKey: key, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const publicKeys = [{ ...publicKey.export({ format: "jwk" }), kid: KID }];
    const { app } = await desk.must(201, "POST", "/apps", { ...newApp(), authentication: "key", publicKeys });
    const { issuer } = (await metadata()).body;
    return new Room(app.appId, { key, issuer });
  }

  /** Registers a system: one that may post alerts. */
  static async ofSystem(desk: Desk): Promise<Room> {
    const body = { name: `System ${unique()}`, kind: "system", authentication: "secret", scopes: ["alerts"] };
    const { app, secret } = await desk.must(201, "POST", "/apps", body);
    return new Room(app.appId, { secret });
  }

  /** As a system, wants what it has no scope for. */
  async beyond(method: string, path: string, body?: object): Promise<void> {
    const answer = await this.program(method, path, body);
    expect([answer.status, answer.body?.code]).toEqual([403, "insufficient_scope"]);
  }

  /** As a system, posts an alert. */
  async alert(body: object, headers: Record<string, string> = {}): Promise<Json> {
    const answer = await this.program("POST", "/alerts", body, headers);
    expect([answer.status, answer.status === 202 ? "" : answer.text]).toEqual([202, ""]);
    return answer.body;
  }

  /** Calls by itself. */
  private async program(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { access_token: token } = await this.must(200, "/token", { grant_type: "client_credentials" });
    return call(home().staff, method, `/api${path}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body && { body }),
    });
  }

  /** The same app, with another secret. */
  knowing(secret: string): Room {
    return new Room(this.appId, { secret });
  }

  /** What a browser brings to the portal's page from this app. */
  request(more: Record<string, string> = {}): Record<string, string> {
    return {
      client_id: this.appId,
      redirect_uri: IN,
      response_type: "code",
      scope: "openid profile email messaging",
      state: "where we were",
      code_challenge: challenge,
      code_challenge_method: "S256",
      ...more,
    };
  }

  /** Has somebody who is signed in sent back with a code; answers the code. */
  async code(visitor: Visitor): Promise<string> {
    const { redirectTo } = await visitor.must(200, "POST", "/authorization", this.request());
    const to = new URL(redirectTo);
    expect([to.origin + to.pathname, to.searchParams.get("state")]).toEqual([IN, "where we were"]);
    return to.searchParams.get("code")!;
  }

  /** Has somebody let in; answers the tokens. */
  async tokens(visitor: Visitor): Promise<Json> {
    const form = { grant_type: "authorization_code", code: await this.code(visitor), code_verifier: VERIFIER };
    return this.must(200, "/token", { ...form, redirect_uri: IN });
  }

  /** What a token opens. */
  introspect(token: string): Promise<Json> {
    return this.must(200, "/introspect", { token });
  }

  /** Asks as the app, at either host. */
  ask(
    path: string,
    form: Record<string, string>,
    { host = home().portal, assertion = this.assertion() }: { host?: string; assertion?: string } = {},
  ): Promise<Answer> {
    const signed = assertion && {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    };
    return call(host, "POST", `/api/oauth${path}`, {
      form: { ...form, ...(signed || {}) },
      headers: this.basic(),
    });
  }

  /** As `ask`, where only one answer will do. */
  async must(status: number, path: string, form: Record<string, string>, how = {}): Promise<Json> {
    const answer = await this.ask(path, form, how);
    expect([answer.status, answer.status === status ? "" : `${path}: ${answer.text}`]).toEqual([status, ""]);
    return answer.body;
  }

  /** What it proves itself by once, if that is a key. */
  assertion(): string {
    if (!("key" in this.proof)) return "";
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1000) + 60;
    const claims = { iss: this.appId, sub: this.appId, aud: this.proof.issuer, exp, jti: unique() + randomBytes(8).toString("hex") };
    const said = `${part({ typ: "JWT", alg: "ES256", kid: KID })}.${part(claims)}`;
    const signature = sign("sha256", Buffer.from(said), { key: this.proof.key, dsaEncoding: "ieee-p1363" });
    return `${said}.${signature.toString("base64url")}`;
  }

  private basic(): Record<string, string> {
    if (!("secret" in this.proof)) return {};
    const both = Buffer.from(`${this.appId}:${this.proof.secret}`).toString("base64");
    return { authorization: `Basic ${both}` };
  }

  /** Asks with a token who is there. */
  static who(token: string, method: "GET" | "POST" = "GET"): Promise<Answer> {
    return call(home().portal, method, "/api/oauth/userinfo", {
      headers: { authorization: `Bearer ${token}` },
      ...(method === "POST" && { form: {} }),
    });
  }

  /** Has the desk delete it. */
  async close(desk: Desk): Promise<void> {
    await desk.must(204, "DELETE", `/apps/${this.appId}?confirm=delete`);
  }
}

/** Where apps ask, and how. */
export const metadata = (): Promise<Answer> => call(home().portal, "GET", "/.well-known/openid-configuration");
