import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  AIMS,
  ASSUMED,
  CALLS,
  LEVERS,
  SECRETS,
  SIZES,
  STREAMED,
  TIERS,
  bill,
  billedMs,
  memories,
  quantities,
  work,
} from "./model.js";

const list = JSON.parse(readFileSync(new URL("./prices.json", import.meta.url), "utf8"));

/** Figures of the shape of `target/bench.json` and `target/cold.json`, all alike, so that sums are easy. */
function figures({ read = 2, write = 3, rounds = 2, own = 1, ready = 10 } = {}) {
  const operation = { read, write, rounds, requests: ["GetItem"] };
  const program = { processor: own, ready: { median: ready } };
  const driven = ["send-mail", "mail-events", "deliver"];
  const functions = new Set([...Object.keys(CALLS).map((name) => name.split(/[.,]/)[0]), ...driven]);
  const programs = Object.fromEntries([...functions].map((name) => [name, { ...program }]));
  const names = [...Object.keys(CALLS), ...Object.values(STREAMED)];
  const operations = Object.fromEntries(names.map((name) => [name, operation]));
  return [{ sizes: [1000], operations }, { programs }];
}

test("a call is billed for its own work at its share of a processor, and for waiting", () => {
  equal(billedMs(0, 0, 256), 1, "never less than a millisecond");
  equal(billedMs(1, 0, 1769), 1);
  equal(billedMs(1, 0, 3538), 1, "more than one processor does not make it faster");
  equal(billedMs(1, 0, 256), 7);
  equal(billedMs(1, 2, 256), 19, "waiting takes as long whatever the processor");
});

test("units are those that were measured, times the calls", () => {
  const size = { clients: 1000, cold: 0, hours: 100, traced: 1 };
  const done = [...Object.values(CALLS), ...Object.keys(STREAMED).map((name) => CALLS[name])];
  const calls = done.reduce((all, each) => all + each * 1000, 0);
  const [bench, cold] = figures();
  const [none] = figures({ read: 0, write: 0 });
  const { readUnit, writeUnit } = quantities(size, bench, cold).DynamoDB;
  const rest = quantities(size, none, cold).DynamoDB;
  ok(Math.abs(readUnit - rest.readUnit - 2 * calls) < 1e-6);
  ok(Math.abs(writeUnit - rest.writeUnit - 3 * calls) < 1e-6);
});

test("finding out whom a reset was asked for is paid for beside asking and beside the mail", () => {
  const size = { clients: 1000, cold: 0, hours: 100, traced: 1 };
  const [without, cold] = figures();
  const [bench] = figures();
  without.operations["reset-password, resolved"] = { read: 0, write: 0, rounds: 0 };
  bench.operations["reset-password, resolved"] = { read: 5, write: 20, rounds: 6 };
  const [before, after] = [quantities(size, without, cold), quantities(size, bench, cold)];
  const asked = 1000 * CALLS["reset-password"];
  ok(Math.abs(after.DynamoDB.readUnit - before.DynamoDB.readUnit - 5 * asked) < 1e-6);
  ok(Math.abs(after.DynamoDB.writeUnit - before.DynamoDB.writeUnit - 20 * asked) < 1e-6);
  ok(Math.abs(after.Lambda.lambdaSecond - before.Lambda.lambdaSecond - (36 * asked * 0.5) / 1000) < 1e-6);
  equal(after.SES.mail, before.SES.mail);
  const none = Object.values(CALLS).reduce((all, each) => all + each * 1000, 0);
  ok(after.Lambda.lambdaRequest - none > asked, "each is a call of its own");
  delete bench.operations["reset-password, resolved"];
  throws(() => quantities(size, bench, cold), /make bench has not measured reset-password, resolved/);
});

test("each session in which an app was opened is told to it, and the app is waited for", () => {
  const size = { clients: 1000, cold: 0, hours: 100, traced: 1 };
  const [bench, cold] = figures();
  const usual = { ...ASSUMED.listening };
  const before = quantities(size, bench, cold).Lambda.lambdaSecond;
  ASSUMED.listening.value += 1000;
  const slower = quantities(size, bench, cold).Lambda.lambdaSecond;
  ASSUMED.listening.value = usual.value;
  ok(Math.abs(slower - before - 1000 * CALLS["sign-in"] * 0.5) < 1e-6);
  delete cold.programs.deliver;
  throws(() => quantities(size, bench, cold), /make bench-cold has not measured deliver/);
});

test("a function that hashes passwords has more memory, and so its whole processor", () => {
  const [bench, cold] = figures();
  cold.programs.enroll.processor = 30;
  const rows = new Map(work(1, bench, cold).map((row) => [row.name, row]));
  equal(rows.get("sign-in, refused").memory, 1769);
  equal(rows.get("search").memory, 512);
  equal(rows.get("reset-password.choose").program.processor, 30, "choosing one takes what enrolling does");
});

test("more memory answers sooner, for a price, until it has the whole processor", () => {
  const [bench, cold] = figures({ own: 2, rounds: 2 });
  for (const hashing of [true, false]) {
    const sizes = memories(hashing, bench, cold, list);
    deepEqual(
      sizes.map(({ memory, ms }) => [memory, Math.round(ms)]),
      [
        [128, 40],
        [256, 26],
        [512, 19],
        [1024, 16],
        [1769, 14],
      ],
    );
    ok(Math.abs(sizes[1].usd - 0.026 * 0.25 * 1e6 * 0.0000133334) < 1e-9);
  }
});

test("cold starts are paid for", () => {
  const size = { clients: 1000, hours: 100, traced: 1 };
  const [bench, cold] = figures({ ready: 10 });
  const never = quantities({ ...size, cold: 0 }, bench, cold).Lambda.lambdaSecond;
  const always = quantities({ ...size, cold: 1 }, bench, cold).Lambda.lambdaSecond;
  ok(always > never);
});

test("metrics are paid for no longer than a month, and no longer than something was counted", () => {
  const [bench, cold] = figures();
  const month = { clients: 1_000_000, cold: 0, hours: 730, traced: 1 };
  equal(quantities(month, bench, cold).CloudWatch.metric, 8);
  ok(quantities({ ...month, clients: 10 }, bench, cold).CloudWatch.metric < 8);
  ok(8 <= list.prices.metric.allowance.quantity, "which AWS gives for good");
});

test("the archive's objects move to cheaper storage once they are large enough to", () => {
  const [bench, cold] = figures();
  const small = quantities({ ...SIZES[0] }, bench, cold).S3;
  equal(small.archiveMove, 0);
  equal(small.archiveStorage, 0);
  ok(small.archiveStandard > 0);
  const large = quantities(SIZES.at(-1), bench, cold).S3;
  equal(large.archiveMove, large.archivePut);
  ok(Math.abs(large.archiveStandard / (large.archiveStandard + large.archiveStorage) - 3 / 72) < 1e-9);
  const full = quantities({ ...SIZES.at(-1), clients: 10_000_000 }, bench, cold).S3;
  ok(full.archivePut > 8_640, "a full batch does not wait");
});

test("what apps ask again leaves no event, and neither does a look at a session; a sign-out does", () => {
  const [bench, cold] = figures();
  const quiet = ["authorize", "authorize.metadata", "userinfo", "token.introspect", "check"];
  quiet.push("portal-session", "portal-session.apps", "staff-sign-in.session");
  const each = Object.entries(CALLS).reduce((all, [name, calls]) => all + (quiet.includes(name) ? 0 : calls), 0);
  const { archiveStandard, archiveStorage } = quantities({ ...SIZES[0], clients: 1000 }, bench, cold).S3;
  ok(Math.abs(archiveStandard + archiveStorage - (1000 * each * 72 * 0.6) / 1e6) < 1e-9);
});

test("backups are of the main table: five weeks, and twelve months of which most days are cold", () => {
  const [bench, cold] = figures();
  const { backup, coldBackup } = quantities({ ...SIZES[0], clients: 1_000_000 }, bench, cold).Backup;
  ok(Math.abs(backup + coldBackup - 14 * 17) < 1e-9);
  ok(backup > 14 * 5 && backup < 14 * 5.25);
});

test("what the edge does is logged, and S3 is asked for every page that CloudFront does not have", () => {
  const size = { clients: 1000, cold: 0, hours: 100, traced: 1 };
  const [bench, cold] = figures();
  const { CloudWatch, CloudFront, Lambda, S3 } = quantities(size, bench, cold);
  const functions = (Lambda.lambdaRequest * (0.9 + 0.7)) / 1e6;
  ok(Math.abs(CloudWatch.logs - functions - (CloudFront.edgeRequest * 0.4) / 1e6) < 1e-9);
  // With few people, hardly a page is asked for twice in a minute; with many, each place asks once in one.
  const at = (clients) => quantities({ ...size, clients }, bench, cold);
  const few = at(10);
  equal(Math.round(few.S3.pageGet), Math.round((few.CloudFront.edgeFunction * 2) / 3));
  ok(S3.pageGet < (CloudFront.edgeFunction * 2) / 3);
  equal(S3.pageGet, 2 * 3 * 60 * 100);
  equal(at(1_000_000).S3.pageGet, S3.pageGet);
});

test("a key that turns every year is paid for three times", () => {
  const [bench, cold] = figures();
  equal(quantities(SIZES[0], bench, cold)["KMS, Secrets Manager"].key, 3);
});

test("a secret is read by the functions that have one, when they start", () => {
  const size = { clients: 1000, hours: 100, traced: 1 };
  const [bench, cold] = figures();
  const reads = (coldPart) => quantities({ ...size, cold: coldPart }, bench, cold)["KMS, Secrets Manager"].secretRequest;
  equal(reads(0), 0);
  ok(Math.abs(reads(1) - 2 * reads(0.5)) < 1e-6);
  const usual = SECRETS.token;
  SECRETS.token = 0;
  const without = reads(1);
  SECRETS.token = usual;
  const tokens = 1000 * (CALLS.token + CALLS["token.introspect"]);
  ok(Math.abs(reads(1) - without - tokens) < 1e-6);
});

test("a bill is the sum of its lines, each with a price", () => {
  const [bench, cold] = figures();
  for (const size of SIZES) {
    const made = bill(size, bench, cold, list);
    const lines = Object.values(made.services).flatMap(({ lines }) => Object.values(lines));
    ok(Math.abs(made.usd - lines.reduce((all, { usd }) => all + usd, 0)) < 1e-6);
    ok(lines.every(({ usd, quantity }) => Number.isFinite(usd) && quantity >= 0));
  }
  throws(() => bill(SIZES[0], bench, cold, { prices: {} }), /no price for/);
});

test("every price is used, and says where and when it was read", () => {
  const [bench, cold] = figures();
  const used = Object.values(TIERS).flatMap((tier) =>
    SIZES.flatMap((size) =>
      Object.values(quantities(size, bench, cold, tier, list)).flatMap((parts) => Object.keys(parts)),
    ),
  );
  // Plans that are cheaper than use at none of these sizes are there for others.
  const plans = Object.keys(list.prices).filter((name) => list.prices[name].holds);
  deepEqual([...new Set([...used, ...plans])].sort(), Object.keys(list.prices).sort());
  for (const { source, usd, per, read, allowance } of Object.values(list.prices)) {
    ok(source.startsWith("https://aws.amazon.com/") && usd >= 0 && per > 0);
    for (const one of [read, allowance].filter(Boolean)) {
      ok(one.page);
      ok(/^202\d-\d\d-\d\d$/.test(one.day));
    }
  }
  // May only get fewer.
  const unread = Object.keys(list.prices).filter((name) => !list.prices[name].read);
  deepEqual(unread, ["coldBackup"]);
});

test("the tiers cost less and less, and each lever saves what it says", () => {
  const [bench, cold] = figures();
  for (const size of SIZES) {
    const [full, standard, lean] = Object.values(TIERS).map((tier) => bill(size, bench, cold, list, tier).usd);
    ok(full > standard && standard > lean);
    for (const [name, change] of Object.entries(LEVERS)) {
      const with_ = bill(size, bench, cold, list, { ...TIERS.full, ...change }).usd;
      ok(with_ <= full, name);
      for (const key of Object.keys(change)) ok(key in TIERS.full, key);
    }
  }
  deepEqual(Object.keys(TIERS), ["full", "standard", "lean"]);
  equal(AIMS.length, SIZES.length);
});

test("a plan is taken for a site that it holds, with its firewall, and never when use is cheaper", () => {
  const [bench, cold] = figures();
  const plans = { ...TIERS.full, plans: true };
  const small = quantities(SIZES[0], bench, cold, plans, list);
  equal(small.CloudFront.planFree, 2);
  deepEqual(small.WAF, { acl: 0, rule: 0, wafRequest: 0 });
  equal(small.CloudFront.edgeRequest, 0);
  const large = quantities(SIZES.at(-1), bench, cold, plans, list);
  equal(large.WAF.acl, 2);
  deepEqual(large.CloudFront, quantities(SIZES.at(-1), bench, cold).CloudFront);
  // The portal outgrows the smallest plan before the staff's site does, and the next one costs more than its use at first.
  const at = (clients) => quantities({ ...SIZES[1], clients }, bench, cold, plans, list);
  deepEqual([at(20_000).CloudFront.planFree, at(20_000).WAF.acl], [1, 1]);
  deepEqual([at(60_000).CloudFront.planPro, at(60_000).WAF.acl], [1, 1]);
});

test("both sites together ask for what all operations and pages do", () => {
  const [bench, cold] = figures();
  const { CloudFront, Lambda } = quantities({ ...SIZES[0], clients: 1000 }, bench, cold);
  const pages = CloudFront.edgeFunction;
  const calls = Object.values(CALLS).reduce((all, each) => all + each * 1000, 0);
  ok(Math.abs(CloudFront.edgeRequest - pages - calls) < 1e-6);
  ok(Lambda.lambdaRequest > calls);
});

test("a large history in Standard-IA moves its bytes and its writes, and leaves recovery to the main table", () => {
  const [bench, cold] = figures();
  const rare = { ...TIERS.full, historyClass: "by size", historyRecovery: false };
  const at = (clients, tier = TIERS.full) => quantities({ ...SIZES[1], clients }, bench, cold, tier, list).DynamoDB;
  const before = at(70_000);
  const after = at(70_000, rare);
  ok(Math.abs(after.storage + after.storageRare - before.storage) < 1e-9);
  ok(Math.abs(after.writeUnit + after.writeUnitRare - before.writeUnit) < 1e-6);
  equal(after.recovery, after.storage);
  const small = at(69_999, rare);
  ok(!("storageRare" in small) && small.recovery < small.storage);
});

test("the class of a history is the one that is cheaper at its size", () => {
  const [bench, cold] = figures();
  const usd = (clients, historyClass) =>
    bill({ ...SIZES[1], clients }, bench, cold, list, { ...TIERS.standard, historyClass }).services.DynamoDB.usd;
  const { rareFrom } = ASSUMED;
  const there = rareFrom.value;
  try {
    for (const clients of [10_000, 60_000, 80_000, 1_000_000]) {
      const chosen = usd(clients, "by size");
      rareFrom.value = clients < there ? clients : clients + 1;
      ok(chosen < usd(clients, "by size"), `${clients}`);
      rareFrom.value = there;
    }
  } finally {
    rareFrom.value = there;
  }
});

test("an allowance is subtracted once, where the tier says so, and never below nothing", () => {
  const [bench, cold] = figures();
  const size = { clients: 10, cold: 0, hours: 10, traced: 1 };
  const line = (tier, service, name) => bill(size, bench, cold, list, tier).services[service].lines[name];
  equal(line(TIERS.standard, "Lambda", "lambdaRequest").usd, 0);
  ok(line(TIERS.full, "Lambda", "lambdaRequest").usd > 0);
  const { quantity, usd } = line(TIERS.standard, "CloudWatch", "alarm");
  ok(Math.abs(usd - (quantity - 10) * 0.1) < 1e-9);
});

test("what was not measured is not made up", () => {
  const [bench, cold] = figures();
  delete bench.operations.revoke;
  throws(() => bill(SIZES[0], bench, cold, list), /make bench has not measured revoke/);
  const [again, colder] = figures();
  delete colder.programs.search;
  throws(() => bill(SIZES[0], again, colder, list), /make bench-cold has not measured search/);
});
