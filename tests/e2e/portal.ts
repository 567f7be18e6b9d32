// The clients' portal as a person goes through it, in any of its languages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { type Client, INVITATION, linkIn, PASSWORD, type PortalUser, test as base } from "./world";

export type Language = "en" | "es" | "fr";
export const LOCALE = { en: "en-US", es: "es-ES", fr: "fr-FR" } as const;

/** The words of the portal, by key: what a test looks for is what the page was given to say. */
export function words(language: Language): (key: string, params?: Record<string, string>) => string {
  const file = join(import.meta.dirname, `../../site/src/messages/portal.${language}.json`);
  const catalogue = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  return (key, params = {}) => {
    const message = catalogue[key];
    if (message === undefined) throw new Error(`${file} has no ${key}`);
    return message.replace(/\{(\w+)\}/g, (whole, name: string) => params[name] ?? whole);
  };
}

/** Everything one presses and fills in, named in the language of the page. */
export class Portal {
  readonly say: ReturnType<typeof words>;

  constructor(
    readonly page: Page,
    language: Language = "en",
  ) {
    this.say = words(language);
  }

  heading(key: string, params?: Record<string, string>): Locator {
    return this.page.getByRole("heading", { level: 1, name: this.say(key, params), exact: true });
  }

  /** The heading of whoever is in, whatever their name. */
  get welcome(): Locator {
    const [said = ""] = this.say("home.title").split("{name}");
    return this.page.getByRole("heading", { level: 1, name: said });
  }

  button(key: string): Locator {
    return this.page.getByRole("button", { name: this.say(key), exact: true });
  }

  link(key: string, params?: Record<string, string>): Locator {
    return this.page.getByRole("link", { name: this.say(key, params), exact: true });
  }

  field(key: string): Locator {
    return this.page.getByLabel(this.say(key), { exact: true });
  }

  /** Types a date of birth into its three fields. */
  async bornOn(date: string): Promise<void> {
    const [year = "", month = "", day = ""] = date.split("-");
    await this.field("birth.label.day").fill(day);
    await this.field("birth.label.month").fill(month);
    await this.field("birth.label.year").fill(year);
  }

  async prove(client: Pick<Client, "name" | "dateOfBirth">): Promise<void> {
    await this.field("enroll.lastName").fill(client.name.last);
    await this.bornOn(client.dateOfBirth);
    await this.button("enroll.next").click();
  }

  async signIn(username: string, password = PASSWORD): Promise<void> {
    await this.field("signIn.username").fill(username);
    await this.field("signIn.password").fill(password);
    await this.button("signIn.action").click();
  }

  /** Once more, and the answer is lost on the way. */
  async failOnce(address: string): Promise<void> {
    await this.page.route(address, (route) => route.abort(), { times: 1 });
  }
}

/** A client who was invited, in front of a browser that has been nowhere yet. */
interface Invited {
  client: Client;
  user: PortalUser;
  /** The invitation's. */
  link: string;
  page: Page;
  portal: Portal;
}

export const test = base.extend<{ invited: Invited }>({
  invited: async ({ desk, browse, mailbox }, use) => {
    const client = await desk.client();
    const user = await desk.invite(client);
    const link = linkIn(await mailbox.wait(user.email, INVITATION));
    const page = await browse();
    await use({ client, user, link, page, portal: new Portal(page) });
  },
});
