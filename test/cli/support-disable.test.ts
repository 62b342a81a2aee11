/** A control plane that gives the support secret of another tailnet than the one that is meant: it is not opened, and not spent. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runProgram } from "../../src/cli/index.ts";
import { nodeKdf } from "../../src/node/index.ts";
import { parseSupportKey, supportBinding } from "../../src/protocol/index.ts";
import { aumHash, encodeHex } from "../../src/tka/index.ts";
import { chain } from "../support/chains.ts";
import { testFolder } from "../node/support/folder.ts";
import { expectRefusal, type Ran } from "./support.ts";

const OTHERS = "Tother00000";
const secret = new Uint8Array(32).fill(7);
const asked: { readonly path: string; readonly body: string }[] = [];
let control: Server;
let answer: Readonly<Record<string, unknown>>;
let keyFile: string;

async function run(...args: readonly string[]): Promise<Ran> {
  let [out, err] = ["", ""];
  const { port } = control.address() as AddressInfo;
  const environment = { TAILWARD_URL: `http://127.0.0.1:${port}`, TAILWARD_TOKEN: "t" };
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    environment,
    colours: false,
    ask: null,
    signal: AbortSignal.timeout(10_000),
  };
  const code = await runProgram(terminal, ["admin", ...args]);
  return { code, out, err };
}

/** What the control plane answers: the box of another tailnet, which opens. */
async function boxOf(tailnet: string, supportKey: string): Promise<Readonly<Record<string, unknown>>> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const genesis = aumHash(chain("G").aum("G"));
  const key = parseSupportKey(supportKey) ?? new Uint8Array(0);
  const recipientPublicKey: unknown = await suite.kem.deserializePublicKey(key);
  const { enc, ct } = await suite.seal({ recipientPublicKey, info: supportBinding(tailnet, genesis) }, secret);
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const box = base64(Buffer.concat([Buffer.from(enc), Buffer.from(ct)]));
  const shown = { name: "other.test", genesis, head: genesis, nodes: 3, supportKey };
  return { tailnet, ...shown, disablementValue: base64(nodeKdf(secret)), box };
}

beforeEach(async () => {
  asked.length = 0;
  control = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => void (body += chunk.toString()));
    request.on("end", () => {
      asked.push({ path: request.url ?? "", body });
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(request.url?.endsWith("/support-secret") ? answer : {}));
    });
  });
  await new Promise<void>((resolve) => void control.listen(0, "127.0.0.1", resolve));
  keyFile = join(testFolder(), "support.key");
  const { out } = await run("support-key", "--out", keyFile);
  answer = await boxOf(OTHERS, /"(supportpub:[0-9a-f]{64})"/.exec(out)?.[1] ?? "");
});

afterEach(() => void control.close());

test.each(["Tmeant00000", "meant.test"])("the box of another tailnet than %s is not opened", async (meant) => {
  expectRefusal(
    await run("support-disable", meant, "--key", keyFile, "--confirm"),
    /and not of .*: nothing was opened/,
  );
  expect(asked.map(({ path }) => path)).toEqual([`/api/v2/tailnet/${meant}/lock/support-secret`]);
});

test("an ID is not taken for a name", async () => {
  answer = { ...answer, name: "Tmeant00000" };
  expectRefusal(await run("support-disable", "Tmeant00000", "--key", keyFile, "--confirm"), /nothing was opened/);
});

test("the box of the tailnet that is meant is opened, and its secret spent there", async () => {
  for (const meant of [OTHERS, "other.test"]) {
    expect((await run("support-disable", meant, "--key", keyFile, "--confirm")).code).toBe(0);
    expect(asked.at(-1)).toEqual({
      path: `/api/v2/tailnet/${OTHERS}/lock/disable`,
      body: JSON.stringify({ disablementSecret: encodeHex(secret) }),
    });
  }
});
