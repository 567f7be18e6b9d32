// `ops up` and `ops down`, against an account in memory: what they make, that they go on wherever they were ended, that a
// version which does not answer goes back, and that what is for patients is protected last and taken away never.
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Settings } from "../lib/settings.ts";
import type { Asker } from "../ops/ask.ts";
import { Deployment, Refusal } from "../ops/deployment.ts";
import { down } from "../ops/down.ts";
import { routes } from "../ops/smoke.ts";
import { settle, up } from "../ops/up.ts";
import { Account } from "./account.ts";
import { given } from "./synthesised.ts";

const FIRST = {
  practice: "harbor",
  name: "Harbor Counseling",
  alertInbox: "desk@harbor.example",
  email: "dana@harbor.example",
  admin: "Dana Whitfield",
};

let account: Account;
let said: string[];
beforeEach(() => {
  account = fresh();
});

function fresh(): Account {
  const made = new Account();
  const right = new Map(routes().map((route) => [`${route.method} ${route.path}`, route.right.at(-1)!]));
  made.answer = (url, method) => {
    const { pathname, hostname } = new URL(url);
    if (!made.stacks.has("latchkey") || !/^d[12]\.cloudfront\.example$/.test(hostname)) return 502;
    return pathname === "/" ? (made.objects.has("site/index.html") ? 200 : 403) : right.get(`${method} ${pathname}`)!;
  };
  return made;
}

function deployment(changes: Partial<Settings> = {}): Deployment {
  const settings = given({ use: "try-out", first: FIRST, ...changes });
  account.keepsData = settings.keepData;
  return new Deployment(settings, (line) => said.push(line), async () => {});
}

async function deploy(changes: Partial<Settings> = {}): Promise<void> {
  said = [];
  await up(deployment(changes), "no file", undefined, account.hands());
}
const takeDown = async (changes: Partial<Settings> = {}) => {
  said = [];
  await down(deployment(changes));
};

/** Answers questions in turn, and notes them. */
function person(...answers: string[]): Asker & { asked: string[] } {
  const asked: string[] = [];
  return { asked, say: (line) => asked.push(line), ask: async () => answers.shift() ?? "" };
}

describe("a first deployment", () => {
  test("makes everything in its order, shows the plan before, and says the two addresses", async () => {
    await deploy();
    expect(account.changes.filter((what) => /^(bootstrap|deploy)/.test(what))).toEqual([
      "bootstrap aws://123456789012/us-east-1",
      ...["-data", "-firewall", "", "-access-log"].map((end) => `deploy latchkey${end}`),
    ]);
    const order = ["secret latchkey/signing-key", "deploy latchkey-data", "deploy latchkey", "object site/index.html", "item P#harbor", "person dana@harbor.example"];
    const places = order.map((begin) => account.changes.findIndex((what) => what.startsWith(begin)));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    const planned = said.slice(said.indexOf("\nThe plan:"), said.findIndex((line) => line.startsWith("[1/")));
    expect(planned.map((line) => line.split(/\s{2,}/)[1]?.replace(/^\d+\. /, ""))).toEqual([
      undefined,
      "1. bootstrap", "2. keys", "3. data", "4. app", "5. smoke test", "6. pages", "7. sites", "8. practice", "9. admin", "10. DNS",
    ].map((line) => line?.replace(/^\d+\. /, "")));
    expect(said.join("\n")).toMatch(
      /Staff +https:\/\/d1\.cloudfront\.example\nClients +https:\/\/d2\.cloudfront\.example\/<practice>\/sign-in\n\nThe first admin has a mail/,
    );
  });

  test("prints the records of DNS at the end, waits for them, and is done when they do not come", async () => {
    await deploy();
    expect(said).toContain("    t1._domainkey.portal.example.org. CNAME t1.dkim.amazonses.com.");
    expect(said.join("\n")).toContain("Not all are seen yet");
    account.verified = true;
    await deploy();
    expect(said.join("\n")).toMatch(/\[10\/10\] DNS: is done/);
  });

  test("takes a host with a CNAME, or with addresses alone, as an alias of Route 53 has them; and no host that leads elsewhere", async () => {
    account.verified = true;
    const hosts = { staff: "staff.example.org", portal: "portal.example.org", certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1" };
    account.names = { "staff.example.org": ["d1.cloudfront.example"] };
    await deploy({ hosts });
    expect(said).toContain("    portal.example.org. CNAME d2.cloudfront.example.");
    expect(said.join("\n")).not.toContain("staff.example.org. CNAME");
    account.addresses = { "portal.example.org": ["192.0.2.1"] };
    await deploy({ hosts });
    expect(said.join("\n")).toMatch(/\] DNS: is done/);
    account.names["portal.example.org"] = ["old.example.org"];
    await deploy({ hosts });
    expect(said).toContain("    portal.example.org. CNAME d2.cloudfront.example.");
  });

  test("asks DNS once where nobody is asked and the deployment is there already", async () => {
    await deploy();
    expect(said.join("\n")).toContain("Looking every 15 seconds");
    await deploy();
    expect(said).toContain("    t1._domainkey.portal.example.org. CNAME t1.dkim.amazonses.com.");
    expect(said.join("\n")).not.toContain("Looking every");
    said = [];
    await up(deployment(), "no file", person("y"), account.hands());
    expect(said.join("\n")).toContain("Looking every 15 seconds");
  });

  test("made again changes nothing", async () => {
    account.verified = true;
    await deploy();
    const before = [account.state(), account.changes.length];
    await deploy();
    expect([account.state(), account.changes.length]).toEqual(before);
    expect(said.filter((line) => /^ +\d+\. /.test(line) && !line.includes("is done")).map((line) => line.trim().slice(0, 14))).toEqual([
      "5. smoke test ",
      "7. sites      ",
    ]);
  });

  test.each(["try-out", "patients"] as const)(
    "for %s goes on wherever it was ended, and ends as if it never had been",
    { timeout: 60_000 },
    async (use) => {
      await deploy({ use });
      const [whole, steps] = [account.state(), account.changes.length];
      expect(steps).toBeGreaterThan(20);
      for (const side of ["before", "after"] as const) {
        for (let at = 1; at <= steps; at += 1) {
          account = fresh();
          account.kill = { at, side };
          await expect(deploy({ use }), `${side} ${at}`).rejects.toThrow("did not succeed");
          delete account.kill;
          await deploy({ use });
          expect(account.state(), `${side} ${at}: ${account.changes[at - 1]}`).toEqual(whole);
        }
      }
    },
  );

  describe.each(["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"] as const)("that left a stack in the state %s", (status) => {
    const hosts = { staff: "staff.example.org", portal: "portal.example.org", certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1" };

    test.each(["latchkey-data", "latchkey"])("goes on, and ends as if it never had: %s", async (stack) => {
      await deploy({ use: "patients", hosts });
      const whole = account.state();
      account = fresh();
      account.spoilt = { stack, status };
      await expect(deploy({ use: "patients", hosts })).rejects.toThrow(status);
      delete account.spoilt;
      const { first: _, ...settings } = given({ use: "patients", hosts });
      await expect(up(new Deployment(settings, () => {}), "settings.json", undefined, account.hands())).rejects.toThrow("There is no practice yet");
      await deploy({ use: "patients", hosts });
      expect(account.state()).toEqual(whole);
    });

    test.each(["latchkey-data", "latchkey"])("can be taken away whole: %s", async (stack) => {
      account.spoilt = { stack, status };
      await expect(deploy()).rejects.toThrow(status);
      expect(account.stacks.has(stack)).toBe(true);
      await takeDown();
      expect([...account.stacks.keys()]).toEqual(["CDKToolkit"]);
    });
  });

  test("says which step did not succeed, why, and how to go on", async () => {
    account.kill = { at: 1, side: "before" };
    const error = await deploy().catch((error: Error) => error);
    expect(error).toBeInstanceOf(Refusal);
    expect(String(error)).toMatch(/The step "bootstrap" did not succeed\.[^]*before bootstrap[^]*npm run ops -- up --yes/);
  });

  test("makes nothing before somebody agrees to the plan", async () => {
    said = [];
    const refused = up(deployment(), "no file", person("n"), account.hands());
    await expect(refused).rejects.toThrow("Nothing was made");
    expect(account.changes).toEqual([]);
    expect(said.join("\n")).toContain("The plan:");
    await up(deployment(), "no file", person("y"), account.hands());
    expect(account.stacks.has("latchkey")).toBe(true);
  });

  test("without a first practice in the settings, and nobody to ask, is refused before anything is made", async () => {
    const { first: _, ...settings } = given({ use: "try-out", first: FIRST });
    const d = new Deployment(settings, () => {});
    await expect(up(d, "/tmp/settings.json", undefined, account.hands())).rejects.toThrow(/"first": \{"practice"/);
    expect(account.changes).toEqual([]);
  });
});

describe("for patients", () => {
  const protectedFrom = () => account.changes.lastIndexOf("deploy latchkey-data");

  test("nothing is protected until all of it stands", async () => {
    await deploy({ use: "patients" });
    expect(account.stacks.get("latchkey-data")).toMatchObject({ guarded: true });
    const before = account.changes.slice(0, protectedFrom());
    for (const what of ["deploy latchkey", "object site/portal.html", "object staging/latchkey/latchkey.template.json"])
      expect(before).toContain(what);
    expect(said.findIndex((line) => /\] sites: see/.test(line))).toBeLessThan(said.findIndex((line) => /\] protect: /.test(line)));
    expect(JSON.parse(account.stacks.get("latchkey")!.template)).toMatchObject({ provisional: false });
  });

  test("what failed before that can be taken away whole", async () => {
    account.kill = { at: 15, side: "after" };
    await expect(deploy({ use: "patients" })).rejects.toThrow();
    delete account.kill;
    await expect(takeDown({ use: "patients" })).rejects.toThrow('set "use" to "try-out"');
    await takeDown({ use: "try-out" });
    expect([...account.stacks.keys()]).toEqual(["CDKToolkit"]);
  });

  test("nobody is let in before it is protected, and DNS is waited for last", async () => {
    await deploy({ use: "patients", edgePlan: "FREE" });
    const people = account.changes.findIndex((what) => /^(item P#harbor|transaction|person )/.test(what));
    expect(people).toBeGreaterThan(account.changes.lastIndexOf("deploy latchkey-access-log"));
    expect(said.flatMap((line) => /^\[\d+\/12\] ([\w ]+): /.exec(line)?.[1] ?? []).slice(6)).toEqual([
      "sites", "protect", "practice", "admin", "plans", "DNS",
    ]);
    account = fresh();
    const answer = account.answer;
    account.answer = (url, method) => (new URL(url).pathname === "/" ? 403 : answer(url, method));
    await expect(deploy({ use: "patients" })).rejects.toThrow("The staff site answers 403");
    expect(account.people.size).toBe(0);
  });

  const final = () => {
    for (const { template } of [...account.stacks.values()].filter(({ template }) => template !== "{}"))
      expect(JSON.parse(template)).toMatchObject({ provisional: false });
  };
  const unlocked: [string, () => void][] = [
    ["with all its protections", () => {}],
    ["of which somebody took the stack's protection off", () => void (account.stacks.get("latchkey-data")!.guarded = false)],
    ["of which somebody took a table's protection off", () => account.protectedTables.delete("history")],
    ["of which somebody took all protection off", () => {
      account.stacks.get("latchkey-data")!.guarded = false;
      account.protectedTables.clear();
    }],
  ];

  test.each(unlocked)("a practice %s is never made provisional again, and is protected", async (_, unlock) => {
    await deploy({ use: "patients" });
    account.version = "2";
    unlock();
    account.broken.add("latchkey-deliver");
    await expect(deploy({ use: "patients" })).rejects.toThrow("The last version is back");
    final();
    account.broken.clear();
    const before = account.changes.length;
    await deploy({ use: "patients" });
    expect(account.changes.slice(before)).toContain("deploy latchkey");
    final();
    expect(account.stacks.get("latchkey-data")).toMatchObject({ guarded: true });
    expect([...account.protectedTables].sort()).toEqual(["history", "main"]);
  });

  test.each(unlocked)("a practice %s is not taken away, whatever the settings say by now", async (_, unlock) => {
    await deploy({ use: "patients" });
    unlock();
    const before = account.changes.length;
    await expect(takeDown({ use: "try-out" })).rejects.toThrow("is protected or kept in the account");
    expect(account.changes).toHaveLength(before);
  });
});

describe("an upgrade", () => {
  beforeEach(async () => {
    account.verified = true;
    await deploy();
    account.version = "2";
  });

  test("changes what differs, and nothing else", async () => {
    const before = account.changes.length;
    await deploy();
    expect(account.changes.slice(before)).toEqual([
      "deploy latchkey-firewall",
      "deploy latchkey",
      "deploy latchkey-access-log",
      "object staging/latchkey/latchkey.template.json",
    ]);
  });

  test("also happens when only a key was turned", async () => {
    account.version = "1";
    account.parameters.set("/latchkey/signing-version", "the next");
    const before = account.changes.length;
    await deploy();
    expect(account.changes.slice(before)).toContain("deploy latchkey");
  });

  test("uploads pages that changed, and no others' place is lost", async () => {
    writeFileSync(join(account.dist, "index.html"), "<p>new");
    await deploy();
    expect(account.objects.get("site/index.html")).toBe("<p>new");
    expect(account.objects.get("site/practices/harbor.json")).toContain("Harbor Counseling");
  });

  const indexesNow = (table: string) => {
    const { Resources } = JSON.parse(account.stacks.get("latchkey-data")!.template) as {
      Resources: Record<string, { Properties: { GlobalSecondaryIndexes: { IndexName: string }[] } }>;
    };
    return Resources[table]!.Properties.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName);
  };
  const deployments = () => account.changes.filter((what) => what === "deploy latchkey-data").length;

  test.each<[string, Record<string, string[]>, number]>([
    ["one new index of each table", { Main: ["outbox", "listed"], History: ["practice", "actor"] }, 1],
    ["three of one and two of the other", { Main: ["listed", "outbox", "since", "trouble"], History: ["practice", "actor", "day"] }, 3],
    ["one that it has no more", { Main: [], History: ["practice"] }, 1],
    ["others in its place", { Main: ["listed", "since"], History: ["practice"] }, 3],
  ])("with %s makes and deletes one of a table at a time", async (_, indexes, times) => {
    await deploy();
    const before = deployments();
    account.indexes = indexes;
    await deploy();
    expect(deployments() - before).toBe(times);
    expect([indexesNow("Main"), indexesNow("History")]).toEqual([indexes["Main"], indexes["History"]]);
  });

  test.each(["try-out", "patients"] as const)("for %s with several new indexes goes on wherever it was ended", async (use) => {
    for (let at = 1; at <= 3; at += 1)
      for (const side of ["before", "after"] as const) {
        account = fresh();
        await deploy({ use });
        account.indexes = { Main: ["outbox", "listed", "since", "trouble"], History: ["practice"] };
        account.kill = { at: account.changes.length + at, side };
        await expect(deploy({ use })).rejects.toThrow(`${side} deploy latchkey-data`);
        delete account.kill;
        await deploy({ use });
        expect(indexesNow("Main")).toEqual(account.indexes["Main"]);
        expect(account.protectedTables.size).toBe(use === "patients" ? 2 : 0);
      }
  });

  test("with several new indexes is refused where its templates were made before, and so is one that lacks several", async () => {
    await deploy();
    const templates = mkdtempSync(join(tmpdir(), "latchkey-templates-"));
    account.indexes["Main"] = ["outbox", "listed", "since"];
    await account.hands().cdk("synth", "--output", templates);
    const before = account.state();
    await expect(up(deployment(), "no file", undefined, { ...account.hands(), templates })).rejects.toThrow("deploy it once without --templates");
    expect(account.state()).toEqual(before);
    await deploy();
    account.indexes["Main"] = ["outbox"];
    await expect(deploy()).rejects.toThrow("listed, since");
    expect(indexesNow("Main")).toEqual(["outbox", "listed", "since"]);
  });

  test("of which a function does not answer goes back, and its pages are not published", async () => {
    writeFileSync(join(account.dist, "index.html"), "<p>new");
    account.broken.add("latchkey-send-mail");
    await expect(deploy()).rejects.toThrow(/function latchkey-send-mail fails: .*Runtime\.ExitError[^]*The last version is back/);
    expect(JSON.parse(account.stacks.get("latchkey")!.template)).toMatchObject({ version: "1" });
    expect(account.objects.get("site/index.html")).toBe("<p>staff");
  });

  const GROUP = (name: string) => ({ Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: name } });

  test.each(["try-out", "patients"] as const)("for %s that went back leaves no log groups, which the next would meet", async (use) => {
    account = fresh();
    account.resources = { Search: GROUP("/latchkey/search") };
    await deploy({ use });
    account.version = "2";
    account.resources = { Search: GROUP("/latchkey/search"), Bulk: GROUP("/latchkey/bulk") };
    account.broken.add("latchkey-deliver");
    await expect(deploy({ use })).rejects.toThrow("The last version is back");
    expect([...account.logGroups].sort()).toEqual(["/latchkey/search"]);
    account.broken.clear();
    await deploy({ use });
    expect([...account.logGroups].sort()).toEqual(["/latchkey/bulk", "/latchkey/search"]);
  });

  test.each(["try-out", "patients"] as const)("for %s that is ended anywhere on its way back leaves none either", async (use) => {
    let ended = 0;
    for (let at = 1, killed = true; killed; at++) {
      killed = false;
      for (const side of ["before", "after"] as const) {
        account = fresh();
        account.resources = { Search: GROUP("/latchkey/search") };
        await deploy({ use });
        account.version = "2";
        account.resources = { Search: GROUP("/latchkey/search"), Bulk: GROUP("/latchkey/bulk") };
        account.broken.add("latchkey-deliver");
        account.kill = { at: account.changes.length + at, side };
        const why: unknown = await deploy({ use }).catch((error: unknown) => error);
        if (!String(why).includes("The last version is back")) killed = true;
        if (/(before|after) (update|delete log group)/.test(String(why))) ended++;
        delete account.kill;
        account.broken.clear();
        await deploy({ use });
        expect([...account.logGroups].sort()).toEqual(["/latchkey/bulk", "/latchkey/search"]);
      }
    }
    // Of a try-out, the groups went with the stack: there is nothing left to delete.
    expect(ended).toBeGreaterThanOrEqual(3);
  });

  test.each<[string, Account["resources"]]>([
    ["to another pool", { Pool: { Type: "AWS::Cognito::UserPool", Properties: { UserPoolName: "other" } } }],
    ["to none", {}],
  ])("%s is not taken back: that could make an empty pool", async (_, resources) => {
    account = fresh();
    account.resources = { Pool: { Type: "AWS::Cognito::UserPool", Properties: { UserPoolName: "staff" } } };
    await deploy();
    account.version = "2";
    account.resources = resources;
    account.broken.add("latchkey-deliver");
    await expect(deploy()).rejects.toThrow(/function latchkey-deliver fails[^]*differ in the staff's user pool/);
    expect(JSON.parse(account.stacks.get("latchkey")!.template)).toMatchObject({ version: "2" });
  });

  test("that was ended between deploying and the smoke test is tried all the same, and goes back", async () => {
    account.broken.add("latchkey-deliver");
    account.kill = { at: account.changes.length + 3, side: "after" };
    await expect(deploy()).rejects.toThrow("after deploy latchkey-access-log");
    delete account.kill;
    await expect(deploy()).rejects.toThrow("The last version is back");
    expect(JSON.parse(account.stacks.get("latchkey")!.template)).toMatchObject({ version: "1" });
  });

  test("that was not one takes nothing back: the same version answered before", async () => {
    account.version = "1";
    account.broken.add("latchkey-deliver");
    const before = account.changes.length;
    await expect(deploy()).rejects.toThrow("nothing was taken back");
    expect(account.changes).toHaveLength(before);
  });
});

describe("templates that were made elsewhere", () => {
  const made = () => {
    const folder = mkdtempSync(join(tmpdir(), "latchkey-made-"));
    for (const end of ["", "-data", "-firewall", "-access-log"]) {
      const Parameters = end ? {} : { Signing: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/latchkey/signing-version" } };
      const template = { version: end === "-data" ? "data" : "elsewhere", provisional: false, Parameters, ...(end === "-data" && account.tables(false)) };
      writeFileSync(join(folder, `latchkey${end}.template.json`), JSON.stringify(template));
    }
    return folder;
  };
  const deployMade = (changes: Partial<Settings> = {}) =>
    up(deployment(changes), "no file", undefined, { ...account.hands(), templates: made() });

  test("are deployed as they are, with all other steps", async () => {
    await deploy({ use: "patients" });
    await deployMade({ use: "patients" });
    expect(JSON.parse(account.stacks.get("latchkey")!.template)).toMatchObject({ version: "elsewhere" });
    account.broken.add("latchkey-deliver");
    account.version = "2";
    await expect(deploy({ use: "patients" })).rejects.toThrow("The last version is back");
    expect(JSON.parse(account.stacks.get("latchkey")!.template)).toMatchObject({ version: "elsewhere" });
  });

  test("are refused of a first deployment for patients, which nothing may protect before it stands", async () => {
    await expect(deployMade({ use: "patients" })).rejects.toThrow("leave --templates out");
    expect(account.changes).toEqual([]);
  });
});

test("a first version that does not answer stays for a look at it, unprotected", async () => {
  account.broken.add("latchkey-deliver");
  await expect(deploy({ use: "patients" })).rejects.toThrow("no earlier version");
  expect(account.stacks.get("latchkey-data")).toMatchObject({ guarded: false });
  account.broken.clear();
  await deploy({ use: "patients" });
  expect(account.stacks.get("latchkey-data")).toMatchObject({ guarded: true });
});

test("a site that does not show its page is told, before anything is protected", async () => {
  const answer = account.answer;
  account.answer = (url, method) => (new URL(url).pathname === "/" ? 403 : answer(url, method));
  await expect(deploy({ use: "patients" })).rejects.toThrow("The staff site answers 403");
  expect(account.stacks.get("latchkey-data")).toMatchObject({ guarded: false });
});

describe("taking a try-out away", () => {
  const EMPTY = { parameters: ["/cdk-bootstrap/hnb659fds/version"], secrets: [], objects: [], items: [], people: [] };

  beforeEach(async () => {
    await deploy();
    for (const event of ["a", "b", "c"]) account.objects.set(`archive/history/${event}`, "{}");
    account.recoveryPoints = ["r1", "r2"];
  });

  test("leaves nothing but what CDK's bootstrap made for the account", async () => {
    await takeDown();
    expect(account.state()).toMatchObject(EMPTY);
    expect([...account.stacks.keys()]).toEqual(["CDKToolkit"]);
  });

  test("leaves the secret of the issuer's client, which another deployment may use, and says so", async () => {
    const issuer = { url: "https://id.example.org", clientId: "latchkey", clientSecretName: "house/client" };
    account.secrets.set("house/client", "s3cret");
    account.parameters.set("/latchkey/client-secret-version", "1");
    await deploy({ issuer });
    await takeDown({ issuer });
    expect(account.state()).toMatchObject({ ...EMPTY, secrets: ["house/client"] });
    expect(said.at(-1)).toContain("The secret house/client");
    // Nor is it looked for again.
    await takeDown({ issuer });
    expect(said.join("\n")).toMatch(/keys +is done/);
  });

  test("goes on wherever it was ended", { timeout: 60_000 }, async () => {
    const begun = account.changes.length;
    await takeDown();
    const steps = account.changes.length - begun;
    expect(steps).toBeGreaterThan(10);
    for (const side of ["before", "after"] as const) {
      for (let at = 1; at <= steps; at += 1) {
        account = fresh();
        await deploy();
        account.objects.set("archive/history/a", "{}");
        account.kill = { at: account.changes.length + at, side };
        await takeDown().catch(() => {});
        delete account.kill;
        await takeDown();
        expect(account.state(), `${side} ${at}`).toMatchObject(EMPTY);
        expect([...account.stacks.keys()]).toEqual(["CDKToolkit"]);
      }
    }
  });

  test("asks for the deployment's name, and does nothing without it", async () => {
    const before = account.changes.length;
    await expect(down(deployment(), person("yes"))).rejects.toThrow("Nothing was taken away");
    expect(account.changes).toHaveLength(before);
    await down(deployment(), person("latchkey"));
    expect([...account.stacks.keys()]).toEqual(["CDKToolkit"]);
  });

  test.each<[string, Partial<Settings>, string]>([
    ["for patients", { use: "patients" }, "is for patients"],
    ["whose data are kept", { keepData: true }, '"keepData" is true'],
  ])("is refused of one %s", async (_, changes, why) => {
    const before = account.changes.length;
    await expect(takeDown(changes)).rejects.toThrow(why);
    expect(account.changes).toHaveLength(before);
  });

});

describe("the questions", () => {
  const file = () => join(mkdtempSync(join(tmpdir(), "latchkey-settings-")), "settings.json");

  test("are few; each says what follows, and an empty answer is the default", async () => {
    const path = file();
    const asked = person("", "", "it@harbor.example", "", "Harbor Counseling", "", "", "", "");
    const settings = await settle(path, asked);
    expect(asked.asked.filter((line) => line.includes("?\n  "))).toHaveLength(9);
    expect(settings).toMatchObject({
      use: "try-out",
      region: expect.stringMatching(/^[a-z]+-[a-z]+-\d$/),
      alarms: "it@harbor.example",
      sender: "no-reply@harbor.example",
      first: {
        practice: "harbor-counseling",
        name: "Harbor Counseling",
        alertInbox: "it@harbor.example",
        email: "it@harbor.example",
        admin: "It",
      },
    });
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ alarms: "it@harbor.example" });
    // Nothing is asked a second time.
    expect((await settle(path, person())).alarms).toBe("it@harbor.example");
  });

  test("are asked again when the answer is not right, with the reason", async () => {
    const asked = person("perhaps", "try-out", "Europe", "eu-central-1", "", "nobody", "it@harbor.example");
    const settings = await settle(file(), asked);
    expect(settings).toMatchObject({ region: "eu-central-1", alarms: "it@harbor.example" });
    for (const why of [/^ +use: /, /^ +region: /, /An answer is needed/, /^ +alarms: /])
      expect(asked.asked).toContainEqual(expect.stringMatching(why));
  });

  test("are not asked of machines: the file has all answers, or nothing is made", async () => {
    const path = file();
    await expect(settle(path)).rejects.toThrow("nobody to ask");
    writeFileSync(path, JSON.stringify({ region: "us-east-1" }));
    await expect(settle(path)).rejects.toThrow(/sender:.*\n.*alarms:.*\n.*use:/);
    expect(existsSync(path)).toBe(true);
  });
});
