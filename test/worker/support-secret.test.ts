/** A support secret: proven, sealed to a key that is not here, given away on the record, and good for what it says. */

import { runInDurableObject } from "cloudflare:test";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { describe, expect, test } from "vitest";
import type { ObjectsEnv } from "../../src/durable/index.ts";
import {
  SUPPORT_ENC_BYTES,
  emptyResponse,
  encodeBase64,
  formatSupportKey,
  initBeginResponse,
  sealedSupport,
  supportBinding,
  type SealedSupport,
} from "../../src/protocol/index.ts";
import { encodeAum, encodeHex, parseAumHash } from "../../src/tka/index.ts";
import { admin, authorityOf, stored } from "../support/workerd/control.ts";
import { lock, newGenesis, newSecrets, signaturesFor, unlockedScene, type Scene } from "../support/workerd/locked.ts";
import { refused } from "../support/workerd/refused.ts";
import { randomBytes } from "../support/workerd/signed-request.ts";
import { accepted, type Answer } from "../support/workerd/test-node.ts";

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const operator = await suite.kem.generateKeyPair();
const publicKey = new Uint8Array(await suite.kem.serializePublicKey(operator.publicKey));

/** Gives the object of that tailnet a support key, as its Worker's configuration would. */
function configure(tailnet: string, SUPPORT_PUBLIC_KEY: string): Promise<void> {
  return runInDurableObject(authorityOf(tailnet), (instance) => {
    const held = instance as unknown as { env: ObjectsEnv };
    held.env = { ...held.env, SUPPORT_PUBLIC_KEY };
  });
}

async function scene(key = formatSupportKey(publicKey)): Promise<Scene> {
  const made = await unlockedScene();
  await configure(made.tailnet, key);
  return made;
}

/** Begins, and gives what finishes: with the second of the scene's secrets as the one for support. */
async function begun({ alice, genesis, secrets }: Scene, support = secrets[1]): Promise<() => Promise<Answer>> {
  const answer = await alice.tka("initBegin", { GenesisAUM: encodeAum(genesis), SupportDisablement: true });
  const Signatures = signaturesFor(accepted(answer, initBeginResponse), alice.lockKey);
  return () => alice.tka("initFinish", { Signatures, SupportDisablement: support });
}

function fetchBox(tailnet: string): Promise<Answer> {
  return admin("POST", `/api/v2/tailnet/${tailnet}/lock/support-secret`);
}

async function open({ tailnet, genesis, box }: SealedSupport): Promise<Uint8Array> {
  const opened = await suite.open(
    {
      recipientKey: operator.privateKey,
      enc: box.slice(0, SUPPORT_ENC_BYTES).buffer,
      info: supportBinding(tailnet, parseAumHash(genesis)),
    },
    box.slice(SUPPORT_ENC_BYTES),
  );
  return new Uint8Array(opened);
}

async function events(tailnet: string): Promise<string[]> {
  const stub = authorityOf(tailnet);
  return runInDurableObject(stub, (_, { storage }) =>
    storage.sql
      .exec<{ kind: string; actor: string; new: string }>("SELECT kind, actor, new FROM events ORDER BY seq")
      .toArray()
      .map(({ kind, actor, new: detail }) => `${kind} ${actor} ${detail}`),
  );
}

describe("a finish with a support secret", () => {
  test("is sealed, opened by the operator alone, and turns the lock off, all of it on the record [U6]", async () => {
    const made = await scene();
    accepted(await (await begun(made))(), emptyResponse);
    const box = accepted(await fetchBox(made.tailnet), sealedSupport);
    const secret = await open(box);
    expect(secret).toEqual(made.secrets[1]);
    expect(box.nodes).toBe(3);
    accepted(await made.carol.tka("disable", { DisablementSecret: secret }), emptyResponse);
    const [sealed, read, off] = ["lock.support_sealed", "lock.support_read", "lock.disabled"];
    const told = (await events(made.tailnet)).filter((event) => /support|disabled/.test(event));
    expect(told.map((event) => event.split(" ")[0])).toEqual([sealed, read, off]);
    expect(told[1]).toContain('"id":"operator"');
    expect(told[2]).toContain('{"secret":"support"}');
    refused(await fetchBox(made.tailnet), "lock_not_enabled");
  });

  test("is nowhere to be found in what is stored, whole or hashed [U4]", async () => {
    const made = await scene(encodeBase64(publicKey));
    accepted(await (await begun(made))(), emptyResponse);
    const secret = made.secrets[1] ?? randomBytes(32);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", secret.slice()));
    const all = JSON.stringify(await stored(made.tailnet));
    expect(all).toContain(encodeHex(publicKey));
    for (const form of [encodeHex(secret), encodeBase64(secret), secret.join(","), encodeHex(digest)])
      expect(all).not.toContain(form);
  });

  test("whose answer was lost is answered with success again, though the bytes it would be sealed to differ", async () => {
    const made = await scene();
    const finish = await begun(made);
    accepted(await finish(), emptyResponse);
    const before = await stored(made.tailnet);
    accepted(await finish(), emptyResponse);
    expect(await stored(made.tailnet)).toEqual(before);
  });

  test("is another one without the secret, or with another", async () => {
    const made = await scene();
    const answer = await made.alice.tka("initBegin", { GenesisAUM: encodeAum(made.genesis) });
    const Signatures = signaturesFor(accepted(answer, initBeginResponse), made.alice.lockKey);
    accepted(await made.alice.tka("initFinish", { Signatures, SupportDisablement: made.secrets[1] }), emptyResponse);
    refused(await made.alice.tka("initFinish", { Signatures }), "lock_enabled");
    const other = { Signatures, SupportDisablement: made.secrets[0] };
    refused(await made.alice.tka("initFinish", other), "lock_enabled");
  });

  test.each([
    ["one that the genesis does not name", (): Uint8Array => randomBytes(32)],
    ["one that is too long", (): Uint8Array => randomBytes(1025)],
  ])("is refused for %s, and nothing is on [U5]", async (_, support) => {
    const made = await scene();
    refused(await (await begun(made, support()))(), "incorrect_secret");
    expect((await made.alice.map()).TKAInfo?.Head).toBeNull();
  });

  test.each([
    ["of small order", "supportpub:" + "00".repeat(32)],
    ["that is none", "supportpub:xyz"],
  ])("is refused under a key %s [U4]", async (_, key) => {
    const made = await scene(key);
    const answer = await made.alice.tka("initBegin", { GenesisAUM: encodeAum(made.genesis) });
    const Signatures = signaturesFor(accepted(answer, initBeginResponse), made.alice.lockKey);
    const finish = { Signatures, SupportDisablement: made.secrets[1] };
    refused(await made.alice.tka("initFinish", finish), "support_unavailable");
  });
});

describe("a sealed box", () => {
  test("does not open as that of another tailnet or another lock [U3]", async () => {
    const made = await scene();
    accepted(await (await begun(made))(), emptyResponse);
    const box = accepted(await fetchBox(made.tailnet), sealedSupport);
    await expect(open({ ...box, tailnet: "T0123456789" })).rejects.toThrow();
    const hash = await unlockedScene().then(async (elsewhere) => {
      await lock(elsewhere.alice, newGenesis([elsewhere.alice], newSecrets().values));
      return (await elsewhere.alice.map()).TKAInfo?.Head ?? "";
    });
    await expect(open({ ...box, genesis: hash })).rejects.toThrow();
  });

  test("is not there where the lock was turned on without one", async () => {
    const made = await scene();
    await lock(made.alice, made.genesis);
    refused(await fetchBox(made.tailnet), "no_support_secret");
  });

  test("goes with its chain, spent or not", async () => {
    const made = await scene();
    accepted(await (await begun(made))(), emptyResponse);
    const { box } = accepted(await fetchBox(made.tailnet), sealedSupport);
    accepted(await made.bob.tka("disable", { DisablementSecret: made.secrets[0] }), emptyResponse);
    expect(JSON.stringify(await stored(made.tailnet))).not.toContain(encodeHex(box));
    expect((await events(made.tailnet)).at(-1)).not.toContain("support");
  });
});
