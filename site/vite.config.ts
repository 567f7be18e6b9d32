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
      rollupOptions: { input: mode === "portal" ? "portal.html" : "index.html" },
    }),
  },
}));
