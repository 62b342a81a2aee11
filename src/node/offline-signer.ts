/**
 * A signer without a network: a lock key in a file of its own, which signs what is brought to it. No agent runs here and nothing is sent: what is made is
 * carried to a control plane by hand, and that and every node judge it as what nodes send.
 *
 * Rule [Z70]: the chain is brought as a file, which is attacker-controlled: it is verified from its genesis on, and has to hold the head that this signer has seen
 *             last, so that it is never led back. Which chain the first one is, nobody here can say: an update that is signed for a chain is nothing to any
 *             other; a node's signature counts wherever this signer is trusted.
 * Rule [Z71]: what rests on a key that is to go is signed anew only by a word of its own: the file names it, and no map is here to hold it against.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bytes, list, nullable, parseJson, parsed, record } from "../protocol/index.ts";
import {
  MemoryChonk,
  aumHash,
  aumParent,
  decodeAum,
  encodeAum,
  parseAumHash,
  parseNodeKey,
  signDirect,
  type AumHash,
  type Key,
  type NodeKey,
  type Signer,
} from "../tka/index.ts";
import { requireSigner, type SigningContext } from "./act-context.ts";
import { provenBy, rotationKeyOf, type AffectedNode } from "./affected-signatures.ts";
import { replaceFile } from "./atomic-file.ts";
import { AgentError } from "./errors.ts";
import type { RecoveryDraft } from "./local-client.ts";
import { LocalLock } from "./local-lock.ts";
import { addition, refuseOwnKey, removal } from "./lock-modify-acts.ts";
import { cosignRecovery } from "./lock-revoke-acts.ts";
import { lockSigner, newLockKey, nodeKdf, nodeVerifier } from "./native-crypto.ts";
import { openStateDirectory, requirePrivateFile } from "./state-directory.ts";

const KEY_FILE = "signer.key";
const SEEN_FILE = "signer.json";
const MOST = 1_000_000;

const exported = record({
  aums: list(bytes, MOST),
  nodes: list(record({ nodeKey: parsed(parseNodeKey), signature: nullable(bytes) }), MOST),
});
const seen = record({ head: parsed(parseAumHash) });

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new AgentError("state_directory", `cannot read ${path}: ${(error as Error).message}`);
  }
}

function corrupt(path: string, error: unknown): AgentError {
  return new AgentError(
    "state_corrupt",
    `${path} cannot be read (${(error as Error).message})`,
    "put back a good copy",
  );
}

function badChain(why: string): AgentError {
  return new AgentError(
    "bad_argument",
    `this is no chain to sign for: ${why}`,
    "fetch it again: tailward admin lock export",
  );
}

/** Takes in what the file has, parents first; what lost to others stands at its end. A line from the genesis on may be of any length. Throws TkaError. */
function lockOf(aums: readonly Uint8Array[]): LocalLock {
  const lock = new LocalLock({ chonk: new MemoryChonk(), verifier: nodeVerifier, kdf: nodeKdf, now: Date.now });
  const [genesis, ...rest] = aums;
  if (genesis === undefined) throw badChain("it is empty");
  lock.bootstrap(genesis, []);
  const updates = rest.map((encoded) => decodeAum(encoded));
  let last: string | null = lock.require().head;
  const branches = updates.findIndex((update) => {
    if (aumParent(update) !== last) return true;
    last = aumHash(update);
    return false;
  });
  const line = branches < 0 ? updates : updates.slice(0, branches);
  if (line.length > 0) lock.inform(line);
  if (line.length < updates.length) lock.inform(updates.slice(line.length));
  return lock;
}

export class OfflineSigner {
  readonly #directory: string;
  readonly #signer: Signer;

  private constructor(directory: string, signer: Signer) {
    this.#directory = directory;
    this.#signer = signer;
  }

  /** Opens the signer of a state directory; `make` makes a key where there is none. Throws `state_…` codes, or `bad_argument`. */
  static open(directory: string, make: boolean): OfflineSigner {
    openStateDirectory(directory);
    const path = join(directory, KEY_FILE);
    requirePrivateFile(path);
    let key = readIfThere(path);
    if (key === null) {
      if (!make)
        throw new AgentError("bad_argument", `there is no signer in ${directory}`, "make one: tailward signer key");
      key = newLockKey();
      replaceFile(path, Buffer.from(`${key}\n`));
    }
    try {
      return new OfflineSigner(directory, lockSigner(key.trim()));
    } catch (error) {
      throw corrupt(path, error);
    }
  }

  /** 32 bytes. */
  get publicKey(): Uint8Array {
    return this.#signer.publicKey;
  }

  /** A direct signature of a node key; `rotationKey` (32 bytes) may rotate it later. */
  signNode(nodeKey: NodeKey, rotationKey: Uint8Array | null): Uint8Array {
    return signDirect(nodeKey, rotationKey, this.#signer);
  }

  #seen(): AumHash | null {
    const path = join(this.#directory, SEEN_FILE);
    const json = readIfThere(path);
    if (json === null) return null;
    try {
      return parseJson(json, seen, SEEN_FILE).head;
    } catch (error) {
      throw corrupt(path, error);
    }
  }

  /** Takes a chain, as `tailward admin lock export` prints it [Z70]. Throws `bad_argument`, `not_trusted`. */
  take(json: string): OfflineLock {
    try {
      const { aums, nodes } = parseJson(json, exported, "the file");
      const lock = lockOf(aums);
      const context = { lock, signer: this.#signer };
      const { head } = requireSigner(context);
      const before = this.#seen();
      if (before !== null && lock.chonk.aum(before) === null)
        throw badChain(
          `it lacks ${before}, which this signer has seen; if that lock was turned off and another is on, remove ${join(this.#directory, SEEN_FILE)}`,
        );
      replaceFile(join(this.#directory, SEEN_FILE), Buffer.from(`${JSON.stringify({ head })}\n`));
      return new OfflineLock(context, nodes);
    } catch (error) {
      if (error instanceof AgentError) throw error;
      throw badChain((error as Error).message);
    }
  }
}

interface SignedNode {
  readonly nodeKey: NodeKey;
  readonly signature: Uint8Array | null;
}

/** A chain that was verified, and what can be made for it. Methods throw AgentError and TkaError, as the acts of a signing node do. */
export class OfflineLock {
  readonly #context: SigningContext;
  readonly #nodes: readonly SignedNode[];

  constructor(context: SigningContext, nodes: readonly SignedNode[]) {
    this.#context = context;
    this.#nodes = nodes;
  }

  get head(): AumHash {
    return this.#context.lock.require().head;
  }

  get keys(): readonly Key[] {
    return this.#context.lock.require().state.keys ?? [];
  }

  /** Encoded updates that trust keys. */
  add(keys: readonly Key[]): Uint8Array[] {
    return addition(this.#context, keys).map(encodeAum);
  }

  /** The nodes of the file that a trusted key (32 bytes) has let in, as its signatures prove. */
  restingOn(id: Uint8Array): AffectedNode[] {
    const { state } = this.#context.lock.require();
    return this.#nodes.flatMap(({ nodeKey, signature }) =>
      signature !== null && provenBy(state, id, signature) === nodeKey
        ? [{ nodeKey, rotationKey: rotationKeyOf(signature) }]
        : [],
    );
  }

  /** Encoded updates that end the trust in keys, and with `signsAnew` signatures in place of those that rest on them [Z71]. */
  remove(ids: readonly Uint8Array[], signsAnew: boolean): { signatures: Uint8Array[]; updates: Uint8Array[] } {
    if (signsAnew) refuseOwnKey(this.#context, ids);
    const updates = removal(this.#context, ids).map(encodeAum);
    const resting = signsAnew ? ids.flatMap((id) => this.restingOn(id)) : [];
    const { signer } = this.#context;
    return { signatures: resting.map(({ nodeKey, rotationKey }) => signDirect(nodeKey, rotationKey, signer)), updates };
  }

  /** Adds our signature to a recovery [Z22]. */
  cosign(recovery: Uint8Array): RecoveryDraft {
    const { recovery: signed, counts } = cosignRecovery(this.#context, decodeAum(recovery));
    return { recovery: encodeAum(signed), counts };
  }
}
