/** Logs as tests write them: linked by their hashes, as an object would have stored them. */

import {
  auditHash,
  auditHeadJson,
  auditRecord,
  canonicalJson,
  type AuditEvent,
  type AuditHead,
  type AuditRecord,
} from "../../src/protocol/index.ts";

const ACTOR = canonicalJson({ type: "USER", id: "u1T1", name: "Alice", login: "alice@example.com" });
const TAILNET = { type: "TAILNET", id: "T0123456789", name: "example.com" };

/** Writes a log, event by event. */
export class WrittenLog {
  readonly events: AuditEvent[] = [];
  #epoch = "e0000000001";
  #before: Uint8Array = new Uint8Array(0);
  #seq = 0;

  constructor() {
    this.add("tailnet.created", { new: { name: "example.com" } });
  }

  get head(): AuditHead {
    return { epoch: this.#epoch, sequence: this.#seq, hash: this.#before };
  }

  get records(): AuditRecord[] {
    return this.events.map(auditRecord);
  }

  add(
    kind: string,
    details: { readonly old?: unknown; readonly new?: unknown } = {},
    group: string | null = "g",
  ): void {
    this.#seq += 1;
    const fields = {
      epoch: this.#epoch,
      seq: this.#seq,
      at: 1_764_000_000_000 + this.#seq * 1000,
      kind,
      actor: ACTOR,
      origin: "CONFIG_API",
      target: canonicalJson(TAILNET),
      old: canonicalJson(details.old ?? null),
      new: canonicalJson(details.new ?? null),
      group,
    };
    this.#before = auditHash(this.#before, fields);
    this.events.push({ ...fields, hash: this.#before });
  }

  /** So many events that say nothing much. */
  addMany(count: number): this {
    for (let i = 0; i < count; i++) this.add("tailnet.settings", { old: { days: i }, new: { days: i + 1 } });
    return this;
  }

  /** Goes on from the event at `sequence`, in an epoch of its own; what came after it is undone. */
  restore(epoch: string, sequence: number): this {
    const last = this.events.find(({ seq, epoch: own }) => seq === sequence && own === this.#epoch);
    if (last === undefined) throw new Error("there is no such event");
    const old = auditHeadJson({ epoch: last.epoch, sequence, hash: last.hash });
    [this.#epoch, this.#seq, this.#before] = [epoch, sequence, new Uint8Array(0)];
    this.add("tailnet.restored", { old, new: { epoch } });
    return this;
  }

  /** Notes that what is up to `sequence` was let go of. */
  trim(sequence: number): this {
    const last = this.events.find(({ seq }) => seq === sequence);
    if (last === undefined) throw new Error("there is no such event");
    this.add("log.trimmed", { new: auditHeadJson({ epoch: last.epoch, sequence, hash: last.hash }) });
    return this;
  }
}
