/**
 * Carries what a tailnet's object has to say to those of other tailnets, and accepts their invites. What is lost on the way is told again by the
 * alarm; one call at a time to each.
 */

import type { Outcome, ShareInviteParts } from "../../protocol/index.ts";
import type { Sender } from "../delivery/courier-sender.ts";
import type { By } from "../audit/events.ts";
import { beginAccept, cancelAccept, findShare } from "./acts.ts";
import { claimAt, dueLinks, nextDue, settleTold, tell } from "./exchange.ts";
import type { Share } from "./shares.ts";

const PURPOSE = "shares";
/** Milliseconds after which the alarm looks whether the others were told. */
const RETELL_MS = 5000;

export class ShareCourier {
  readonly #sender: Sender;
  /** Tailnets that are being told. */
  readonly #telling = new Set<string>();
  /** When there is something to say, as of the last act. */
  #due: number | null = null;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** Sets the alarm where there is anything to say. To be called in the turn of the commit. */
  arm(now: number): void {
    const due = nextDue(this.#sender.tailnet);
    this.#due = due;
    this.#sender.clock.want(PURPOSE, due === null ? null : Math.max(due, now + RETELL_MS));
  }

  /** Tells all that are to be told by now. Never rejects. */
  async send(now: number): Promise<void> {
    if (this.#due === null || this.#due > now) return;
    await Promise.all(dueLinks(this.#sender.tailnet, now).map((other) => this.#tell(other)));
  }

  /** The same by the alarm. Never rejects. */
  async resend(now: number): Promise<void> {
    this.arm(now);
    await this.send(now);
  }

  async #tell(other: string): Promise<void> {
    if (this.#telling.has(other)) return;
    this.#telling.add(other);
    const told = await tell(this.#sender.env(), this.#sender.tailnet, other);
    this.#telling.delete(other);
    const settled = await this.#sender.act((tailnet, now) => {
      settleTold(tailnet, other, told, now);
      return null;
    });
    if (!settled.ok) await this.#fail(other);
  }

  /** What was answered could not be taken: it is asked again, later. */
  async #fail(other: string): Promise<void> {
    await this.#sender.act((tailnet, now) => {
      settleTold(tailnet, other, { kind: "failed" }, now);
      return null;
    });
  }

  async #claim(by: By, invite: ShareInviteParts): Promise<Outcome<null>> {
    const { act, env } = this.#sender;
    const begun = await act((tailnet, now) => beginAccept(tailnet, by, invite, now));
    if (!begun.ok) return begun;
    if (begun.value === null) return { ok: true, value: null };
    const claimed = await claimAt(env(), invite.tailnet, begun.value);
    if (!claimed.ok && claimed.error.code !== "try_again")
      await act((tailnet, now) => cancelAccept(tailnet, by, invite.share, now));
    return claimed;
  }

  /** Accepts another tailnet's invite into this one. Where the answer is lost, the same again is success. */
  async accept(by: By, invite: ShareInviteParts): Promise<Outcome<Share>> {
    // Nothing is told before the claim: the home would not know of what.
    this.#telling.add(invite.tailnet);
    const claimed = await this.#claim(by, invite);
    this.#telling.delete(invite.tailnet);
    if (!claimed.ok) return claimed;
    await this.#tell(invite.tailnet);
    return this.#sender.act((tailnet) => findShare(tailnet, invite.share));
  }
}
