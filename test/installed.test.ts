/** What `npm start` and `npm test` ask before they install: does node_modules hold what the lock file names? */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, describe, expect, test } from "vitest";

import { isInstalled } from "../scripts/installed.mjs";

type Packages = Readonly<Record<string, { version: string; integrity?: string; optional?: boolean }>>;

const A = { version: "1.0.0", integrity: "sha512-a" };
const folders: string[] = [];

function project(locked: Packages | null, installed: Packages | null): string {
  const root = mkdtempSync(join(tmpdir(), "tailward-installed-"));
  folders.push(root);
  mkdirSync(join(root, "node_modules"));
  if (locked) writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: locked }));
  if (installed) writeFileSync(join(root, "node_modules/.package-lock.json"), JSON.stringify({ packages: installed }));
  return root;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe("isInstalled", () => {
  const cases: readonly (readonly [string, boolean, Packages | null, Packages | null])[] = [
    ["what is locked is there", true, { "": { version: "0.1.0" }, a: A }, { a: A }],
    ["nothing was ever installed", false, { a: A }, null],
    ["there is no lock file", false, null, { a: A }],
    ["a package is missing", false, { a: A, b: A }, { a: A }],
    ["a package for another platform is missing", true, { a: A, b: { ...A, optional: true } }, { a: A }],
    ["a package is of another version", false, { a: A }, { a: { ...A, version: "1.0.1" } }],
    ["a package has other bytes", false, { a: A }, { a: { ...A, integrity: "sha512-b" } }],
    ["an optional package is of another version", false, { a: { ...A, optional: true } }, { a: { version: "2.0.0" } }],
  ];
  test.each(cases)("%s: %s", (_, expected, locked, installed) => {
    expect(isInstalled(project(locked, installed))).toBe(expected);
  });
});
