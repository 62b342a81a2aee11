/** The whole log of a tailnet, out of its object: a line of JSON an event, in the order of their numbers, while it is read. */

import { auditRecord, jsonLine } from "../../protocol/index.ts";
import type { By, EventsPage, TailnetAuthority } from "../../durable/index.ts";
import { valueOf } from "../outcome.ts";
import { textStream } from "./text-stream.ts";

/** Events that are asked for at once. */
const PAGE = 1000;

/**
 * The events after the one with the number `after`. The stream fails where the object does, and where `by` may not read it any more [P54]: a log that ends
 * there is not taken for the whole.
 */
export function exportLog(
  authority: DurableObjectStub<TailnetAuthority>,
  by: By,
  after: number,
): ReadableStream<Uint8Array> {
  let from: number | null = after;
  return textStream(async () => {
    if (from === null) return null;
    const { rows, next }: EventsPage = valueOf(await authority.logPage(by, from, PAGE));
    from = next;
    return rows.map((event) => `${jsonLine(auditRecord(event))}\n`).join("");
  });
}
