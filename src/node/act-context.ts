/** What every act on the lock needs, and what several of them share: who may sign, and sending a change so that it counts. */

import { CAPABILITY_VERSION, type MapNode } from "../protocol/index.ts";
import { aumHash, encodeAum, keyTrusted, type Aum, type Authority, type NodeKey, type Signer } from "../tka/index.ts";
import { AgentError, ControlRefusal, ControlUnreachable } from "./errors.ts";
import type { ControlClient, RequestBody } from "./https-client.ts";
import type { LocalLock } from "./local-lock.ts";

/** What Tailscale's clients answer, so that whoever looks for the words finds them. */
const NOT_TRUSTED = "this node is not trusted by Tailnet Lock";

export interface ActContext {
  readonly client: ControlClient;
  readonly lock: LocalLock;
  readonly nodeKey: NodeKey;
  /** The node's lock key. */
  readonly signer: Signer;
  /** Node keys of all peers in the map as it is when asked for. */
  readonly peers: () => ReadonlySet<NodeKey>;
  /** The peers that are not locked out, and this node. */
  readonly members: () => readonly MapNode[];
}

/** What making something to sign takes: the chain, and the key. */
export type SigningContext = Pick<ActContext, "lock" | "signer">;

/** A request's body, from this node. */
export function asked({ nodeKey }: Pick<ActContext, "nodeKey">, fields: RequestBody): RequestBody {
  return { Version: CAPABILITY_VERSION, NodeKey: nodeKey, ...fields };
}

export function notTrusted(): AgentError {
  return new AgentError(
    "not_trusted",
    NOT_TRUSTED,
    "run this on a signing node: `tailward lock status` lists their keys",
  );
}

/** The authority, which trusts this node's key. Throws `lock_off`, `not_trusted`. */
export function requireSigner({ lock, signer }: SigningContext): Authority {
  const authority = lock.require();
  if (!keyTrusted(authority, signer.publicKey)) throw notTrusted();
  return authority;
}

const TRIES = 3;

/** Sends what is answered with success when it is sent again: a lost answer does no harm. Throws what `send` throws last. */
export async function insist<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ControlUnreachable) || attempt === TRIES) throw error;
    }
  }
}

function moved(): AgentError {
  return new AgentError(
    "lock_moved",
    "somebody else has changed the lock meanwhile, and this change was not taken",
    "this node fetches theirs now: try again",
  );
}

/** Sends a change that goes on from our head, as somebody's act: it becomes the head, or is not taken. Throws `lock_moved`, or what the client throws. */
export async function sendUpdates(context: ActContext, authority: Authority, updates: readonly Aum[]): Promise<void> {
  const [last] = updates.slice(-1);
  if (last === undefined) return;
  const body = asked(context, { Head: authority.head, MissingAUMs: updates.map(encodeAum), Interactive: true });
  try {
    const { Head } = await insist(() => context.client.syncSend(body));
    if (Head !== aumHash(last)) throw moved();
  } catch (error) {
    throw error instanceof ControlRefusal && error.refusal.code === "head_moved" ? moved() : error;
  }
}
