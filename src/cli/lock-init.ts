/**
 * `tailward lock init`: flags, order of questions and copied lines as those of `tailscale lock init`, with one difference.
 *
 * Rule [T1]: the disablement secrets are on the terminal before the lock is on: whoever loses the connection in between has them. So are the
 *            nodes that are about to be signed, with the key that may rotate each one's signature.
 */

import {
  AgentError,
  nodeKdf,
  printable,
  random,
  shellQuoted,
  type KeyToTrust,
  type LocalClient,
  type NodeToSign,
} from "../node/index.ts";
import { MAX_DISABLEMENT_VALUES, MAX_VOTES, encodeHex, equalBytes, formatLockKey } from "../tka/index.ts";
import { parseLockArguments, type LockArguments } from "./lock-arguments.ts";
import { PROGRAM, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const SECRET_BYTES = 32;

export interface InitFlags {
  readonly genDisablements: number;
  readonly genDisablementForSupport: boolean;
  readonly confirm: boolean;
}

function requireSelf(keys: readonly KeyToTrust[], own: Uint8Array | null): void {
  if (own !== null && keys.some(({ publicKey }) => equalBytes(publicKey, own))) return;
  const hint = own === null ? "" : `: add ${formatLockKey(own)}`;
  throw new UsageError(`this node's own tailnet lock key must be one of the trusted keys${hint}`);
}

function requireCount(flags: InitFlags, given: number): void {
  const count = flags.genDisablements + (flags.genDisablementForSupport ? 1 : 0) + given;
  if (flags.genDisablements < 0 || count < 1 || count > MAX_DISABLEMENT_VALUES)
    throw new UsageError(
      `there must be 1 to ${MAX_DISABLEMENT_VALUES} disablement secrets in all, not ${count}: see --gen-disablements`,
    );
}

/** Known before anything is asked of anybody: a key that stands twice, and votes that no lock takes. */
function requireFitting(keys: readonly KeyToTrust[]): void {
  const seen = new Set<string>();
  for (const { publicKey, votes } of keys) {
    const key = formatLockKey(publicKey);
    if (seen.has(key)) throw new UsageError(`${key} stands there twice`);
    if (votes < 1n || votes > MAX_VOTES) throw new UsageError(`${key}?${votes}: a key has 1 to ${MAX_VOTES} votes`);
    seen.add(key);
  }
}

function printKeys({ out }: Terminal, keys: readonly KeyToTrust[]): void {
  out("Tailnet lock is about to be turned on, with these trusted signing keys:\n");
  for (const { publicKey, votes } of keys)
    out(` - ${formatLockKey(publicKey)} (25519 key${votes === 1n ? "" : `, ${votes} votes`})\n`);
  out("\n");
  if (keys.length > 1) return;
  out("Only one node will be able to sign. Two at least are advised: without it, nobody can let a new node in.\n\n");
}

function printRehearsal({ out }: Terminal, program: string, flags: InitFlags, args: readonly string[]): void {
  const support = flags.genDisablementForSupport ? "--gen-disablement-for-support " : "";
  out(`Disablement secrets to be generated: ${flags.genDisablements}.\n`);
  if (support !== "") out("One more will be generated and sent to the control plane, for its support to keep.\n");
  out("\nNothing has been changed yet. If this is right, run the command again with --confirm:\n");
  out(
    `\t${program} lock init --confirm --gen-disablements ${flags.genDisablements} ${support}${args.map(shellQuoted).join(" ")}\n`,
  );
}

function printNodes({ out }: Terminal, nodes: readonly NodeToSign[]): void {
  out(
    `The control plane names ${nodes.length} nodes, which are about to be signed. Each stands here with its node key, and with the tailnet\n`,
  );
  out(
    "lock key that may replace it; none but the node itself should hold that one (`tailward lock` prints it there).\n",
  );
  for (const { name, nodeKey, rotationKey } of nodes) {
    const rotation = rotationKey.length === 0 ? "(no rotation key)" : formatLockKey(rotationKey);
    out(` - ${printable(name)}\t${nodeKey}\t${rotation}\n`);
  }
  out("\n");
}

function printSecrets({ out }: Terminal, secrets: readonly Uint8Array[]): void {
  out(
    "Here are the disablement secrets. Any one of them turns the lock off again. They are shown now, before the lock is on,\n",
  );
  out("and never again: put them where they are safe, and apart from one another.\n");
  for (const secret of secrets) out(`\tdisablement-secret:${encodeHex(secret).toUpperCase()}\n`);
  out("\n");
}

async function finish(client: LocalClient, id: string, support: Uint8Array): Promise<void> {
  try {
    await client.finishInit(id, support);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (error.code === "refused")
      throw new AgentError(
        error.code,
        `the lock was not turned on: ${error.message}`,
        "throw the secrets above away, and run lock init again",
      );
    throw new AgentError(
      error.code,
      `the lock may not have been turned on: ${error.message}`,
      "KEEP the secrets above: once `tailward status` says connected, `tailward lock status` tells; if the lock is ENABLED then, they are good, and only if it is not may they be thrown away",
    );
  }
}

async function turnOn(client: LocalClient, terminal: Terminal, flags: InitFlags, given: LockArguments): Promise<void> {
  const secrets = Array.from({ length: flags.genDisablements }, () => random(SECRET_BYTES));
  const support = flags.genDisablementForSupport ? random(SECRET_BYTES) : new Uint8Array(0);
  const values = [
    ...given.disablementValues,
    ...secrets.map(nodeKdf),
    ...(support.length > 0 ? [nodeKdf(support)] : []),
  ];
  const { id, nodes } = await client.beginInit(given.keys, values, flags.genDisablementForSupport);
  printNodes(terminal, nodes);
  printSecrets(terminal, secrets);
  await finish(client, id, support);
  if (flags.genDisablementForSupport)
    terminal.out("One more secret went to the control plane, for its support to keep.\n");
  terminal.out(`Tailnet lock is on. Nodes signed: ${nodes.length}.\n`);
}

/** Runs the command; `program` is how it was called, for the line to run next. Throws UsageError, or what the agent says. */
export async function lockInit(
  client: LocalClient,
  terminal: Terminal,
  flags: InitFlags,
  args: readonly string[],
  program: string = PROGRAM,
): Promise<void> {
  const { lock } = await client.status();
  if (lock.Enabled) throw new UsageError("tailnet lock is already enabled: see `tailward lock status`");
  const given = parseLockArguments(args, nodeKdf);
  requireSelf(given.keys, lock.PublicKey);
  requireFitting(given.keys);
  requireCount(flags, given.disablementValues.length);
  printKeys(terminal, given.keys);
  if (flags.confirm) await turnOn(client, terminal, flags, given);
  else printRehearsal(terminal, program, flags, args);
}
