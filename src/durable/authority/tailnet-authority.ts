/**
 * The object of one tailnet, and its only writer: chain, nodes, signatures, auth keys. Each method is one act: it parses nothing, decides and
 * writes in one synchronous transaction, and answers with an Outcome. After a commit it hurries the sessions objects along.
 */

import type {
  AffectedSigsRequest,
  AffectedSigsResponse,
  AuditLogRequest,
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
} from "../../protocol/index.ts";
import type { MachineKey } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import { DurableObject } from "cloudflare:workers";
import type { ActOfNode } from "./acts.ts";
import { recordReport } from "../nodes/client-reports.ts";
import { createAuthKey } from "../people/auth-key-acts.ts";
import type { AuthKeyInfo, AuthKeyOptions } from "../people/auth-keys.ts";
import { deleteTailnet } from "./deletion.ts";
import {
  changeDevice,
  deviceOf,
  devicePage,
  requireDevice,
  type DeviceChange,
  type DeviceInfo,
  type DevicePage,
} from "../nodes/devices.ts";
import type { TailnetEntry } from "../directory/directory.ts";
import { disablementKdf } from "../lock/disablement-kdf.ts";
import type { By } from "../audit/events.ts";
import { disable } from "../lock/disable.ts";
import { behindLockDoor } from "../lock/door.ts";
import { exportLock, type LockExport } from "../lock/export.ts";
import { farewell } from "../sessions/farewell.ts";
import { initBegin, initFinish } from "../lock/init.ts";
import { lockReport, type LockReport } from "../lock/report.ts";
import { followRequests } from "../followed.ts";
import { inRequest } from "../log.ts";
import { affectedSignatures, submitSignature } from "../lock/sign.ts";
import { syncOffer } from "../lock/offer.ts";
import { bootstrapInfo, syncSend } from "../lock/sync.ts";
import { settleLogin, type LoginInfo } from "../nodes/logins.ts";
import { changesSince, type Changes, type ChangesWanted } from "../maps/netmap.ts";
import { byNode } from "../nodes/nodes.ts";
import type { Coming } from "../nodes/presence.ts";
import type { Caller } from "../nodes/nonces.ts";
import type { Lane } from "../delivery/outbox.ts";
import { newsAt, recordPage, type RecordPage, type RecordedNews } from "../delivery/record.ts";
import { register } from "../nodes/registration.ts";
import { SettingsAuthority } from "./settings.ts";
import { linkFor, personIn, signIn, takeInAs, type SignedInUser } from "../people/sign-in.ts";
import type { SignInProof } from "../people/sign-in-proof.ts";
import { admitMap, admitSocket, takeReport } from "../nodes/session-admission.ts";
import { shardsToTell, type Seating } from "../seating/shards.ts";
import type { Admitted } from "../sessions/ticket.ts";
import { createShare, listShares, takeClaim, withdrawShare, type Claim } from "../sharing/acts.ts";
import { answerExchange, type Exchanged } from "../sharing/exchange.ts";
import type { Share } from "../sharing/shares.ts";
import { offeredSupport, readSupport } from "../lock/support.ts";
import { sealForPending, supportKeyOf } from "../lock/support-seal.ts";
import type { Tailnet } from "./tailnet.ts";
import { trySecret, triedOutcome } from "../lock/wrong-secrets.ts";

export class TailnetAuthority extends SettingsAuthority {
  /** Invites another tailnet to a node. The invite's text is given once. */
  createShare(by: By, node: string): Promise<Outcome<{ share: Share; invite: string }>> {
    return this.acts.living((tailnet, now) => createShare(tailnet, by, node, now));
  }

  shares(): Promise<Outcome<Share[]>> {
    return this.acts.act(listShares);
  }

  /** Ends a share from either side. */
  withdrawShare(by: By, id: string): Promise<Outcome<Share>> {
    return this.acts.act((tailnet, now) => withdrawShare(tailnet, by, id, now));
  }

  /** Accepts another tailnet's invite into this one. Where the answer is lost, the same again is success. */
  acceptShare(by: By, invite: ShareInviteParts): Promise<Outcome<Share>> {
    return this.acts.courier.accept(by, invite);
  }

  /** Called by the object of a tailnet that accepts an invite of ours. */
  claimShare(claim: Claim): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => takeClaim(tailnet, claim, now));
  }

  /** Called by the object of a tailnet with which nodes are shared. */
  exchangeShares(statement: string): Promise<Outcome<Exchanged>> {
    return this.acts.act((tailnet, now) => answerExchange(tailnet, statement, now));
  }

  /** Makes the tailnet; `owner` is the login name of its first owner, or null. */
  create(id: string, name: string, owner: string | null, by: By): Promise<Outcome<null>> {
    return this.acts.run(
      () => null,
      (tailnet, now) => {
        tailnet.create(id, name, owner, by, now);
        return null;
      },
    );
  }

  createAuthKey(by: By, options: AuthKeyOptions): Promise<Outcome<{ info: AuthKeyInfo; key: string }>> {
    return this.acts.living((tailnet, now) => createAuthKey(tailnet, by, options, now));
  }

  /** The tailnet as the Directory lists it. */
  summary(): Promise<Outcome<TailnetEntry>> {
    return this.acts.living((tailnet) => tailnet.summary());
  }

  /** The devices after a place, 0 for the first, as long as whoever asks may [P54]. */
  devices(by: By, after: number): Promise<Outcome<DevicePage>> {
    return this.acts.living((tailnet, now) => {
      tailnet.refuseOutdated(by, now);
      return devicePage(tailnet, after, now);
    });
  }

  device(stableId: string): Promise<Outcome<DeviceInfo>> {
    return this.acts.living((tailnet, now) => deviceOf(tailnet, requireDevice(tailnet, stableId), now));
  }

  changeDevice(by: By, stableId: string, change: DeviceChange): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => {
      changeDevice(tailnet, by, stableId, change, now);
      return null;
    });
  }

  /** Takes an admin's word on a login; the node is let in when it comes back. */
  settleLogin(by: By, login: LoginInfo, state: "approved" | "denied"): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => settleLogin(tailnet, by, login, state, now));
  }

  /** Who a person is here who has proven themselves [H32]. Refuses with `forbidden`. */
  person(proof: SignInProof): Promise<Outcome<SignedInUser>> {
    return this.acts.living((tailnet) => personIn(tailnet, proof));
  }

  /** Signs a person in; `group` is the request's ID, here and below. Refuses with `forbidden`. */
  async signIn(proof: SignInProof, group: string): Promise<Outcome<SignedInUser>> {
    const outcome = await this.acts.living((tailnet, now) => signIn(tailnet, proof, group, now));
    if (!outcome.ok) return outcome;
    const done = outcome.value;
    return "why" in done ? { ok: false, error: { code: "forbidden", message: done.why } } : { ok: true, value: done };
  }

  /** For whom a one-time link is made: the user with that login, or an owner where it is null. */
  linkFor(by: By, login: string | null): Promise<Outcome<SignedInUser>> {
    return this.acts.living((tailnet, now) => linkFor(tailnet, by, login, now));
  }

  /** A person lets a waiting node in as their own [H37]. */
  takeInAs(proof: SignInProof, login: LoginInfo, group: string): Promise<Outcome<null>> {
    return this.acts.living((tailnet, now) => takeInAs(tailnet, proof, login, group, now));
  }

  lockReport(): Promise<Outcome<LockReport>> {
    return this.acts.living(lockReport);
  }

  /** An admin's disable; nodes verify the secret themselves. */
  disableBy(by: By, secret: Uint8Array): Promise<Outcome<EmptyResponse>> {
    return triedOutcome(
      this.acts.living((tailnet, now) =>
        trySecret(tailnet, by, () => disable(tailnet, by, secret, disablementKdf, now), now),
      ),
    );
  }

  /** Gives the tailnet up [W5]; `secret` turns its lock off, or is null. */
  delete(by: By, secret: Uint8Array | null): Promise<Outcome<null>> {
    const give = (tailnet: Tailnet, now: number): null => {
      deleteTailnet(tailnet, by, secret, disablementKdf, now);
      return null;
    };
    return triedOutcome(this.acts.act((tailnet, now) => trySecret(tailnet, by, () => give(tailnet, now), now)));
  }

  /** Null where somebody has to log the node in. */
  register(caller: Caller, request: RegisterRequest): Promise<Outcome<RegisterResponse | null>> {
    return inRequest(caller.request, () => this.acts.living((tailnet, now) => register(tailnet, caller, request, now)));
  }

  initBegin(caller: Caller, request: InitBeginRequest): Promise<Outcome<InitBeginResponse>> {
    return this.#ofLockAdmin(caller, request, (tailnet, node, now) =>
      initBegin(tailnet, node, request, supportKeyOf(this.env) !== null, now),
    );
  }

  /** Turning the lock on is for members of good standing whose role it is [I12]. */
  #ofLockAdmin<T>(caller: Caller, request: { readonly NodeKey: NodeKey }, act: ActOfNode<T>): Promise<Outcome<T>> {
    return behindLockDoor((body) => this.acts.ofMember(caller, request, body), "lock.init", act);
  }

  /** A support secret is sealed before the act, which is synchronous. */
  async initFinish(caller: Caller, request: InitFinishRequest): Promise<Outcome<EmptyResponse>> {
    const sealed = await sealForPending(this.acts.tailnet, this.env, request.SupportDisablement);
    const hasKey = supportKeyOf(this.env) !== null;
    return this.#ofLockAdmin(caller, request, (tailnet, node, now) => {
      if (hasKey && request.SupportDisablement.length > 0) tailnet.countSecret(byNode(node), now);
      return initFinish(tailnet, node, request, offeredSupport(request, sealed, hasKey, disablementKdf), now);
    });
  }

  /** Gives the sealed support secret away, on the record. */
  readSupport(by: By): Promise<Outcome<SealedSupport>> {
    return this.acts.living((tailnet, now) => readSupport(tailnet, by, now));
  }

  bootstrap(caller: Caller, request: BootstrapRequest): Promise<Outcome<BootstrapResponse>> {
    return this.acts.ofNode(caller, request, (tailnet, node, now) => bootstrapInfo(tailnet, node, request, now));
  }

  syncOffer(caller: Caller, request: SyncOfferRequest): Promise<Outcome<SyncOfferResponse>> {
    return this.acts.ofNode(caller, request, (tailnet) => {
      tailnet.requireLiving();
      return syncOffer(tailnet, request);
    });
  }

  async syncSend(caller: Caller, request: SyncSendRequest): Promise<Outcome<SyncSendResponse>> {
    const outcome = await this.acts.ofMember(caller, request, (tailnet, node, now) =>
      syncSend(tailnet, node, request, now),
    );
    if (!outcome.ok) return outcome;
    const { response, laggard } = outcome.value;
    if (laggard !== null) this.ctx.waitUntil(this.acts.herald.nudge(laggard));
    return { ok: true, value: response };
  }

  disable(caller: Caller, request: DisableRequest): Promise<Outcome<EmptyResponse>> {
    const living = <D>(act: ActOfNode<D>): Promise<Outcome<D>> =>
      this.acts.ofNode(caller, request, (tailnet, node, now) => {
        tailnet.requireLiving();
        return act(tailnet, node, now);
      });
    return triedOutcome(
      behindLockDoor(living, "lock.disable", (tailnet, node, now) => {
        const by = byNode(node);
        return trySecret(tailnet, by, () => disable(tailnet, by, request.DisablementSecret, disablementKdf, now), now);
      }),
    );
  }

  sign(caller: Caller, request: SignRequest): Promise<Outcome<EmptyResponse>> {
    return this.acts.ofMember(caller, request, (tailnet, node, now) => submitSignature(tailnet, node, request, now));
  }

  affectedSigs(caller: Caller, request: AffectedSigsRequest): Promise<Outcome<AffectedSigsResponse>> {
    return this.acts.ofMember(caller, request, (tailnet) => affectedSignatures(tailnet, request));
  }

  /** Puts what a client reports on the record. */
  auditLog(caller: Caller, request: AuditLogRequest): Promise<Outcome<EmptyResponse>> {
    return this.acts.ofNode(caller, request, (tailnet, node, now) => recordReport(tailnet, node, request, now));
  }

  /** Admits a node's map request; `seating` is what is to hold its session, or null where there is to be none. */
  admitMap(caller: Caller, request: MapRequest, seating: Seating | null): Promise<Outcome<Admitted>> {
    return this.acts.ofNode(caller, request, (tailnet, node, now) => admitMap(tailnet, node, request, seating, now));
  }

  /** The last map of a client whose node key is none any more; null where it never was. */
  farewell(caller: Caller, nodeKey: NodeKey, zstd: boolean): Promise<Outcome<Uint8Array | null>> {
    return this.acts.act((tailnet) => farewell(tailnet, caller, nodeKey, zstd));
  }

  admitSocket(caller: Caller, nodeKey: NodeKey): Promise<Outcome<Admitted>> {
    return this.acts.ofNode(caller, { NodeKey: nodeKey }, admitSocket);
  }

  /** Takes what a node says of itself on its WebSocket: the sessions object calls, and the pair of keys is checked again. */
  report(machineKey: MachineKey, request: MapRequest): Promise<Outcome<Admitted>> {
    return this.acts.act((tailnet, now) => takeReport(tailnet, machineKey, request, now));
  }

  /** Told by a sessions object of nodes that have come to it and gone [M14]. */
  comings(holder: string, comings: readonly Coming[]): Promise<Outcome<null>> {
    return this.acts.act((tailnet, now) => {
      tailnet.presences.take(holder, comings, now);
      return null;
    });
  }

  /** Told by a sessions object of all nodes that it holds: others that it told of are gone. */
  holds(holder: string, nodeIds: readonly number[]): Promise<Outcome<null>> {
    return this.acts.act((tailnet, now) => {
      tailnet.presences.settle(holder, nodeIds, now);
      return null;
    });
  }

  /** What has changed since a seq: for sessions objects, which ask once for all of their nodes. */
  changes(wanted: ChangesWanted): Promise<Outcome<Changes>> {
    return this.acts.act((tailnet, now) => changesSince(tailnet, wanted, now));
  }

  /** Names of the sessions objects that are to be told of changes, and how far the tailnet is. */
  sessionShards(): Promise<Outcome<{ seq: number; shards: string[] }>> {
    return this.acts.act((tailnet) => ({ seq: tailnet.info().seq, shards: shardsToTell(tailnet) }));
  }

  /** How many sessions objects of its own the tailnet has; 0 where it shares [X3]. */
  layout(): Promise<Outcome<number>> {
    return this.acts.act((tailnet) => tailnet.info().shards);
  }

  exportLock(): Promise<Outcome<LockExport>> {
    return this.acts.living(exportLock);
  }

  /** What the events with these numbers mean to the record, up to 100 of them; nodes from the one after `after` on, by the page. */
  newsAt(seqs: readonly number[], after: number): Promise<Outcome<RecordedNews>> {
    return this.acts.act((tailnet) => newsAt(tailnet, seqs, after));
  }

  /** All that the record has of the tailnet, by the page. */
  recordPage(part: RecordPage["part"], after: number, limit: number): Promise<Outcome<RecordPage>> {
    return this.acts.act((tailnet) => recordPage(tailnet, part, after, limit));
  }

  /** Notes that events of that epoch have arrived; again is a no-op. */
  acknowledge(lane: Lane, epoch: string, seqs: readonly number[]): Promise<Outcome<null>> {
    return this.acts.act(() => {
      this.acts.delivery.acknowledge(lane, epoch, seqs);
      return null;
    });
  }

  override alarm(): Promise<void> {
    return this.acts.alarm();
  }
}

followRequests(TailnetAuthority, DurableObject);
