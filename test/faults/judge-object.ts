/** What the ledger says against what the tailnet's object has stored. */

import { createHash } from "node:crypto";
import { equal, none, type Check } from "./checks.ts";
import type { Control, Row } from "./control.ts";
import type { Act, Ledger } from "./ledger.ts";
import type { Load } from "./load.ts";

/** An event as the object stores it; its hash in hex. */
export interface StoredEvent {
  readonly epoch: string;
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly actor: string;
  readonly origin: string;
  readonly target: string;
  readonly old: string;
  readonly new: string;
  readonly event_group: string;
  readonly hash: string;
}

/** What the hash of an event must be by rule [W17], given the one before it; worked out here once more. */
function hashAfter(before: string, { epoch, seq, at, kind, actor, origin, target, ...rest }: StoredEvent): string {
  const fields = [epoch, seq, at, kind, actor, origin, target, rest.old, rest.new, rest.event_group];
  return createHash("sha256").update(Buffer.from(before, "hex")).update(JSON.stringify(fields)).digest("hex");
}

const text = (row: Row, column: string): string => String(row[column] ?? "");

/** Every AUM of every chain, by hash. */
async function storedAums({ control, tailnet }: Load): Promise<Set<string>> {
  return new Set((await control.rows(tailnet, "SELECT hash FROM aums")).map((row) => text(row, "hash")));
}

function idsOf(acts: readonly Act[]): string[] {
  return acts.flatMap(({ ids }) => ids);
}

async function judgeAums(load: Load): Promise<Check[]> {
  const { ledger } = load;
  const stored = await storedAums(load);
  const acknowledged = idsOf(ledger.of("append", "acknowledged"));
  const refused = idsOf(ledger.of("append", "refused"));
  // The genesis was taken before the ledger began.
  const known = new Set([...acknowledged, ...idsOf(ledger.of("append", "unanswered"))]);
  const strays = [...stored].filter((hash) => !known.has(hash));
  return [
    none(
      "no acknowledged AUM is lost",
      acknowledged.filter((hash) => !stored.has(hash)),
      `${acknowledged.length} acknowledged, ${stored.size} stored`,
    ),
    none(
      "no refused AUM is kept",
      refused.filter((hash) => stored.has(hash)),
      `${refused.length} refused`,
    ),
    equal(
      "no AUM is there that nobody sent",
      `${strays.length} beside the acknowledged: the genesis`,
      strays.length === 1,
    ),
  ];
}

/** Signatures acknowledged for each node, in order. A node has one signer, which sends one after the other. */
function signedInOrder(ledger: Ledger): Map<string, string[]> {
  const signed = new Map<string, string[]>();
  for (const { subject, ids } of ledger.of("sign", "acknowledged"))
    signed.set(subject, [...(signed.get(subject) ?? []), ...ids]);
  return signed;
}

/** How many times the record says that each node key was signed by somebody else than at the start. */
function signingsIn(events: readonly StoredEvent[]): Map<string, number> {
  const signings = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== "node.signed") continue;
    const { nodeKey } = JSON.parse(event.new) as { nodeKey: string };
    signings.set(nodeKey, (signings.get(nodeKey) ?? 0) + 1);
  }
  return signings;
}

async function judgeSignatures({ control, tailnet, ledger }: Load, events: readonly StoredEvent[]): Promise<Check[]> {
  const rows = await control.rows(tailnet, "SELECT node_key, key_signature FROM nodes");
  const stored = new Map(rows.map((row) => [text(row, "node_key"), text(row, "key_signature")]));
  const signed = signedInOrder(ledger);
  const signings = signingsIn(events);
  const total = ledger.count("sign", "acknowledged");
  const refused = ledger.of("sign", "refused");
  return [
    none(
      "no acknowledged signature is lost",
      [...signed].filter(([nodeKey, all]) => stored.get(nodeKey) !== all.at(-1)).map(([nodeKey]) => nodeKey),
      `${total} acknowledged for ${signed.size} nodes`,
    ),
    none(
      "each acknowledged signature is one event",
      [...signed].filter(([nodeKey, all]) => signings.get(nodeKey) !== all.length).map(([nodeKey]) => nodeKey),
      `${[...signings.values()].reduce((sum, each) => sum + each, 0)} events`,
    ),
    none(
      "no refused signature is kept",
      refused.filter(({ subject, ids }) => ids.includes(stored.get(subject) ?? "")).map(({ subject }) => subject),
      `${refused.length} refused`,
    ),
    none(
      "no acknowledged node is lost",
      ledger.of("join", "acknowledged").flatMap(({ subject }) => (stored.has(subject) ? [] : [subject])),
      `${ledger.count("join", "acknowledged")} joined, ${stored.size} stored`,
    ),
  ];
}

/** All events of the object, the oldest first. */
export async function eventsOf(control: Control, tailnet: string): Promise<StoredEvent[]> {
  return (await control.rows(tailnet, "SELECT * FROM events ORDER BY seq")) as unknown[] as StoredEvent[];
}

/** Numbers that are missing or come twice, and links of the chain of hashes that do not fit. */
function flawsIn(events: readonly StoredEvent[]): string[] {
  const flaws: string[] = [];
  let before = "";
  for (const [index, event] of events.entries()) {
    if (event.seq !== index + 1) flaws.push(`event ${index + 1} is numbered ${event.seq}`);
    if (hashAfter(before, event) !== event.hash) flaws.push(`the hash of event ${event.seq}`);
    before = event.hash;
  }
  return flaws;
}

/** The object against the ledger. */
export async function judgeObject(load: Load): Promise<Check[]> {
  const events = await eventsOf(load.control, load.tailnet);
  const [tailnet] = await load.control.rows(load.tailnet, "SELECT seq FROM tailnet");
  const changes = events.filter(({ kind }) => kind === "lock.changed").length;
  const appended = load.ledger.count("append", "acknowledged");
  const forbidden = load.ledger.acts.filter((act) => act.forbidden);
  return [
    ...(await judgeAums(load)),
    ...(await judgeSignatures(load, events)),
    none("the object's events are whole and in one chain of hashes", flawsIn(events), `${events.length} events`),
    equal(
      "every change of the object is an event",
      `seq ${String(tailnet?.["seq"])}`,
      tailnet?.["seq"] === events.length,
    ),
    equal("each acknowledged append is one event", `${appended} appends, ${changes} events`, appended === changes),
    none(
      "whoever may not is refused",
      forbidden.filter(({ verdict }) => verdict.kind !== "refused").flatMap(({ ids }) => ids),
      `${forbidden.length} tried`,
    ),
    none(
      "no request hangs",
      load.ledger.acts.filter(({ verdict }) => verdict.kind === "unanswered").flatMap(({ ids }) => ids),
      `${load.ledger.acts.length} acts, ${load.ledger.lost} answers lost and asked for again`,
    ),
  ];
}
