// The oracle itself: every operation but the plays once, on both of Tailscale's modules, so
// that a difference found by the scenarios or the fuzzer is not the oracle's.

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Oracle, OracleError, fromBase64, isOk, toBase64 as b64 } from "./oracle-client.ts";
import type * as wire from "./oracle-types.ts";
import { directNks, keyJson, lastOf, lockKey, makeGenesis, nodeKeyBytes, nodeKeyText } from "./oracle-fixtures.ts";

const [alice, bob, carol] = [lockKey(), lockKey(), lockKey()];

describe.each(["v1.104", "v1.102"] as const)("the oracle's operations of %s", (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => {
    oracle.close();
  });

  test("names its module and Go", async () => {
    const patch = { "v1.104": "v1.104.5", "v1.102": "v1.102.5" }[version];
    expect(await oracle.ask("version", {})).toEqual({
      module: patch,
      go: expect.stringMatching(/^go1\.27\./) as unknown,
    });
  });

  test("goes on after an error, a panic and a huge request, and counts the time", async () => {
    await expect(oracle.ask("no.such", {})).rejects.toThrow(OracleError);
    const badKey = { rule: "std", pub: "AA==", msg: "", sig: "" };
    await expect(oracle.ask("ed25519.verify", badKey)).rejects.toMatchObject({ kind: "panic" });
    const huge = b64(Buffer.alloc(20 << 20));
    await expect(oracle.ask("aum.decode", { bytes: huge })).rejects.toMatchObject({ kind: "error" });
    const answers = await oracle.askAll(["oA==", "", "9g=="].map((bytes) => ({ op: "aum.decode", body: { bytes } })));
    expect(answers.map(isOk)).toEqual([true, false, true]);
    expect(oracle.nsSpent).toBeGreaterThan(0n);
  });

  test("decodes AUMs and node-key signatures", async () => {
    const aum = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: await makeGenesis(oracle, [alice, bob]) });
    expect(aum).toMatchObject({ kind: 5, parent: null, valid: true, why: "" });
    expect(aum.serialized).toBe(
      await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: aum.serialized }).then((a) => a.serialized),
    );
    const invalid = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: b64(Buffer.from("a2010102f6", "hex")) });
    expect(invalid).toMatchObject({ valid: false, why: expect.stringContaining("Key") as unknown });
    const sig = await directNks(oracle, alice, nodeKeyBytes(1), carol);
    const nks = await oracle.ask<wire.NksAnswer>("nks.decode", { bytes: sig });
    expect(nks).toMatchObject({ serialized: sig, kind: 1, keyId: b64(alice.public), wrapping: b64(carol.public) });
    expect(nks.text).toContain("SigKind: direct");
    const bare = await oracle.ask<wire.NksAnswer>("nks.decode", { bytes: "oQEC" });
    expect(bare).toMatchObject({ kind: 2, keyId: null, wrapping: null });
  });

  test("weighs, and parses offers", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    expect(await oracle.ask("weight", { aum, checkpoint: aum })).toEqual({ weight: "1" });
    const { hash } = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: aum });
    const offer = { head: hash, ancestors: [hash] };
    expect(await oracle.ask("offer.parse", offer)).toEqual(offer);
    await expect(oracle.ask("offer.parse", { head: "x", ancestors: [] })).rejects.toMatchObject({ kind: "error" });
  });

  test("writes and reads the files of a Chonk", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const { hash } = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: aum });
    const file = await oracle.ask<wire.ChonkFileBytes>("chonkfile.encode", { aum });
    expect(file.path).toBe(`${hash.slice(0, 2)}/${hash}`);
    const read = await oracle.ask<wire.ChonkFileAnswer>("chonkfile.decode", { hash, bytes: file.bytes });
    expect(read).toEqual({ aum, commitTime: file.commitTime });
    const other = hash.replace(/^../, (start) => (start === "AA" ? "BB" : "AA"));
    await expect(oracle.ask("chonkfile.decode", { hash: other, bytes: file.bytes })).rejects.toThrow("does not match");
  });

  test("verifies by both rules, which part on a non-canonical R", async () => {
    const identity = Buffer.from([1, ...Buffer.alloc(31)]);
    const nonCanonical = Buffer.from([0xee, ...Buffer.alloc(30, 0xff), 0x7f]);
    const verdict = async (rule: string, r: Buffer): Promise<boolean> => {
      const body = { rule, pub: b64(identity), msg: "", sig: b64(Buffer.concat([r, Buffer.alloc(32)])) };
      return (await oracle.ask<wire.VerifyAnswer>("ed25519.verify", body)).ok;
    };
    expect(await verdict("zip215", identity)).toBe(true);
    expect(await verdict("std", identity)).toBe(true);
    expect(await verdict("zip215", nonCanonical)).toBe(true);
    expect(await verdict("std", nonCanonical)).toBe(false);
  });

  test("parses the text of keys and hashes", async () => {
    const hex = "0A".repeat(32);
    const bytes = b64(Buffer.alloc(32, 10));
    for (const kind of ["nodekey", "mkey", "discokey"]) {
      const parsed = await oracle.ask("text.parse", { kind, text: `${kind}:${hex}` });
      expect(parsed).toEqual({ bytes, canonical: `${kind}:${hex.toLowerCase()}` });
    }
    const cli = `tlpub:${hex.toLowerCase()}`;
    const canonical = `nlpub:${hex.toLowerCase()}`;
    expect(await oracle.ask("text.parse", { kind: "nlpub", text: cli })).toEqual({ bytes, canonical, cli });
    const priv = await oracle.ask("text.parse", { kind: "nlpriv", text: alice.text });
    expect(priv).toEqual({ bytes: b64(alice.private), canonical: alice.text });
    const hash = await oracle.ask<wire.TextAnswer>("text.parse", { kind: "aumhash", text: "A".repeat(52) });
    expect(fromBase64(hash.bytes)).toEqual(new Uint8Array(32));
    await expect(oracle.ask("text.parse", { kind: "mkey", text: `nodekey:${hex}` })).rejects.toThrow();
  });

  test("prints the log and the status as JSON", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const log = await oracle.ask<wire.JsonAnswer>("json.log", { aums: [aum] });
    expect(log.json.endsWith("}\n")).toBe(true);
    expect(JSON.parse(log.json)).toMatchObject({
      SchemaVersion: "1",
      Messages: [{ AUM: { MessageKind: "checkpoint" } }],
    });
    const { hash } = await oracle.ask<wire.AumAnswer>("aum.decode", { bytes: aum });
    const sig = await directNks(oracle, alice, nodeKeyBytes(1), carol);
    const peer = { name: "p.", id: 1, stableId: "n1", ips: ["100.64.0.1"], nodeKey: nodeKeyText(1), sig };
    const status = {
      enabled: true,
      publicKey: `nlpub:${"0b".repeat(32)}`,
      nodeKey: nodeKeyText(1),
      head: hash,
      nodeKeySigned: true,
      nodeKeySignature: sig,
      trustedKeys: [keyJson(alice)],
      visiblePeers: [peer],
      filteredPeers: [{ ...peer, sig: null }],
      stateId: "18446744073709551615",
    };
    const enabled = await oracle.ask<wire.JsonAnswer>("json.status", { status });
    expect(JSON.parse(enabled.json)).toMatchObject({ SchemaVersion: "1", Enabled: true, Head: hash });
    expect(enabled.json).toContain("18446744073709551615");
    const off = { enabled: false, publicKey: null, nodeKey: null, head: null, stateId: "0" };
    const disabled = await oracle.ask<wire.JsonAnswer>("json.status", { status: off });
    expect(JSON.parse(disabled.json)).toMatchObject({ Enabled: false });
  });

  test("times every benchmark", async () => {
    const aum = await makeGenesis(oracle, [alice, bob]);
    const direct = await directNks(oracle, alice, nodeKeyBytes(1), carol);
    const { sig } = await oracle.ask<wire.SigAnswer>("resign", {
      priv: carol.text,
      nodeKey: nodeKeyText(2),
      old: direct,
    });
    const { aums } = await lastOf<wire.AumsResult>(oracle, [
      { do: "bootstrap", node: "a", aum },
      { do: "build", node: "a", priv: alice.text, ops: [{ op: "add", key: keyJson(carol) }] },
    ]);
    const { sigHash } = await oracle.ask<wire.NksAnswer>("nks.decode", { bytes: direct });
    const signature = fromBase64(direct).subarray(-99, -35);
    const inputs: Record<string, object> = {
      "verify-direct": { checkpoint: aum, nodeKey: nodeKeyText(1), sig: direct },
      "verify-rotation": { checkpoint: aum, nodeKey: nodeKeyText(2), sig },
      recheck: { checkpoint: aum, peers: [{ nodeKey: nodeKeyText(1), sig: direct }] },
      "open-dir": { aums: [aum, ...aums] },
      inform: { genesis: aum, aums },
      hash: { aum },
      encode: { aum },
      decode: { aum },
      kdf: { secret: "" },
      ed25519: { pub: b64(alice.public), msg: sigHash, sig: b64(signature) },
    };
    for (const [what, input] of Object.entries(inputs)) {
      const timed = await oracle.ask<wire.BenchAnswer>("bench", { what, n: 2, ...input });
      expect(timed).toEqual({ n: 2, ns: expect.any(Number) as unknown });
      expect(timed.ns).toBeGreaterThan(0);
    }
  });
});
