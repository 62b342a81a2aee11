/**
 * The agent: joins, polls, keeps its own copy of the lock, and judges every peer by it. Nothing the control plane says is trusted.
 *
 * Rule [Z14]: what others are shown (`view`) is published whole, after the chain was brought up to date and every peer judged by it.
 * Rule [Z15]: a sync that fails is tried again, and meanwhile peers are judged by the chain as far as it was verified.
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  CAPABILITY_VERSION,
  CAP_TAILNET_LOCK,
  machineKeyOf,
  type MachineKey,
  type LockStatus,
  type MapResponse,
  type Refusal,
  type TkaInfo,
} from "../protocol/index.ts";
import { TkaError, type AumHash, type NodeKey, type Signer } from "../tka/index.ts";
import type { ActContext } from "./act-context.ts";
import { lockStatusOf, peerStatuses, selfFacts, type AgentStatus } from "./agent-status.ts";
import { AgentError, ControlRefusal, isTriedAgain } from "./errors.ts";
import { Approval } from "./approval.ts";
import { Backoff, type Pace } from "./backoff.ts";
import type { ControlClient, RequestBody } from "./https-client.ts";
import { canRotate, join, keepSignature, logOut, replaceNodeKey } from "./joining.ts";
import type { KeyStore } from "./key-store.ts";
import { KeyWatch } from "./key-watch.ts";
import { ignoreLock } from "./lock-off-acts.ts";
import { needsSync, syncLock } from "./lock-sync.ts";
import type { LocalLock } from "./local-lock.ts";
import { MapListener, describeError } from "./map-listener.ts";
import { lockSigner, nodeVerifier, signerFromSeed } from "./native-crypto.ts";
import { EMPTY_NETMAP, applyMapResponse, type Netmap } from "./netmap.ts";
import { PeerFilter } from "./peer-filter.ts";
import { describeChange } from "./view-change.ts";
import { NOTHING_SEEN, type View } from "./view.ts";

export interface AgentPorts {
  readonly client: ControlClient;
  readonly store: KeyStore;
  readonly lock: LocalLock;
  readonly authKey: string | null;
  readonly hostname: string | null;
  readonly controlUrl: string;
  /** Takes one line of text for each event; never a secret. */
  readonly log: (line: string) => void;
  /** How long to wait before connecting again. */
  readonly pace?: Pace;
}

export class Agent {
  readonly #ports: AgentPorts;
  readonly #filter = new PeerFilter(nodeVerifier);
  readonly #listener: MapListener;
  readonly #syncBackoff = new Backoff();
  readonly #approval: Approval;
  readonly #keyWatch = new KeyWatch(() => {
    this.#renewKey();
  });
  readonly #loggedOut = new AbortController();
  #renewing = new AbortController();
  readonly #signer: Signer;
  readonly #machineKey: MachineKey;
  #netmap: Netmap = EMPTY_NETMAP;
  #view: View = NOTHING_SEEN;
  /** The head that both sides stood at when a sync ended last, and the map session of that moment. */
  #agreed: { readonly handle: string; readonly head: AumHash } | null = null;
  /** True once the control plane has said that it does not know us: asked for a place again, once, before the next poll. */
  #isForgotten = false;
  /** Syncs and changes of the chain, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: AgentPorts) {
    this.#ports = ports;
    this.#listener = new MapListener(ports);
    this.#approval = new Approval(ports.log);
    this.#signer = lockSigner(ports.store.state.lockKey);
    this.#machineKey = machineKeyOf(signerFromSeed(ports.store.state.requestKey).publicKey);
  }

  get view(): View {
    return this.#view;
  }

  get lock(): LocalLock {
    return this.#ports.lock;
  }

  get #nodeKey(): NodeKey {
    return this.#ports.store.nodeKey;
  }

  /** Runs until `signal` aborts, or the node is logged out. Throws what no trying again can mend [Z8]. */
  async run(signal: AbortSignal): Promise<void> {
    const ending = AbortSignal.any([signal, this.#loggedOut.signal]);
    const stopped = (): boolean => ending.aborted;
    while (!stopped()) {
      this.#renewing = new AbortController();
      await this.#runUntil(AbortSignal.any([ending, this.#renewing.signal]));
    }
    this.#keyWatch.stop();
  }

  /** Takes a new node key in place of one that is over, and begins anew with it [R8]. */
  #renewKey(): void {
    this.#ports.log("this node's key is over: it takes a new one");
    replaceNodeKey(this.#ports);
    this.#renewing.abort();
  }

  /** Ends the node's key, and the agent. Throws `not_joined`, or what the client throws. */
  async logOut(): Promise<void> {
    this.actContext();
    await logOut(this.#ports);
    this.#ports.log("logged out: this node's key is over");
    // Whoever asked is answered first.
    setImmediate(() => this.#loggedOut.abort());
  }

  /** Runs until `signal` aborts. */
  async #runUntil(signal: AbortSignal): Promise<void> {
    // A function, since the compiler takes a flag for unchanged where it was asked before.
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      try {
        if (this.#mustJoin()) await this.#join(signal);
        await this.#listen(signal);
      } catch (error) {
        if (stopped()) return;
        await this.#recover(error, signal);
      }
    }
  }

  #mustJoin(): boolean {
    const { joined, replaces } = this.#ports.store.state;
    return !joined || replaces !== null || this.#isForgotten;
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { controlUrl, log } = this.#ports;
    this.#isForgotten = false;
    await join(this.#ports, this.#approval, signal);
    this.#netmap = EMPTY_NETMAP;
    log(`joined by ${controlUrl} as ${this.#nodeKey}`);
  }

  /** Waits before the next try [Z8]; gets a new node key where the old one is over; rethrows what ends the agent. */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const hasJoined = this.#ports.store.state.joined;
    this.#listener.lost(error);
    if (!isTriedAgain(error, hasJoined)) throw error;
    if (error instanceof ControlRefusal && hasJoined) this.#heed(error.refusal);
    await this.#listener.pause(signal);
  }

  /** What a refusal asks of a node that has joined, beside patience. */
  #heed({ code }: Refusal): void {
    const { authKey, log } = this.#ports;
    if (code === "node_key_expired") replaceNodeKey(this.#ports);
    if (code !== "unknown_node") return;
    this.#isForgotten = authKey !== null;
    if (authKey === null) log("if the control plane goes on not knowing this node, start the agent with --auth-key");
    else log("the control plane does not know this node: joining again");
  }

  /** What a map request says of this node. */
  #hello(): RequestBody {
    return { Version: CAPABILITY_VERSION, NodeKey: this.#nodeKey, TKAHead: this.lock.authority?.head ?? "" };
  }

  /** Takes in what the control plane says, until it says no more. */
  #listen(signal: AbortSignal): Promise<void> {
    const { handle, seq } = this.#netmap;
    const place = handle === "" || seq === 0 ? {} : { MapSessionHandle: handle, MapSessionSeq: seq };
    const take = (response: MapResponse): Promise<void> => {
      this.#netmap = applyMapResponse(this.#netmap, response);
      return this.sync(signal);
    };
    return this.#listener.listen({ ...this.#hello(), ...place }, take, signal);
  }

  /** Brings the chain up to date with what the control plane said last, then publishes a new view [Z14] [Z15]. */
  async sync(signal: AbortSignal): Promise<void> {
    const said = this.#netmap.lock;
    try {
      if (said !== null && needsSync(this.lock, said) && !this.#isPassed(said))
        await this.exclusively(() => this.#syncTo(said));
      this.#syncBackoff.reset();
    } catch (error) {
      signal.throwIfAborted();
      this.#ports.log(`tailnet lock: sync failed: ${(error as Error).message}${hintFor(error)}`);
      this.#retrySync(signal);
    }
    // Needed to rotate our key, also after a restart.
    const { self } = this.#netmap;
    keepSignature(this.#ports, self?.Key === this.#nodeKey ? self.KeySignature : new Uint8Array(0));
    this.#publish();
  }

  /** True for a head that both sides had and have left behind: it was on its way here while they agreed on ours. */
  #isPassed({ Head }: TkaInfo): boolean {
    const agreed = this.#agreed;
    if (agreed === null || Head === null || agreed.handle !== this.#netmap.handle) return false;
    return agreed.head === this.lock.authority?.head && this.lock.isActive(Head);
  }

  async #syncTo(said: TkaInfo): Promise<void> {
    const { client, lock, log, store } = this.#ports;
    const context = { client, lock, nodeKey: this.#nodeKey, disallowed: store.state.disallowedStateIds, log };
    const isAgreed = await syncLock(context, said);
    this.#agreed = isAgreed ? { handle: this.#netmap.handle, head: lock.require().head } : null;
  }

  /**
   * Fetches what an act through this node has led to, or has met, without waiting to be told; `said` where the act itself says how the lock
   * stands. What fails here is made good once the control plane says so.
   */
  async catchUp(said: TkaInfo = { Head: this.lock.authority?.head ?? null, Disabled: false }): Promise<void> {
    try {
      await this.exclusively(() => this.#syncTo(said));
      if (said.Disabled && this.lock.authority === null) this.#netmap = { ...this.#netmap, lock: said };
    } catch (error) {
      this.#ports.log(`tailnet lock: not caught up yet: ${describeError(error)}`);
    }
    this.#publish();
  }

  /** Turns the lock off on this node alone. Throws `lock_off`. */
  async ignoreLock(): Promise<void> {
    await this.exclusively(() => {
      ignoreLock(this.#ports);
    });
    this.#ports.log("tailnet lock: turned off on this node alone");
    await this.catchUp(this.#netmap.lock ?? { Head: null, Disabled: false });
  }

  /** Waits until the lock that was just turned on is known here, `most` milliseconds at most. */
  async lockKnown(most: number): Promise<void> {
    this.#listener.hurry();
    for (const end = Date.now() + most; this.lock.authority === null && Date.now() < end;) await sleep(50);
  }

  #retrying = false;

  #retrySync(signal: AbortSignal): void {
    if (this.#retrying) return;
    this.#retrying = true;
    this.#syncBackoff
      .wait(signal)
      .then(() => {
        this.#retrying = false;
        return this.sync(signal);
      })
      .catch(() => {
        this.#retrying = false;
      });
  }

  /** Runs `act` when no other sync or change of the chain is under way. */
  exclusively<T>(act: () => T | Promise<T>): Promise<T> {
    const turn = this.#turn.then(act, act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #publish(): void {
    const state = this.lock.authority?.state ?? null;
    const { self, peers } = this.#netmap;
    const next: View = {
      netmap: this.#netmap,
      locked: state !== null,
      selfSigned: state !== null && self?.Key === this.#nodeKey && this.#filter.isAuthorized(state, self),
      peers: this.#filter.apply(state, peers.values(), self),
    };
    for (const line of describeChange(this.#view, next)) this.#ports.log(line);
    this.#view = next;
    this.#keyWatch.see(self?.Key === this.#nodeKey ? self.KeyExpiry : "");
    this.#listener.tell(this.#hello());
  }

  /** What acting on the lock takes. Throws `not_joined`. */
  actContext(): ActContext {
    const { client, lock, store } = this.#ports;
    if (!store.state.joined || store.state.replaces !== null)
      throw new AgentError("not_joined", "this node is in no tailnet yet");
    return {
      client,
      lock,
      nodeKey: this.#nodeKey,
      signer: this.#signer,
      peers: () => new Set(this.names().keys()),
      members: () => {
        const { netmap, peers } = this.#view;
        return [...(netmap.self === null ? [] : [netmap.self]), ...peers.visible];
      },
    };
  }

  /** What the map calls the nodes, this one included. */
  names(): Map<NodeKey, string> {
    const { self, peers } = this.#netmap;
    return new Map([...(self === null ? [] : [self]), ...peers.values()].map(({ Key, Name }) => [Key, Name]));
  }

  /** True if the control plane lets this node use the lock. */
  offersLock(): boolean {
    return this.#view.netmap.self?.CapMap.has(CAP_TAILNET_LOCK) ?? false;
  }

  lockStatus(): LockStatus {
    const { netmap, selfSigned, peers } = this.#view;
    const { authority } = this.lock;
    const { publicKey: lockKey } = this.#signer;
    return lockStatusOf({ authority, nodeKey: this.#nodeKey, lockKey, self: netmap.self, selfSigned, peers });
  }

  /** True where the lock that is on was turned off on this node alone. */
  #ignoresLock(): boolean {
    const { lock: said } = this.#netmap;
    return this.lock.authority === null && said !== null && said.Head !== null && said.Head === this.lock.passedOver;
  }

  status(): AgentStatus {
    const { store, controlUrl } = this.#ports;
    const { selfSigned, netmap } = this.#view;
    const node = {
      controlUrl,
      joined: store.state.joined,
      connected: this.#listener.isConnected,
      approvalUrl: this.#approval.url,
      lockIgnored: this.#ignoresLock(),
      rotates: !selfSigned || netmap.self === null || canRotate(netmap.self.KeySignature, this.#signer),
      ...selfFacts(this.#view.netmap),
      nodeKey: this.#nodeKey,
      machineKey: this.#machineKey,
      peers: peerStatuses(this.#view.peers),
    };
    return { node, lock: this.lockStatus() };
  }
}

/** What a person can do about a sync that fails for good. */
function hintFor(error: unknown): string {
  const isTwin = error instanceof TkaError && error.code === "republished";
  return isTwin
    ? "; if this goes on, the node was fed a false copy of a change: join it anew, from an empty state directory"
    : "";
}
