/** Holds docs/spec.md to the sources, and the sources to it. */

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(root + path, "utf8");

/** One row of the page: the rule's number, and the file that keeps it. */
interface Row {
  readonly id: string;
  readonly file: string;
  readonly cells: readonly string[];
}

const ROW = /^\| ([A-Z][0-9]+) \|/;

const rows: Row[] = read("docs/spec.md")
  .split("\n")
  .filter((line) => ROW.test(line))
  .map((line) => {
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    return { id: cells[0] ?? "", file: (cells[2] ?? "").replaceAll("`", ""), cells };
  });

const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .map((name) => `src/${name.replaceAll("\\", "/")}`)
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .sort();

/** The rules that a text names, in brackets. */
function named(text: string): Set<string> {
  return new Set([...text.matchAll(/\[([A-Z][0-9]+)\]/g)].map(([, id = ""]) => id));
}

const inSources = new Set(sources.flatMap((path) => [...named(read(path))]));

describe("docs/spec.md", () => {
  test("has every rule that the sources name", () => {
    const known = new Set(rows.map(({ id }) => id));
    expect([...inSources].filter((id) => !known.has(id)).sort()).toEqual([]);
  });

  test("has no rule that the sources do not name", () => {
    expect(rows.map(({ id }) => id).filter((id) => !inSources.has(id))).toEqual([]);
  });

  test("has each rule once, with four cells filled", () => {
    expect(rows.map(({ id }) => id)).toEqual([...new Set(rows.map(({ id }) => id))]);
    expect(rows.filter(({ cells }) => cells.length !== 4 || cells.includes(""))).toEqual([]);
  });

  test("names for each rule a file that names it too", () => {
    const wrong = rows.filter(({ id, file }) => !sources.includes(file) || !named(read(file)).has(id));
    expect(wrong.map(({ id, file }) => `${id}: ${file}`)).toEqual([]);
  });
});

describe("docs/threat-model.md", () => {
  test("rests on rules that there are", () => {
    const known = new Set(rows.map(({ id }) => id));
    const rests = [...read("docs/threat-model.md").matchAll(/\b([A-Z][0-9]{1,2})\b/g)].map(([, id = ""]) => id);
    expect(rests.length).toBeGreaterThan(40);
    expect(rests.filter((id) => !known.has(id))).toEqual([]);
  });
});

/** The texts of the tests in these folders of test/. */
function testsIn(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(`${root}test/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => read(`test/${folder}/${name}`)),
  );
}

describe("the rules", () => {
  const quotedIn = (...folders: readonly string[]): Set<string> =>
    new Set(testsIn(...folders).flatMap((text) => [...named(text)]));

  test("of the key authority are each quoted by a test of its own", () => {
    const quoted = quotedIn("tka", "contract");
    const unquoted = rows.filter(({ id, file }) => file.startsWith("src/tka/") && !quoted.has(id));
    expect(unquoted.map(({ id }) => id)).toEqual([]);
  });

  test("are each quoted by a test", () => {
    const quoted = quotedIn(
      "tka",
      "contract",
      "protocol",
      "policy",
      "durable",
      "worker",
      "node",
      "cli",
      "support",
      "e2e",
    );
    expect(rows.map(({ id }) => id).filter((id) => !quoted.has(id))).toEqual([]);
  });
});

describe("the codes of a TkaError", () => {
  const tests = testsIn("tka", "contract");

  test("are each awaited by a test", () => {
    const list = /TKA_ERROR_CODES = \[([\s\S]*?)\]/.exec(read("src/tka/errors.ts"))?.[1] ?? "";
    const codes = [...list.matchAll(/"([a-z_]+)"/g)].map(([, code = ""]) => code);
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !tests.some((text) => text.includes(code)))).toEqual([]);
  });
});
