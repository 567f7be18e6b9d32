// A home of Latchkey as the tests reach it: two sites, the mails it sent, and its people. The same tests run
// against the local home and against the stack on the emulator, so that the two cannot drift apart.
import { request } from "node:http";
import { inject } from "vitest";

/** What a home tells the tests of itself. */
export interface Home {
  kind: "local" | "aws";
  /** Origins of the two sites. */
  staff: string;
  portal: string;
  /** Where both are served, over plain HTTP and told apart by host. */
  port: number;
  /** Where mails can be read. */
  mails: string;
  /** Password of staff at the issuer's page, where it asks for one. */
  password?: string;
  /** Where the API would answer somebody who came around the edge. */
  api?: { host: string; port: number };
  /** Where both are served over TLS, for browsers. */
  tlsPort?: number;
}

declare module "vitest" {
  interface ProvidedContext {
    home: Home;
  }
}

/** Another deployment in the same account, while a test is about it. */
let elsewhere: Partial<Home> = {};
export const moveTo = (sites: Pick<Home, "staff" | "portal">): void => void (elsewhere = sites);

export const home = (): Home => ({ ...inject("home"), ...elsewhere });

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // Bodies are looked at field by field, by tests that say what they expect.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface Asked {
  headers?: Record<string, string>;
  body?: unknown;
  /** What a program sends instead of a page: a form. */
  form?: Record<string, string>;
  /** Whose cookies go along and are kept. */
  jar?: Jar;
}

/** Cookies of one browser at one site. */
export type Jar = Map<string, string>;

/** With what a test says where a request comes from. The edge believes it; the local home does not, and sees
 *  the loopback. */
export const VIEWER = "x-viewer-address";

/** The operations that answered as they should, for the test that all were tried. */
export const answered = new Set<string>();

/** A request as a page of the site sends it; with a form, as a program does. */
export async function call(origin: string, method: string, path: string, asked: Asked = {}): Promise<Answer> {
  const { headers = {}, body, form, jar } = asked;
  const text = form ? String(new URLSearchParams(form)) : body === undefined ? undefined : JSON.stringify(body);
  const media = form ? "application/x-www-form-urlencoded" : "application/json";
  const answer = await send(
    origin,
    method,
    path,
    {
      ...(method !== "GET" && !form && { origin }),
      ...(text !== undefined && { "content-type": media }),
      ...(jar?.size && { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") }),
      ...headers,
    },
    text,
  );
  for (const cookie of answer.headers["set-cookie"] ?? []) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (/max-age=0/i.test(cookie)) jar?.delete(name);
    else jar?.set(name, value);
  }
  if (answer.status < 400) answered.add(`${method} ${path.split("?")[0]}`);
  return answer;
}

/** A request to the API itself, around the edge. */
export function around(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { host, port } = home().api!;
  return send(`http://${host}:${port}`, "GET", path, headers, undefined, port);
}

function send(
  origin: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
  port = home().port,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        // A connection that was kept may have ended while a command ran.
        agent: false,
        method,
        path,
        headers: {
          ...headers,
          host: new URL(origin).host,
          ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const json = /json/.test(answer.headers["content-type"] ?? "");
          resolve({
            status: answer.statusCode!,
            headers: answer.headers,
            text,
            body: json && text ? JSON.parse(text) : undefined,
          });
        });
        answer.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** The mails to an address, newest first. */
export async function mailsTo(email: string): Promise<Mail[]> {
  const answer = await fetch(home().mails);
  const { messages } = (await answer.json()) as { messages: Mail[] | Record<string, EmulatedMail[]> };
  const all = Array.isArray(messages) ? messages : Object.values(messages).flat().map(fromEmulator).reverse();
  return all.filter((mail) => mail.to.toLowerCase() === email.toLowerCase());
}

/** A mail as the emulator keeps it. */
interface EmulatedMail {
  To: string[];
  Subject: string;
  BodyText: string;
  BodyHtml: string;
}
const fromEmulator = (mail: EmulatedMail): Mail => ({
  to: mail.To[0] ?? "",
  subject: mail.Subject,
  text: mail.BodyText,
  html: mail.BodyHtml,
});

/** Waits until something is so. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    const found = await look();
    if (found) return found;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** The newest mail to an address about something, as soon as there are so many. */
export const mail = (email: string, about: RegExp, count = 1, seconds?: number): Promise<Mail> =>
  until(
    `mail to ${email}: ${about}`,
    async () => {
      const found = (await mailsTo(email)).filter(({ subject }) => about.test(subject));
      return found.length >= count && found[0];
    },
    seconds,
  );
