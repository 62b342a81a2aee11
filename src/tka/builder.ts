/**
 * Builds signed updates that follow the head, without storing them. Source: Go's `tka/builder.go`.
 *
 * Rule [U1]: what is built is valid, applies, and hashes to the same after a round trip through its encoding. So metadata is never set to
 *            nothing: such an update vanishes in its own encoding, and every node would refuse it.
 * Rule [U2]: a checkpoint is added where the last one is 50 AUMs back.
 */

import { AUM_KIND, makeAum, type Aum } from "./aum.ts";
import { validateAum } from "./aum-validate.ts";
import { applyAum } from "./apply.ts";
import type { Authority } from "./authority.ts";
import type { ChonkReader } from "./chonk.ts";
import type { Signer } from "./ed25519.ts";
import { TkaError } from "./errors.ts";
import { hashToBytes, type AumHash } from "./hash.ts";
import { keyId, type Key } from "./key.ts";
import { CHECKPOINT_EVERY, MAX_KEYS } from "./limits.ts";
import { signAum } from "./sign.ts";
import { findKey, requireKey, type State } from "./state.ts";
import { encodeHex } from "./text-encodings.ts";
import { sealAum } from "./verify.ts";

export class UpdateBuilder {
  readonly #authority: Authority;
  readonly #signer: Signer;
  readonly #updates: Aum[] = [];
  #state: State;
  #parent: AumHash;

  constructor(authority: Authority, signer: Signer) {
    this.#authority = authority;
    this.#signer = signer;
    this.#state = authority.state;
    this.#parent = authority.head;
  }

  #append(unsigned: Aum): this {
    const update = signAum({ ...unsigned, prevAumHash: hashToBytes(this.#parent) }, this.#signer);
    validateAum(update);
    const { hash } = sealAum(update);
    this.#state = applyAum(this.#state, update, hash);
    this.#parent = hash;
    this.#updates.push(update);
    return this;
  }

  /** Trusts a key. Throws `key_exists`, `key_limit`, `invalid_key`, `unknown_key_kind`. */
  addKey(key: Key): this {
    const subject = `tlpub:${encodeHex(key.publicKey ?? new Uint8Array(0))}`;
    if (findKey(this.#state, keyId(key)) !== null)
      throw new TkaError("key_exists", `${subject} is trusted already`, { subject });
    if ((this.#state.keys ?? []).length >= MAX_KEYS)
      throw new TkaError("key_limit", `${subject} cannot be added: there are ${MAX_KEYS} keys already`, { subject });
    return this.#append(makeAum(AUM_KIND.addKey, { key }));
  }

  /** Ends the trust in a key. Throws `unknown_key`. */
  removeKey(id: Uint8Array): this {
    requireKey(this.#state, id);
    return this.#append(makeAum(AUM_KIND.removeKey, { keyId: id }));
  }

  /** Sets a key's votes. Throws `unknown_key`, `invalid_key`. */
  setKeyVotes(id: Uint8Array, votes: bigint): this {
    requireKey(this.#state, id);
    return this.#append(makeAum(AUM_KIND.updateKey, { keyId: id, votes }));
  }

  /** Replaces a key's metadata. Throws `unknown_key`, `invalid_key`, and `empty_metadata` for none at all [U1]. */
  setKeyMeta(id: Uint8Array, meta: ReadonlyMap<string, string>): this {
    requireKey(this.#state, id);
    if (meta.size === 0) throw new TkaError("empty_metadata", "a key's metadata cannot be replaced by nothing");
    return this.#append(makeAum(AUM_KIND.updateKey, { keyId: id, meta }));
  }

  #checkpointDue(chonk: ChonkReader): boolean {
    let cursor = this.#authority.head;
    for (let distance = this.#updates.length; distance < CHECKPOINT_EVERY; distance++) {
      const aum = chonk.aum(cursor);
      if (aum === null || aum.parent === null || aum.aum.kind === AUM_KIND.checkpoint) return false;
      cursor = aum.parent;
    }
    return true;
  }

  /** The updates, oldest first; none where nothing was asked for and no checkpoint is due [U2]. */
  finalize(chonk: ChonkReader): readonly Aum[] {
    if (this.#checkpointDue(chonk))
      this.#append(makeAum(AUM_KIND.checkpoint, { state: { ...this.#state, lastAumHash: null } }));
    return this.#updates;
  }
}
