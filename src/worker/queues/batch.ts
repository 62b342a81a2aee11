/**
 * What the queues' consumers share: messages are pointers; those into one tailnet are handled together.
 *
 * Rule [W14]: what a message means is asked of the tailnet's object. A message that cannot be handled is tried again later, ever more rarely, and
 * alone, so that it holds up no other.
 */

import { integer, record, text, withDefault, type Shape } from "../../protocol/index.ts";
import { inRequest, log, type EventKind, type Pointer } from "../../durable/index.ts";
import { pointerIn } from "./pointer.ts";

const FIRST_RETRY_S = 2;
const MOST_RETRY_S = 600;

export const RETRIES = {
  /** Seconds until a message is tried again that was tried so often: twice as many each time, up to the most. */
  delaySeconds(attempts: number): number {
    return Math.min(FIRST_RETRY_S * 2 ** (attempts - 1), MOST_RETRY_S);
  },
};

export const pointerShape: Shape<Pointer> = record({
  tailnet: text,
  epoch: text,
  seq: integer,
  kind: text as Shape<EventKind>,
  request: withDefault(text, ""),
});

/** Messages that point into one epoch of one tailnet. */
export interface Group {
  readonly tailnet: string;
  readonly epoch: string;
  /** In no order; some may be there twice. */
  readonly seqs: readonly number[];
}

interface Open extends Group {
  readonly seqs: number[];
  readonly messages: Message[];
  /** Those of their events. */
  readonly requests: Set<string>;
}

function retry(message: Message): void {
  message.retry({ delaySeconds: RETRIES.delaySeconds(message.attempts) });
}

/** Groups by tailnet and epoch; a message that was tried before is a group of its own. */
function groupsOf(messages: readonly Message[]): Open[] {
  const groups = new Map<string, Open>();
  for (const message of messages) {
    const pointer = pointerIn(message, pointerShape);
    if (pointer === null) {
      log.error("a message is no pointer; it will end among the dead letters", { id: message.id });
      retry(message);
      continue;
    }
    const { tailnet, epoch, seq, request } = pointer;
    const key = JSON.stringify([tailnet, epoch, message.attempts > 1 ? message.id : ""]);
    const group = groups.get(key) ?? { tailnet, epoch, seqs: [], messages: [], requests: new Set<string>() };
    group.seqs.push(seq);
    group.messages.push(message);
    if (request !== "") group.requests.add(request);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Runs what is done for messages of one request as part of that; for those of several, as part of the batch. */
function inRequestOf<T>({ requests }: Open, body: () => T): T {
  const [first, ...others] = requests;
  return first === undefined || others.length > 0 ? body() : inRequest(first, body);
}

async function attend(group: Open, handle: (group: Group) => Promise<void>): Promise<void> {
  try {
    await handle(group);
    for (const message of group.messages) message.ack();
  } catch (error) {
    const { tailnet, epoch, seqs, requests } = group;
    const fields = { tailnet, epoch, seqs, requests: [...requests] };
    log.warn("messages were not handled; they come again", fields, error);
    for (const message of group.messages) retry(message);
  }
}

/** Hands each group to `handle`, and acknowledges its messages; where that rejects, they come again. */
export async function eachGroup({ messages }: MessageBatch, handle: (group: Group) => Promise<void>): Promise<void> {
  await Promise.all(groupsOf(messages).map((group) => inRequestOf(group, () => attend(group, handle))));
}
