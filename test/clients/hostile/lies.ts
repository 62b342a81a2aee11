/** What it lies about. */
export interface Lies {
  /** Nodes that are in no tailnet: with no signature, or with one by a key that nobody trusts. */
  readonly peers: readonly { readonly name: string; readonly signed: boolean }[];
  /** The lock's head: as it is, an AUM that a stranger made to be trusted, or the genesis. */
  readonly head: "honest" | "forged" | "old";
}
