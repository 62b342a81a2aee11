/** Puts the benchmark's chain into a Chonk, some AUMs a commit, as a node or a control plane that followed it would have. */

import { EMPTY_STATE, decodeAum, reviveStoredAum, sealAum, type Chonk } from "../../../src/tka/index.ts";

const COMMIT = 5;

export function storeChain(chonk: Chonk, chain: readonly Uint8Array[]): void {
  const aums = chain.map((bytes) => reviveStoredAum(sealAum(decodeAum(bytes)).hash, bytes));
  for (let i = 0; i < aums.length; i += COMMIT) {
    const verified = aums.slice(i, i + COMMIT);
    const [genesis, head] = [aums[0], verified[verified.length - 1]];
    if (genesis === undefined || head === undefined) return;
    const prepared = { headBefore: chonk.head(), head: head.hash, state: EMPTY_STATE, oldestAncestor: genesis.hash };
    chonk.commit({ ...prepared, verified }, Date.now());
  }
}
