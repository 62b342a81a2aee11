/**
 * What a node is: its keys, and where it belongs. One file, `node.json`, in the state directory.
 *
 * Rule [Z3]: the keys are made once, the lock key too, lock or no lock. A file that cannot be read is never written over.
 * Rule [Z4]: a change is on disk before anything that rests on it is sent.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ShapeError,
  boolean,
  bytes,
  integer,
  list,
  nullable,
  parseJson,
  parsed,
  record,
  text,
  encodeBase64,
} from "../protocol/index.ts";
import { encodeHex, equalBytes, parseHexKey, parseLockPrivateKey, parseNodeKey, type NodeKey } from "../tka/index.ts";
import { replaceFile } from "./atomic-file.ts";
import { AgentError } from "./errors.ts";
import { lockSigner, newLockKey, newNodeKey, publicNodeKey, random } from "./native-crypto.ts";
import { openStateDirectory, requirePrivateFile } from "./state-directory.ts";

const FILE_VERSION = 1;
const REQUEST_KEY = "reqpriv:";
const NODE_KEY = "privkey:";
const MAX_DISALLOWED = 1024;

export interface NodeState {
  /** Seed (32 bytes) of the Ed25519 key that signs requests. */
  readonly requestKey: Uint8Array;
  /** X25519, 32 bytes. */
  readonly nodeKey: Uint8Array;
  /** `nlpriv:…` */
  readonly lockKey: string;
  readonly controlUrl: string | null;
  /** True once a control plane has taken the node: no answer makes it false again [Z8], only a logout does. */
  readonly joined: boolean;
  /** The node key that the present one is to replace, while the control plane has not taken it. */
  readonly replaces: NodeKey | null;
  /** `id1:id2` of chains that this node will not follow. */
  readonly disallowedStateIds: readonly string[];
  /** The newest signature proven under our own chain for the node's key, or for the one that it replaces. Empty for none. */
  readonly signature: Uint8Array;
}

const stored = record({
  version: integer,
  requestKey: parsed((value) => parseHexKey(value, REQUEST_KEY)),
  nodeKey: parsed((value) => parseHexKey(value, NODE_KEY)),
  lockKey: text,
  controlUrl: nullable(text),
  joined: boolean,
  replaces: nullable(parsed(parseNodeKey)),
  disallowedStateIds: list(text, MAX_DISALLOWED),
  signature: bytes,
});

function encode(state: NodeState): Uint8Array {
  const { requestKey, nodeKey, signature, ...rest } = state;
  const fields = {
    version: FILE_VERSION,
    requestKey: `${REQUEST_KEY}${encodeHex(requestKey)}`,
    nodeKey: `${NODE_KEY}${encodeHex(nodeKey)}`,
    ...rest,
    signature: encodeBase64(signature),
  };
  return Buffer.from(`${JSON.stringify(fields, null, 2)}\n`);
}

/** Throws where the private lock key's two halves do not belong together: its signatures would name a key that did not make them. */
function requireWholeLockKey(lockKey: string): void {
  const halves = parseLockPrivateKey(lockKey);
  if (!equalBytes(halves.subarray(32), lockSigner(lockKey).publicKey))
    throw new ShapeError("lockKey: the halves do not fit");
}

function decode(json: string, path: string): NodeState {
  try {
    const { version, ...state } = parseJson(json, stored, "node.json");
    if (version !== FILE_VERSION) throw new ShapeError(`version ${version} is not known to this program`);
    requireWholeLockKey(state.lockKey);
    return state;
  } catch (error) {
    throw new AgentError(
      "state_corrupt",
      `${path} cannot be read (${(error as Error).message})`,
      "put back a good copy, or move the file away to start as a new node: it then needs a new auth key and a new signature",
    );
  }
}

function freshState(): NodeState {
  return {
    requestKey: random(32),
    nodeKey: newNodeKey(),
    lockKey: newLockKey(),
    controlUrl: null,
    joined: false,
    replaces: null,
    disallowedStateIds: [],
    signature: new Uint8Array(0),
  };
}

export class KeyStore {
  readonly #path: string;
  #state: NodeState;

  private constructor(path: string, state: NodeState) {
    this.#path = path;
    this.#state = state;
  }

  /** Opens the store in a state directory, which is made, with fresh keys, where there is none. Throws `state_…` codes. */
  static open(directory: string): KeyStore {
    openStateDirectory(directory);
    const path = join(directory, "node.json");
    requirePrivateFile(path);
    let json: string;
    try {
      json = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        throw new AgentError("state_directory", `cannot read ${path}: ${(error as Error).message}`);
      const store = new KeyStore(path, freshState());
      store.update({});
      return store;
    }
    return new KeyStore(path, decode(json, path));
  }

  get state(): NodeState {
    return this.#state;
  }

  get nodeKey(): NodeKey {
    return publicNodeKey(this.#state.nodeKey);
  }

  /** Changes fields, on disk first. */
  update(changes: Partial<NodeState>): void {
    const next = { ...this.#state, ...changes };
    replaceFile(this.#path, encode(next));
    this.#state = next;
  }
}
