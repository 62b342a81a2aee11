/** Makes chains as signers make them, of any length: keys come and go, and every fiftieth AUM is a checkpoint. Only the state is kept. */

import {
  AUM_KIND,
  KEY_25519,
  aumHash,
  hashToBytes,
  makeAum,
  signAum,
  type Aum,
  type AumHash,
  type Signer,
  type State,
} from "../../../src/tka/index.ts";
import { applyAum } from "../../../src/tka/apply.ts";

const CHECKPOINT_EVERY = 50;
/** Keys that come and go take turns: each is another's by its bytes. */
const KEYS = 200;

export class ChainMaker {
  readonly #signer: Signer;
  #head: AumHash;
  #state: State;
  #made = 0;

  constructor(signer: Signer, head: AumHash, state: State) {
    this.#signer = signer;
    this.#head = head;
    this.#state = state;
  }

  get head(): AumHash {
    return this.#head;
  }

  /** A key is added, and taken away again; a checkpoint takes nobody's turn. */
  #unsigned(): Aum {
    const turn = this.#made - Math.floor(this.#made / CHECKPOINT_EVERY);
    if (this.#made % CHECKPOINT_EVERY === CHECKPOINT_EVERY - 1)
      return makeAum(AUM_KIND.checkpoint, { state: { ...this.#state, lastAumHash: null } });
    const publicKey = new Uint8Array(32).fill(1 + ((turn >> 1) % KEYS));
    return turn % 2 === 0
      ? makeAum(AUM_KIND.addKey, { key: { kind: KEY_25519, votes: 1n, publicKey, meta: null } })
      : makeAum(AUM_KIND.removeKey, { keyId: publicKey });
  }

  /** The AUM that follows the head, signed. */
  next(): Aum {
    const aum = signAum({ ...this.#unsigned(), prevAumHash: hashToBytes(this.#head) }, this.#signer);
    this.#head = aumHash(aum);
    this.#state = applyAum(this.#state, aum, this.#head);
    this.#made++;
    return aum;
  }

  many(count: number): Aum[] {
    return Array.from({ length: count }, () => this.next());
  }
}
