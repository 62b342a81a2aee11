/** The configuration of a local run, and the key that it makes. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { newControlKey } from "../scripts/control-key.mjs";
import { writeLocalConfig } from "../scripts/local-config.mjs";
import { relaysFrom } from "../scripts/local-relays.mjs";
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

describe("the relays of a local run", () => {
  const configured = (flag: string | null): string => {
    const file = join(testFolder(), "local.toml");
    writeLocalConfig(file, { port: 1 }, null, relaysFrom(flag, ""));
    return readFileSync(file, "utf8");
  };

  test("are those of wrangler.toml, of another address, or none", () => {
    expect(configured(null)).toContain('\nDERP_MAP_URL = "https://login.tailscale.com/derpmap/default"\n');
    expect(configured("https://one.test/map")).toContain('\nDERP_MAP_URL = "https://one.test/map"\n');
    expect(configured("none")).toContain('\nDERP_MAP_URL = ""\n');
    for (const flag of [null, "none", "https://one.test/map"]) expect(configured(flag)).not.toMatch(/^DERP_MAP =/m);
  });

  test("are those of a file, whatever stands in it", () => {
    const file = join(testFolder(), "derp.json");
    const map = { Regions: { 900: { RegionName: '$& "\u{1f600}\\' } } };
    writeFileSync(file, JSON.stringify(map, null, 2));
    const [, line = ""] = /^DERP_MAP = (.*)$/m.exec(configured(file)) ?? [];
    expect(JSON.parse(JSON.parse(line) as string)).toEqual(map);
    writeFileSync(file, "{");
    expect(() => configured(file)).toThrow("is no JSON");
  });

  test("are not what the flag says where .dev.vars says otherwise: it is refused", () => {
    expect(() => relaysFrom("none", "A=\"b\"\nDERP_MAP='{}'\n")).toThrow(".dev.vars has a line DERP_MAP=");
    expect(relaysFrom(null, "DERP_MAP_URL=").said).toContain(".dev.vars");
  });
});

test("a control plane's key is of the form that the Worker takes, and never the same", () => {
  const [one, two] = [newControlKey(), newControlKey()];
  expect(parseControlKey(one)).toHaveLength(32);
  expect(one).not.toBe(two);
});
