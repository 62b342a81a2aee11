/** Nonces of signed requests: each is good once [Q2]. One that comes again comes with the same `expires`, which is signed as well. */

import type { MachineKey } from "../../protocol/index.ts";
import { ControlError } from "../refuse.ts";
import type { Store } from "../store.ts";

/** What makes a signed request one of a kind. */
export interface SignedProof {
  readonly nonce: string;
  /** Milliseconds since the epoch from which on the signature is refused, clocks that differ allowed for. */
  readonly expires: number;
}

/** Who asks, as the Worker has proven it: the machine, by a signature or by its Noise connection, in which nothing can come twice. */
export interface Caller {
  readonly machineKey: MachineKey;
  readonly proof: SignedProof | "noise";
  /** The ID of the request. */
  readonly request: string;
}

/** True for a Tailscale client, or whoever speaks its protocol: it came over Noise. */
export function isNative({ proof }: Caller): boolean {
  return proof === "noise";
}

export class Nonces {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Takes a signed request's nonce. Throws `replayed_request` where it was taken before, and `stale_request` where it has expired on its way here: what has
   * expired is forgotten, and so nobody could tell.
   */
  take({ machineKey, proof }: Caller, now: number): void {
    if (proof === "noise") return;
    const { nonce, expires } = proof;
    if (expires <= now) throw new ControlError("stale_request", "the signature has expired: sign the request anew");
    this.#store.run("DELETE FROM taken_nonces WHERE expires <= ?", now);
    const values = [expires, machineKey, nonce] as const;
    const taken = this.#store.row(
      "SELECT 1 FROM taken_nonces WHERE expires = ? AND machine_key = ? AND nonce = ?",
      ...values,
    );
    if (taken !== null) throw new ControlError("replayed_request", "this request was made before: sign a new one");
    this.#store.run("INSERT INTO taken_nonces (expires, machine_key, nonce) VALUES (?, ?, ?)", ...values);
  }
}
