/** Files that a comment in src/ or a page of docs/ names by their name exist: whoever moves one finds out who speaks of it. */

import { existsSync, globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

import { parseSync } from "vite";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SPEAKERS = globSync(["src/**/*.ts", "docs/*.md"], { cwd: ROOT }).map((path) => path.replaceAll("\\", "/"));

/** A path to a TypeScript file; no pattern such as `*.test.ts`, and not the end of a longer word. */
const NAMED = /(?<![\w/.*-])(?:[\w.-]+\/)*\w[\w.-]*\.ts\b/g;

/** What a file says to people: a page as it is, a source's comments. */
function saidIn(path: string, text: string): string {
  if (path.endsWith(".md")) return text;
  return parseSync(path, text)
    .comments.map(({ value }) => value)
    .join("\n");
}

/** True for a file that is named from beside it, from its folder of src/, from src/, or from the root. */
function isThere(speaker: string, named: string): boolean {
  const [top = "", folder = ""] = speaker.split("/");
  return [posix.dirname(speaker), `${top}/${folder}`, "src", "."].some((from) =>
    existsSync(posix.join(ROOT, from, named)),
  );
}

function missingIn(path: string, text: string): string[] {
  const named = saidIn(path, text).match(NAMED) ?? [];
  return named.filter((name) => !isThere(path, name)).map((name) => `${path}: ${name}`);
}

describe("files that are named", () => {
  test("in comments and pages exist", () => {
    const named = SPEAKERS.flatMap(
      (path) => saidIn(path, readFileSync(posix.join(ROOT, path), "utf8")).match(NAMED) ?? [],
    );
    expect(named.length).toBeGreaterThan(100);
    expect(SPEAKERS.flatMap((path) => missingIn(path, readFileSync(posix.join(ROOT, path), "utf8")))).toEqual([]);
  });

  test.each([
    [
      "src/durable/lock/sync.ts",
      "// As in forks.ts, lock/forks.ts, durable/lock/forks.ts and src/durable/lock/forks.ts.",
    ],
    ["src/durable/lock/sync.ts", `const path = "gone.ts"; /* *.slow.test.ts */`],
    ["docs/spec.md", "`src/durable/lock/forks.ts`"],
  ])("are found from %s: %s", (path, text) => {
    expect(missingIn(path, text)).toEqual([]);
  });

  test.each([
    ["src/durable/lock/sync.ts", "/** As in lock-forks.ts. */", "lock-forks.ts"],
    ["src/worker/app.ts", "// forks.ts", "forks.ts"],
    ["docs/spec.md", "`src/durable/lock-forks.ts`", "src/durable/lock-forks.ts"],
  ])("are missed from %s: %s", (path, text, name) => {
    expect(missingIn(path, text)).toEqual([`${path}: ${name}`]);
  });
});
