/** Golden data written by Go (test/interop/vectors.ts): whatever ours says of it must be what Go said. */

import { expect, test } from "vitest";

import { goldenDifferences, type GoldenFile } from "../support/golden.ts";
import aum from "../vectors/aum.json" with { type: "json" };
import ed25519 from "../vectors/ed25519.json" with { type: "json" };
import json from "../vectors/json.json" with { type: "json" };
import kdf from "../vectors/kdf.json" with { type: "json" };
import making from "../vectors/making.json" with { type: "json" };
import nks from "../vectors/nks.json" with { type: "json" };
import nodeKeys from "../vectors/node-keys.json" with { type: "json" };
import texts from "../vectors/texts.json" with { type: "json" };
import webs from "../vectors/webs.json" with { type: "json" };

const FILES = { aum, ed25519, json, kdf, making, nks, "node-keys": nodeKeys, texts, webs } as unknown as Readonly<
  Record<string, GoldenFile>
>;

test.each(Object.entries(FILES))(
  "%s",
  (_name, file) => {
    expect(file.cases.length).toBeGreaterThan(0);
    expect(file.module).toBe("v1.104.5");
    expect(goldenDifferences(file)).toEqual([]);
  },
  60_000,
);
