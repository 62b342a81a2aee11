/** What a node sees of its tailnet, and whom it talks to, at one moment. */

import { EMPTY_NETMAP, type Netmap } from "./netmap.ts";
import type { FilterOutcome } from "./peer-filter.ts";

export interface View {
  readonly netmap: Netmap;
  /** True if this node follows a lock. */
  readonly locked: boolean;
  /** True if its own signature lets it in. */
  readonly selfSigned: boolean;
  readonly peers: FilterOutcome;
}

export const NOTHING_SEEN: View = {
  netmap: EMPTY_NETMAP,
  locked: false,
  selfSigned: false,
  peers: { visible: [], filtered: [] },
};
