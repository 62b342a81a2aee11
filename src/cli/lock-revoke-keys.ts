/**
 * `tailward lock revoke-keys`: takes back what compromised keys have done, in several steps on several signing nodes. Lines that are there to
 * be copied are those of `tailscale lock revoke-keys`. What is about to be signed or sent is shown besides: it comes from elsewhere.
 */

import type { LocalClient, RecoveryDraft } from "../node/index.ts";
import {
  TkaError,
  aumParent,
  decodeAum,
  decodeHex,
  encodeHex,
  equalBytes,
  formatLockKey,
  hashFromBytes,
  parseAumHash,
  type Aum,
  type AumHash,
} from "../tka/index.ts";
import { fileArgument } from "./file-argument.ts";
import { parseKeys, withoutComma } from "./lock-arguments.ts";
import { PROGRAM, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

export interface RevokeFlags {
  readonly cosign: boolean;
  readonly finish: boolean;
  /** Hash of the update to fork from, in hex or as `lock log` prints it; empty to have it found. */
  readonly forkFrom: string;
}

const USAGE =
  "usage: tailward lock revoke-keys <tailnet-lock-key>..., or revoke-keys [--cosign] [--finish] <recovery-blob>";
const HEX_HASH_DIGITS = 64;

function parseForkFrom(text: string): AumHash | null {
  if (text === "") return null;
  try {
    if (text.length !== HEX_HASH_DIGITS) return parseAumHash(text);
    const bytes = decodeHex(text);
    if (bytes !== null) return hashFromBytes(bytes);
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
  }
  throw new UsageError("--fork-from takes the hash of an update, as `tailward lock log` prints it");
}

function parseRecovery(args: readonly string[]): Uint8Array {
  const [argument, ...more] = args.map(withoutComma).filter((given) => given !== null);
  if (argument === undefined || more.length > 0) throw new UsageError(USAGE);
  const bytes = decodeHex(fileArgument(argument));
  if (bytes === null) throw new UsageError("the recovery is not hex: copy it again, whole");
  try {
    decodeAum(bytes);
    return bytes;
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new UsageError(`the recovery cannot be read (${error.message}): copy it again, whole`);
  }
}

function keyLines(keys: readonly (Uint8Array | null)[]): string {
  return keys.map((key) => ` - ${formatLockKey(key ?? new Uint8Array(0))}\n`).join("");
}

/** What a recovery does to the keys (32 bytes each) that are trusted now. */
export function recoveryText(recovery: Aum, trusted: readonly (Uint8Array | null)[]): string {
  const kept = (recovery.state?.keys ?? []).map(({ publicKey }) => publicKey);
  const revoked = trusted.filter((key) => !kept.some((other) => equalBytes(key, other)));
  const signers = (recovery.signatures ?? []).map(({ keyId }) => keyId);
  return [
    `This recovery goes back to update ${aumParent(recovery) ?? "(none)"}. It revokes:\n${keyLines(revoked)}`,
    `It keeps, as trusted signing keys:\n${keyLines(kept)}`,
    `It is signed by:\n${keyLines(signers)}\n`,
  ].join("");
}

function hexOf({ recovery }: RecoveryDraft): string {
  return encodeHex(recovery).toUpperCase();
}

async function begin(
  client: LocalClient,
  { out }: Terminal,
  flags: RevokeFlags,
  args: readonly string[],
): Promise<void> {
  const keys = parseKeys(args).map(({ publicKey }) => publicKey);
  const forkFrom = parseForkFrom(flags.forkFrom);
  const { lock } = await client.status();
  const draft = await client.revokeKeys(keys, forkFrom);
  out(
    recoveryText(
      decodeAum(draft.recovery),
      lock.TrustedKeys.map(({ Key }) => Key),
    ),
  );
  out("Have it signed by another signing node too. Run there:\n");
  out(`\t${PROGRAM} lock revoke-keys --cosign ${hexOf(draft)}\n`);
}

async function cosign(client: LocalClient, { out }: Terminal, recovery: Uint8Array): Promise<RecoveryDraft> {
  const { lock } = await client.status();
  const draft = await client.cosignRecovery(recovery);
  out(
    recoveryText(
      decodeAum(draft.recovery),
      lock.TrustedKeys.map(({ Key }) => Key),
    ),
  );
  out(
    draft.counts
      ? "Signed. With these signatures the recovery outweighs what it takes back.\n\n"
      : "Signed. These signatures are NOT ENOUGH yet: as it is, the recovery would lose.\n\n",
  );
  out("To add one more signature, run this on another signing node:\n");
  out(`\t${PROGRAM} lock revoke-keys --cosign ${hexOf(draft)}\n\n`);
  out("Or, where no more are needed, finish the recovery:\n");
  out(`\t${PROGRAM} lock revoke-keys --finish ${hexOf(draft)}\n`);
  return draft;
}

async function finish(client: LocalClient, { out }: Terminal, recovery: Uint8Array): Promise<void> {
  const head = await client.finishRecovery(recovery);
  out(`Recovery completed. The lock's head is ${head} now.\n`);
  out("Nodes that the revoked keys had signed are locked out: `tailward lock status` lists them.\n");
}

/**
 * Runs the command. With both --cosign and --finish, what is sent carries the signature just made (Tailscale's command sends what it was given).
 * Throws UsageError, or what the agent says.
 */
export async function lockRevokeKeys(
  client: LocalClient,
  terminal: Terminal,
  flags: RevokeFlags,
  args: readonly string[],
): Promise<void> {
  if (!flags.cosign && !flags.finish) return begin(client, terminal, flags, args);
  let recovery = parseRecovery(args);
  if (flags.cosign) ({ recovery } = await cosign(client, terminal, recovery));
  if (flags.finish) await finish(client, terminal, recovery);
}
