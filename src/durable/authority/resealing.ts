/**
 * What is sealed under a storage key that is not the newest any more is sealed anew, so that the old key can be dropped.
 *
 * Rule [W36]: an object that wakes with boxes under an older key seals them anew, after its first act and by its alarm until none is left. A box is replaced
 *             only where it is still the one that was opened; one that does not open stays as it is, and is counted.
 */

import type { Sender } from "../delivery/courier-sender.ts";
import type { Sealing } from "../delivery/watched.ts";
import { log } from "../log.ts";
import { boxStandings, openSecret, sealSecret, type SealedFor, type SealingEnv, type SealPurpose } from "../sealed.ts";
import type { Tailnet } from "./tailnet.ts";

const PURPOSE = "reseal";
/** Milliseconds until the alarm does what was not done after the act; and until it tries again what could not be. */
const FIRST_MS = 5000;
const AGAIN_MS = 60 * 60_000;

/** A box, and where it is kept: the statement takes the new one, then `key`, then the one that is there. */
interface Kept {
  readonly what: SealedFor;
  readonly box: Uint8Array;
  readonly sql: string;
  readonly key: readonly (string | number)[];
}

const SECRET = "UPDATE webhook_secrets SET box = ? WHERE webhook = ? AND number = ? AND box = ?";
const WEBHOOK_ADDRESS = "UPDATE webhooks SET address = ? WHERE id = ? AND address = ?";
const STREAM_ADDRESS = "UPDATE log_streams SET address = ? WHERE id = ? AND address = ?";
const STREAM_TOKEN = "UPDATE log_streams SET box = ? WHERE id = ? AND box = ?";

/** All boxes of a tailnet, those that sign no more aside. */
function keptBy(tailnet: Tailnet, now: number): Kept[] {
  const info = tailnet.find();
  if (info === null) return [];
  const whatOf = (purpose: SealPurpose, subject: string): SealedFor => ({ purpose, tailnet: info.id, subject });
  const addresses = tailnet.webhooks.told().map(({ id, address: box }): Kept => ({
    what: whatOf("webhook-address", id),
    box,
    sql: WEBHOOK_ADDRESS,
    key: [id],
  }));
  const live = "SELECT webhook, number, box FROM webhook_secrets WHERE until IS NULL OR until > ?";
  const secrets = tailnet.store.rows(live, now).map((row): Kept => {
    const webhook = row.text("webhook");
    return {
      what: whatOf("webhook", webhook),
      box: row.bytes("box"),
      sql: SECRET,
      key: [webhook, row.integer("number")],
    };
  });
  const streams = tailnet.logStreams
    .all()
    .flatMap(({ id, address, box }): Kept[] => [
      { what: whatOf("log-stream-address", id), box: address, sql: STREAM_ADDRESS, key: [id] },
      ...(box === null ? [] : [{ what: whatOf("log-stream", id), box, sql: STREAM_TOKEN, key: [id] }]),
    ]);
  return [...addresses, ...secrets, ...streams];
}

/** How many boxes are under an older key, and under none that is configured. */
export function sealingOf(tailnet: Tailnet, env: SealingEnv, now: number): Sealing {
  const standing = boxStandings(env);
  const standings = keptBy(tailnet, now).map(({ box }) => standing(box));
  const count = (of: string): number => standings.filter((one) => one === of).length;
  return { sealedOlder: count("older"), sealedLost: count("lost") };
}

/** The same secret under the newest key, or null where the box does not open. */
async function resealed(env: SealingEnv, { what, box }: Kept): Promise<Uint8Array | null> {
  const secret = await openSecret(env, what, box);
  if (!secret.ok) return null;
  const fresh = await sealSecret(env, what, secret.value);
  return fresh.ok ? fresh.value : null;
}

export class Resealer {
  readonly #sender: Sender;
  /** Whether boxes may be left under an older key: the keys are those with which the object woke. */
  #isLeft: boolean;
  #isSending = false;

  constructor(sender: Sender) {
    this.#sender = sender;
    this.#isLeft = this.#older(Date.now()).length > 0;
  }

  #older(now: number): Kept[] {
    const standing = boxStandings(this.#sender.env());
    return keptBy(this.#sender.tailnet, now).filter(({ box }) => standing(box) === "older");
  }

  isWaiting(): boolean {
    return this.#isLeft;
  }

  /** Sees to the alarm. */
  arm(now: number): void {
    const { clock } = this.#sender;
    if (this.#isLeft && !clock.isWanted(PURPOSE)) clock.want(PURPOSE, now + FIRST_MS);
  }

  /** Seals anew what is under an older key. Never rejects: what is left is tried again by the alarm. */
  async send(): Promise<void> {
    if (!this.#isLeft || this.#isSending) return;
    this.#isSending = true;
    const { clock, env, tailnet } = this.#sender;
    try {
      const older = this.#older(Date.now());
      const boxes = await Promise.all(older.map((kept) => resealed(env(), kept)));
      const done = await this.#sender.act(({ store }) => {
        for (const [i, { sql, key, box }] of older.entries()) {
          const fresh = boxes[i] ?? null;
          if (fresh !== null) store.run(sql, fresh, ...key, box);
        }
      });
      const left = this.#older(Date.now()).length;
      this.#isLeft = !done.ok || left > 0;
      log.info("secrets were sealed anew under the newest storage key", {
        tailnet: tailnet.find()?.id,
        count: older.length - left,
        left,
      });
    } catch (error) {
      log.warn("secrets could not be sealed anew; it is tried again", {}, error);
    } finally {
      this.#isSending = false;
      clock.want(PURPOSE, this.#isLeft ? Date.now() + AGAIN_MS : null);
    }
  }
}
