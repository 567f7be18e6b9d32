import { defineConfig } from "vitest/config";

const shared = { testTimeout: 180_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    // Both homes count failures by address: files of one home run one after the other.
    fileParallelism: false,
    projects: [
      { test: { ...shared, name: "local", include: ["flows/*.test.ts"], globalSetup: "./local.ts" } },
      {
        test: {
          ...shared,
          name: "aws",
          include: ["flows/*.test.ts", "aws/*.test.ts"],
          globalSetup: "./aws.ts",
        },
      },
    ],
  },
});
