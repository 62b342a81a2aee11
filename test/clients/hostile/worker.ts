/**
 * A control plane that lies: ours, but for what its authority tells nodes of others and of the lock. A play says which lie it tells, by
 * `PUT /hostile/<tailnet>`, and asks by GET whose sync was answered with it; everything else is honest.
 *
 * Whoever runs the control plane can do all of this. Nodes must not believe it.
 */

import { randomBytes } from "node:crypto";
import honest from "../../../src/worker/index.ts";
import { TailnetAuthority as HonestAuthority } from "../../../src/durable/index.ts";
import type { Changes, ChangesWanted, ShownNode } from "../../../src/durable/maps/netmap.ts";
import type { Caller } from "../../../src/durable/nodes/nonces.ts";
import type { Outcome, SyncOfferRequest, SyncOfferResponse } from "../../../src/protocol/index.ts";
import {
  AUM_KIND,
  KEY_25519,
  aumHash,
  decodeAum,
  encodeAum,
  hashToBytes,
  makeAum,
  nodeKeyFromRaw,
  signAum,
  signDirect,
  signerFromSeed,
  type AumHash,
  type Signer,
} from "../../../src/tka/index.ts";
import type { WorkerEnv } from "../../../src/worker/env.ts";
import type { Lies } from "./lies.ts";

export { NodeApi } from "../../../src/worker/nodes/node-entry.ts";
export { Directory, NodeSessions } from "../../../src/durable/index.ts";

interface Told {
  readonly lies: Lies;
  /** Of the lock key that nobody trusts. */
  readonly seed: Uint8Array;
}

interface Forged {
  readonly hash: AumHash;
  readonly aum: Uint8Array;
}

const KEPT = "told";
/** Far above the IDs of real nodes. */
const FIRST_ID = 9000;

/** An AUM that follows the head and trusts the stranger, signed by nobody else. */
function forge(signer: Signer, head: AumHash): Forged {
  const { publicKey } = signer;
  const key = { kind: KEY_25519, votes: 1n, publicKey, meta: null };
  const aum = signAum({ ...makeAum(AUM_KIND.addKey, { key }), prevAumHash: hashToBytes(head) }, signer);
  return { hash: aumHash(aum), aum: encodeAum(aum) };
}

export class TailnetAuthority extends HonestAuthority {
  /** Node keys whose sync was answered with the present lie. */
  readonly #deceived = new Set<string>();

  deceived(): Promise<string[]> {
    return Promise.resolve([...this.#deceived]);
  }

  async tell(lies: Lies): Promise<void> {
    this.#deceived.clear();
    const told: Told = { lies, seed: new Uint8Array(randomBytes(32)) };
    await this.ctx.storage.put(KEPT, told);
  }

  async #told(): Promise<Told | null> {
    return (await this.ctx.storage.get<Told>(KEPT)) ?? null;
  }

  async #genesis(): Promise<AumHash | null> {
    const exported = await this.exportLock();
    const [first] = exported.ok ? exported.value.aums : [];
    return first === undefined ? null : aumHash(decodeAum(first));
  }

  /** The head that is shown in place of this one. */
  async #shownHead(head: AumHash | null, { lies, seed }: Told): Promise<AumHash | null> {
    if (head === null || lies.head === "honest") return head;
    return lies.head === "old" ? this.#genesis() : forge(signerFromSeed(seed), head).hash;
  }

  override async changes(wanted: ChangesWanted): Promise<Outcome<Changes>> {
    const [told, outcome] = [await this.#told(), await super.changes(wanted)];
    if (told === null || !outcome.ok || wanted.after !== undefined) return outcome;
    const { seq, lock, nodes } = outcome.value;
    const all = await super.changes({ since: 0 });
    const [like] = all.ok ? all.value.nodes : [];
    const injected =
      like === undefined ? [] : told.lies.peers.map((_, number) => injectedNode(like, told, number, seq));
    const head = await this.#shownHead(lock.head, told);
    return { ok: true, value: { ...outcome.value, nodes: [...nodes, ...injected], lock: { changed: seq, head } } };
  }

  override async syncOffer(caller: Caller, request: SyncOfferRequest): Promise<Outcome<SyncOfferResponse>> {
    const [told, outcome] = [await this.#told(), await super.syncOffer(caller, request)];
    if (told === null || !outcome.ok || told.lies.head === "honest") return outcome;
    const { value } = outcome;
    this.#deceived.add(request.NodeKey);
    if (told.lies.head === "forged") {
      const { hash, aum } = forge(signerFromSeed(told.seed), value.Head as AumHash);
      return { ok: true, value: { ...value, Head: hash, MissingAUMs: [...value.MissingAUMs, aum] } };
    }
    const genesis = (await this.#genesis()) ?? value.Head;
    return { ok: true, value: { Head: genesis, Ancestors: [genesis], MissingAUMs: [] } };
  }
}

/** A node like a real one, with keys, a name and addresses of its own. */
function injectedNode(like: ShownNode, { lies, seed }: Told, number: number, seq: number): ShownNode {
  const { name = "", signed = false } = lies.peers[number] ?? {};
  const id = FIRST_ID + number;
  const nodeKey = nodeKeyFromRaw(signerFromSeed(seed.map((byte) => byte ^ (number + 1))).publicKey);
  const KeySignature = signed ? signDirect(nodeKey, null, signerFromSeed(seed)) : new Uint8Array(0);
  const addresses = [`100.99.0.${number + 1}/32`];
  const node = {
    ...like.node,
    ID: id,
    StableID: `${like.node.StableID}${id}`,
    Name: like.node.Name.replace(/^[^.]*/, name),
    Key: nodeKey,
    KeySignature,
    Addresses: addresses,
    AllowedIPs: addresses,
    Hostinfo: like.node.Hostinfo === null ? null : { ...like.node.Hostinfo, Hostname: name },
  };
  return { ...like, changed: seq, selfChanged: seq, node };
}

export default {
  ...honest,
  async fetch(request: Request, env: WorkerEnv, ctx: ExecutionContext): Promise<Response> {
    const tailnet = /^\/hostile\/(.+)$/.exec(new URL(request.url).pathname)?.[1];
    if (tailnet === undefined) return honest.fetch(request, env, ctx);
    const { TAILNET_AUTHORITY: authorities } = env as unknown as {
      readonly TAILNET_AUTHORITY: DurableObjectNamespace<TailnetAuthority>;
    };
    const authority = authorities.get(authorities.idFromName(tailnet));
    if (request.method === "PUT") await authority.tell(await request.json<Lies>());
    return Response.json(await authority.deceived());
  },
};
