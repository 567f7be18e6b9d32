// Apps behind the portal's door: registered for a test and gone with it, and asking as an app does.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { type PortalUser, portalOrigin, staffOrigin, test as base } from "./world";

export interface App {
  appId: string;
  name: string;
  enabled: boolean;
  version: number;
}

/** Where the apps of the tests would be, if there were any: the browser is answered by the test. */
export const ROOMS = "http://rooms.localhost:9";
export const REDIRECT = `${ROOMS}/in`;
export const GOODBYE = `${ROOMS}/bye`;

export const VERIFIER = "seven-quiet-kettles-hum-in-the-morning-light";
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

/** What an app with a secret is registered with. */
export const registration = {
  name: "Messages",
  kind: "portal",
  permission: "messaging",
  redirectUris: [REDIRECT],
  postLogoutRedirectUris: [GOODBYE],
  authentication: "secret",
};

/** What a system that posts alerts is registered with. */
export const system = {
  ...registration,
  name: "Practice record",
  kind: "system",
  permission: undefined,
  redirectUris: undefined,
  postLogoutRedirectUris: undefined,
  scopes: ["alerts"],
};

/** Has a browser find the apps' pages. */
export async function openRooms(page: Page): Promise<void> {
  const body = '<html lang="en"><title>Room</title><h1>Room</h1></html>';
  await page.context().route(`${ROOMS}/**`, (route) => route.fulfill({ contentType: "text/html", body }));
}

/** What an app that is registered asks, and how it proves itself. */
export class Room {
  constructor(
    readonly app: App,
    readonly secret: string,
  ) {}

  /** Where it sends a browser to be let in. */
  authorize(changes: Record<string, string> = {}): string {
    const query = new URLSearchParams({
      client_id: this.app.appId,
      redirect_uri: REDIRECT,
      response_type: "code",
      scope: "openid profile messaging",
      code_challenge: CHALLENGE,
      code_challenge_method: "S256",
      state: "a state & more",
      ...changes,
    });
    return `${portalOrigin()}/authorize?${query}`;
  }

  /** Exchanges the code that a browser came back with. */
  async tokens(address: string): Promise<{ access_token: string; id_token: string }> {
    const code = new URL(address).searchParams.get("code");
    if (!code) throw new Error(`no code in ${address}`);
    const answer = await this.ask("token", {
      grant_type: "authorization_code",
      code,
      code_verifier: VERIFIER,
      redirect_uri: REDIRECT,
    });
    return (await answer.json()) as { access_token: string; id_token: string };
  }

  /** Whether the holder of a token may still see something. */
  async isActive(token: string): Promise<boolean> {
    const answer = await this.ask("introspect", { token });
    return ((await answer.json()) as { active: boolean }).active;
  }

  /** The status with which the API answers the app: 401 where it does not know it (any more). */
  async status(secret = this.secret): Promise<number> {
    return (await this.ask("introspect", { token: "nonsense" }, secret)).status;
  }

  /** Posts an alert with a token of its own, by which nobody is signed in. */
  async post(alert: object, idempotencyKey: string = randomUUID()): Promise<{ status: number; text: string }> {
    const granted = await this.ask("token", { grant_type: "client_credentials", scope: "alerts" });
    const { access_token } = (await granted.json()) as { access_token: string };
    const answer = await fetch(`${staffOrigin()}/api/alerts`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${access_token}`,
        "Content-Type": "application/json",
        "Idempotency-Key": idempotencyKey,
      },
      body: JSON.stringify(alert),
    });
    return { status: answer.status, text: await answer.text() };
  }

  private ask(what: string, form: Record<string, string>, secret = this.secret): Promise<Response> {
    const proof = Buffer.from(`${this.app.appId}:${secret}`).toString("base64");
    return fetch(`${staffOrigin()}/api/oauth/${what}`, {
      method: "POST",
      headers: { Authorization: `Basic ${proof}` },
      body: new URLSearchParams(form),
    });
  }
}

/** Alerts as the API lists them: in every state, of every kind, and to each whom they can go to. */
export function everyAlert(users: PortalUser[]): object[] {
  const states = ["queued", "covered", "sent", "delivered", "bounced", "complained"];
  const kinds = ["message", "document", "appointment", "invoice", "survey", "session"];
  return states.map((state, n) => ({
    alertId: `01KAV000000000000000000A${n}`,
    kind: kinds[n],
    at: `2026-11-2${6 - n}T09:30:00.000Z`,
    state,
    ...(n === 2 ? { to: "practice" } : { to: "portalUser", portalUserId: n === 3 ? "gone" : users[0]?.portalUserId }),
  }));
}

/** Where an app hears logout notices. */
export interface Listener {
  /** What it is registered with. */
  readonly logoutUri: string;
  /** The logout tokens that it was sent. */
  readonly heard: string[];
  /** Answers from now on, also what waits for it. */
  answer: () => void;
}

/** How tests register apps; each is deleted when its test is over. */
type Register = (changes?: object) => Promise<Room>;

export const test = base.extend<{ register: Register; room: Room; listener: Listener }>({
  register: async ({ admin }, use) => {
    const made: string[] = [];
    await use(async (changes = {}) => {
      const body = { ...registration, ...changes };
      const { app, secret = "" } = await admin.call<{ app: App; secret?: string }>("POST", "/api/apps", body);
      made.push(app.appId);
      return new Room(app, secret);
    });
    const { apps } = await admin.call<{ apps: App[] }>("GET", "/api/apps");
    for (const { appId } of apps.filter((app) => made.includes(app.appId)))
      await admin.call("DELETE", `/api/apps/${appId}?confirm=delete`);
  },
  room: async ({ register }, use) => use(await register()),
  listener: async ({}, use) => {
    const heard: string[] = [];
    let answer = () => {};
    const answering = new Promise<void>((begin) => (answer = begin));
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk));
      request.on("end", () => {
        heard.push(new URLSearchParams(body).get("logout_token") ?? "");
        void answering.then(() => response.end());
      });
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    await use({ logoutUri: `http://127.0.0.1:${port}/out`, heard, answer });
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  },
});
