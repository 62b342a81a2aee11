/** The layout of `src/`, held against the table in layering-table.ts, and the judge itself held against samples. */

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { LAYERS } from "./layering-table.ts";
import { importsOf, violationsOf } from "./layering-walk.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = globSync("src/**/*.{ts,tsx}", { cwd: ROOT }).map((path) => path.replaceAll("\\", "/"));

describe("the layout", () => {
  test("there are files to walk", () => {
    expect(FILES.length).toBeGreaterThan(0);
  });

  test("every import keeps the table", () => {
    const found = FILES.flatMap((path) => violationsOf(path, readFileSync(`${ROOT}/${path}`, "utf8")));
    expect(found).toEqual([]);
  });

  test("the arrows of the table lead to its own folders, without a circle", () => {
    const reaches = (from: string, to: string): boolean =>
      (LAYERS[from]?.ours ?? []).some((next) => next === to || reaches(next, to));
    for (const [folder, rule] of Object.entries(LAYERS)) {
      for (const other of rule.ours) expect(Object.keys(LAYERS)).toContain(other);
      expect(reaches(folder, folder), folder).toBe(false);
    }
  });

  test("every package from outside has a reason", () => {
    for (const entry of Object.values(LAYERS).flatMap((rule) => rule.outside)) expect(entry.reason).not.toBe("");
  });
});

describe("the judge", () => {
  const refused: readonly (readonly [string, string, string])[] = [
    ["src/tka/a.ts", `import { a } from "../protocol/index.ts";`, "[L1]"],
    ["src/tka/a.ts", `import type { A } from "../protocol/index.ts";`, "[L1]"],
    ["src/tka/a.ts", `export * from "../node/index.ts";`, "[L1]"],
    ["src/tka/a.ts", `const a = await import("../worker/index.ts");`, "[L1]"],
    ["src/tka/a.ts", `type A = import("../worker/index.ts").A;`, "[L1]"],
    ["src/tka/a.ts", `import "../durable/index.ts";`, "[L1]"],
    ["src/tka/a.ts", `import {\n  a,\n  b as c,\n} from "../../test/x.ts";`, "[L1]"],
    ["src/node/a.ts", `import { a } from "../tka/aum.ts";`, "[L2]"],
    ["src/tka/a.ts", `import { a } from "node:crypto";`, "[L3]"],
    ["src/tka/a.ts", `import a, { type B } from 'hono';`, "[L3]"],
    ["src/tka/a.ts", `import * as a from "@noblex/hashes";`, "[L3]"],
    ["src/protocol/a.ts", `export { a } from "cloudflare:workers";`, "[L3]"],
    ["src/tka/a.ts", `const a = import(name);`, "[L3]"],
    ["src/tka/a.ts", `const q = /["'\`]/; const a = await import("hono"); const r = /\`/;`, "[L3]"],
    ["src/tka/a.ts", "const a = `${await import('hono')}`;", "[L3]"],
    ["src/durable/a.ts", `import { Argon2 } from "@phi-ag/argon2";`, "[L3]"],
    ["src/other/a.ts", `export const a = 1;`, "[L1]"],
    ["src/tka/utils.ts", `export const a = 1;`, "[L4]"],
  ];
  test.each(refused)("refuses in %s: %s", (path, source, rule) => {
    expect(violationsOf(path, source)).toEqual([expect.stringContaining(rule)]);
  });

  const accepted: readonly (readonly [string, string])[] = [
    ["src/tka/a.ts", `import { sha256 } from "@noble/hashes/sha2.js";\nimport { b } from "./b.ts";`],
    ["src/tka/sync/a.ts", `import { b } from "../b.ts";`],
    ["src/protocol/a.ts", `import { type Aum } from "../tka/index.ts";`],
    ["src/tka/a.ts", `// import { a } from "hono";\n/* export * from "hono"; */ const s = 'import "hono"';`],
    ["src/tka/a.ts", "const s = `import 'hono'`;\nexport const from = 1;\nexport default s;"],
    ["src/tka/a.ts", `export interface From { readonly from: "hono" }`],
    ["src/node/a.ts", `const here = import.meta.url;\nimport { readFileSync } from "node:fs";`],
  ];
  test.each(accepted)("accepts in %s: %s", (path, source) => {
    expect(violationsOf(path, source)).toEqual([]);
  });

  test("names the line", () => {
    expect(importsOf(`/* one\n two */\nimport {\n a } from "x";\n\nexport type { B } from "y";`)).toEqual([
      { specifier: "x", line: 3, typesOnly: false },
      { specifier: "y", line: 6, typesOnly: true },
    ]);
  });
});
