/** `tailward admin lock …`: what a lock is made of, and the way in for what was signed elsewhere: src/cli/signer-commands.ts makes such. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import {
  dictionary,
  encodeBase64,
  integer,
  list,
  optional,
  record,
  text,
  withDefault,
  type Shape,
  type ShapeOf,
} from "../protocol/index.ts";
import { TkaError, decodeNodeKeySignature, nodeKeyFromBinary } from "../tka/index.ts";
import { findDevice } from "./admin-devices.ts";
import { lockedNode, nodeLines } from "./admin-lock-nodes.ts";
import type { AdminPlace } from "./admin-place.ts";
import { parseCarried } from "./carried.ts";
import { columns } from "./columns.ts";
import { fileArgument } from "./file-argument.ts";
import { wholeNumber } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const MOST = 100_000;
const keyFields = { key: text, kind: text, votes: integer };
const keys = record({
  head: text,
  keys: list(
    record({ ...keyFields, metadata: dictionary(text, MOST), nodes: list(text, MOST), signed: integer }),
    MOST,
  ),
});
const update = record({
  hash: text,
  place: integer,
  stored: text,
  kind: text,
  parent: withDefault(text, ""),
  key: optional(record(keyFields)),
  keyId: withDefault(text, ""),
  signers: list(text, MOST),
  aum: text,
});
const page = record({ updates: list(update, MOST), cursor: withDefault(text, "") });
const pending = record({ devices: list(lockedNode, MOST) });
const chain = record({ genesis: text, head: text, updates: integer, enabled: text, retired: text });
const retired = record({ chains: list(chain, MOST) });
const signed = record({ nodeId: text, nodeKey: text, signedBy: text });

type Update = ShapeOf<typeof update>;

function votesText(votes: number): string {
  return `${votes} ${votes === 1 ? "vote" : "votes"}`;
}

function keysText({ head, keys: all }: ShapeOf<typeof keys>): string {
  const lines = all.map(({ key, votes, signed: count, nodes, metadata }) => [
    key,
    votesText(votes),
    `signs ${count} ${count === 1 ? "device" : "devices"}`,
    printable([...nodes, ...[...metadata].map(([name, value]) => `${name}=${value}`)].join(", ")) || "-",
  ]);
  return `The head is ${head}.\n${columns(lines)}`;
}

/** What it changes, in some words. */
function changeText({ key, keyId }: Update): string {
  if (key !== null) return `${key.key} ${votesText(key.votes)}`;
  return keyId === "" ? "-" : keyId;
}

function logText(updates: readonly Update[]): string {
  return updates
    .map(
      (one) =>
        `update ${one.hash} (${printable(one.kind)})\n  ${one.stored}  ${changeText(one)}\n  signed by ${one.signers.join(", ")}\n`,
    )
    .join("\n");
}

/** The newest updates, as many as are wanted, page by page. */
async function readLog(place: AdminPlace, limit: number, genesis: string | undefined): Promise<Update[]> {
  const all: Update[] = [];
  let cursor = "";
  while (all.length < limit) {
    const query = new URLSearchParams({ limit: String(Math.min(500, limit - all.length)) });
    if (genesis !== undefined) query.set("chain", genesis);
    if (cursor !== "") query.set("cursor", cursor);
    const next = await place.ask("GET", `${place.path("/lock/log")}?${query.toString()}`, page);
    all.push(...next.updates);
    if (next.cursor === "" || next.updates.length === 0) break;
    ({ cursor } = next);
  }
  return all;
}

function addReading(group: Command, place: AdminPlace): void {
  const show = <T>(
    name: string,
    description: string,
    path: string,
    shape: Shape<T>,
    words: (value: T) => string,
  ): void =>
    void group
      .command(name)
      .description(description)
      .action(async () => place.print(await place.ask("GET", place.path(path), shape), words));
  show("keys", "list the trusted keys, and how many devices rest on each", "/lock/keys", keys, keysText);
  show(
    "pending",
    "list the devices that are locked out until somebody signs them",
    "/lock/pending",
    pending,
    ({ devices }) =>
      devices.length === 0
        ? "No device waits for a signature.\n"
        : `${nodeLines(devices)}\nA signer without a network signs by \`tailward signer sign\` in place of \`tailward lock sign\`.\n`,
  );
  show("retired", "list the locks that were turned off, the last first", "/lock/retired", retired, ({ chains }) =>
    chains.length === 0
      ? "No lock was turned off.\n"
      : columns(
          chains.map((one) => [one.genesis, one.enabled, one.retired, `${one.updates} updates`, `head ${one.head}`]),
        ),
  );
  group
    .command("log")
    .description("list the updates of the lock, the newest first")
    .option("--limit <n>", "how many updates to list", wholeNumber("--limit"), 50)
    .option("--chain <genesis>", "of a lock that was turned off: `retired` names them")
    .action(async (flags: { limit: number; chain?: string }) =>
      place.print(await readLog(place, flags.limit, flags.chain), logText),
    );
  group
    .command("export")
    .description(
      "print the chain and the signatures, as JSON: for a signer without a network, or to verify them elsewhere",
    )
    .action(async () => {
      const { text: json } = await place.client.exchange("GET", place.path("/lock/export"), null, {});
      place.terminal.out(`${json.trimEnd()}\n`);
    });
}

/** The node key that a signature is for. Throws UsageError. */
function nodeKeyOf(signature: Uint8Array): string {
  try {
    return nodeKeyFromBinary(decodeNodeKeySignature(signature).pubkey ?? new Uint8Array(0));
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new UsageError(`the signature cannot be read (${error.message}): carry it over again, whole`);
  }
}

function bring(place: AdminPlace, signature: Uint8Array): Promise<ShapeOf<typeof signed>> {
  return place.ask("POST", place.path("/lock/signatures"), signed, { signature: encodeBase64(signature) });
}

async function submitSignature(place: AdminPlace, named: string, given: string): Promise<void> {
  const { signatures, updates } = parseCarried(fileArgument(given), "signature");
  const [signature, ...more] = signatures;
  if (signature === undefined || more.length + updates.length > 0)
    throw new UsageError("one signature is wanted: `tailward admin lock submit` brings in more, and updates");
  const { nodeKey, name } = await findDevice(place, named);
  const meant = nodeKeyOf(signature);
  if (meant !== nodeKey)
    throw new UsageError(`the signature is for ${meant}, and the node key of ${printable(name)} is ${nodeKey}`);
  place.print(await bring(place, signature), ({ signedBy }) => `${printable(name)} is signed by ${signedBy}\n`);
}

async function submit(place: AdminPlace, given: readonly string[], recovery: boolean): Promise<void> {
  const { signatures, updates } = parseCarried(given.map(fileArgument).join("\n"), "update");
  if (signatures.length + updates.length === 0) throw new UsageError("there is nothing to submit in it");
  const done: ShapeOf<typeof signed>[] = [];
  // Before the updates: these may end the trust in what the devices rest on.
  for (const signature of signatures) done.push(await bring(place, signature));
  const body = { aums: updates.map(encodeBase64), interactive: !recovery };
  const head =
    updates.length === 0
      ? null
      : (await place.ask("POST", place.path("/lock/updates"), record({ head: text }), body)).head;
  place.print({ signed: done, head }, () =>
    [
      ...done.map(({ nodeId, signedBy }) => `${nodeId} is signed by ${signedBy}\n`),
      head === null ? "" : `The lock's head is ${head} now.\n`,
    ].join(""),
  );
}

function addSubmitting(group: Command, place: AdminPlace): void {
  group
    .command("submit-signature <device> <signature>")
    .description("bring in a device's signature that was made elsewhere: signature:<hex>, or file:PATH")
    .action((device: string, signature: string) => submitSignature(place, device, signature));
  group
    .command("submit <made...>")
    .description(
      "bring in signatures and updates that were made elsewhere, as `tailward signer` prints them: hex, or file:PATH",
    )
    .option("--recovery", "they may go back before the head, as a recovery does: the votes decide", false)
    .action((given: string[], { recovery }: { recovery: boolean }) => submit(place, given, recovery));
}

export function addLockChain(group: Command, place: AdminPlace): void {
  addReading(group, place);
  addSubmitting(group, place);
}
