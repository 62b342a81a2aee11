/**
 * The object of one tailnet, and its only writer: chain, nodes, signatures, auth keys. Each method is one act: it parses nothing, decides and
 * writes in one synchronous transaction, and answers with an Outcome. After a commit it hurries the sessions objects along.
 */

import { DurableObject } from "cloudflare:workers";
import type {
  AffectedSigsRequest,
  AffectedSigsResponse,
  BootstrapRequest,
  BootstrapResponse,
  DisableRequest,
  EmptyResponse,
  InitBeginRequest,
  InitBeginResponse,
  InitFinishRequest,
  MapRequest,
  Outcome,
  RegisterRequest,
  RegisterResponse,
  SealedSupport,
  ShareInviteParts,
  SignRequest,
  SyncOfferRequest,
  SyncOfferResponse,
  SyncSendRequest,
  SyncSendResponse,
} from "../protocol/index.ts";
import type { MachineKey } from "../protocol/index.ts";
import type { NodeKey } from "../tka/index.ts";
import { AlarmClock } from "./alarm-clock.ts";
import { createAuthKey, revokeAuthKey } from "./auth-key-acts.ts";
import type { AuthKeyInfo, AuthKeyOptions } from "./auth-keys.ts";
import { Delivery, Queues } from "./delivery.ts";
import { deleteTailnet } from "./deletion.ts";
import { changeDevice, deviceOf, refuseWaiting, requireDevice, type DeviceChange, type DeviceInfo } from "./devices.ts";
import type { TailnetEntry } from "./directory.ts";
import { disablementKdf } from "./disablement-kdf.ts";
import type { ObjectsEnv } from "./env.ts";
import type { By } from "./events.ts";
import { refuseExpired } from "./key-expiry.ts";
import { disable } from "./lock-disable.ts";
import { exportLock, type LockExport } from "./lock-export.ts";
import { initBegin, initFinish } from "./lock-init.ts";
import { lockReport, type LockReport } from "./lock-report.ts";
import { affectedSignatures, submitSignature } from "./lock-sign.ts";
import { syncOffer } from "./lock-offer.ts";
import { bootstrapInfo, syncSend } from "./lock-sync.ts";
import { settleLogin, type LoginInfo } from "./logins.ts";
import { verifier } from "./native-verifier.ts";
import { changesSince, type Changes, type ChangesWanted } from "./netmap.ts";
import { byNode, type NodeRecord } from "./nodes.ts";
import type { Caller } from "./nonces.ts";
import type { Lane } from "./outbox.ts";
import { newsAt, recordPage, type RecordPage, type RecordedNews } from "./record.ts";
import { passOn } from "./pass-on.ts";
import { outcomeOf } from "./refuse.ts";
import { register } from "./registration.ts";
import { changeSettings, type Settings, type SettingsPatch } from "./settings.ts";
import { admitMap, admitSocket, takeReport } from "./session-admission.ts";
import { SessionHerald } from "./session-herald.ts";
import type { SessionKind } from "./session-layout.ts";
import { shardsToTell } from "./session-shards.ts";
import type { Admitted } from "./session-ticket.ts";
import { createShare, listShares, takeClaim, withdrawShare, type Claim } from "./share-acts.ts";
import { ShareCourier, type Sender } from "./share-courier.ts";
import { answerExchange, nextDue, type Exchanged } from "./share-exchange.ts";
import { settleLinks } from "./share-links.ts";
import type { Share } from "./shares.ts";
import { Store } from "./store.ts";
import { offeredSupport, readSupport } from "./support.ts";
import { sealForPending, supportKeyOf } from "./support-seal.ts";
import { Tailnet } from "./tailnet.ts";

export class TailnetAuthority extends DurableObject<ObjectsEnv> {
  readonly #tailnet: Tailnet;
  readonly #clock: AlarmClock;
  readonly #delivery: Delivery;
  readonly #courier: ShareCourier;
  readonly #herald: SessionHerald;

  constructor(ctx: DurableObjectState, env: ObjectsEnv) {
    super(ctx, env);
    this.#tailnet = new Tailnet(new Store(ctx.storage), verifier);
    this.#herald = new SessionHerald(env, this.#tailnet);
    this.#clock = new AlarmClock(ctx.storage);
    this.#delivery = new Delivery(this.#tailnet, new Queues(env), this.#clock);
    const act: Sender["act"] = (body) => this.#act(body);
    this.#courier = new ShareCourier({ tailnet: this.#tailnet, clock: this.#clock, env: () => this.env, act });
    if (this.#delivery.isPending() || nextDue(this.#tailnet) !== null)
      void ctx.blockConcurrencyWhile(async () => {
        this.#delivery.resume(await ctx.storage.getAlarm());
        this.#courier.arm(Date.now());
      });
  }

  /**
   * Runs an act in one transaction; where it has changed what nodes can see, the sessions objects are told. Whoever asks is admitted in a
   * transaction before it, in the same turn: a nonce is spent also where the act refuses. (A registration takes its nonce inside the act:
   * strangers could fill the table otherwise.)
   */
  async #run<A, T>(
    admit: (tailnet: Tailnet, now: number) => A,
    act: (tailnet: Tailnet, now: number, admitted: A) => T,
  ): Promise<Outcome<T>> {
    const tailnet = this.#tailnet;
    const before = tailnet.find()?.seq ?? 0;
    const outcome = await outcomeOf(
      () => {
        const now = Date.now();
        const admitted: A = tailnet.store.transaction<A>(() => admit(tailnet, now) as never);
        const value: T = tailnet.store.transaction<T>(() => {
          const given = act(tailnet, now, admitted);
          settleLinks(tailnet, now);
          return given as never;
        });
        this.#delivery.look(now, tailnet.find()?.seq !== before);
        this.#courier.arm(now);
        return value;
      },
      () => this.#tailnet.head(),
    );
    const info = this.#tailnet.find();
    const hasNews = info !== null && info.seq !== before;
    if (hasNews) this.ctx.waitUntil(this.#herald.hurry(info.id, info.seq));
    this.ctx.waitUntil(passOn(hasNews ? this.#delivery : null, this.#courier));
    return outcome;
  }

  /** The same for an act on a tailnet, which there must be. Refuses with `unknown_tailnet`. */
  #act<T>(act: (tailnet: Tailnet, now: number) => T): Promise<Outcome<T>> {
    return this.#run((tailnet) => tailnet.info(), act);
  }

  /** The same for a tailnet that was not given up [W6]. */
  #actLiving<T>(act: (tailnet: Tailnet, now: number) => T): Promise<Outcome<T>> {
    return this.#run((tailnet) => tailnet.requireLiving(), act);
  }

  /** The same for an act of a node. */
  #actOf<T>(
    caller: Caller,
    request: { readonly NodeKey: NodeKey },
    act: (tailnet: Tailnet, node: NodeRecord, now: number) => T,
  ): Promise<Outcome<T>> {
    return this.#run(
      (tailnet, now) => tailnet.admit(caller, request.NodeKey, now),
      (tailnet, now, node) => act(tailnet, node, now),
    );
  }

  /** The same for an act that asks for good standing: the key is not over [G9], and the device does not wait for approval [G14]. */
  #memberActOf<T>(
    caller: Caller,
    request: { readonly NodeKey: NodeKey },
    act: (tailnet: Tailnet, node: NodeRecord, now: number) => T,
  ): Promise<Outcome<T>> {
    return this.#actOf(caller, request, (tailnet, node, now) => {
      tailnet.requireLiving();
      refuseExpired(node, now);
      refuseWaiting(node);
      return act(tailnet, node, now);
    });
  }

  /** Invites another tailnet to a node. The invite's text is given once. */
  createShare(by: By, node: string): Promise<Outcome<{ share: Share; invite: string }>> {
    return this.#actLiving((tailnet, now) => createShare(tailnet, by, node, now));
  }

  shares(): Promise<Outcome<Share[]>> {
    return this.#act(listShares);
  }

  /** Ends a share from either side. */
  withdrawShare(by: By, id: string): Promise<Outcome<Share>> {
    return this.#act((tailnet, now) => withdrawShare(tailnet, by, id, now));
  }

  /** Accepts another tailnet's invite into this one. Where the answer is lost, the same again is success. */
  acceptShare(by: By, invite: ShareInviteParts): Promise<Outcome<Share>> {
    return this.#courier.accept(by, invite);
  }

  /** Called by the object of a tailnet that accepts an invite of ours. */
  claimShare(claim: Claim): Promise<Outcome<null>> {
    return this.#actLiving((tailnet, now) => takeClaim(tailnet, claim, now));
  }

  /** Called by the object of a tailnet with which nodes are shared. */
  exchangeShares(statement: string): Promise<Outcome<Exchanged>> {
    return this.#act((tailnet, now) => answerExchange(tailnet, statement, now));
  }

  create(id: string, name: string, by: By): Promise<Outcome<null>> {
    return this.#run(
      () => null,
      (tailnet, now) => {
        tailnet.create(id, name, by, now);
        return null;
      },
    );
  }

  createAuthKey(by: By, options: AuthKeyOptions): Promise<Outcome<{ info: AuthKeyInfo; key: string }>> {
    return this.#actLiving((tailnet, now) => createAuthKey(tailnet, by, options, now));
  }

  /** The tailnet as the Directory lists it. */
  summary(): Promise<Outcome<TailnetEntry>> {
    return this.#actLiving((tailnet) => tailnet.summary());
  }

  authKeyInfos(): Promise<Outcome<AuthKeyInfo[]>> {
    return this.#actLiving((tailnet, now) => tailnet.authKeys.all(now));
  }

  authKeyInfo(id: string): Promise<Outcome<AuthKeyInfo>> {
    return this.#actLiving((tailnet, now) => tailnet.authKeys.require(id, now));
  }

  /** Refuses with `unknown_key_id`; a key that is revoked already is a success. */
  revokeAuthKey(by: By, id: string): Promise<Outcome<null>> {
    return this.#actLiving((tailnet, now) => revokeAuthKey(tailnet, by, id, now));
  }

  settings(): Promise<Outcome<Settings>> {
    return this.#actLiving((tailnet) => tailnet.settings);
  }

  changeSettings(by: By, patch: SettingsPatch): Promise<Outcome<Settings>> {
    return this.#actLiving((tailnet, now) => changeSettings(tailnet, by, patch, now));
  }

  devices(): Promise<Outcome<DeviceInfo[]>> {
    return this.#actLiving((tailnet, now) => tailnet.nodes.all().map((node) => deviceOf(tailnet, node, now)));
  }

  device(stableId: string): Promise<Outcome<DeviceInfo>> {
    return this.#actLiving((tailnet, now) => deviceOf(tailnet, requireDevice(tailnet, stableId), now));
  }

  changeDevice(by: By, stableId: string, change: DeviceChange): Promise<Outcome<null>> {
    return this.#actLiving((tailnet, now) => {
      changeDevice(tailnet, by, stableId, change, now);
      return null;
    });
  }

  /** Takes an admin's word on a login; the node is let in when it comes back. */
  settleLogin(by: By, login: LoginInfo, state: "approved" | "denied"): Promise<Outcome<null>> {
    return this.#actLiving((tailnet, now) => settleLogin(tailnet, by, login, state, now));
  }

  lockReport(): Promise<Outcome<LockReport>> {
    return this.#actLiving(lockReport);
  }

  /** An admin's disable; nodes verify the secret themselves. */
  disableBy(by: By, secret: Uint8Array): Promise<Outcome<EmptyResponse>> {
    return this.#actLiving((tailnet, now) => disable(tailnet, by, secret, disablementKdf, now));
  }

  /** Gives the tailnet up [W5]; `secret` turns its lock off, or is null. */
  delete(by: By, secret: Uint8Array | null): Promise<Outcome<null>> {
    return this.#act((tailnet, now) => {
      deleteTailnet(tailnet, by, secret, disablementKdf, now);
      return null;
    });
  }

  /** Null where somebody has to log the node in. */
  register(caller: Caller, request: RegisterRequest): Promise<Outcome<RegisterResponse | null>> {
    return this.#actLiving((tailnet, now) => register(tailnet, caller, request, now));
  }

  initBegin(caller: Caller, request: InitBeginRequest): Promise<Outcome<InitBeginResponse>> {
    return this.#memberActOf(caller, request, (tailnet, node, now) =>
      initBegin(tailnet, node, request, supportKeyOf(this.env) !== null, now),
    );
  }

  /** A support secret is sealed before the act, which is synchronous. */
  async initFinish(caller: Caller, request: InitFinishRequest): Promise<Outcome<EmptyResponse>> {
    const sealed = await sealForPending(this.#tailnet, this.env, request.SupportDisablement);
    const hasKey = supportKeyOf(this.env) !== null;
    return this.#memberActOf(caller, request, (tailnet, node, now) =>
      initFinish(tailnet, node, request, offeredSupport(request, sealed, hasKey, disablementKdf), now),
    );
  }

  /** Gives the sealed support secret away, on the record. */
  readSupport(by: By): Promise<Outcome<SealedSupport>> {
    return this.#actLiving((tailnet, now) => readSupport(tailnet, by, now));
  }

  bootstrap(caller: Caller, request: BootstrapRequest): Promise<Outcome<BootstrapResponse>> {
    return this.#actOf(caller, request, (tailnet, node, now) => bootstrapInfo(tailnet, node, request, now));
  }

  syncOffer(caller: Caller, request: SyncOfferRequest): Promise<Outcome<SyncOfferResponse>> {
    return this.#actOf(caller, request, (tailnet) => {
      tailnet.requireLiving();
      return syncOffer(tailnet, request);
    });
  }

  async syncSend(caller: Caller, request: SyncSendRequest): Promise<Outcome<SyncSendResponse>> {
    const outcome = await this.#memberActOf(caller, request, (tailnet, node, now) =>
      syncSend(tailnet, node, request, now),
    );
    if (!outcome.ok) return outcome;
    const { response, laggard } = outcome.value;
    if (laggard !== null) this.ctx.waitUntil(this.#herald.nudge(laggard));
    return { ok: true, value: response };
  }

  disable(caller: Caller, request: DisableRequest): Promise<Outcome<EmptyResponse>> {
    return this.#actOf(caller, request, (tailnet, node, now) => {
      tailnet.requireLiving();
      return disable(tailnet, byNode(node), request.DisablementSecret, disablementKdf, now);
    });
  }

  sign(caller: Caller, request: SignRequest): Promise<Outcome<EmptyResponse>> {
    return this.#memberActOf(caller, request, (tailnet, node, now) => submitSignature(tailnet, node, request, now));
  }

  affectedSigs(caller: Caller, request: AffectedSigsRequest): Promise<Outcome<AffectedSigsResponse>> {
    return this.#memberActOf(caller, request, (tailnet) => affectedSignatures(tailnet, request));
  }

  /** Admits a node's map request; `kind` is what is to hold its session, or null where there is to be none. */
  admitMap(caller: Caller, request: MapRequest, kind: SessionKind | null): Promise<Outcome<Admitted>> {
    return this.#actOf(caller, request, (tailnet, node, now) => admitMap(tailnet, node, request, kind, now));
  }

  admitSocket(caller: Caller, nodeKey: NodeKey): Promise<Outcome<Admitted>> {
    return this.#actOf(caller, { NodeKey: nodeKey }, admitSocket);
  }

  /** Takes what a node says of itself on its WebSocket: the sessions object calls, and the pair of keys is checked again. */
  report(machineKey: MachineKey, request: MapRequest): Promise<Outcome<Admitted>> {
    return this.#act((tailnet, now) => takeReport(tailnet, machineKey, request, now));
  }

  /** What has changed since a seq: for sessions objects, which ask once for all of their nodes. */
  changes(wanted: ChangesWanted): Promise<Outcome<Changes>> {
    return this.#act((tailnet) => changesSince(tailnet, wanted));
  }

  /** Names of the sessions objects that are to be told of changes, and how far the tailnet is. */
  sessionShards(): Promise<Outcome<{ seq: number; shards: string[] }>> {
    return this.#act((tailnet) => ({ seq: tailnet.info().seq, shards: shardsToTell(tailnet) }));
  }

  exportLock(): Promise<Outcome<LockExport>> {
    return this.#actLiving(exportLock);
  }

  /** To be told once to an object that was restored as an older copy: gives the epoch that begins. */
  beginEpoch(by: By): Promise<Outcome<{ readonly epoch: string }>> {
    return this.#act((tailnet, now) => ({ epoch: tailnet.beginEpoch(by, now) }));
  }

  /** What the events with these numbers mean to the record, up to 100 of them; nodes from the one after `after` on, by the page. */
  newsAt(seqs: readonly number[], after: number): Promise<Outcome<RecordedNews>> {
    return this.#act((tailnet) => newsAt(tailnet, seqs, after));
  }

  /** All that the record has of the tailnet, by the page. */
  recordPage(part: RecordPage["part"], after: number, limit: number): Promise<Outcome<RecordPage>> {
    return this.#act((tailnet) => recordPage(tailnet, part, after, limit));
  }

  /** Notes that events of that epoch have arrived; again is a no-op. */
  acknowledge(lane: Lane, epoch: string, seqs: readonly number[]): Promise<Outcome<null>> {
    return this.#act(() => {
      this.#delivery.acknowledge(lane, epoch, seqs);
      return null;
    });
  }

  /** Sends again what has not arrived [W11]. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    this.#clock.rang(now);
    try {
      await Promise.all([this.#delivery.resend(now), this.#courier.resend(now)]);
    } catch (error) {
      console.error("the alarm's work failed; it is set again", error);
      this.#delivery.arm(now);
    }
    this.#courier.arm(Date.now());
  }
}
