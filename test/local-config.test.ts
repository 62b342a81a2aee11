/** The configuration of a local run, and the key that it makes. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newControlKey } from "../scripts/control-key.mjs";
import { writeLocalConfig } from "../scripts/local-config.mjs";
import { parseControlKey } from "../src/protocol/index.ts";
import { testFolder } from "./node/support/folder.ts";

test("a local run's configuration is the product's, with a raw port, and can stand anywhere", () => {
  const file = join(testFolder(), "deep", "local.toml");
  writeLocalConfig(file, { port: 12_345, address: "192.0.2.1" });
  const text = readFileSync(file, "utf8");
  const paths = [...text.matchAll(/^(?:main|migrations_dir) = "(.+)"$/gm)].map(([, path = ""]) => path);
  expect(paths).toHaveLength(2);
  expect(paths.filter((path) => !path.startsWith("/") || !existsSync(path))).toEqual([]);
  expect(text).toMatch(/\n\[\[connect\]\]\nprotocol = "tcp"\nport = 12345\naddress = "192\.0\.2\.1"\n$/);
  expect(readFileSync("wrangler.toml", "utf8")).not.toContain("[[connect]]");
});

test("a control plane's key is of the form that the Worker takes, and never the same", () => {
  const [one, two] = [newControlKey(), newControlKey()];
  expect(parseControlKey(one)).toHaveLength(32);
  expect(one).not.toBe(two);
});
