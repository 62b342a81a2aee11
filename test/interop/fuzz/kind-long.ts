/** Long chains told to a node from its genesis, at the limits of what may be walked. */

import type { Case } from "./case.ts";
import { longChain } from "./long-chain.ts";
import type { PlayStep } from "./kind-web.ts";
import type { Random } from "./random.ts";

/** In one batch, or in several that end anywhere; then opened anew, synced to a newcomer, and told of a fork. */
export function longInform(random: Random): Case {
  const { genesis, whole, part } = longChain(random);
  const cut = random.chance(0.5) ? whole.length : random.between(1, whole.length);
  const steps: PlayStep[] = [
    { do: "bootstrap", node: "a", aum: genesis },
    { do: "inform", node: "a", aums: whole.slice(1, cut) },
    { do: "head", node: "a" },
    { do: "inform", node: "a", aums: whole.slice(cut) },
    { do: "offer", node: "a" },
    { do: "bootstrap", node: "b", aum: genesis },
    { do: "sync", from: "a", to: "b" },
    { do: "inform", node: "a", aums: part.slice(-4) },
    { do: "head", node: "a" },
    { do: "open", node: "b" },
  ];
  return { request: { op: "play", steps } };
}
