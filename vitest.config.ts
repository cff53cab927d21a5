import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { answerRequest } from "./sdk/testing/fs-contract/oracle.ts";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          // One less by default; tests that wait for git or workerd leave their core idle.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
          include: ["sdk/**/*.test.ts", "server/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**", "**/*.workers.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The same workerd that `npm start` runs, with the bindings of wrangler.toml that the stores need.
        plugins: [
          cloudflareTest({
            main: "./server/testing/workers-entry.ts",
            miniflare: {
              compatibilityDate: "2026-04-26",
              compatibilityFlags: ["nodejs_compat"],
              cf: false,
              durableObjects: {
                REPO: { className: "RepoDO", useSQLite: true },
                FAULTY_REPO: { className: "FaultyRepoDO", useSQLite: true },
                ORG: { className: "OrgDO", useSQLite: true },
                SESSION: { className: "SessionDO", useSQLite: true },
                FAMILY: { className: "PackFamilyDO", useSQLite: true },
                LFS: { className: "LfsDO", useSQLite: true },
                SYNC: { className: "SyncDO", useSQLite: true },
              },
              bindings: { ADMIN_KEY: "test-admin-key", RATE_LIMITS: "on" },
              // Without a consumer: tests of deliveries send them themselves, or run the local server.
              queueProducers: { EVENTS: "coregit-events" },
              r2Buckets: ["PACKS"],
              // The real filesystem, which a Worker has not: the suite over a mount's fs.promises asks it as it goes.
              serviceBindings: { NODE_FS: answerRequest },
            },
          }),
        ],
        test: {
          name: "workers",
          // workerd has threads of its own: a second runtime beside it would only slow both down.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          include: ["server/**/*.workers.test.ts", "sdk/**/*.workers.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
