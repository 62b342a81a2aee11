/**
 * Eight projects. `npm test` runs the first four; `npm run test:slow` the next two, files named `*.slow.test.ts`: they wait for queues, make long chains, or
 * run wrangler again and again.
 * `npm run test:http2` and `npm run test:interop` build their programs first and run one each.
 * The authority's and the protocol's tests run twice, in Node and in workerd, except the files named `*.node.test.ts`.
 */

import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { CLIENT_ID, CLIENT_SECRET, IDENTITY_ISSUER } from "./test/support/identity-client.ts";
import { answerOutside } from "./test/support/outside.ts";

/** Milliseconds for a test that takes a second or less on an idle machine: where others use it, it may take very much longer. */
const TEST_TIMEOUT = 60_000;
/** The same for one that takes half a minute. */
const SLOW_TIMEOUT = 600_000;

const COMPATIBILITY = { compatibilityDate: "2026-10-23", compatibilityFlags: ["nodejs_compat"] };

/** The folders whose tests need no host. */
const CORE = ["test/tka", "test/protocol", "test/policy"];

const MIGRATIONS = await readD1Migrations("./migrations");

/** The Worker and the objects, in workerd. */
function workerd(
  name: string,
  files: { readonly include: string[]; readonly exclude?: string[] },
): TestProjectConfiguration {
  return {
    plugins: [
      cloudflareTest({
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          // A database that no migration has been applied to.
          d1Databases: ["OLD_RECORD"],
          bindings: {
            OWNER_TOKEN: "owner-token-of-the-tests",
            CONTROL_NOISE_KEY: `privkey:${"c0".repeat(32)}`,
            STORAGE_KEY: `storagekey:${"5e".repeat(32)}`,
            OIDC_ISSUER: IDENTITY_ISSUER,
            OIDC_CLIENT_ID: CLIENT_ID,
            OIDC_CLIENT_SECRET: CLIENT_SECRET,
            // Tests ask nobody for relays, but those that say whom.
            DERP_MAP_URL: "",
            // Every change by the admin API would be a line.
            LOG_LEVEL: "warn",
            MIGRATIONS,
          },
          // Whatever a Worker under test asks for outside is answered here.
          outboundService: answerOutside,
        },
      }),
    ],
    test: {
      name,
      setupFiles: ["test/support/workerd/before-each-file.ts"],
      ...files,
      testTimeout: TEST_TIMEOUT,
      hookTimeout: TEST_TIMEOUT,
      // Every test makes objects of its own: the files share a runtime.
      isolate: false,
      // Lines of the log go to the terminal by themselves. Vitest would pass each on and wait until that is done; the plugin keeps back what an object logs
      // until the test itself says something, which it does not once it has ended: a line at the end of a file, and the run never ended.
      disableConsoleIntercept: true,
      // Before each test: none finds what another, or another file, has left mocked.
      restoreMocks: true,
    },
  };
}

export default defineConfig({
  test: {
    // Two cores are the least that this is run on; left alone, vitest would use one of them.
    maxWorkers: 2,
    reporters: ["default", "./scripts/count-reporter.mjs"],
    projects: [
      {
        test: {
          name: "node-core",
          environment: "node",
          include: CORE.map((folder) => `${folder}/**/*.test.ts`),
          exclude: ["**/*.interop.test.ts", "**/*.node.test.ts"],
          testTimeout: TEST_TIMEOUT,
          hookTimeout: TEST_TIMEOUT,
          // What they test is pure: to load it anew for each file would take as long as the tests.
          isolate: false,
        },
      },
      {
        test: {
          name: "node",
          environment: "node",
          include: [
            "test/{node,cli,scripts}/**/*.test.ts",
            "test/*.test.ts",
            ...CORE.map((folder) => `${folder}/**/*.node.test.ts`),
          ],
          exclude: ["**/*.interop.test.ts", "**/*.slow.test.ts"],
          testTimeout: TEST_TIMEOUT,
          hookTimeout: TEST_TIMEOUT,
        },
      },
      {
        plugins: [cloudflareTest({ miniflare: COMPATIBILITY })],
        test: {
          name: "workerd-core",
          include: ["test/{tka,protocol}/**/*.test.ts"],
          exclude: ["**/*.interop.test.ts", "**/*.node.test.ts"],
          testTimeout: TEST_TIMEOUT,
          // These suites touch no storage: they share one runtime.
          isolate: false,
        },
      },
      workerd("workerd", {
        include: ["test/{durable,worker}/**/*.test.ts"],
        exclude: ["**/*.interop.test.ts", "**/*.slow.test.ts"],
      }),
      workerd("workerd-slow", { include: ["test/{durable,worker}/**/*.slow.test.ts"] }),
      {
        test: {
          name: "node-slow",
          environment: "node",
          include: ["test/{node,cli,scripts}/**/*.slow.test.ts"],
          testTimeout: SLOW_TIMEOUT,
          hookTimeout: SLOW_TIMEOUT,
        },
      },
      {
        test: {
          name: "conformance",
          environment: "node",
          include: ["test/conformance/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "interop",
          environment: "node",
          include: ["test/interop/**/*.test.ts", "test/**/*.interop.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
