/**
 * `npm run check`: types, lint, layering and format. Runs every part even where one fails, and exits 1 if any did.
 * With arguments, only the parts named: `npm run check -- types lint`.
 */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const hasSources = (folder) => readdirSync(folder, { recursive: true }).some((name) => name.endsWith(".ts"));

/** The pure folders are checked alone, with no host's types; then what runs in workerd and what runs in Node. */
const PROJECTS = [
  ...["src/tka", "src/protocol", "src/policy"].filter(hasSources),
  "tsconfig.workerd.json",
  "tsconfig.json",
];

const PARTS = {
  types: PROJECTS.map((project) => ["node_modules/typescript/bin/tsc", "--pretty", "-p", project]),
  lint: [["node_modules/oxlint/bin/oxlint", "--deny-warnings"]],
  layering: [["node_modules/vitest/vitest.mjs", "run", "--project=node", "--reporter=dot", "test/layering.test.ts"]],
  format: [["node_modules/prettier/bin/prettier.cjs", "--check", "--log-level=warn", "--cache", "."]],
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`check: parts are ${Object.keys(PARTS).join(", ")}, not ${unknown.join(", ")}`);
  process.exit(2);
}

const failed = [];
for (const [name, commands] of Object.entries(PARTS)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const started = Date.now();
  const isGood = commands
    .map((command) => spawnSync(process.execPath, command, { stdio: "inherit" }).status === 0)
    .every(Boolean);
  console.log(`check: ${name} ${isGood ? "ok" : "FAILED"} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (!isGood) failed.push(name);
}
process.exit(failed.length > 0 ? 1 : 0);
