// `npm run ops -- <command>`: what people do to a deployment beside deploying it.
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { settingsFile, settingsPath, type Settings } from "../lib/settings.ts";
import * as archive from "./archive.ts";
import { terminal } from "./ask.ts";
import { Deployment, Refusal } from "./deployment.ts";
import { down } from "./down.ts";
import * as keys from "./keys.ts";
import * as outbox from "./outbox.ts";
import * as practice from "./practice.ts";
import { preflight } from "./preflight.ts";
import { restore } from "./restore.ts";
import * as site from "./site.ts";
import { smoke } from "./smoke.ts";
import * as staff from "./staff.ts";
import { DIST, reach, settle, up } from "./up.ts";

const USAGE = `
up [--yes] [--templates folder]               deploy, the first time and every other: plan, steps, addresses; goes on
                                              where the last try ended; --yes asks nothing and takes the settings' file;
                                              --templates takes what \`cdk synth\` made elsewhere of a later version
down [--yes]                                  undo a try-out wholly
smoke                                         call every route and function
preflight                                     what the account lacks for a deployment, and the request for each
keys init                                     make what the first deployment needs
keys signing|origin new | use | retire [--now]   turn a key, a deployment after each step
keys token new                                another key of HMACs, then a deployment
keys client-secret                            keep the secret of the staff's issuer, from standard input
practice put <id> [--file settings.json] [--name … --alert-inbox …] [--listed | --unlisted]
                                              --listed: the portal's first page offers it to everybody
practice show <id>
practice revoke-everyone <id>                 end every session, of staff and of clients
staff add <e-mail> --name … --practice … --role admin|staff|auditor
staff remove <e-mail> [--practice …]          off one staff list, or all; sessions end now
staff reset <e-mail>                          forget a lost authenticator; another is enrolled at the next sign-in
staff end-sessions <e-mail>                   end a person's sessions
outbox show | redrive                         mails, alerts and notices to apps that wait; send them now
history export --practice … [--client …] --from YYYY-MM-DD --to YYYY-MM-DD [--out file]
restore <copy of the table> [--at time] [--history copy] [--confirm restore]
                                              back to a restored copy; whatever was closed since stays closed
site publish [folder]                         upload the built site
`.trim();

type Options = Record<string, string | boolean | undefined>;

function needed(options: Options, name: string): string {
  const value = options[name];
  if (typeof value !== "string" || !value) throw new Refusal(`--${name} is needed.`);
  return value;
}

async function run(d: Deployment, words: string[], options: Options): Promise<void> {
  const [topic, ...rest] = words;
  const [what = "", second = ""] = rest;
  const name = () => second || refuse(`Which one? See: npm run ops -- help`);
  switch (`${topic} ${what}`) {
    case "keys init":
      return keys.init(d);
    case "keys signing":
    case "keys origin": {
      const key = what as keys.KeyName;
      if (second === "new") return keys.makeNext(d, key);
      if (second === "use") return keys.useNext(d, key);
      if (second === "retire") return keys.retireOld(d, key, Boolean(options["now"]));
      break;
    }
    case "keys token":
      if (second === "new") return keys.makeToken(d);
      break;
    case "keys client-secret":
      return keys.keepClientSecret(d, (await text(process.stdin)).trim());
    case "practice put": {
      const file = options["file"] ? JSON.parse(await readFile(needed(options, "file"), "utf8")) : {};
      const { name: called, "alert-inbox": alertInbox } = options;
      if (options["listed"] && options["unlisted"]) throw new Refusal("Say either --listed or --unlisted.");
      const listed = options["listed"] ? true : options["unlisted"] ? false : undefined;
      const changes = { ...file, ...(called && { name: called }), ...(alertInbox && { alertInbox }) };
      await practice.put(d, name(), changes, listed);
      return;
    }
    case "practice show":
      return d.say(
        JSON.stringify((await practice.load(d, name())) ?? refuse("There is no such practice."), null, 2),
      );
    case "practice revoke-everyone":
      return practice.revokeEveryone(d, name());
    case "staff add":
      return staff.add(d, {
        email: name(),
        name: needed(options, "name"),
        practice: needed(options, "practice"),
        role: needed(options, "role") as staff.Role,
      });
    case "staff remove":
      return staff.remove(d, name(), options["practice"] ? needed(options, "practice") : undefined);
    case "staff reset":
      return staff.reset(d, name());
    case "staff end-sessions":
      return staff.endSessions(d, name());
    case "outbox show":
      return outbox.show(d);
    case "outbox redrive":
      return outbox.redrive(d);
    case "history export": {
      const lines = await archive.events(d, {
        practice: needed(options, "practice"),
        ...(options["client"] && { client: needed(options, "client") }),
        from: needed(options, "from"),
        to: needed(options, "to"),
      });
      if (!options["out"]) return lines.forEach((line) => d.say(line));
      await writeFile(needed(options, "out"), lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
      return d.say(`${lines.length} events.`);
    }
    case "site publish":
      return site.publish(d, second || DIST);
  }
  if (topic === "preflight" && !what) return preflight(d, { alone: true });
  if (topic === "smoke" && !what) {
    const { called, faults } = await smoke(d, await reach(d, fetch));
    for (const fault of faults) d.say(`${fault.what} ${fault.why}`);
    if (faults.length) throw new Refusal(`${faults.length} of ${called} calls were not answered as they must be.`);
    return d.say(`${called} calls, and each was answered as it must be.`);
  }
  if (topic === "restore" && what) {
    return restore(d, what, {
      ...(options["at"] && { at: needed(options, "at") }),
      ...(options["history"] && { history: needed(options, "history") }),
      confirmed: options["confirm"] === "restore",
    });
  }
  throw new Refusal(USAGE);
}

function refuse(why: string): never {
  throw new Refusal(why);
}

const TEXT = "name alert-inbox file practice role client from to out at history confirm templates".split(" ");
const options: NonNullable<ParseArgsConfig["options"]> = {
  ...Object.fromEntries(TEXT.map((name) => [name, { type: "string" as const }])),
  now: { type: "boolean" },
  yes: { type: "boolean" },
  listed: { type: "boolean" },
  unlisted: { type: "boolean" },
};

/** What is set, without which no command but `up` begins. */
function given(): Settings {
  const file = settingsPath();
  if (!existsSync(file))
    throw new Refusal(`There are no settings yet in ${file}: npm run ops -- up asks for them, keeps them there, and makes nothing before you say yes.`);
  try {
    return settingsFile();
  } catch (error) {
    throw new Refusal(`${file}: ${(error as Error).message}`);
  }
}

/** The commands that people are asked at: they begin without settings, or end everything. */
async function whole(topic: string, yes: boolean, templates?: string): Promise<void> {
  const asker = yes ? undefined : terminal();
  try {
    if (topic === "down") return await down(new Deployment(given()), asker);
    const file = settingsPath();
    const made = templates ? { templates: resolve(templates), preflight: (d: Deployment) => preflight(d, { binaries: null }) } : {};
    await up(new Deployment(await settle(file, asker)), file, asker, made);
  } finally {
    asker?.close();
  }
}

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (!positionals.length || positionals[0] === "help") console.log(USAGE);
  else if (["up", "down"].includes(positionals[0]!) && positionals.length === 1)
    await whole(positionals[0]!, Boolean(values["yes"]), values["templates"] as string | undefined);
  else await run(new Deployment(given()), positionals, values as Options);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
