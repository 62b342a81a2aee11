/** Lines to be copied come back from a shell as they were meant. */

import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellQuoted } from "../../src/node/index.ts";

test("what is plain stays as it is", () => {
  expect(shellQuoted("tlpub:00ff,")).toBe("tlpub:00ff,");
  expect(shellQuoted(".wrangler/nodes/alice")).toBe(".wrangler/nodes/alice");
});

test.each(["tlpub:00?3", "my nodes/alice", "it's", "$HOME", "a;b", "", "\u00e4 `x`", "a\nb"])("%j", (word) => {
  expect(execFileSync("sh", ["-c", `printf %s ${shellQuoted(word)}`], { encoding: "utf8" })).toBe(word);
});
