// What a visitor has to fetch, from what was built: `npm run budgets` prints it and fails above a limit.
// Sizes are bytes as sent: gzip, but for the font, which is compressed already.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KB = 1000;
const LIMIT = {
  js: { staff: 35 * KB, portal: 18 * KB },
  route: 12 * KB,
  // With the library that reads its files.
  routes: { "import-clients": 25 * KB },
  css: 8 * KB,
  font: 36 * KB,
  page: 100 * KB,
};

const DIST = join(import.meta.dirname, "dist");
const packed = (file) => gzipSync(readFileSync(join(DIST, file)), { level: 6 }).length;
const sum = (sizes) => [...sizes].reduce((total, size) => total + size, 0);

/** A chunk and all that comes with it at once. */
function withImports(manifest, key, found = new Set()) {
  if (found.has(key)) return found;
  found.add(key);
  for (const each of manifest[key].imports ?? []) withImports(manifest, each, found);
  return found;
}

/** Everything that is fetched only when it is needed, each by the shortest way that leads to it, with what that
 *  step adds to those before: by a longer way more is there already. */
function* lazily(manifest, first) {
  const seen = new Set(first);
  const ways = [{ loaded: first, from: first }];
  for (const { loaded, from } of ways) {
    const later = [...from].flatMap((key) => manifest[key].dynamicImports ?? []);
    for (const key of later) {
      if (seen.has(key)) continue;
      seen.add(key);
      const added = new Set([...withImports(manifest, key)].filter((each) => !loaded.has(each)));
      yield { name: manifest[key].name, added };
      ways.push({ loaded: new Set([...loaded, ...added]), from: added });
    }
  }
}

function measured(side, html) {
  const manifest = JSON.parse(readFileSync(join(DIST, `.vite/${side}.json`), "utf8"));
  const code = (keys) => sum([...keys].map((key) => packed(manifest[key].file)));
  const styles = (keys) => sum([...new Set([...keys].flatMap((key) => manifest[key].css ?? []))].map(packed));

  const [, script] = /<script type="module"[^>]* src="\/([^"]+)"/.exec(readFileSync(join(DIST, html), "utf8"));
  const first = withImports(
    manifest,
    Object.keys(manifest).find((key) => manifest[key].file === script),
  );
  const routes = [...lazily(manifest, first)];
  const fonts = new Set(Object.values(manifest).flatMap(({ file, assets = [] }) => [file, ...assets]));
  const font = sum([...fonts].filter((file) => file.endsWith(".woff2")).map((file) => statSync(join(DIST, file)).size));
  const words = Math.max(0, ...[...fonts].filter((file) => file.endsWith(".json")).map(packed));

  const js = code(first);
  const css = styles(first);
  // A step that several ways lead to counts as it is the first time, when it brings the most.
  const steps = new Map();
  for (const { name, added } of routes) {
    if (added.size > (steps.get(name)?.size ?? 0)) steps.set(name, added);
  }
  return [
    [`${side}: code`, js, LIMIT.js[side]],
    ...[...steps].map(([name, added]) => [`${side}: code of ${name}`, code(added), LIMIT.routes[name] ?? LIMIT.route]),
    ...[...steps]
      .filter(([, added]) => styles(added))
      .map(([name, added]) => [`${side}: styles with ${name}`, css + styles(added), LIMIT.css]),
    [`${side}: styles`, css, LIMIT.css],
    [`${side}: font`, font, LIMIT.font],
    [`${side}: first page`, packed(html) + js + css + font + words, LIMIT.page],
  ];
}

const rows = [...measured("staff", "index.html"), ...measured("portal", "portal.html")];
for (const [what, size, limit] of rows) {
  const figures = [size, limit].map((bytes) => (bytes / KB).toFixed(1).padStart(7));
  console.log(`${what.padEnd(36)}${figures.join(" of")} kB${size > limit ? "  TOO MUCH" : ""}`);
}
process.exitCode = rows.some(([, size, limit]) => !(size <= limit)) ? 1 : 0;
