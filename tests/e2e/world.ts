// What every test has: people with browsers of their own, a desk that makes clients quickly, the mails
// that were sent, and a watch that fails the test for anything a browser complains of.
import {
  test as base,
  expect,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from "@playwright/test";

import { get, type IncomingMessage } from "node:http";
import { complainOfLostFocus } from "./focus";
import { enrollment, INVITATION, newClient, newUser, PASSWORD, tokenIn, type Name } from "./people";

export { expect, type Page } from "@playwright/test";
export * from "./people";

export interface Client {
  clientId: string;
  name: Name;
  dateOfBirth: string;
  recordNumber: string;
}
export interface PortalUser {
  portalUserId: string;
  name: Name;
  username: string;
  email: string;
  status: string;
}
export interface Mail {
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

export type Permission = "basic" | "messaging" | "documents" | "sessions" | "billing" | "surveys";

const address = (name: "LATCHKEY_STAFF" | "LATCHKEY_PORTAL"): string => {
  const value = process.env[name];
  if (!value) throw new Error("the home is started by the configuration's globalSetup");
  return value;
};
export const staffOrigin = () => address("LATCHKEY_STAFF");
export const portalOrigin = () => address("LATCHKEY_PORTAL");
/** The sample room has a host of its own at the home's port. */
export const roomOrigin = () => portalOrigin().replace("//portal.", "//rooms.");
/** The portal of the sample practice that the tests live in. */
export const harborPortal = (page = "") => `${portalOrigin()}/harbor/${page}`;

export const fullName = ({ first, last }: Name): string => `${first} ${last}`.trim();

/** A client's page, or one of its sections. */
export const clientPage = ({ clientId }: Pick<Client, "clientId">, section = ""): string =>
  `${staffOrigin()}/clients/${clientId}${section}`;

/** The mails that the home has sent. */
export class Mailbox {
  async all(): Promise<Mail[]> {
    const answer = await fetch(`${staffOrigin()}/mailbox/messages?limit=1000`);
    return ((await answer.json()) as { messages: Mail[] }).messages;
  }

  /** The mails to an address, newest first. */
  async sentTo(email: string): Promise<Mail[]> {
    return (await this.all()).filter((mail) => mail.to.toLowerCase() === email.toLowerCase());
  }

  /** The newest mail to an address with that in its subject, as soon as there are `count` of them. */
  async wait(email: string, subject: RegExp, count = 1): Promise<Mail> {
    let found: Mail[] = [];
    await expect
      .poll(
        async () => {
          found = (await this.sentTo(email)).filter((mail) => subject.test(mail.subject));
          return found.length;
        },
        { message: `mail to ${email}: ${subject}`, intervals: [50] },
      )
      .toBe(count);
    return found[0] as Mail;
  }
}

/** Opens an address as a browser opens a link. Node's `fetch` says "cors" of itself, as a page's script would. */
const visit = (at: string, cookie: string) =>
  new Promise<IncomingMessage>((answered, failed) => {
    const headers = { cookie, "Sec-Fetch-Mode": "navigate" };
    get(at, { headers }, (answer) => answered(answer.resume())).once("error", failed);
  });

/** The API as the pages use it, for whatever a test is not about. */
export class Desk {
  private constructor(
    private readonly cookie: string,
    readonly mailbox: Mailbox,
  ) {}

  /** Signs in as a browser would, from address to address. */
  static async open(email: string, mailbox: Mailbox): Promise<Desk> {
    const jar = new Map<string, string>();
    let at = `${staffOrigin()}/api/staff/sign-in?login_hint=${encodeURIComponent(email)}&returnTo=/`;
    while (new URL(at).pathname !== "/") {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await visit(at, cookie);
      for (const set of answer.headers["set-cookie"] ?? []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        if (name) jar.set(name, value ?? "");
      }
      const next = answer.headers.location;
      if (!next) throw new Error(`signing in at ${at}: ${answer.statusCode}`);
      at = new URL(next, at).href;
    }
    return new Desk([...jar].map(([name, value]) => `${name}=${value}`).join("; "), mailbox);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(staffOrigin() + path, {
      method,
      headers: { cookie: this.cookie, Origin: staffOrigin(), "Content-Type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  client(
    given: { name?: Name; dateOfBirth?: string; emails?: string[]; phones?: string[] } = {},
  ): Promise<Client> {
    return this.call("POST", "/api/clients", {
      distinct: true,
      ...newClient(),
      ...given,
      emails: (given.emails ?? []).map((each) => ({ type: "home", address: each })),
      phones: (given.phones ?? []).map((number) => ({ type: "mobile", number })),
    });
  }

  /** Gives somebody access; by default the client. */
  invite(
    client: Client,
    given: {
      name?: Name;
      email?: string;
      relationship?: string;
      permissions?: Permission[];
      chartOwner?: boolean;
    } = {},
  ): Promise<PortalUser> {
    return this.call("POST", `/api/clients/${client.clientId}/portal-users`, {
      ...newUser(client),
      ...given,
    });
  }

  /** Gives access and enrols, as the person would with the mail's link. */
  async enrolled(client: Client, given: Parameters<Desk["invite"]>[1] = {}): Promise<PortalUser> {
    const user = await this.invite(client, given);
    const before = (await this.mailbox.sentTo(user.email)).filter((mail) => INVITATION.test(mail.subject));
    const mail = before.length ? before[0] : await this.mailbox.wait(user.email, INVITATION);
    const answer = await fetch(`${staffOrigin()}/api/portal/enrollment`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: portalOrigin() },
      body: JSON.stringify(enrollment(client, tokenIn(mail as Mail))),
    });
    // Without a session where a second factor is asked for.
    if (![201, 204].includes(answer.status)) throw new Error(`enrollment: ${answer.status} ${await answer.text()}`);
    return user;
  }

  /** revoke, activate or another change of one person's access. */
  change(client: Client, user: PortalUser, what: "revoke" | "activate" | "invitation"): Promise<unknown> {
    return this.call("POST", `/api/clients/${client.clientId}/portal-users/${user.portalUserId}/${what}`);
  }

  async users(client: Client): Promise<PortalUser[]> {
    const path = `/api/clients/${client.clientId}/portal-users`;
    return (await this.call<{ portalUsers: PortalUser[] }>("GET", path)).portalUsers;
  }
}

/** A request from within a page, with its cookies and its origin. */
export const request = (page: Page, method: string, path: string, body?: unknown) =>
  page.evaluate(
    async ([method, path, body]) => {
      const answer = await fetch(path, {
        method,
        ...(body && { headers: { "Content-Type": "application/json" }, body }),
      });
      return { status: answer.status, text: await answer.text() };
    },
    [method, path, body === undefined ? "" : JSON.stringify(body)] as const,
  );

/** What a page asks of the API from now on, as it is asked. */
export function asked(page: Page): string[] {
  const requests: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/api/")) requests.push(`${request.method()} ${pathname}`);
  });
  return requests;
}

/** Gives a page, before it is opened, a clock that `forward` moves. */
export async function holdClock(page: Page): Promise<void> {
  await page.clock.install();
  await page.addInitScript(() => {
    const ask = window.fetch;
    window.unanswered = 0;
    window.fetch = async (...request) => {
      window.unanswered += 1;
      try {
        const answer = await ask(...request);
        await answer.clone().arrayBuffer();
        return answer;
      } finally {
        window.unanswered -= 1;
      }
    };
  });
}

declare global {
  interface Window {
    /** How many requests a page waits for whose clock is held. */
    unanswered: number;
  }
}

/** Moves a page's clock, once the page waits for nothing: an answer that were still on its way would be
 *  late by as much, and given up. */
export async function forward(page: Page, by: string | number): Promise<void> {
  await page.evaluate(async () => {
    const { port1, port2 } = new MessageChannel();
    // A turn for what was just pressed to ask, or for what was just answered to be read.
    const turn = () =>
      new Promise((over) => {
        port1.onmessage = over;
        port2.postMessage(null);
      });
    do await turn();
    while (window.unanswered);
    await turn();
  });
  await page.clock.fastForward(by);
}

/** Everything the browser complained of: errors on its console, what the policy blocked, exceptions and
 *  rejections nobody handled ("weberror"). The API's own refusals, and the one that tests make up, are
 *  logged by Chromium as errors too; they are answers that pages speak of, and no complaints. */
async function watch(context: BrowserContext, complaints: string[]): Promise<void> {
  await context.addInitScript(complainOfLostFocus);
  context.on("console", (message) => {
    if (message.type() !== "error" && !/Content.Security.Policy/i.test(message.text())) return;
    const { url } = message.location();
    const at = URL.canParse(url) ? new URL(url).pathname : "";
    const refused = /the server responded with a status of (4\d\d|503)/.test(message.text());
    if (refused && at.startsWith("/api/")) return;
    // The sample room's pages say what they refuse, with the status to it.
    if (refused && url.startsWith(`${roomOrigin()}/`)) return;
    // A line that the test itself cut; a home that is gone would be refused or reset.
    if (/net::ERR_(FAILED|INTERNET_DISCONNECTED)$/.test(message.text())) return;
    // What is blocked in the frame of a mail is the test's own looking into it; a mail's script would
    // be blocked by its policy, in other words.
    if (/^Blocked script execution in '[^']*\/mailbox\/[^']*\/html'/.test(message.text())) return;
    complaints.push(`${url}: ${message.text()}`);
  });
  context.on("dialog", (dialog) => {
    complaints.push(`a script spoke: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on("weberror", (error) => complaints.push(error.error().stack ?? error.error().message));
}

interface People {
  /** A browser of one's own. */
  browse: (options?: BrowserContextOptions) => Promise<Page>;
  /** A page of the console, signed in. */
  staff: (email?: string, options?: BrowserContextOptions) => Promise<Page>;
  /** Dana's console: the usual place of a test. */
  dana: Page;
}

interface Background {
  /** Felix's work, done beside what the test looks at. */
  desk: Desk;
  /** What only an administrator may do. */
  admin: Desk;
  mailbox: Mailbox;
}

export const test = base.extend<People, Background>({
  browse: async ({ browser, contextOptions }, use) => {
    const complaints: string[] = [];
    const open: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await (browser as Browser).newContext({ ...contextOptions, ...options });
      open.push(context);
      await watch(context, complaints);
      return context.newPage();
    });
    for (const context of open) await context.close();
    expect(complaints, "complaints of the browser").toEqual([]);
  },
  staff: async ({ browse }, use) => {
    await use(async (email = "dana@harbor.example", options = {}) => {
      const page = await browse(options);
      await signInStaff(page, email);
      return page;
    });
  },
  dana: async ({ staff }, use) => use(await staff()),
  mailbox: [async ({}, use) => use(new Mailbox()), { scope: "worker" }],
  desk: [
    async ({ mailbox }, use) => use(await Desk.open("felix@harbor.example", mailbox)),
    { scope: "worker" },
  ],
  admin: [
    async ({ mailbox }, use) => use(await Desk.open("dana@harbor.example", mailbox)),
    { scope: "worker" },
  ],
});

export async function signInStaff(page: Page, email: string): Promise<void> {
  await page.goto(`${staffOrigin()}/api/staff/sign-in?login_hint=${encodeURIComponent(email)}&returnTo=/`);
  await expect(page.getByRole("heading", { name: "Today", level: 1 })).toBeVisible();
}

/** Types into "Search Clients" and opens the dialog of the client found. */
export async function find(page: Page, query: string, name: string): Promise<void> {
  await page.getByRole("searchbox", { name: "Search Clients" }).fill(query);
  await page.getByRole("list", { name: "Clients found" }).getByRole("button", { name }).first().click();
  await expect(page.getByRole("dialog", { name })).toBeVisible();
}

/** The row of one person in the table of portal users. */
export const rowOf = (page: Page, name: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name }) });

/** Opens "Communications" → "Client Portal" and answers the owner's card. */
export async function ownerCard(page: Page, client: Client) {
  await page.goto(clientPage(client));
  await page.getByRole("link", { name: "Communications" }).click();
  await page.locator("summary", { hasText: "Client Portal" }).click();
  const card = page.getByRole("group").filter({ hasText: "Chart Owner" });
  await expect(card).toBeVisible();
  return card;
}

/** The words in the one place where success is said. */
export const toast = (page: Page) => page.getByRole("status");

export async function signIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.goto(harborPortal("sign-in"));
  await fillSignIn(page, username, password);
}

/** Types the client's date of birth into the three fields of the portal. */
export async function fillBirth(page: Page, date: string): Promise<void> {
  const [year = "", month = "", day = ""] = date.split("-");
  const birth = page.getByRole("group", { name: "Client’s date of birth" });
  await birth.getByLabel("Day").fill(day);
  await birth.getByLabel("Month").fill(month);
  await birth.getByLabel("Year").fill(year);
}

export async function fillSignIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}
