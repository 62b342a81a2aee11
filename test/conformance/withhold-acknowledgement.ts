/**
 * Keeps a client's acknowledgement of our SETTINGS from the core, which then goes on granting the dynamic header table that the protocol gives by
 * itself: so h2spec's cases of that table can be played.
 */

import type { Filter } from "../support/http2-over-tcp.ts";

const PREFACE_OCTETS = 24;
const HEADER_OCTETS = 9;
const LONGEST = HEADER_OCTETS + 16_384;
const SETTINGS = 4;
const ACK = 1;

/** The filter of one connection. Half a frame stays until the rest comes, unless it is too long for that ever to be. */
export function withholdAcknowledgement(): Filter {
  let kept = Buffer.alloc(0);
  let preface = PREFACE_OCTETS;
  return (bytes) => {
    const passed: Uint8Array[] = [bytes.subarray(0, preface)];
    kept = Buffer.concat([kept, bytes.subarray(preface)]);
    preface = Math.max(0, preface - bytes.length);
    while (kept.length >= HEADER_OCTETS) {
      const total = HEADER_OCTETS + kept.readUIntBE(0, 3);
      if (kept.length < total && total <= LONGEST) break;
      const isAcknowledgement = kept[3] === SETTINGS && kept[4] === ACK && total === HEADER_OCTETS;
      if (!isAcknowledgement) passed.push(kept.subarray(0, total));
      kept = kept.subarray(total);
    }
    return Buffer.concat(passed);
  };
}
