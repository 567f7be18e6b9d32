// The people of the tests: staff at their desk, and clients with a browser of their own.
import { randomInt } from "node:crypto";
import { expect } from "vitest";
import { enrollment, INVITATION, newClient, newUser, PASSWORD, RESET, tokenIn } from "../e2e/people.ts";
import { codeOf, Passkey, timeLeft } from "../e2e/authenticator.ts";
import { VIEWER, call, home, mail, type Answer, type Jar } from "./home.ts";

export * from "../e2e/people.ts";

// What the API answers is looked at where it matters.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

/** Somebody of the staff, signed in. */
export class Desk {
  private constructor(readonly jar: Jar) {}

  /** Signs in as a browser would, from address to address, filling in the issuer's page where it has one. */
  static async open(email: string): Promise<Desk> {
    const { staff } = home();
    const jar: Jar = new Map();
    const begun = await call(
      staff,
      "GET",
      `/api/staff/sign-in?returnTo=/&login_hint=${encodeURIComponent(email)}`,
      { jar },
    );
    expect(begun.status).toBe(303);
    const back = await throughIssuer(String(begun.headers["location"]), email);
    const landed = await call(staff, "GET", back.pathname + back.search, { jar });
    expect([landed.status, landed.headers["location"]]).toEqual([303, "/"]);
    return new Desk(jar);
  }

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return call(home().staff, method, `/api${path}`, {
      jar: this.jar,
      headers,
      ...(body !== undefined && { body }),
    });
  }

  /** As `call`, where only one answer will do. */
  async must(
    status: number,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Json> {
    const answer = await this.call(method, path, body, headers);
    expect([answer.status, answer.status === status ? "" : `${method} ${path}: ${answer.text}`]).toEqual([
      status,
      "",
    ]);
    return answer.body;
  }

  client(given: Record<string, unknown> = {}): Promise<Json> {
    return this.must(201, "POST", "/clients", { ...newClient(), ...given });
  }

  invite(client: Json, given: Record<string, unknown> = {}): Promise<Json> {
    return this.must(201, "POST", `/clients/${client.clientId}/portal-users`, {
      ...newUser(client),
      ...given,
    });
  }

  /** Has the practice offer or require a second factor, or not. */
  async ask(secondFactor: "off" | "offered" | "required"): Promise<void> {
    const { version } = await this.must(200, "GET", "/practice");
    await this.must(200, "PATCH", "/practice", { version, secondFactor });
  }

  async users(client: Json): Promise<Json> {
    return this.must(200, "GET", `/clients/${client.clientId}/portal-users`);
  }

  change(client: Json, user: Json, what: "revoke" | "activate"): Promise<Json> {
    return this.must(200, "POST", `/clients/${client.clientId}/portal-users/${user.portalUserId}/${what}`);
  }

  /** Waits until the stream has seen to whatever was written before: mail goes out again. */
  async caughtUp(): Promise<void> {
    const { email } = await this.invite(await this.client());
    await mail(email, INVITATION, 1, 240);
  }

  /** A client and somebody who entered their portal. */
  async enrolled(practice?: string): Promise<{ client: Json; user: Json; visitor: Visitor }> {
    const client = await this.client();
    const user = await this.invite(client);
    const visitor = new Visitor(user, PASSWORD, practice);
    await visitor.enroll(client);
    return { client, user, visitor };
  }
}

/** Follows the issuer until it leads back to us; answers where to. */
async function throughIssuer(start: string, email: string): Promise<URL> {
  const { staff, password } = home();
  let at = start;
  let answer = await fetch(at, { redirect: "manual" });
  for (let steps = 0; steps < 10; steps++) {
    const next = answer.headers.get("location");
    if (next) {
      const to = new URL(next, at);
      if (to.origin === staff) return to;
      at = to.href;
      answer = await fetch(at, { redirect: "manual" });
      continue;
    }
    const page = await answer.text();
    const [, action = ""] = /<form method="POST" action="([^"]+)"/.exec(page) ?? [];
    const hidden = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const form = new URLSearchParams(
      hidden.map(([, name = "", value = ""]): [string, string] => [name, value.replaceAll("&amp;", "&")]),
    );
    form.set("username", email);
    form.set("password", password ?? "");
    at = new URL(action, at).href;
    answer = await fetch(at, { method: "POST", body: form, redirect: "manual" });
  }
  throw new Error(`the issuer does not let ${email} in: ${at}`);
}

/** A client or guardian, with a browser of their own. */
export class Visitor {
  readonly jar: Jar = new Map();
  /** Where the edge says the requests come from: failures are counted by address too. */
  private readonly address = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}:1`;
  constructor(
    readonly user: { username: string; email: string },
    public password = PASSWORD,
    private readonly practice = "harbor",
  ) {}

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return call(home().portal, method, `/api/portal${path}`, {
      jar: this.jar,
      headers: { [VIEWER]: this.address, ...headers },
      ...(body !== undefined && { body }),
    });
  }

  async must(
    status: number,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Json> {
    const answer = await this.call(method, path, body, headers);
    expect([answer.status, answer.status === status ? "" : `${method} ${path}: ${answer.text}`]).toEqual([
      status,
      "",
    ]);
    return answer.body;
  }

  /** Enrols with the newest invitation, of so many. */
  async enroll(client: Json, invitations = 1, headers: Record<string, string> = {}): Promise<Json> {
    const token = tokenIn(await mail(this.user.email, INVITATION, invitations));
    return this.must(201, "POST", "/enrollment", this.proof(client, token), headers);
  }

  proof(client: Json, token: string): Json {
    return enrollment(client, token, this.password);
  }

  signIn(password = this.password): Promise<Answer> {
    return this.call("POST", "/sign-in", {
      practice: this.practice,
      username: this.user.username,
      password,
    });
  }

  /** The challenge of the second step, after the right password. */
  async challenge(code = "second_factor_required", status = 401): Promise<Json> {
    const { status: answered, body } = await this.signIn();
    expect([answered, body.code]).toEqual([status, code]);
    return body;
  }

  /** That it is the person. */
  stepUp() {
    return { proof: { password: this.password } };
  }

  /** Adds a passkey, in a session or by the challenge that led to it. */
  async passkey(
    { challenge }: { challenge?: string } = {},
    headers: Record<string, string> = {},
  ): Promise<{ device: Passkey; passkeyId: string }> {
    const device = new Passkey(home().portal);
    const opening = challenge ? { challenge } : this.stepUp();
    const { options } = await this.must(200, "POST", "/account/passkeys/options", opening);
    const body = { name: "My phone", credential: device.create(options), ...(challenge && { challenge }) };
    const { passkeyId } = await this.must(201, "POST", "/account/passkeys", body, headers);
    if (headers["Idempotency-Key"])
      expect(await this.must(201, "POST", "/account/passkeys", body, headers)).toMatchObject({ passkeyId });
    return { device, passkeyId };
  }

  /** Adds an authenticator app; answers its secret. The code of now is left for signing in. */
  async app(): Promise<string> {
    const { secret } = await this.must(200, "POST", "/account/totp", this.stepUp());
    await timeLeft();
    await this.must(204, "PUT", "/account/totp", { code: codeOf(secret, -1) });
    return secret;
  }

  /** Signs in with a passkey alone. */
  async enterBy(device: Passkey): Promise<Json> {
    const asked = { practice: this.practice };
    const { challenge, options } = await this.must(200, "POST", "/sign-in/passkey/options", asked);
    const answer = { challenge, credential: device.get(options) };
    return this.must(200, "POST", "/sign-in/passkey", answer);
  }

  forget(): Promise<Answer> {
    return this.call("POST", "/password-reset", { practice: this.practice, username: this.user.username });
  }

  async choose(password: string): Promise<void> {
    await this.must(204, "PUT", "/password", {
      token: tokenIn(await mail(this.user.email, RESET)),
      password,
    });
    this.password = password;
  }

  /** What the session's token says: whose session it is, and where its account is kept. */
  claims(): { practice: string; account: string; sid: string } {
    const [, payload = ""] = (this.jar.get("__Host-latchkey-portal") ?? "").split(".");
    return JSON.parse(Buffer.from(payload, "base64url").toString());
  }

  async status(): Promise<number> {
    return (await this.call("GET", "/session")).status;
  }
}
