// `make deploy`, which is `npm run ops -- up`: from an empty account to a portal that answers, and every later version the
// same way. Each step looks in the account whether it is done, so that the same command goes on after whatever went wrong.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { GetEmailIdentityCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { paginateQuery } from "@aws-sdk/lib-dynamodb";
import { key } from "../lib/keys.ts";
import { settings, type First, type Settings } from "../lib/settings.ts";
import { agrees, interview, type Answers, type Asker } from "./ask.ts";
import { Assembly, clearGroups, EDGE_REGION, goBack, indexSteps, isProtected, keep, keepsTables, protectTables, upToDate, type End } from "./cloudformation.ts";
import { Deployment, Refusal } from "./deployment.ts";
import { leads, names, type Names } from "./dns.ts";
import * as keys from "./keys.ts";
import * as practice from "./practice.ts";
import { bootstrapped, missingKeys, preflight } from "./preflight.ts";
import * as site from "./site.ts";
import { smoke, type Fault, type Reach, type Side } from "./smoke.ts";
import * as staff from "./staff.ts";
import { plan, walk, type Step } from "./steps.ts";

/** What reaches beyond AWS's API, for tests to put something else in its place. */
export interface Hands extends Names {
  /** Runs the CDK's CLI. */
  cdk(...words: string[]): Promise<void>;
  fetch: Reach["fetch"];
  /** The built site. */
  dist: string;
  /** How often DNS is looked at before the deployment ends without it. */
  patience: number;
  preflight(d: Deployment): Promise<void>;
  /** A folder of templates that are made already, of a version after the first. */
  templates?: string;
}

const APP = fileURLToPath(new URL("..", import.meta.url));
export const DIST = fileURLToPath(new URL("../../../site/dist", import.meta.url));
/** Between two looks at DNS, in milliseconds. */
const PAUSE = 15_000;

export const hands = (): Hands => ({
  cdk: (...words) =>
    new Promise((done, failed) => {
      const program = spawn(join(APP, "node_modules/.bin/cdk"), words, { cwd: APP, stdio: ["ignore", "inherit", "inherit"] });
      program.once("error", failed);
      program.once("exit", (code) => (code === 0 ? done() : failed(new Refusal(`cdk ${words.join(" ")} ended with ${code}.`))));
    }),
  fetch,
  ...names,
  dist: DIST,
  patience: 40,
  preflight,
});

const again = (yes: boolean) => `make deploy${yes ? " YES=1" : ""}, or npm run ops -- up${yes ? " --yes" : ""}`;

/** The settings of a file, or those that a person gives, which are then written there. */
export async function settle(file: string, asker?: Asker): Promise<Settings> {
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Answers) : undefined;
  if (!asker && !before) throw new Refusal(`There is no ${file}, and nobody to ask.`);
  const answers = asker ? await interview(asker, before ?? {}, !before) : before!;
  let whole: Settings;
  try {
    whole = settings(answers as never);
  } catch (error) {
    throw new Refusal((error as Error).message);
  }
  if (JSON.stringify(answers) !== JSON.stringify(before)) {
    writeFileSync(file, `${JSON.stringify(answers, null, 2)}\n`);
    asker?.say(`\nThese answers are kept in ${file}. What else can be set, infra/aws/README.md says.`);
  }
  return whole;
}

/** Deploys. Without anybody to ask, it asks nothing. */
export async function up(d: Deployment, file: string, asker?: Asker, with_: Partial<Hands> = {}): Promise<void> {
  const all = { ...hands(), ...with_ };
  await all.preflight(d);
  const first = await firstOnes(d, file, asker);
  // What DNS still lacks of a deployment that is there, a machine does not wait for.
  if (!asker && (await d.outputOf("StaffDistribution"))) all.patience = 1;
  const steps = await stepsOf(d, all, first);
  const open = await plan(steps, d.say);
  if (asker && !(await agrees(asker, "\nGo on?"))) throw new Refusal("Nothing was made.");
  await walk(steps, d.say, again(!asker));
  d.say(`\nStaff     ${await d.output("StaffSite")}`);
  d.say(`Clients   ${await d.output("PortalSite")}/<practice>/sign-in`);
  if (open.some(({ name }) => name === "admin"))
    d.say(
      `\nThe first admin has a mail with a password for once. AWS sent another to ${d.settings.alarms}: open its link, or no alarm comes.`,
    );
}

/** The first practice and its admin, if there is no practice yet. */
async function firstOnes(d: Deployment, file: string, asker?: Asker): Promise<First | undefined> {
  if (d.settings.first || (await site.practices(d)).length) return d.settings.first;
  if (!asker)
    throw new Refusal(
      `There is no practice yet. Name the first one and its admin in ${file}: "first": {"practice": "harbor", "name": "Harbor Counseling", "alertInbox": "…", "email": "…", "admin": "Dana Whitfield"}`,
    );
  const before = JSON.parse(readFileSync(file, "utf8")) as Answers;
  const answers = await interview(asker, before);
  writeFileSync(file, `${JSON.stringify(answers, null, 2)}\n`);
  return answers.first as First;
}

/** All steps of a deployment, of a first one and of every later one. */
export async function stepsOf(d: Deployment, hands: Hands, first?: First): Promise<Step[]> {
  const { deployment, region, keepData, edgePlan } = d.settings;
  // Until all of a first deployment stands, nothing is kept of it.
  const standing = !keepData || (await keepsTables(d));
  const assemblyOf = (provisional: boolean, indexes?: string[]) => {
    const context = [...(provisional ? ["provisional=true"] : []), ...(indexes ? [`indexes=${indexes.join(",")}`] : [])];
    return new Assembly((folder) =>
      hands.cdk("synth", "--quiet", "--output", folder, ...context.flatMap((one) => ["--context", one])),
    );
  };
  if (hands.templates && !standing)
    throw new Refusal("The first deployment makes its templates itself, and protects what it made at the end: leave --templates out.");
  const final = hands.templates ? new Assembly(undefined, hands.templates) : assemblyOf(false);
  const version = standing ? final : assemblyOf(true);
  const deploy = async (assembly: Assembly, ...ends: End[]) => {
    for (const end of ends) {
      const words = ["--exclusively", "--require-approval", "never", "--progress", "events"];
      await hands.cdk("deploy", deployment + end, "--app", await assembly.folder(), ...words);
      d.changed();
    }
  };
  const addIndexes = async () => {
    const steps = await indexSteps(d, version);
    if (steps.length && hands.templates)
      throw new Refusal("This version adds more than one index to a table, which AWS makes one at a time: deploy it once without --templates.");
    for (const indexes of steps) {
      d.say(`  AWS makes one index of a table at a time: ${steps.length + 1 - steps.indexOf(indexes)} to go.`);
      await deploy(assemblyOf(!standing, indexes), "-data");
    }
  };
  const stacks = (name: string, says: string, ...ends: End[]): Step => ({
    name,
    plan: () => says,
    done: async () => {
      for (const end of ends) if (!(await upToDate(d, end, version))) return false;
      return true;
    },
    run: async () => {
      if (ends.includes("")) await clearGroups(d);
      if (ends.includes("-data")) await addIndexes();
      await deploy(version, ...ends);
    },
  });
  const steps: Step[] = [
    {
      name: "bootstrap",
      plan: () => `prepare CDK in ${[...new Set([region, EDGE_REGION])].join(" and ")}: a bucket and roles`,
      done: async () => (await bootstrapped(d)).every(({ enough }) => enough),
      run: async () => {
        const { Account } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
        const places = (await bootstrapped(d)).filter(({ enough }) => !enough);
        await hands.cdk("bootstrap", ...places.map((one) => `aws://${Account}/${one.region}`));
      },
    },
    {
      name: "keys",
      plan: () => "make the keys and secrets that there are not yet",
      done: async () => (await missingKeys(d)).length === 0,
      run: async () => {
        await keys.init(d);
        const missing = await missingKeys(d);
        if (missing.length)
          throw new Refusal(`The secret that the issuer gave its client is missing: npm run ops -- keys client-secret < file`);
      },
    },
    stacks("data", "make or change tables, encryption key, archive and backups", "-data"),
    stacks(
      "app",
      "make or change firewalls, functions, API, sites, mail and alarms: about ten minutes at first",
      "-firewall",
      "",
      "-access-log",
    ),
    {
      name: "smoke test",
      plan: () => "call every route and function; if one does not answer, go back to the last version",
      done: async () => false,
      run: async () => {
        const { called, faults } = await smoke(d, await reach(d, hands.fetch));
        if (faults.length) await turnBack(d, faults);
        await keep(d);
        d.say(`  ${called} calls, and each was answered as it must be.`);
      },
    },
    {
      name: "pages",
      plan: () => "upload the site",
      done: () => published(d, hands.dist),
      run: () => site.publish(d, hands.dist),
    },
    {
      name: "sites",
      plan: () => "see that both sites answer",
      done: async () => false,
      run: () => look(d, hands.fetch),
    },
  ];
  if (keepData)
    steps.push({
      name: "protect",
      plan: () => "protect tables, archive, backups and pool: from here on nobody can delete them",
      done: async () => standing && (await isProtected(d)),
      run: async () => {
        await deploy(final, "-data");
        await protectTables(d);
        await deploy(final, "-firewall", "");
        // So that no way back takes the protection off again.
        await keep(d);
        await deploy(final, "-access-log");
      },
    });
  // People come in only once nothing of theirs can be lost.
  if (first)
    steps.push(
      {
        name: "practice",
        plan: () => `make ${first.name}, as ${first.practice}`,
        done: async () => (await site.practices(d)).includes(first.practice),
        run: async () => {
          const { name, alertInbox } = first;
          await practice.put(d, first.practice, { name, alertInbox });
        },
      },
      {
        name: "admin",
        plan: () => `put ${first.admin} (${first.email}) on its staff list, as admin`,
        done: () => hasAdmin(d, first.practice),
        run: () =>
          staff.add(d, { email: first.email, name: first.admin, practice: first.practice, role: "admin" }),
      },
    );
  if (edgePlan !== "none")
    steps.push(stacks("plans", `put both sites on CloudFront's plan ${edgePlan}`, "-plans"));
  // Last, since it may take a day: nothing else waits for it.
  steps.push({
    name: "DNS",
    plan: () => "say which records to set, and wait until they are seen",
    done: async () => (await records(d, hands)).length === 0,
    run: () => waitForDns(d, hands),
  });
  return steps;
}

/** How the sites are reached. */
export async function reach(d: Deployment, fetch: Reach["fetch"]): Promise<Reach> {
  const [staff, portal] = [await d.output("StaffDistribution"), await d.output("PortalDistribution")];
  return {
    fetch,
    at: { staff: `https://${staff}`, portal: `https://${portal}` },
    origin: { staff: await d.output("StaffSite"), portal: await d.output("PortalSite") },
  };
}

/** Goes back to the last version that stood this test, and says what did not answer. */
async function turnBack(d: Deployment, faults: Fault[]): Promise<never> {
  const list = faults.map(({ what, why }) => `  ${what} ${why}`).join("\n");
  const back = {
    "went back": "The last version is back.",
    "is the last": "This version answered before: nothing was taken back.",
    "has another pool":
      "Nothing was taken back: the two versions differ in the staff's user pool, and the way back could make a new one, with nobody in it. Mend this version and deploy again.",
    "is the first": "There is no earlier version to go back to. The logs of a function are in the group that is called like it.",
  }[await goBack(d)];
  throw new Refusal(`These did not answer as they must:\n${list}\n${back}`);
}

/** Whether the bucket has the built pages, byte by byte, and what they read of practices. */
async function published(d: Deployment, dist: string): Promise<boolean> {
  const Bucket = await d.outputOf("SiteBucket");
  if (!Bucket) return false;
  const entries = await readdir(dist, { recursive: true, withFileTypes: true }).catch(() => {
    throw new Refusal(`There is no built site in ${dist}. First: make site`);
  });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(dist, join(entry.parentPath, entry.name)));
  if (!(await site.settled(d))) return false;
  for (const Key of files) {
    const there = await d.s3.send(new HeadObjectCommand({ Bucket, Key })).catch((error: Error) => {
      if (["NotFound", "NoSuchKey"].includes(error.name)) return undefined;
      throw error;
    });
    if (!there) return false;
    const digest = createHash("md5").update(await readFile(join(dist, Key))).digest("hex");
    if (there.ETag !== `"${digest}"`) return false;
  }
  return true;
}

async function hasAdmin(d: Deployment, practice: string): Promise<boolean> {
  const TableName = await d.outputOf("Table");
  if (!TableName) return false;
  const pages = paginateQuery(
    { client: d.dynamodb },
    {
      TableName,
      KeyConditionExpression: "PK = :pk",
      ExpressionAttributeValues: { ":pk": key("team", { practice }).PK },
      ConsistentRead: true,
    },
  );
  for await (const { Items = [] } of pages) if (Items.some(({ role }) => role === "admin")) return true;
  return false;
}

/** The records that DNS does not have yet, as they must stand there. */
async function records(d: Deployment, names: Names): Promise<string[]> {
  if (!(await d.outputOf("StaffDistribution"))) return ["those of the sites"];
  const { sender, senderIdentity, hosts, region } = d.settings;
  const missing: string[] = [];
  const EmailIdentity = senderIdentity ?? sender.slice(sender.indexOf("@") + 1);
  const identity = await new SESv2Client({ region })
    .send(new GetEmailIdentityCommand({ EmailIdentity }))
    .catch((error: Error) => {
      if (error.name === "NotFoundException") return undefined;
      throw error;
    });
  // An identity of an address has no records: preflight says what becomes of it.
  if (identity && !identity.VerifiedForSendingStatus) {
    const tokens = identity.DkimAttributes?.Tokens ?? [];
    missing.push(...tokens.map((token) => `${token}._domainkey.${EmailIdentity}. CNAME ${token}.dkim.amazonses.com.`));
  }
  for (const [host, output] of hosts
    ? ([[hosts.staff, "StaffDistribution"], [hosts.portal, "PortalDistribution"]] as const)
    : []) {
    const domain = await d.output(output);
    if ((await leads(host, domain, names)).how === "elsewhere") missing.push(`${host}. CNAME ${domain}.`);
  }
  return missing;
}

/** Says what is missing and looks again and again. What is not there in the end is no failure: it can take a day,
 *  and the same command looks anew. */
async function waitForDns(d: Deployment, hands: Hands): Promise<void> {
  let before: string[] = [];
  for (let looked = 1; ; looked += 1) {
    const missing = await records(d, hands);
    for (const seen of before.filter((one) => !missing.includes(one))) d.say(`  Seen: ${seen}`);
    if (!missing.length) return;
    if (looked === 1) {
      d.say("  Set these in your DNS:");
      for (const record of missing) d.say(`    ${record}`);
      if (hands.patience > 1) d.say(`  Looking every ${PAUSE / 1000} seconds, for ${Math.round((hands.patience * PAUSE) / 60_000)} minutes.`);
    }
    if (looked >= hands.patience) {
      d.say("  Not all are seen yet, which can take hours. All else is done: deploy again to look again.");
      return;
    }
    before = missing;
    await d.wait(PAUSE);
  }
}

async function look(d: Deployment, fetch: Reach["fetch"]): Promise<void> {
  const { at } = await reach(d, fetch);
  for (const side of ["staff", "portal"] satisfies Side[]) {
    const answer = await fetch(`${at[side]}/`, { redirect: "manual", signal: AbortSignal.timeout(30_000) });
    const type = answer.headers.get("content-type") ?? "nothing";
    if (answer.status !== 200 || !type.startsWith("text/html"))
      throw new Refusal(`The ${side} site answers ${answer.status} with ${type}, and not with its page.`);
  }
}
