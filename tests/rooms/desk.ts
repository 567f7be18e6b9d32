// The front desk of a home that runs on this machine: it signs in through the home's own issuer, and reads
// the mails that the home sent.
import { ask } from "./ask.ts";
import { enrollment, INVITATION, newUser, tokenIn, type Name } from "../e2e/people.ts";

export interface Client {
  clientId: string;
  name: Name;
  dateOfBirth: string;
}
export interface PortalUser {
  portalUserId: string;
  username: string;
  email: string;
}
interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** A problem that the API answered (RFC 9457). */
export class Refused extends Error {
  constructor(
    what: string,
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(`${what}: ${status} ${detail}`);
  }
}

const STEPS = 20;
const MAIL_WAIT_MS = 30_000;

export class Desk {
  private constructor(
    private readonly origin: string,
    private readonly cookie: string,
  ) {}

  /** Signs in as a browser would, from address to address.
   *
   *  @param origin the console's
   */
  static async open(origin: string, email: string): Promise<Desk> {
    const jar = new Map<string, string>();
    const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    let at = `${origin}/api/staff/sign-in?login_hint=${encodeURIComponent(email)}&returnTo=/`;
    for (let step = 0; step < STEPS; step++) {
      const headers = { Cookie: cookie(), "Sec-Fetch-Mode": "navigate" };
      const answer = await ask(at, { headers });
      for (const set of answer.headers["set-cookie"] ?? []) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        jar.set(name, value);
      }
      const next = answer.headers.location;
      if (!next) throw new Error(`${email} cannot sign in: ${at} answers ${answer.status}`);
      at = new URL(next, at).href;
      if (at === `${origin}/`) return new Desk(origin, cookie());
    }
    throw new Error(`${email} cannot sign in: led from ${origin} to ${at}`);
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await ask(this.origin + path, {
      method,
      headers: { Cookie: this.cookie, Origin: this.origin, "Content-Type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (status >= 400) throw new Refused(`${method} ${path}`, status, codeOf(text), text);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** The client with this record number. A client cannot be deleted, so there is one for all times. */
  async client(recordNumber: string, name: Name, dateOfBirth: string): Promise<Client> {
    const made = { name, dateOfBirth, recordNumber, distinct: true };
    try {
      return await this.call("POST", "/api/clients", made);
    } catch (error) {
      if (!(error instanceof Refused && error.code === "record_number_taken")) throw error;
    }
    const query = { query: recordNumber };
    type Hits = { clients: { clientId: string; recordNumber: string }[] };
    const { clients } = await this.call<Hits>("POST", "/api/clients/search", query);
    const known = clients.find((client) => client.recordNumber === recordNumber);
    if (!known) throw new Error(`no client has the record number ${recordNumber}, which is taken`);
    return this.call("GET", `/api/clients/${known.clientId}`);
  }

  /** Gives access to a client's portal, to somebody new. */
  invite(client: Client, permissions: string[]): Promise<PortalUser> {
    const path = `/api/clients/${client.clientId}/portal-users`;
    return this.call("POST", path, { ...newUser(client), permissions, relationship: "self" });
  }

  revoke(client: Client, user: PortalUser): Promise<unknown> {
    return this.call("POST", `${pathOf(client, user)}/revoke`);
  }

  delete(client: Client, user: PortalUser): Promise<unknown> {
    return this.call("DELETE", `${pathOf(client, user)}?confirm=delete`);
  }

  /** Chooses a password at the portal, as the link of the invitation allows; answers the cookie of the session
   *  in which the person is then. */
  async enroll(client: Client, user: PortalUser, portal: string): Promise<string> {
    const proof = enrollment(client, tokenIn(await this.mail(user.email, INVITATION)));
    const headers = { Origin: portal, "Content-Type": "application/json" };
    const asked = { method: "POST", headers, body: JSON.stringify(proof) };
    const { status, text, headers: answered } = await ask(`${portal}/api/portal/enrollment`, asked);
    if (status !== 201) throw new Refused("enrolling", status, codeOf(text), text);
    return (answered["set-cookie"] ?? []).map((set) => set.split(";")[0]).join("; ");
  }

  /** The newest mail to an address about something, as soon as it is there. */
  private async mail(to: string, about: RegExp): Promise<Mail> {
    for (const end = Date.now() + MAIL_WAIT_MS; Date.now() < end; ) {
      const { text } = await ask(`${this.origin}/mailbox/messages?limit=1000`);
      const { messages } = JSON.parse(text) as { messages: Mail[] };
      const found = messages.find((mail) => mail.to === to && about.test(mail.subject));
      if (found) return found;
    }
    throw new Error(`no mail to ${to} about ${about} came within ${MAIL_WAIT_MS / 1000} s`);
  }
}

const pathOf = ({ clientId }: Client, { portalUserId }: PortalUser): string =>
  `/api/clients/${clientId}/portal-users/${portalUserId}`;

function codeOf(text: string): string {
  try {
    return String((JSON.parse(text) as { code?: unknown }).code);
  } catch {
    return "";
  }
}
