/** How a node is let in to hear of its tailnet, and what is taken of what it says of itself. Everything here runs inside the caller's transaction. */

import { READ_ONLY_STREAMS, type MachineKey, type MapRequest } from "../../protocol/index.ts";
import { noteHead } from "../lock/awakening.ts";
import { detailsOf, whereaboutsOf } from "./host-details.ts";
import type { NodeRecord } from "./nodes.ts";
import { noteHeard } from "./predecessor.ts";
import { releaseWoken } from "./secluded.ts";
import { seat, type Seating } from "../seating/shards.ts";
import type { Admitted } from "../sessions/ticket.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Where a node stands that was let in, and where its session is held. */
export function admitted(tailnet: Tailnet, node: NodeRecord): Admitted {
  const { id, epoch, seq, presence, shards } = tailnet.info();
  const { id: nodeId, nodeKey, machineKey, awakening, tkaHead: head, capVersion } = node;
  const waiting = !node.authorized;
  const where = { tailnet: id, shards, epoch, seq, presence };
  return { ...where, nodeId, nodeKey, machineKey, awakening, waiting, head, capVersion };
}

/** Takes where a node says that it is, and what it says of its host beyond the record. */
function notePresence(tailnet: Tailnet, { id, stableId }: NodeRecord, request: MapRequest, now: number): void {
  const known = tailnet.presences.of(id);
  const host = request.Hostinfo === null ? known.host : detailsOf(request.Hostinfo);
  const place = whereaboutsOf(request, known);
  if (!tailnet.presences.note(id, place, host)) return;
  tailnet.countPresence(stableId, now);
  // Other tailnets that know it are told this much of it.
  if (place.discoKey !== known.discoKey || place.homeDerp !== known.homeDerp) tailnet.shares.checkAgain();
}

/** Takes what a node says of itself, and the head that it has. */
function takeFacts(tailnet: Tailnet, node: NodeRecord, request: MapRequest, now: number): Admitted {
  const { Hostinfo, Version, TKAHead } = request;
  tailnet.describe(node, { lockKey: null, hostinfo: Hostinfo, capVersion: Version }, now);
  notePresence(tailnet, node, request, now);
  noteHeard(tailnet, node);
  noteHead(tailnet, node, TKAHead, now);
  releaseWoken(tailnet, node, now);
  return admitted(tailnet, tailnet.nodes.require(node.nodeKey, node.machineKey));
}

/**
 * Admits a node's map request. `seating` is what is to hold its session, or null where there is to be none. A stream of a current client only reads:
 * it says its head, and nothing of its host.
 */
export function admitMap(
  tailnet: Tailnet,
  node: NodeRecord,
  request: MapRequest,
  seating: Seating | null,
  now: number,
): Admitted {
  const readsOnly = request.ReadOnly || (request.Stream && request.Version >= READ_ONLY_STREAMS);
  const said = readsOnly ? { ...request, Hostinfo: null, DiscoKey: "", Version: node.capVersion } : request;
  const session = takeFacts(tailnet, node, said, now);
  return seating === null ? session : seat(tailnet, session, seating, now);
}

/** Admits a node's WebSocket: what it says of itself comes as its first message. */
export function admitSocket(tailnet: Tailnet, node: NodeRecord, now: number): Admitted {
  return seat(tailnet, admitted(tailnet, node), "socket", now);
}

/** Takes what a node says of itself on its WebSocket, whose machine is known. Throws `unknown_node`, `wrong_machine`. */
export function takeReport(tailnet: Tailnet, machineKey: MachineKey, request: MapRequest, now: number): Admitted {
  return takeFacts(tailnet, tailnet.nodes.require(request.NodeKey, machineKey), request, now);
}
