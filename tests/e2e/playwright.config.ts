import { defineConfig } from "@playwright/test";

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  globalSetup: "./home.ts",
  outputDir: "results",
  // Every test makes the clients it needs, so all of them may run beside each other.
  fullyParallel: true,
  workers: 2,
  timeout: 30_000,
  expect: { timeout: 7_000 },
  forbidOnly: Boolean(process.env["CI"]),
  reporter: "list",
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: process.env["CHROMIUM"] || "/usr/bin/chromium", args: QUIET },
    viewport: { width: 1280, height: 720 },
    locale: "en-US",
    timezoneId: "UTC",
  },
  projects: [
    { name: "flows", testDir: "flows" },
    // Not tests: `npm run screenshots` takes the pictures of the README.
    { name: "pictures", testMatch: "screenshots.ts", fullyParallel: false, workers: 1 },
    // Figures, for which the machine should have nothing else to do: `make lighthouse`.
    { name: "lighthouse", testDir: "../lighthouse", testMatch: "pages.ts", workers: 1 },
  ],
});
