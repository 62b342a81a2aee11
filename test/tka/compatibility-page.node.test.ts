/** Holds docs/compatibility.md to the tests that it names and, where the Go module is at hand, to Go's own tests. */

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/compatibility.md`, "utf8");

/** One of Go's tests, and what the page says of it. */
interface Row {
  readonly file: string;
  readonly name: string;
  readonly here: string;
}

function readRows(text: string): Row[] {
  const rows: Row[] = [];
  let file = "";
  for (const line of text.split("\n")) {
    file = /^### `([^`]+\.go)`/.exec(line)?.[1] ?? file;
    const [, name = "", here = ""] = /^\| ((?:Test|Fuzz|Benchmark|Run)\w+) \| (.+) \|$/.exec(line) ?? [];
    if (name !== "") rows.push({ file, name, here });
  }
  return rows;
}

const rows = readRows(page);

/** The tests named in a cell: `path` "title". */
function covering({ here }: Row): { path: string; title: string }[] {
  return [...here.matchAll(/`([^`]+)` "([^"]+)"/g)].map(([, path = "", title = ""]) => ({ path, title }));
}

describe("docs/compatibility.md", () => {
  test("lists over seventy tests of Go's, each once", () => {
    expect(rows.length).toBeGreaterThan(80);
    const ids = rows.map(({ file, name }) => `${file} ${name}`);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test("names a test here for each, or says why there is none", () => {
    const silent = rows.filter((row) => covering(row).length === 0 && !/^none: .{3}/.test(row.here));
    expect(silent).toEqual([]);
  });

  test("names tests that there are", () => {
    const wrong = rows.flatMap(covering).filter(({ path, title }) => {
      if (!existsSync(root + path)) return true;
      const text = readFileSync(root + path, "utf8");
      return !['"', "'", "`"].some((quote) => text.includes(quote + title.replaceAll(quote, `\\${quote}`) + quote));
    });
    expect(wrong).toEqual([]);
  });
});

const module = `${process.env["GOMODCACHE"] ?? `${process.env["GOPATH"] ?? `${homedir()}/go`}/pkg/mod`}/tailscale.com@v1.104.5`;
const FILES = [
  "aum",
  "builder",
  "chaintest",
  "deeplink",
  "fuzz",
  "key",
  "scenario",
  "sig",
  "state",
  "sync",
  "tailchonk",
  "tka",
];

describe.skipIf(!existsSync(module))("Go's tests", () => {
  const files = [
    ...FILES.map((name) => `tka/${name}_test.go`),
    "tstest/chonktest/chonktest.go",
    "tstest/chonktest/tailchonk_test.go",
    "ipn/ipnlocal/tailnet-lock_test.go",
  ];

  test.each(files)("of %s are all listed", (file) => {
    const source = readFileSync(`${module}/${file}`, "utf8");
    const names = [...source.matchAll(/^func ((?:Test|Fuzz|Benchmark|Run)\w+)\(/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(
      rows
        .filter((row) => row.file === file)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(names.sort());
  });
});
