import { defineConfig } from "vite";

// Two pages, built one after the other: the staff console and the clients' portal are served from
// different origins, so a file shared between them would be fetched twice and only be cut worse.
export default defineConfig(({ command, mode }) => ({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    emptyOutDir: mode !== "portal",
    // The policy the server sends forbids inline script and inline data; small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // For budgets.js; no server hands out what lies under a dot.
    manifest: `.vite/${mode}.json`,
    ...(command === "build" && {
      rollupOptions: {
        input: mode === "portal" ? "portal.html" : "index.html",
        // What the first page needs is one file, and so is what only links of mails lead to. Cut by who shares
        // what with whom, each would be several, which pack worse and come one after the other.
        output: {
          codeSplitting: {
            groups: [
              { name: mode, test: /\/src\/(staff|portal)\/main\.tsx$/, priority: 2 },
              { name: "mailed", test: /\/src\/portal\/(enroll|password)\.tsx$/, priority: 1 },
            ],
          },
        },
      },
    }),
  },
}));
