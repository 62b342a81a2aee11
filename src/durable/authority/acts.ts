/**
 * How the object of a tailnet acts: each act decides and writes in one synchronous transaction, and after the commit news is hurried along, by the
 * sessions objects, the queues and the objects of other tailnets. Who may act is settled here; what an act does, in the files of the acts.
 */

import type { Outcome } from "../../protocol/index.ts";
import type { NodeKey } from "../../tka/index.ts";
import { AlarmClock } from "../alarm-clock.ts";
import type { Sender } from "../delivery/courier-sender.ts";
import { Delivery, Queues } from "../delivery/delivery.ts";
import { refuseWaiting } from "../nodes/devices.ts";
import type { ObjectsEnv } from "../env.ts";
import { refuseExpired } from "../nodes/key-expiry.ts";
import { LogStreamCourier } from "../audit/stream-courier.ts";
import { LifeClock } from "../nodes/life-clock.ts";
import { currentRequest, inRequest, log } from "../log.ts";
import { verifier } from "../lock/native-verifier.ts";
import type { NodeRecord } from "../nodes/nodes.ts";
import type { Caller } from "../nodes/nonces.ts";
import { passOn } from "../delivery/pass-on.ts";
import { outcomeOf } from "../refuse.ts";
import { SessionHerald } from "../sessions/herald.ts";
import { ShareCourier } from "../sharing/courier.ts";
import { nextDue } from "../sharing/exchange.ts";
import { settleLinks } from "../sharing/links.ts";
import { Store } from "../store.ts";
import { Resealer } from "./resealing.ts";
import { Tailnet } from "./tailnet.ts";
import { WebhookCourier } from "../webhooks/courier.ts";

/** What a node's request names itself by. */
interface OfNode {
  readonly NodeKey: NodeKey;
}

/** What a node asks to be done. */
export type ActOfNode<T> = (tailnet: Tailnet, node: NodeRecord, now: number) => T;

/** Milliseconds after which the alarm tries again what has failed. */
const RETRY_MS = 60_000;

export class Acts {
  readonly tailnet: Tailnet;
  readonly delivery: Delivery;
  readonly courier: ShareCourier;
  readonly webhooks: WebhookCourier;
  readonly stream: LogStreamCourier;
  readonly resealer: Resealer;
  readonly herald: SessionHerald;
  readonly #ctx: DurableObjectState;
  readonly #clock: AlarmClock;
  readonly #life: LifeClock;

  /** `env` is asked for whenever it is needed. */
  constructor(ctx: DurableObjectState, env: () => ObjectsEnv) {
    this.#ctx = ctx;
    this.tailnet = new Tailnet(new Store(ctx.storage), verifier);
    this.herald = new SessionHerald(env(), this.tailnet);
    this.#clock = new AlarmClock(ctx.storage);
    this.delivery = new Delivery(this.tailnet, new Queues(env()), this.#clock);
    const sender: Sender = { tailnet: this.tailnet, clock: this.#clock, env, act: (body) => this.act(body) };
    this.courier = new ShareCourier(sender);
    this.webhooks = new WebhookCourier(sender);
    this.stream = new LogStreamCourier(sender);
    this.resealer = new Resealer(sender);
    this.#life = new LifeClock(this.tailnet, this.#clock);
    if (this.#isWaiting(Date.now()))
      void ctx.blockConcurrencyWhile(async () => {
        this.delivery.resume(await ctx.storage.getAlarm(), Date.now());
        this.courier.arm(Date.now());
        this.webhooks.arm(Date.now());
        this.stream.arm(Date.now());
        this.#life.arm(Date.now());
        this.resealer.arm(Date.now());
      });
  }

  /** True if anything waits for the alarm. */
  #isWaiting(now: number): boolean {
    const { delivery, webhooks, stream } = this;
    const isToTell = delivery.isPending() || webhooks.isWaiting(now) || stream.isWaiting();
    return isToTell || nextDue(this.tailnet) !== null || this.#life.isWaiting() || this.resealer.isWaiting();
  }

  /**
   * Runs an act in one transaction; where it has changed what nodes can see, the sessions objects are told. Whoever asks is admitted in a
   * transaction before it, in the same turn: a nonce is spent also where the act refuses. (A registration takes its nonce inside the act:
   * strangers could fill the table otherwise.)
   */
  async run<A, T>(
    admit: (tailnet: Tailnet, now: number) => A,
    act: (tailnet: Tailnet, now: number, admitted: A) => T,
  ): Promise<Outcome<T>> {
    const tailnet = this.tailnet;
    const { seq: before, presence } = tailnet.find() ?? { seq: 0, presence: 0 };
    const outcome = await outcomeOf(
      () => {
        const now = Date.now();
        tailnet.events.begin(currentRequest() ?? "");
        const admitted: A = tailnet.store.transaction<A>(() => admit(tailnet, now) as never);
        const value: T = tailnet.store.transaction<T>(() => {
          const given = act(tailnet, now, admitted);
          settleLinks(tailnet, now);
          return given as never;
        });
        const isNews = tailnet.find()?.seq !== before;
        this.delivery.look(now, isNews);
        this.#life.look(now, isNews);
        this.courier.arm(now);
        this.webhooks.look(now);
        this.stream.arm(now);
        return value;
      },
      () => this.tailnet.head(),
    );
    const info = this.tailnet.find();
    const hasNews = info !== null && info.seq !== before;
    if (hasNews) log.debug("the log has grown", { tailnet: info.id, from: before + 1, to: info.seq });
    if (hasNews || (info !== null && info.presence !== presence)) this.#ctx.waitUntil(this.herald.hurry(info.id));
    const { courier, webhooks, stream, resealer } = this;
    this.#ctx.waitUntil(passOn(hasNews ? this.delivery : null, [courier, webhooks, stream, resealer]));
    return outcome;
  }

  /** The same for an act on a tailnet, which there must be. Refuses with `unknown_tailnet`. */
  act<T>(act: (tailnet: Tailnet, now: number) => T): Promise<Outcome<T>> {
    return this.run((tailnet) => tailnet.info(), act);
  }

  /** The same for a tailnet that was not given up [W6]. */
  living<T>(act: (tailnet: Tailnet, now: number) => T): Promise<Outcome<T>> {
    return this.run((tailnet) => tailnet.requireLiving(), act);
  }

  /** The same for an act of a node. */
  ofNode<T>(caller: Caller, request: OfNode, act: ActOfNode<T>): Promise<Outcome<T>> {
    return inRequest(caller.request, () =>
      this.run(
        (tailnet, now) => tailnet.admit(caller, request.NodeKey, now),
        (tailnet, now, node) => act(tailnet, node, now),
      ),
    );
  }

  /** The same for an act that asks for good standing: the key is not over [G9], and the device does not wait for approval [G14]. */
  ofMember<T>(caller: Caller, request: OfNode, act: ActOfNode<T>): Promise<Outcome<T>> {
    return this.ofNode(caller, request, (tailnet, node, now) => {
      tailnet.requireLiving();
      refuseExpired(node, now);
      refuseWaiting(node);
      return act(tailnet, node, now);
    });
  }

  /** Ends what is over, and sends again what has not arrived [W11][G18]. */
  async alarm(): Promise<void> {
    const now = Date.now();
    this.#clock.rang(now);
    try {
      await this.#life.end((body) => this.act(body), now);
      this.webhooks.arm(now);
      this.stream.arm(now);
      const resent = [this.delivery.resend(now), this.courier.resend(now)];
      await Promise.all([...resent, this.webhooks.send(), this.stream.send(), this.resealer.send()]);
    } catch (error) {
      log.error("the alarm's work failed; it is set again", { tailnet: this.#ctx.id.name }, error);
      this.delivery.arm(now);
      this.#life.arm(now + RETRY_MS);
    }
    this.courier.arm(Date.now());
    this.webhooks.arm(Date.now());
    this.stream.arm(Date.now());
  }
}
