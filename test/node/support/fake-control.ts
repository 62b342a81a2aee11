/**
 * A control plane in memory, with the authority behind it: it keeps the rules of the real one (the durable folder does, and test/e2e runs it), and
 * can be told to lie. Its maps are in memory too; test/node/map-connection.test.ts has the real connections.
 */

import { ControlRefusal } from "../../../src/node/errors.ts";
import type { ControlClient, RequestBody } from "../../../src/node/https-client.ts";
import type { MapChannel } from "../../../src/node/map-channel.ts";
import { nodeKdf } from "../../../src/node/index.ts";
import {
  CAP_TAILNET_LOCK,
  bootstrapResponse,
  initBeginResponse,
  mapResponse,
  parseRefusal,
  registerResponse,
  syncOfferResponse,
  syncSendResponse,
  type AffectedSigsResponse,
  type BootstrapResponse,
  type ControlErrorCode,
  type InitBeginResponse,
  type MapNode,
  type MapResponse,
  type RegisterResponse,
  type SyncOfferResponse,
  type SyncSendResponse,
} from "../../../src/protocol/index.ts";
import {
  MemoryChonk,
  TkaError,
  aumHash,
  aumParent,
  bootstrap,
  decodeAum,
  decodeNodeKeySignature,
  encodeAum,
  equalBytes,
  inform,
  makeSyncOffer,
  missingAums,
  nodeKeyFromBinary,
  parseHexKey,
  parseSyncOffer,
  unverifiedAuthorizingKeyId,
  validDisablement,
  type Aum,
  type Authority,
  type NodeKey,
} from "../../../src/tka/index.ts";
import { fastVerifier } from "../../support/host-crypto.ts";

const NO_BYTES = new Uint8Array(0);
const NOW = 1_800_000_000_000;

export function refused(code: ControlErrorCode, message: string = code): ControlRefusal {
  const refusal = parseRefusal({ code, message });
  if (refusal === null) throw new Error("no refusal");
  return new ControlRefusal(refusal);
}

/** A node of the map, with all its fields. */
export function mapNode(id: number, name: string, key: NodeKey, signature: Uint8Array = NO_BYTES): MapNode {
  const parsed = mapResponse(
    {
      Node: {
        ID: id,
        StableID: `n${id}`,
        Name: `${name}.example.`,
        Key: key,
        Addresses: [`100.64.0.${id}/32`],
        MachineAuthorized: true,
        CapMap: { [CAP_TAILNET_LOCK]: [] },
      },
    },
    "map",
  ).Node;
  if (parsed === null) throw new Error("no node");
  return { ...parsed, KeySignature: signature };
}

/** What the authority refuses reaches a node as a refusal of the control plane's. */
function asRefusal<T>(give: () => T): T {
  try {
    return give();
  } catch (error) {
    throw error instanceof TkaError ? refused(error.code, error.message) : error;
  }
}

/** A node's map: told of the state at first, and of every change. */
class FakeChannel implements MapChannel {
  readonly #control: FakeControl;
  readonly #nodeKey: unknown;
  #head: unknown;
  #told: number | null = null;
  #ended: { readonly error: Error | null } | null = null;
  wake: () => void = () => undefined;

  constructor(control: FakeControl, hello: RequestBody, signal: AbortSignal) {
    this.#control = control;
    this.#nodeKey = hello["NodeKey"];
    this.#head = hello["TKAHead"];
    signal.addEventListener("abort", () => this.end(new Error("aborted")), { once: true });
  }

  end(error: Error | null): void {
    this.#ended = { error };
    this.wake();
  }

  async next(): Promise<MapResponse | null> {
    while (this.#ended === null && this.#told === this.#control.changes)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    if (this.#ended?.error instanceof Error) throw this.#ended.error;
    if (this.#ended !== null) return null;
    const isNew = this.#told === null;
    this.#told = this.#control.changes;
    return this.#control.response(this.#nodeKey, isNew);
  }

  tell(request: RequestBody): void {
    if (request["TKAHead"] === this.#head) return;
    this.#head = request["TKAHead"];
    this.#control.told(request);
  }

  close(): void {
    this.end(null);
  }
}

export class FakeControl implements ControlClient {
  /** All that was asked, in order. */
  readonly asked: { readonly what: string; readonly body: RequestBody }[] = [];
  readonly nodes = new Map<number, MapNode>();
  /** Rotation keys, as nodes have registered them. */
  readonly lockKeys = new Map<unknown, Uint8Array>();
  chonk = new MemoryChonk();
  authority: Authority | null = null;
  genesis: Uint8Array = NO_BYTES;
  secret: Uint8Array = NO_BYTES;
  /** What the map says of the lock, in place of the truth. */
  saysOfLock: { Head: string; Disabled: boolean } | null = null;
  /** What is done to an answer before it goes out: where a control plane lies. */
  tamper: {
    readonly [What in "offer" | "bootstrap" | "register" | "begin" | "affected"]?: (answer: object) => object;
  } = {};
  /** Errors to throw, the next first. */
  readonly failures = new Map<string, Error[]>();
  /** What each head of a chain that was turned off was turned off by. */
  readonly #retired = new Map<string, Uint8Array>();
  #pending: { genesis: Aum; nodes: readonly MapNode[] } | null = null;
  #session = 0;
  #changed = 0;
  readonly #channels = new Set<FakeChannel>();

  #note(what: string, body: RequestBody): void {
    this.asked.push({ what, body });
    const failure = this.failures.get(what)?.shift();
    if (failure !== undefined) throw failure;
  }

  /** Adds or changes a node, or says something else of the lock, and wakes the polls. */
  change(edit: () => void): void {
    edit();
    this.#changed++;
    for (const channel of this.#channels) channel.wake();
  }

  add(node: MapNode): void {
    this.change(() => this.nodes.set(node.ID, node));
  }

  /** Locks the tailnet with a genesis and what follows it. */
  lock(...aums: readonly Aum[]): void {
    const [genesis, ...later] = aums;
    if (genesis === undefined) throw new Error("no genesis");
    this.change(() => {
      this.chonk = new MemoryChonk();
      this.saysOfLock = null;
      this.genesis = encodeAum(genesis);
      this.authority = bootstrap(this.chonk, genesis, fastVerifier, NOW);
      if (later.length > 0) this.authority = inform(this.chonk, this.authority, later, fastVerifier, NOW);
    });
  }

  extend(...aums: readonly Aum[]): void {
    this.change(() => {
      this.authority = inform(this.chonk, this.#require(), aums, fastVerifier, NOW);
    });
  }

  /** Turns the lock off, as a valid secret does; `tells` is false where nodes are not told. */
  unlock(secret: Uint8Array, tells = true): void {
    this.change(() => {
      for (const hash of this.chonk.hashes()) this.#retired.set(hash, secret);
      this.authority = null;
      if (tells) this.saysOfLock = { Head: "", Disabled: true };
      for (const node of this.nodes.values()) this.nodes.set(node.ID, { ...node, KeySignature: NO_BYTES });
    });
  }

  #require(): Authority {
    if (this.authority === null) throw refused("lock_not_enabled");
    return this.authority;
  }

  register(body: RequestBody): Promise<RegisterResponse> {
    return this.#answer(() => {
      this.#note("register", body);
      this.lockKeys.set(body["NodeKey"], parseHexKey(String(body["NLKey"]), "nlpub:"));
      return registerResponse(this.tamper.register?.({}) ?? { MachineAuthorized: true }, "register");
    });
  }

  #answer<T>(give: () => T): Promise<T> {
    return new Promise((resolve) => resolve(asRefusal(give)));
  }

  #lockInfo(): object | null {
    if (this.saysOfLock !== null) return this.saysOfLock;
    return this.authority === null ? null : { Head: this.authority.head };
  }

  async openMap(hello: RequestBody, signal: AbortSignal): Promise<MapChannel> {
    this.#note("map", hello);
    const channel = new FakeChannel(this, hello, signal);
    this.#channels.add(channel);
    return Promise.resolve(channel);
  }

  /** Ends all maps, in good order or, with an error, by breaking them off. */
  drop(error: Error | null = null): void {
    for (const channel of this.#channels) channel.end(error);
    this.#channels.clear();
  }

  /** What a node is told that goes on in a session, or begins one. */
  response(nodeKey: unknown, isNew: boolean): MapResponse {
    if (isNew) this.#session++;
    const self = [...this.nodes.values()].find(({ Key }) => Key === nodeKey) ?? null;
    const peers = [...this.nodes.values()].filter((node) => node !== self);
    const parsed = mapResponse(
      {
        MapSessionHandle: isNew ? `session ${this.#session}` : "",
        Seq: this.#changed,
        Domain: "example",
        TKAInfo: this.#lockInfo(),
      },
      "map",
    );
    return { ...parsed, Node: self, ...(isNew ? { Peers: peers } : { PeersChanged: peers }) };
  }

  get changes(): number {
    return this.#changed;
  }

  /** Takes what a node says of itself on its map. */
  told(request: RequestBody): void {
    this.#note("tell", request);
  }

  bootstrap(body: RequestBody): Promise<BootstrapResponse> {
    return this.#answer(() => {
      this.#note("bootstrap", body);
      const secret = this.#retired.get(String(body["Head"])) ?? this.secret;
      const answer = { GenesisAUM: this.genesis, DisablementSecret: secret };
      return { ...bootstrapResponse({}, "bootstrap"), ...answer, ...this.tamper.bootstrap?.(answer) };
    });
  }

  syncOffer(body: RequestBody): Promise<SyncOfferResponse> {
    return this.#answer(() => {
      this.#note("offer", body);
      const { head, ancestors } = makeSyncOffer(this.chonk, this.#require());
      const theirs = parseSyncOffer(String(body["Head"]), body["Ancestors"] as string[]);
      const MissingAUMs = missingAums(this.chonk, this.#require(), theirs).map(({ bytes }) => bytes);
      const answer = { Head: head, Ancestors: [...ancestors], MissingAUMs };
      return { ...syncOfferResponse({ Head: head }, "offer"), ...answer, ...this.tamper.offer?.(answer) };
    });
  }

  syncSend(body: RequestBody): Promise<SyncSendResponse> {
    return this.#answer(() => {
      this.#note("send", body);
      const aums = (body["MissingAUMs"] as Uint8Array[]).map(decodeAum);
      // The same again, after an answer that was lost, is success.
      if (aums.length > 0 && aums.every((aum) => this.chonk.aum(aumHash(aum)) !== null))
        return syncSendResponse({ Head: this.#require().head }, "send");
      const [first] = aums;
      const follows = first === undefined || aumParent(first) === this.#require().head;
      if (body["Interactive"] === true && !follows) throw refused("head_moved");
      if (aums.length > 0) this.extend(...aums);
      return syncSendResponse({ Head: this.#require().head }, "send");
    });
  }

  initBegin(body: RequestBody): Promise<InitBeginResponse> {
    return this.#answer(() => {
      this.#note("initBegin", body);
      const nodes = [...this.nodes.values()];
      this.#pending = { genesis: decodeAum(body["GenesisAUM"] as Uint8Array), nodes };
      const infos = nodes.map(({ ID, Key }) => ({ NodeID: ID, NodePublic: Key }));
      const { NeedSignatures } = initBeginResponse({ NeedSignatures: infos }, "begin");
      const listed = NeedSignatures.map((info) => ({
        ...info,
        RotationPubkey: this.lockKeys.get(info.NodePublic) ?? NO_BYTES,
      }));
      return { NeedSignatures: listed, ...this.tamper.begin?.({ NeedSignatures: listed }) };
    });
  }

  initFinish(body: RequestBody): Promise<void> {
    return this.#answer(() => {
      this.#note("initFinish", body);
      const pending = this.#pending;
      if (pending === null) throw refused("no_pending_init");
      const signatures = body["Signatures"] as ReadonlyMap<string, Uint8Array>;
      for (const node of pending.nodes) {
        const KeySignature = signatures.get(String(node.ID));
        if (KeySignature === undefined) throw refused("missing_signature");
        this.nodes.set(node.ID, { ...node, KeySignature });
      }
      this.lock(pending.genesis);
    });
  }

  sign(body: RequestBody): Promise<void> {
    return this.#answer(() => {
      this.#note("sign", body);
      const KeySignature = body["Signature"] as Uint8Array;
      const key = nodeKeyFromBinary(decodeNodeKeySignature(KeySignature).pubkey ?? NO_BYTES);
      const node = [...this.nodes.values()].find(({ Key }) => Key === key);
      if (node !== undefined) this.add({ ...node, KeySignature });
    });
  }

  affectedSigs(body: RequestBody): Promise<AffectedSigsResponse> {
    return this.#answer(() => {
      this.#note("affectedSigs", body);
      const rests = ({ KeySignature }: MapNode): boolean =>
        KeySignature.length > 0 &&
        equalBytes(unverifiedAuthorizingKeyId(decodeNodeKeySignature(KeySignature)), body["KeyID"] as Uint8Array);
      const answer = { Signatures: [...this.nodes.values()].filter(rests).map(({ KeySignature }) => KeySignature) };
      return { ...answer, ...this.tamper.affected?.(answer) };
    });
  }

  disable(body: RequestBody): Promise<void> {
    return this.#answer(() => {
      this.#note("disable", body);
      const secret = body["DisablementSecret"] as Uint8Array;
      if (!validDisablement(this.#require().state, secret, nodeKdf)) throw refused("incorrect_secret");
      this.unlock(secret);
    });
  }
}
