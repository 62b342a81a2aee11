/**
 * The last map of a client that is here no more. Source: Go's `control/controlclient/auto.go` and `ipn/ipnlocal/local.go`: a refused map is asked for
 * again for ever, and the client goes on as it was; a node that sees that its own key is over says that it is logged out.
 *
 * Rule [M12]: a client whose node was removed, or has another key by now, is shown itself with its key over, and nobody else.
 */

import { encodeMapMessage, encodeMapNode, node as mapNode } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import { MapText } from "../maps/text.ts";
import { addressesOf } from "../node-address.ts";
import type { Caller } from "../nodes/nonces.ts";
import type { Tailnet } from "../authority/tailnet.ts";
import { profileOrGone } from "../people/users.ts";

/** Long ago, and not Go's zero time, which is never. */
const LONG_AGO = "1970-01-01T00:02:03Z";

/** The stable ID of a node that there is, or was. */
function stableIdOf({ store }: Tailnet, id: number): string {
  const sql =
    "SELECT stable_id FROM nodes WHERE id = ?1 UNION ALL SELECT stable_id FROM removed_nodes WHERE id = ?1 LIMIT 1";
  return store.row(sql, id)?.text("stable_id") ?? "";
}

/** The frame of the map, or null for a key that was never this machine's here. */
export function farewell(tailnet: Tailnet, caller: Caller, nodeKey: NodeKey, zstd: boolean): Uint8Array | null {
  const owner = tailnet.nodes.ownerOf(nodeKey);
  if (owner === null || tailnet.nodes.machineOf(owner) !== caller.machineKey) return null;
  const { name } = tailnet.info();
  const [v4, v6] = addressesOf(owner);
  const user = profileOrGone(tailnet.users.byId(tailnet.nodes.byId(owner)?.user ?? ""), name);
  const self = mapNode(
    {
      ID: owner,
      StableID: stableIdOf(tailnet, owner),
      Name: `gone.${name}.`,
      User: user.ID,
      Key: nodeKey,
      KeyExpiry: LONG_AGO,
      Addresses: [`${v4}/32`, `${v6}/128`],
      MachineAuthorized: true,
    },
    "node",
  );
  return new MapText(encodeMapMessage({ Domain: name, Node: encodeMapNode(self), UserProfiles: [user] })).frame(zstd);
}
