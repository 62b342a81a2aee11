/**
 * `tailward signer …`: a signer on a machine without a network. It signs what is typed or carried to it; `tailward admin lock` brings in what it prints. What is to
 * be carried goes to standard output, what is to be read to standard error.
 */

import type { Command } from "commander";
import { OfflineSigner, type OfflineLock } from "../node/index.ts";
import { KEY_25519, decodeAum, decodeHex, formatLockKey, parseLockKey, parseNodeKey } from "../tka/index.ts";
import { carriedText } from "./carried.ts";
import { fileArgument } from "./file-argument.ts";
import { trueOrFalse } from "./flags.ts";
import { parseKeys } from "./lock-arguments.ts";
import { recoveryText } from "./lock-revoke-keys.ts";
import { parsedKey } from "./lock-sign.ts";
import type { Place } from "./place.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const CHAIN = ["--chain <file>", "what `tailward admin lock export` has printed"] as const;

interface ChainFlag {
  readonly chain: string;
}

function lockFrom(signer: OfflineSigner, { err }: Terminal, { chain }: ChainFlag): OfflineLock {
  const lock = signer.take(fileArgument(`file:${chain}`));
  err(
    `The chain holds, and trusts this signer. Its head is ${lock.head}; \`tailward lock log\` on a node names it too.\n`,
  );
  return lock;
}

function addSign(group: Command, open: () => OfflineSigner, { out }: Terminal): void {
  group
    .command("sign <node-key> [rotation-key]")
    .description(
      "sign a node, as `lock status` on it and `admin lock pending` name it; bring it in by: admin lock submit-signature",
    )
    .action((node: string, rotation: string | undefined) => {
      const nodeKey = parsedKey("node key", fileArgument(node), parseNodeKey);
      const rotationKey =
        rotation === undefined ? null : parsedKey("rotation key", fileArgument(rotation), parseLockKey);
      out(carriedText({ signatures: [open().signNode(nodeKey, rotationKey)], updates: [] }));
    });
}

function addChanges(group: Command, open: () => OfflineSigner, terminal: Terminal): void {
  group
    .command("add <trusted-key...>")
    .description("trust more keys to sign: tlpub:<hex>[?<votes>]; bring it in by: admin lock submit")
    .requiredOption(...CHAIN)
    .action((args: string[], flags: ChainFlag) => {
      const keys = parseKeys(args).map((key) => ({ ...key, kind: KEY_25519, meta: null }));
      const updates = lockFrom(open(), terminal, flags).add(keys);
      terminal.out(carriedText({ signatures: [], updates }));
    });
  group
    .command("remove <trusted-key...>")
    .description("trust keys no longer: tlpub:<hex>; bring it in by: admin lock submit")
    .requiredOption(...CHAIN)
    .option("--re-sign <true|false>", "whether what the keys have signed is signed anew", trueOrFalse("--re-sign"))
    .action((args: string[], flags: ChainFlag & { reSign?: boolean }) => {
      const ids = parseKeys(args).map(({ publicKey }) => publicKey);
      const lock = lockFrom(open(), terminal, flags);
      const resting = ids.flatMap((id) => lock.restingOn(id));
      for (const { nodeKey } of resting) terminal.err(` - ${nodeKey} rests on what is to go\n`);
      if (resting.length > 0 && flags.reSign === undefined)
        throw new UsageError(
          `${resting.length} nodes rest on these keys: see that you know them all, then --re-sign=true signs them anew, and --re-sign=false locks them out`,
        );
      terminal.out(carriedText(lock.remove(ids, flags.reSign ?? false)));
    });
}

function addCosign(group: Command, open: () => OfflineSigner, terminal: Terminal): void {
  group
    .command("cosign <recovery>")
    .description(
      "add this signer's signature to a recovery of `lock revoke-keys`; go on with it there, or by: admin lock submit --recovery",
    )
    .requiredOption(...CHAIN)
    .action((recovery: string, flags: ChainFlag) => {
      const bytes = decodeHex(fileArgument(recovery).replace(/^update:/, ""));
      if (bytes === null || bytes.length === 0) throw new UsageError("the recovery is not hex: copy it again, whole");
      const lock = lockFrom(open(), terminal, flags);
      const draft = lock.cosign(bytes);
      // It may revoke others than it is said to.
      const keys = lock.keys.map(({ publicKey }) => publicKey);
      terminal.err(recoveryText(decodeAum(draft.recovery), keys));
      terminal.err(
        draft.counts
          ? "With this signature the recovery outweighs what it takes back.\n"
          : "It needs more signatures yet.\n",
      );
      terminal.out(carriedText({ signatures: [], updates: [draft.recovery] }));
    });
}

export function addSigner(program: Command, { terminal, directory }: Place): void {
  const group = program
    .command("signer")
    .description("a signer on a machine without a network: its key signs what is carried to it");
  group
    .command("key")
    .description("print this signer's tlpub: key, made if there is none: `lock init` or `lock add` on a node trusts it")
    .action(() => terminal.out(`${formatLockKey(OfflineSigner.open(directory(), true).publicKey)}\n`));
  const open = (): OfflineSigner => OfflineSigner.open(directory(), false);
  addSign(group, open, terminal);
  addChanges(group, open, terminal);
  addCosign(group, open, terminal);
}
