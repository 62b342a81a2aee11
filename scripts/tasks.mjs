/** The tasks of scripts/run.mjs: each a list of commands, run in order by Node. Arguments of the task go to its last command. */

const VITEST = ["node_modules/vitest/vitest.mjs", "run"];

export const TASKS = {
  start: [["scripts/start.mjs"]],
  test: [[...VITEST, "--project=node-core", "--project=node", "--project=workerd-core", "--project=workerd"]],
  demo: [["test/e2e/demo.ts"]],
  deploy: [["scripts/deploy/main.ts"]],
  "test:faults": [["test/faults/main.ts"]],
  "test:life": [["test/e2e/lock-life.ts"]],
  "test:clients": [["test/clients/main.ts"]],
  bench: [["test/bench/main.ts"]],
  "bench:control": [["test/bench/control/main.ts"]],
  check: [["scripts/check.mjs"]],
  tailward: [["src/cli/main.ts"]],
  migrations: [["node_modules/drizzle-kit/bin.cjs", "generate"]],
  "test:api": [["test/api/main.ts"]],
  "test:slow": [[...VITEST, "--project=workerd-slow", "--project=node-slow"]],
  "test:http2": [["test/conformance/build.mjs"], [...VITEST, "--project=conformance"]],
  "test:interop": [["test/interop/build.mjs"], [...VITEST, "--project=interop"]],
  "fuzz:tka": [["test/interop/build.mjs"], ["test/interop/fuzz/main.ts"]],
};
