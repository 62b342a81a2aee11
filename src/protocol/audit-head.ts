/** A place in a tailnet's log, and the hash there: whoever keeps one sees whether the log was changed before it. Text: `<epoch>:<sequence>:<hash>`. */

import { decodeHex, encodeHex } from "../tka/index.ts";

export interface AuditHead {
  readonly epoch: string;
  readonly sequence: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** The same as JSON has it, in events and answers; `hash` in hexadecimal. */
export interface AuditHeadJson {
  readonly epoch: string;
  readonly sequence: number;
  readonly hash: string;
}

export function auditHeadJson({ epoch, sequence, hash }: AuditHead): AuditHeadJson {
  return { epoch, sequence, hash: encodeHex(hash) };
}

export function formatAuditHead({ epoch, sequence, hash }: AuditHead): string {
  return `${epoch}:${sequence}:${encodeHex(hash)}`;
}

/** Null where the text names no head. */
export function parseAuditHead(text: string): AuditHead | null {
  const [, epoch = "", sequence = "", hex = ""] = /^([0-9A-Za-z]{1,32}):(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  const hash = decodeHex(hex);
  return epoch === "" || hash === null ? null : { epoch, sequence: Number(sequence), hash };
}

/** The head that the detail of an event names, or null: attacker-controlled. */
export function headInDetail(detail: unknown): AuditHead | null {
  if (typeof detail !== "object" || detail === null) return null;
  const { epoch, sequence, hash } = detail as Readonly<Record<string, unknown>>;
  if (typeof epoch !== "string" || typeof hash !== "string") return null;
  return typeof sequence === "number" ? parseAuditHead(`${epoch}:${sequence}:${hash}`) : null;
}
