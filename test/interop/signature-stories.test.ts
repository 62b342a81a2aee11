/** Stories of node keys, made by ours and judged by Go: forty rotations, and an auth key that brings in several nodes. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  SIG_KIND,
  decodeNodeKeySignature,
  encodeAum,
  encodeNodeKeySignature,
  makeNodeKeySignature,
  nodeKeyToBinary,
  parseWrappedAuthKey,
  rotateSignature,
  signByCredential,
  signDirect,
  wrapAuthKey,
  type NodeKey,
} from "../../src/tka/index.ts";
import { signNodeKeySignature } from "../../src/tka/rotation.ts";
import { toBase64 } from "../support/answer-ports.ts";
import { Tailnet, actBoth, okOf, type Step } from "./both-sides.ts";
import { nodeKeyAt, signerAt, type FuzzSigner } from "./fuzz/keys.ts";
import { Oracle, type AuthorizedResult, type PeersResult } from "./oracle-client.ts";

const [trusted, throwAway] = [signerAt(0), signerAt(10)];
const tailnet = new Tailnet([{ signer: trusted, votes: 1 }]);
const locked: Step = { do: "bootstrap", node: "a", aum: toBase64(encodeAum(tailnet.genesis)) };
let oracle: Oracle;
let old: Oracle;

beforeAll(async () => {
  [oracle, old] = [await Oracle.start("v1.104"), await Oracle.start("v1.102")];
});

afterAll(() => {
  oracle.close();
  old.close();
});

function joinByAuthKey(nodeKey: NodeKey, lock: FuzzSigner): Uint8Array {
  const parsed = parseWrappedAuthKey(wrapAuthKey("tskey-auth-kStory", trusted, throwAway));
  if (parsed === null) throw new Error("the wrapped auth key does not parse");
  return signByCredential(parsed.credential, throwAway, nodeKey, lock.publicKey);
}

/** A signature whose right to rotate was handed on twice before it came to `lock`: three wrapping keys, each of another layer. */
function handedOn(nodeKey: NodeKey, lock: FuzzSigner): Uint8Array {
  const [first, second] = [signerAt(16), signerAt(17)];
  const hand = (
    nested: Uint8Array,
    by: FuzzSigner,
    to: Uint8Array,
    place: number,
    key = nodeKeyAt(4, place),
  ): Uint8Array =>
    encodeNodeKeySignature(
      signNodeKeySignature(
        makeNodeKeySignature(SIG_KIND.rotation, {
          pubkey: nodeKeyToBinary(key),
          nested: decodeNodeKeySignature(nested),
          wrappingPubkey: to,
        }),
        by,
      ),
    );
  const direct = signDirect(nodeKeyAt(4, 0), first.publicKey, trusted);
  return hand(hand(direct, first, second.publicKey, 1), second, lock.publicKey, 2, nodeKey);
}

describe.each([
  ["a direct signature", (nodeKey: NodeKey, lock: FuzzSigner) => signDirect(nodeKey, lock.publicKey, trusted)],
  ["a wrapped auth key", joinByAuthKey],
  ["a signature with several wrapping keys", handedOn],
] as const)("a node that joined by %s", (_name, join) => {
  test.each(["v1.102", "v1.104"])("rotates its node key 40 times, and %s lets it in each time", async (version) => {
    const lock = signerAt(11);
    let sig = join(nodeKeyAt(1, 0), lock);
    const steps: Step[] = [locked];
    for (let i = 1; i <= 40; i++) {
      sig = rotateSignature(sig, nodeKeyAt(1, i), lock);
      steps.push({ do: "authorized", node: "a", nodeKey: nodeKeyAt(1, i), sig: toBase64(sig) });
    }
    const answers = await actBoth(version === "v1.102" ? old : oracle, steps);
    answers.forEach((_, index) => okOf(answers, index));
    const { prevNodeKeys } = okOf<AuthorizedResult>(answers, -1);
    expect(prevNodeKeys.slice(0, 3)).toEqual([39, 38, 37].map((i) => nodeKeyAt(1, i)));
  });
});

describe("one wrapped auth key", () => {
  test("brings in several nodes, each of which rotates on its own", async () => {
    const nodes = [12, 13, 14].map((place, index) => {
      const [first, second] = [nodeKeyAt(2, 2 * index), nodeKeyAt(2, 2 * index + 1)];
      const joined = joinByAuthKey(first, signerAt(place));
      return { first, joined, second, rotated: rotateSignature(joined, second, signerAt(place)) };
    });
    const now = nodes.map(({ second, rotated }, index) => ({ id: index + 1, nodeKey: second, sig: toBase64(rotated) }));
    const before = nodes.map(({ first, joined }, index) => ({ id: index + 11, nodeKey: first, sig: toBase64(joined) }));
    const answers = await actBoth(oracle, [
      locked,
      { do: "peers", node: "a", mode: "full", peers: [...now, ...before] },
    ]);
    const { visible, filtered } = okOf<PeersResult>(answers, -1);
    expect([visible, filtered]).toEqual([
      [1, 2, 3],
      [11, 12, 13],
    ]);
  });

  test("does not make nodes of a clone: two copies of a directly signed node vanish both", async () => {
    const lock = signerAt(15);
    const joined = signDirect(nodeKeyAt(3, 0), lock.publicKey, trusted);
    const peers = [1, 2].map((id) => ({
      id,
      nodeKey: nodeKeyAt(3, id),
      sig: toBase64(rotateSignature(joined, nodeKeyAt(3, id), lock)),
    }));
    const answers = await actBoth(oracle, [locked, { do: "peers", node: "a", mode: "full", peers }]);
    expect(okOf<PeersResult>(answers, -1)).toMatchObject({ visible: [], filtered: [1, 2] });
  });
});
