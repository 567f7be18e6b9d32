// The local home, whose tables the programs work on: started on a free port with nothing in its memory,
// gone with everything it wrote at the end.
import { BatchWriteItemCommand, DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

const PATIENCE_MS = 60_000;

export class Home {
  #process;
  #folder;
  #table;

  /** Starts the program of the local home; answers when it is ready. */
  static async start(program) {
    const home = new Home();
    home.#folder = mkdtempSync(join(tmpdir(), "latchkey-cold-"));
    home.#process = spawn(program, {
      env: { ...process.env, PORT: "0", STATE_DIR: home.#folder, ROSTER: "" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      home.url = await announced(home.#process);
    } catch (thrown) {
      await home.stop();
      throw thrown;
    }
    home.environment = variables(readFileSync(join(home.#folder, "functions.env"), "utf8"));
    home.#table = new DynamoDBClient({
      endpoint: home.environment.AWS_ENDPOINT_URL_DYNAMODB,
      region: home.environment.AWS_REGION,
      credentials: {
        accessKeyId: home.environment.AWS_ACCESS_KEY_ID,
        secretAccessKey: home.environment.AWS_SECRET_ACCESS_KEY,
      },
    });
    return home;
  }

  /** A folder that is gone with the home. */
  get folder() {
    return this.#folder;
  }

  async stop() {
    this.#table?.destroy();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, "exit");
      this.#process.kill("SIGINT");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Signs in one of the sample staff, as a browser would; answers the cookie. */
  async staff(email) {
    let at = `/api/staff/sign-in?login_hint=${email}`;
    let cookies = "";
    for (let hop = 0; hop < 4; hop++) {
      const headers = await followed(new URL(at, this.url), cookies);
      const set = (headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0]);
      const session = set.find((cookie) => cookie.startsWith("__Host-latchkey-staff="));
      if (session) return session;
      cookies = [cookies, ...set].filter(Boolean).join("; ");
      at = headers.location;
    }
    throw new Error(`${email} cannot sign in`);
  }

  /** Signs in one of harbor's sample clients; answers the cookie. */
  async client(username, password) {
    const answer = await this.#send("POST", "/api/portal/sign-in", {
      origin: this.environment.PORTAL_ORIGIN,
      body: { practice: "harbor", username, password },
    });
    return answer.headers.getSetCookie()[0].split(";")[0];
  }

  /** Calls the API as staff; answers its answer. */
  async call(method, path, cookie, body) {
    const answer = await this.#send(method, path, { cookie, body, origin: this.environment.STAFF_ORIGIN });
    return answer.json();
  }

  /** Calls the API as a client in the portal; answers its answer. */
  async visit(method, path, cookie, body) {
    const answer = await this.#send(method, path, { cookie, body, origin: this.environment.PORTAL_ORIGIN });
    return answer.json();
  }

  /** Sends a form as an app; answers its answer. */
  async form(path, authorization, fields) {
    const answer = await this.#send("POST", path, { authorization, body: new URLSearchParams(fields) });
    return answer.json();
  }

  async #send(method, path, { cookie = "", origin, authorization, body }) {
    const isForm = body instanceof URLSearchParams;
    const answer = await fetch(new URL(path, this.url), {
      method,
      headers: {
        cookie,
        ...(origin && { origin }),
        ...(authorization && { authorization }),
        ...(!isForm && { "content-type": "application/json" }),
      },
      body: isForm ? body : body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** The newest mails, newest first. */
  async mails() {
    const answer = await fetch(new URL("/mailbox/messages", this.url));
    return (await answer.json()).messages;
  }

  /** The items of some partitions of the main table, as DynamoDB writes them. */
  async items(partitions) {
    const pages = partitions.map((pk) => this.#query({ TableName: this.environment.TABLE }, pk));
    return (await Promise.all(pages)).flat();
  }

  /** The newest event of a partition of the history. */
  async event(partition) {
    const newest = { TableName: this.environment.HISTORY_TABLE, ScanIndexForward: false, Limit: 1 };
    return (await this.#query(newest, partition))[0];
  }

  async #query(query, pk) {
    const values = { ":pk": { S: pk } };
    const condition = { KeyConditionExpression: "PK = :pk", ExpressionAttributeValues: values };
    return (await this.#table.send(new QueryCommand({ ...query, ...condition }))).Items;
  }

  /** Puts partitions back into the state in which `items` were all that was in them. */
  async restore(partitions, items) {
    const name = (item) => `${item.PK.S} ${item.SK.S}`;
    const wanted = new Map(items.map((item) => [name(item), item]));
    const writes = [];
    for (const item of await this.items(partitions)) {
      const before = wanted.get(name(item));
      if (!before) writes.push({ DeleteRequest: { Key: { PK: item.PK, SK: item.SK } } });
      if (before && isDeepStrictEqual(before, item)) wanted.delete(name(item));
    }
    for (const Item of wanted.values()) writes.push({ PutRequest: { Item } });
    for (let from = 0; from < writes.length; from += 25) {
      const RequestItems = { [this.environment.TABLE]: writes.slice(from, from + 25) };
      await this.#table.send(new BatchWriteItemCommand({ RequestItems }));
    }
  }
}

/** The headers of what a link leads to. `fetch` says that a page loads it, which the way to the issuer and back
 *  refuses. */
async function followed(url, cookie) {
  const [answer] = await once(get(url, { headers: { cookie } }), "response");
  answer.resume();
  return answer.headers;
}

/** The staff site's address, which the home prints when it is ready. */
function announced(home) {
  return new Promise((found, failed) => {
    let said = "";
    const impatient = setTimeout(() => failed(new Error(`the home is not ready:\n${said}`)), PATIENCE_MS);
    home.stdout.on("data", (chunk) => {
      said += chunk;
      const [, staff] = /Staff +(\S+)/.exec(said) ?? [];
      if (!staff || !said.includes("Ctrl-C")) return;
      clearTimeout(impatient);
      found(staff);
    });
    home.once("error", failed);
    home.once("exit", (code) => failed(new Error(`the home ended with ${code}:\n${said}`)));
  });
}

/** The environment that the home writes for functions: `NAME="value"` lines, escaped as JSON is. */
function variables(text) {
  const lines = text.trim().split("\n");
  return Object.fromEntries(lines.map((line) => [line.split("=", 1)[0], JSON.parse(line.slice(line.indexOf("=") + 1))]));
}
