// How long an app stays open after the access of the person in it was revoked.
//
// In each round a new person with access to the portal of a made-up client goes to the app in Chromium and signs
// in on the way. Staff revoke the access. As soon as that is answered the app is asked again and again, from
// within that browser, until it refuses. Then the browser goes there once more, and must not be shown the app
// either. At the end of the round the person is deleted.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { ask } from "./ask.ts";
import { Desk, type Client, type PortalUser } from "./desk.ts";
import { PASSWORD } from "../e2e/people.ts";

/** What to measure, and with whose help. */
export interface Door {
  /** A page of the app that is shown to people who are signed in, and to nobody else. */
  url: string;
  /** Origins of the console and the portal. */
  staff: string;
  portal: string;
  /** Staff who may give and take access, by the address with which they sign in. */
  email: string;
  /** What the made-up people may do. */
  permissions: string[];
  rounds: number;
  /** After so long an app counts as one that stays open. */
  patienceMs: number;
  /** What the page says to people who are signed in, where its status does not tell. */
  shows?: RegExp;
  /** Where signing in begins, if that is not where the app leads to by itself. */
  signIn?: string;
  /** For an API that is asked with access tokens: the app that they are for. */
  bearer?: Bearer;
  /** Whether any certificate will do. */
  insecure?: boolean;
  /** The browser's program. */
  chromium: string;
}

/** An app as its API knows it. */
export interface Bearer {
  appId: string;
  secret: string;
  redirectUri: string;
}

export interface Round {
  /** From the first look at the app until it was open. */
  signInMs: number;
  /** From the answer to the revocation until the first refusal was read; none of an app that stays open. */
  tookMs?: number;
  /** How many questions were let in after the revocation. */
  letIn: number;
  /** The refusal's status; 0 of one that leads elsewhere. */
  status: number;
}

/** The one client on whose portal all rounds are made. */
const CLIENT = { recordNumber: "DOOR-TEST", name: { first: "Door", last: "Test" }, born: "2000-01-01" };

const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const PORTAL_WORDS = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../site/src/messages/portal.en.json"), "utf8"),
) as Record<string, string>;
const say = (key: string): string => PORTAL_WORDS[key] ?? key;

/** Makes the rounds one after the other, and tells of each. An abort ends the browser, and with it the round;
 *  what it made is deleted then too. */
export async function measure(
  door: Door,
  tell: (round: Round, index: number) => void,
  abort: AbortSignal,
): Promise<Round[]> {
  const desk = await Desk.open(door.staff, door.email);
  const client = await desk.client(CLIENT.recordNumber, CLIENT.name, CLIENT.born);
  const browser = await chromium.launch({
    executablePath: door.chromium,
    args: CHROMIUM_ARGS,
    // Else a Ctrl-C ends this program before it has deleted anything.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  abort.addEventListener("abort", () => void browser.close());
  const rounds: Round[] = [];
  try {
    for (let index = 0; index < door.rounds; index++) {
      abort.throwIfAborted();
      const user = await desk.invite(client, door.permissions);
      try {
        await desk.enroll(client, user, door.portal);
        rounds.push(await revokeInside(door, desk, browser, client, user));
      } catch (error) {
        // Without a browser everything fails in some way.
        abort.throwIfAborted();
        throw error;
      } finally {
        await deleted(desk, client, user);
      }
      tell(rounds[index] as Round, index);
    }
  } finally {
    await browser.close();
  }
  return rounds;
}

/** Deletes the person of a round, or says who is left: that counts more than how the round ended. */
async function deleted(desk: Desk, client: Client, user: PortalUser): Promise<void> {
  try {
    await desk.delete(client, user);
  } catch (error) {
    throw new Error(`${user.email} could not be deleted, and may have access still: ${String(error)}`);
  }
}

async function revokeInside(
  door: Door,
  desk: Desk,
  browser: Browser,
  client: Client,
  user: PortalUser,
): Promise<Round> {
  const context = await browser.newContext({
    locale: "en-US",
    serviceWorkers: "block",
    ignoreHTTPSErrors: door.insecure ?? false,
  });
  try {
    const asker = await Asker.open(context, door);
    await asker.expectClosed();
    const begun = performance.now();
    const page = await context.newPage();
    if (door.bearer) asker.token = await tokenFor(page, door, door.bearer, user);
    else await enter(page, door, user);
    const signInMs = performance.now() - begun;
    await asker.expectOpen();
    // The browser has the page then, and would show its copy if the app allowed that.
    if (!door.bearer && !(await isShown(page, door)))
      throw new Error(`${door.url} is not shown in the browser after signing in`);
    await desk.revoke(client, user);
    const round: Round = { signInMs, ...(await asker.untilClosed()) };
    if (round.tookMs !== undefined && !door.bearer && (await isShown(page, door)))
      throw new Error(`${door.url} is shown again in the browser, though it refused before`);
    return round;
  } finally {
    await context.close();
  }
}

/** Asks the app from within the browser: as a page of the app's own origin would, of which nothing but its
 *  address is real. So the browser decides which cookies go along. */
class Asker {
  token: string | undefined;
  private constructor(
    private readonly page: Page,
    private readonly door: Door,
  ) {}

  static async open(context: BrowserContext, door: Door): Promise<Asker> {
    const page = await context.newPage();
    const here = new URL("/door-test", door.url).href;
    await page.route(here, (route) => route.fulfill({ contentType: "text/html", body: "<title>Asks</title>" }));
    await page.goto(here);
    await page.unroute(here);
    return new Asker(page, door);
  }

  /** Asks once. A status of 0 leads elsewhere. */
  private async ask(): Promise<{ status: number; isOpen: boolean }> {
    const headers: Record<string, string> = { Accept: "text/html,*/*;q=0.1" };
    if (this.token) headers["Authorization"] = `Bearer ${this.token}`;
    const answer = await this.page.evaluate(
      async ([url, headers]) => {
        const answer = await fetch(url, { redirect: "manual", cache: "no-store", headers }).catch(() => null);
        return answer && { status: answer.status, text: await answer.text() };
      },
      [this.door.url, headers] as const,
    );
    if (!answer) throw new Error(`${this.door.url} does not answer`);
    const { status, text } = answer;
    if (status >= 500) throw new Error(`the app answers ${status}, which is no refusal:\n${text}`);
    return { status, isOpen: isOpen(this.door, status, text) };
  }

  async expectClosed(): Promise<void> {
    const { isOpen } = await this.ask();
    if (isOpen) throw new Error(`${this.door.url} is open to people who are not signed in`);
  }

  async expectOpen(): Promise<void> {
    const { status, isOpen } = await this.ask();
    const what = status === 0 ? "leads elsewhere" : `answers ${status}`;
    if (!isOpen) throw new Error(`${this.door.url} ${what} after signing in: give the address of a page`);
  }

  async untilClosed(): Promise<Omit<Round, "signInMs">> {
    const revoked = performance.now();
    for (let letIn = 0; ; letIn++) {
      const { status, isOpen } = await this.ask();
      const tookMs = performance.now() - revoked;
      if (!isOpen) return { tookMs, letIn, status };
      if (tookMs > this.door.patienceMs) return { letIn: letIn + 1, status };
    }
  }
}

const isOpen = ({ shows }: Door, status: number, text: string): boolean =>
  status >= 200 && status < 300 && (!shows || shows.test(text));

/** Goes to the app, and signs in where that leads. */
async function enter(page: Page, door: Door, user: PortalUser): Promise<void> {
  await page.goto(door.signIn ?? door.url);
  await signIn(page, door, user);
}

async function signIn(page: Page, { portal }: Door, { username }: PortalUser): Promise<void> {
  const field = page.getByLabel(say("signIn.username"), { exact: true });
  await field.waitFor().catch(() => {
    throw new Error(`the app does not lead to the portal's sign-in page: the browser is at ${page.url()}`);
  });
  await field.fill(username);
  await page.getByLabel(say("signIn.password"), { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: say("signIn.action"), exact: true }).click();
  await page.waitForURL(({ origin, pathname }) => origin !== portal || !/\/(sign-in|authorize)$/.test(pathname));
}

/** Has the person let in to the app as the app would, and exchanges the code. */
async function tokenFor(page: Page, door: Door, bearer: Bearer, user: PortalUser): Promise<string> {
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    client_id: bearer.appId,
    redirect_uri: bearer.redirectUri,
    response_type: "code",
    scope: ["openid", ...door.permissions].join(" "),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const arrives = (url: URL) => url.origin + url.pathname === bearer.redirectUri;
  await page.route(arrives, (route) => route.fulfill({ contentType: "text/html", body: "<title>In</title>" }));
  await page.goto(`${door.portal}/authorize?${query}`);
  await signIn(page, door, user);
  const back = new URL(page.url());
  const code = back.searchParams.get("code");
  if (!code) throw new Error(`the portal gives the app no code: ${back.href}`);
  const proof = Buffer.from(`${bearer.appId}:${bearer.secret}`).toString("base64");
  const form = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: bearer.redirectUri };
  const { status, text } = await ask(`${door.portal}/api/oauth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${proof}`, "Content-Type": "application/x-www-form-urlencoded" },
    body: String(new URLSearchParams(form)),
  });
  if (status !== 200) throw new Error(`the portal gives the app no token: ${status} ${text}`);
  return (JSON.parse(text) as { access_token: string }).access_token;
}

/** Goes to the app's page; whether the browser ends there, and shows it. It comes from another page: going to the
 *  page on which it is would be a reload, for which it asks even where it has a copy that it may show. */
async function isShown(page: Page, door: Door): Promise<boolean> {
  await page.goto("about:blank");
  const answer = await page.goto(door.url);
  const { origin, pathname } = new URL(door.url);
  const now = new URL(page.url());
  if (!answer || now.origin !== origin || now.pathname !== pathname) return false;
  return isOpen(door, answer.status(), await answer.text());
}

/** The middle and the worst of the rounds, in milliseconds. An app that stayed open is worse than any. */
export function summary(rounds: Round[]): { p50: number; worst: number; letIn: number } {
  const took = rounds.map(({ tookMs }) => tookMs ?? Infinity).sort((a, b) => a - b);
  return {
    p50: took[Math.ceil(took.length / 2) - 1] ?? Infinity,
    worst: took.at(-1) ?? Infinity,
    letIn: Math.max(...rounds.map(({ letIn }) => letIn)),
  };
}
