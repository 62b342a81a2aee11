/** The layout of `src/`, held against the table in layering-table.ts, and the judge itself held against samples. */

import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

import { INNER, LAYERS, type InnerRule } from "./layering-table.ts";
import { importsOf, violationsOf } from "./layering-walk.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = globSync("src/**/*.{ts,tsx}", { cwd: ROOT }).map((path) => path.replaceAll("\\", "/"));

/** The folders that lead to this one and are led to by it; itself among them where there is a way back. */
function circleOf({ folders }: InnerRule, name: string): string[] {
  const reached = (from: string): Set<string> => {
    const seen = new Set<string>();
    const visit = (each: string): void => {
      if (seen.has(each)) return;
      seen.add(each);
      folders[each]?.forEach(visit);
    };
    folders[from]?.forEach(visit);
    return seen;
  };
  return [...reached(name)].filter((other) => reached(other).has(name));
}

/** Arrows from a file's folder to others in the same folder of `src/`, as `from to`. */
function arrowsOf(folder: string, { typesAnywhere }: InnerRule, path: string): string[] {
  const [, top, here = ""] = path.split("/");
  if (top !== folder) return [];
  return importsOf(readFileSync(`${ROOT}/${path}`, "utf8"))
    .filter(({ typesOnly }) => typesAnywhere === null || !typesOnly)
    .flatMap(({ specifier }) => /^\.\.\/([a-z-]+)\//.exec(specifier)?.[1] ?? [])
    .map((there) => `${here} ${there}`);
}

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

  test.each(Object.entries(INNER))("the folders in src/%s are those of the table", (folder, { folders, doors }) => {
    const found = new Set(
      FILES.filter((path) => path.startsWith(`src/${folder}/`)).map((path) => path.split("/")[2] ?? ""),
    );
    expect([...found].filter((name) => !name.endsWith(".ts")).sort()).toEqual(Object.keys(folders).sort());
    for (const door of doors) expect(found).toContain(door);
    for (const other of Object.values(folders).flat()) expect(Object.keys(folders)).toContain(other);
  });

  test.each(Object.entries(INNER))(
    "the arrows inside src/%s make no circle, but among those that decide together",
    (_, inner) => {
      for (const name of Object.keys(inner.folders)) {
        const circle = circleOf(inner, name);
        expect(
          circle.filter((other) => !inner.together.folders.includes(other)),
          name,
        ).toEqual([]);
      }
      if (inner.together.folders.length > 0) expect(inner.together.reason).not.toBe("");
    },
  );

  test.each(Object.entries(INNER))("every arrow inside src/%s is used", (folder, inner) => {
    const used = new Set(FILES.flatMap((path) => arrowsOf(folder, inner, path)));
    const named = Object.entries(inner.folders).flatMap(([from, to]) => to.map((each) => `${from} ${each}`));
    expect(named.filter((arrow) => !used.has(arrow))).toEqual([]);
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
    ["src/worker/people/a.ts", `import { a } from "../admin/b.ts";`, "[L5]"],
    ["src/worker/outbound/a.ts", `import type { A } from "../admin/b.ts";`, "[L5]"],
    ["src/worker/a.ts", `import { a } from "./admin/b.ts";`, "[L5]"],
    ["src/worker/admin/a.ts", `import { app } from "../app.ts";`, "[L5]"],
    ["src/durable/audit/a.ts", `import { a, type B } from "../nodes/b.ts";`, "[L5]"],
    ["src/durable/lock/a.ts", `import { a } from "../authority/tailnet.ts";`, "[L5]"],
    ["src/durable/a.ts", `export { a } from "./lock/b.ts";`, "[L5]"],
    ["src/durable/lock/a.ts", `import type { A } from "../index.ts";`, "[L5]"],
  ];
  test.each(refused)("refuses in %s: %s", (path, source, rule) => {
    expect(violationsOf(path, source)).toEqual([expect.stringContaining(rule)]);
  });

  const accepted: readonly (readonly [string, string])[] = [
    ["src/tka/a.ts", `import { sha256 } from "@noble/hashes/sha2.js";\nimport { b } from "./b.ts";`],
    ["src/tka/sync/a.ts", `import { b } from "../b.ts";`],
    ["src/protocol/a.ts", `import { type Aum } from "../tka/index.ts";`],
    [
      "src/worker/admin/a.ts",
      `import { a } from "../people/b.ts";\nimport { c } from "../env.ts";\nimport { d } from "./d.ts";`,
    ],
    ["src/worker/app.ts", `import { a } from "./admin/b.ts";`],
    ["src/durable/audit/a.ts", `import type { A } from "../authority/tailnet.ts";`],
    ["src/durable/env.ts", `import type { A } from "./authority/tailnet-authority.ts";`],
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
