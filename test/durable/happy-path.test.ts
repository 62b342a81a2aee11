/** The life of a lock over the wire: join, lock, sign, change, turn off, and lock anew. */

import { describe, expect, test } from "vitest";
import {
  CAP_TAILNET_LOCK,
  affectedSigsResponse,
  bootstrapResponse,
  decodeBase64,
  emptyResponse,
  syncOfferResponse,
  type MapResponse,
} from "../../src/protocol/index.ts";
import {
  aumHash,
  aumParent,
  authorizeNodeKey,
  decodeAum,
  encodeAum,
  nodeKeyFromRaw,
  rotateSignature,
  signDirect,
  type State,
} from "../../src/tka/index.ts";
import { fastVerifier } from "../support/host-crypto.ts";
import { admin, join } from "../support/workerd/control.ts";
import {
  LocalChain,
  begin,
  finish,
  lock,
  lockedScene,
  newGenesis,
  newSecrets,
  send,
  sign,
  signaturesFor,
  trustedKey,
  unlockedScene,
} from "../support/workerd/locked.ts";
import { refused } from "../support/workerd/refused.ts";
import { randomBytes } from "../support/workerd/signed-request.ts";
import { TestNode, accepted } from "../support/workerd/test-node.ts";

/** The names of the peers whose signature lets them in under `state`, as a node would judge. */
function letIn({ Peers }: MapResponse, state: State): string[] {
  const isIn = (key: Parameters<typeof authorizeNodeKey>[1], signature: Uint8Array): boolean => {
    try {
      authorizeNodeKey(state, key, signature, fastVerifier);
      return true;
    } catch {
      return false;
    }
  };
  const peers = (Peers ?? []).filter(({ Key, KeySignature }) => isIn(Key, KeySignature));
  return peers.map(({ Hostinfo }) => Hostinfo?.Hostname ?? "");
}

describe("without a lock", () => {
  test("a full map holds the node itself, its peers, and that the lock is off [M1]", async () => {
    const { alice } = await unlockedScene();
    const map = await alice.map();
    expect([map.Node?.Key, map.Node?.Machine]).toEqual([alice.nodeKey, alice.machineKey]);
    expect(map.Node?.CapMap.has(CAP_TAILNET_LOCK)).toBe(true);
    expect(map.Peers?.map(({ Hostinfo }) => Hostinfo?.Hostname)).toEqual(["bob", "carol"]);
    expect(map.TKAInfo).toEqual({ Head: null, Disabled: true });
  });

  test("nodes of the same host name have names of their own", async () => {
    const { tailnet, alice } = await unlockedScene();
    await join(tailnet, new TestNode("bob"), new TestNode("Bob!"), new TestNode("---"));
    const names = (await alice.map()).Peers?.map(({ Name }) => Name.split(".")[0]);
    expect(names).toEqual(["bob", "carol", "bob-1", "bob-2", "node"]);
  });

  test("a poll waits for a change and is answered with it alone [M2]", async () => {
    const { tailnet, alice } = await unlockedScene();
    const waiting = alice.mapAfter(await alice.map());
    await join(tailnet, new TestNode("dave"));
    const delta = await waiting;
    expect(delta.PeersChanged?.map(({ Hostinfo }) => Hostinfo?.Hostname)).toEqual(["dave"]);
    expect([delta.Node, delta.Peers, delta.TKAInfo]).toEqual([null, null, null]);
  });

  test("a registration may be repeated, and a node may change its key", async () => {
    const { alice, bob } = await unlockedScene();
    expect((await bob.register("")).status).toBe(200);
    const old = bob.nodeKey;
    bob.nodeKey = nodeKeyFromRaw(randomBytes(32));
    expect((await bob.register("", { OldNodeKey: old })).status).toBe(200);
    expect((await bob.register("", { OldNodeKey: old })).status).toBe(200);
    const { Peers } = await alice.map();
    expect(Peers?.map(({ Key }) => Key)).toContain(bob.nodeKey);
    expect(Peers).toHaveLength(2);
  });
});

describe("with a lock", () => {
  test("init signs everyone who was listed, and every poll hears of it", async () => {
    const { alice, bob, carol, genesis } = await unlockedScene();
    const waiting = bob.mapAfter(await bob.map());
    await lock(alice, genesis);
    const delta = await waiting;
    expect(delta.TKAInfo).toEqual({ Head: aumHash(genesis), Disabled: false });
    const chain = await LocalChain.of(carol);
    expect(chain.authority.head).toBe(aumHash(genesis));
    expect(letIn(await carol.map(), chain.authority.state)).toEqual(["alice", "bob"]);
  });

  test("a newcomer is in everyone's map, unsigned, until a signer signs it [M3]", async () => {
    const { tailnet, alice, bob } = await lockedScene();
    const chain = await LocalChain.of(alice);
    const dave = new TestNode("dave");
    await join(tailnet, dave);
    const map = await alice.map();
    expect(map.Peers?.map(({ Hostinfo }) => Hostinfo?.Hostname)).toContain("dave");
    expect(letIn(map, chain.authority.state)).toEqual(["bob", "carol"]);
    const waiting = alice.mapAfter(map);
    accepted(await sign(bob, dave), emptyResponse);
    expect((await waiting).PeersChanged?.map(({ Key }) => Key)).toEqual([dave.nodeKey]);
    expect(letIn(await alice.map(), chain.authority.state)).toEqual(["bob", "carol", "dave"]);
  });

  test("the same signature again is a success, and no news", async () => {
    const { alice, carol } = await lockedScene();
    const { Seq } = await alice.map();
    accepted(await sign(alice, carol), emptyResponse);
    expect((await alice.map()).Seq).toBe(Seq);
  });

  test("a change is taken, and others sync it", async () => {
    const { alice, bob, carol } = await lockedScene();
    const [ours, theirs] = [await LocalChain.of(alice), await LocalChain.of(bob)];
    const [added] = await ours.change((builder) => builder.addKey(trustedKey(carol)));
    if (added === undefined) throw new Error("nothing was added");
    expect((await bob.map()).TKAInfo?.Head).toBe(aumHash(added));
    await theirs.sync();
    expect(theirs.authority).toEqual(ours.authority);
    await theirs.change((builder) => builder.setKeyVotes(carol.lockKey.publicKey, 3n));
    await ours.sync();
    expect(ours.authority.state.keys?.map(({ votes }) => votes)).toEqual([1n, 1n, 3n]);
  });

  test("a change whose answer was lost is a success when it is sent again, also where others have gone on from it [Y1]", async () => {
    const { alice, bob } = await lockedScene();
    const [ours, theirs] = [await LocalChain.of(alice), await LocalChain.of(bob)];
    const first = await ours.change((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 2n));
    expect((await send(alice, first)).json).toEqual({ Head: ours.authority.head });
    await theirs.sync();
    await theirs.change((builder) => builder.setKeyVotes(bob.lockKey.publicKey, 2n));
    expect((await send(alice, first)).json).toEqual({ Head: theirs.authority.head });
  });

  test("stale history that comes of its own accord is kept, and answered with our head [Y2]", async () => {
    const { alice, bob } = await lockedScene();
    const [ours, theirs] = [await LocalChain.of(alice), await LocalChain.of(bob)];
    const stale = theirs.updates((builder) => builder.setKeyVotes(bob.lockKey.publicKey, 5n));
    await ours.change((builder) => builder.removeKey(bob.lockKey.publicKey));
    const answer = await send(bob, stale, false);
    expect([answer.status, answer.json]).toEqual([200, { Head: ours.authority.head }]);
    expect((await alice.map()).TKAInfo?.Head).toBe(ours.authority.head);
  });

  test("a node rotates its own signature when it changes its key", async () => {
    const { alice, carol } = await lockedScene();
    const { authority } = await LocalChain.of(alice);
    const signature = (await carol.map()).Node?.KeySignature ?? new Uint8Array(0);
    const old = carol.nodeKey;
    carol.nodeKey = nodeKeyFromRaw(randomBytes(32));
    const NodeKeySignature = rotateSignature(signature, carol.nodeKey, carol.lockKey);
    expect((await carol.register("", { OldNodeKey: old, NodeKeySignature })).status).toBe(200);
    expect(letIn(await alice.map(), authority.state)).toEqual(["bob", "carol"]);
  });

  test("affected-sigs names the signatures that rest on a key", async () => {
    const { alice, bob, carol } = await lockedScene();
    accepted(await sign(bob, carol), emptyResponse);
    const restsOn = async (node: TestNode): Promise<number> => {
      const answer = await alice.tka("affectedSigs", { KeyID: node.lockKey.publicKey });
      return accepted(answer, affectedSigsResponse).Signatures.length;
    };
    expect([await restsOn(alice), await restsOn(bob), await restsOn(carol)]).toEqual([2, 1, 0]);
  });

  test("the export holds the chain, parents first", async () => {
    const { tailnet, alice, genesis } = await lockedScene();
    const chain = await LocalChain.of(alice);
    const key = alice.lockKey.publicKey;
    await chain.change((builder) => [2n, 3n, 4n, 5n, 6n].forEach((votes) => builder.setKeyVotes(key, votes)));
    const { json } = await admin("GET", `/api/v2/tailnet/${tailnet}/lock/export`);
    const aums = (json["aums"] as string[]).map((text) => decodeAum(decodeBase64(text) ?? new Uint8Array(0)));
    const hashes = aums.map(aumHash);
    expect([hashes[0], hashes.at(-1), hashes.length]).toEqual([aumHash(genesis), chain.authority.head, 6]);
    expect(aums.slice(1).map(aumParent)).toEqual(hashes.slice(0, -1));
    expect(json["nodes"]).toHaveLength(3);
  });
});

describe("turned off", () => {
  test("a node that slept is shown the secret, and then the new genesis", async () => {
    const { tailnet, alice, bob, carol, secrets, genesis } = await lockedScene();
    const chain = await LocalChain.of(alice);
    await chain.change((builder) => builder.setKeyVotes(alice.lockKey.publicKey, 2n));
    const waiting = carol.mapAfter(await carol.map());
    const DisablementSecret = secrets[1];
    accepted(await carol.tka("disable", { Head: chain.authority.head, DisablementSecret }), emptyResponse);
    const delta = await waiting;
    expect(delta.TKAInfo).toEqual({ Head: null, Disabled: true });
    expect(delta.PeersChanged?.map(({ KeySignature }) => KeySignature.length)).toEqual([0, 0]);
    accepted(await carol.tka("disable", { Head: chain.authority.head, DisablementSecret }), emptyResponse);

    const asked = async (Head: string) => accepted(await bob.tka("bootstrap", { Head }), bootstrapResponse);
    expect((await asked(aumHash(genesis))).DisablementSecret).toEqual(DisablementSecret);
    expect((await asked(chain.authority.head)).DisablementSecret).toEqual(DisablementSecret);
    refused(await bob.tka("bootstrap"), "lock_not_enabled");

    const dave = new TestNode("dave");
    await join(tailnet, dave);
    const { values } = newSecrets(1);
    const again = newGenesis([dave, bob], values);
    await lock(dave, again);
    expect((await asked(aumHash(genesis))).DisablementSecret).toEqual(DisablementSecret);
    const { GenesisAUM, DisablementSecret: none } = await asked("");
    expect([aumHash(decodeAum(GenesisAUM)), none.length]).toEqual([aumHash(again), 0]);
    const fresh = await LocalChain.of(carol);
    expect(letIn(await carol.map(), fresh.authority.state)).toEqual(["alice", "bob", "dave"]);
    refused(await carol.tka("disable", { DisablementSecret }), "incorrect_secret");
  });

  test("a genesis of a lock that was turned off is refused, whoever replays it [I6]", async () => {
    const { alice, carol, secrets, genesis } = await unlockedScene();
    const begun = await begin(alice, genesis);
    const signatures = signaturesFor(begun, alice.lockKey);
    accepted(await finish(alice, signatures), emptyResponse);
    accepted(await alice.tka("disable", { DisablementSecret: secrets[0] }), emptyResponse);
    const doubled = { ...genesis, signatures: [...(genesis.signatures ?? []), ...(genesis.signatures ?? [])] };
    refused(await carol.tka("initBegin", { GenesisAUM: encodeAum(genesis) }), "invalid_genesis");
    refused(await carol.tka("initBegin", { GenesisAUM: encodeAum(doubled) }), "republished");
    refused(await carol.tka("initFinish", { Signatures: signatures }), "no_pending_init");
  });

  test("an offer is answered only where there is a lock", async () => {
    const { alice, genesis } = await lockedScene();
    const offer = { Head: aumHash(genesis), Ancestors: [aumHash(genesis)] };
    expect(accepted(await alice.tka("syncOffer", offer), syncOfferResponse).MissingAUMs).toEqual([]);
    const { bob } = await unlockedScene();
    refused(await bob.tka("syncOffer", offer), "lock_not_enabled");
  });
});

test("a signature that was padded on its way is stored as it is meant [G4]", async () => {
  const { tailnet, alice } = await lockedScene();
  const dave = new TestNode("dave");
  await join(tailnet, dave);
  const signature = signDirect(dave.nodeKey, dave.lockKey.publicKey, alice.lockKey);
  // One more pair in the map: field 99, 4,000 zeros.
  const padded = Uint8Array.of(
    (signature[0] ?? 0) + 1,
    ...signature.subarray(1),
    0x18,
    99,
    0x59,
    0x0f,
    0xa0,
    ...new Uint8Array(4000),
  );
  accepted(await alice.tka("sign", { Signature: padded }), emptyResponse);
  const shown = (await alice.map()).Peers?.find(({ Key }) => Key === dave.nodeKey)?.KeySignature;
  expect(shown).toEqual(signature);
});
