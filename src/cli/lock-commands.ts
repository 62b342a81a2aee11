/** The commands on the lock, for program.ts. */

import type { Command } from "commander";
import { jsonVersion, trueOrFalse, wholeNumber } from "./flags.ts";
import { lockDisable, lockLocalDisable } from "./lock-disable.ts";
import { lockDisablementKdf } from "./lock-disablement-kdf.ts";
import { lockInit } from "./lock-init.ts";
import { lockLogCommand } from "./lock-log.ts";
import { lockAdd, lockRemove } from "./lock-modify.ts";
import { lockRevokeKeys, type RevokeFlags } from "./lock-revoke-keys.ts";
import { lockSign } from "./lock-sign.ts";
import { lockStatusCommand } from "./lock-status.ts";
import type { Place } from "./place.ts";
import { PROGRAM } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

const JSON_FLAG = ["--json [version]", "print stable JSON, version 1", jsonVersion] as const;

function addInit(lock: Command, { terminal, client, called }: Place): void {
  lock
    .command("init")
    .description("turn tailnet lock on, with these keys trusted to sign nodes")
    .argument("[trusted-key...]", "tlpub:<hex>[?<votes>], disablement:<hex>")
    .option("--confirm", "do it; without this, only say what would be done", false)
    .option("--gen-disablements <n>", "how many disablement secrets to generate", wholeNumber("--gen-disablements"), 1)
    .option("--gen-disablement-for-support", "generate one more secret, and send it to the control plane", false)
    .action((args: string[], flags: { confirm: boolean; genDisablements: number; genDisablementForSupport: boolean }) =>
      lockInit(client(), terminal, flags, args, called()),
    );
}

/** Adds `lock` and what is under it. */
export function addLock(program: Command, place: Place): void {
  const { terminal, client } = place;
  const lock = program
    .command("lock")
    .description("tailnet lock: status if no more is said")
    .argument("[subcommand...]")
    .action(([subcommand, ...args]: string[]) => {
      // The old name of signing an auth key, which scripts still have.
      if (subcommand === "tskey-wrap" && args.length > 0) return lockSign(client(), terminal, args);
      if (subcommand !== undefined)
        throw new UsageError(`there is no \`${PROGRAM} lock ${subcommand}\`: see ${PROGRAM} lock --help`);
      return lockStatusCommand(client(), terminal, null);
    });
  addInit(lock, place);
  addReading(lock, place);
  addSigning(lock, place);
  addRevoke(lock, place);
  addOff(lock, place);
}

function addReading(lock: Command, { terminal, client }: Place): void {
  lock
    .command("status")
    .description("say how the lock stands")
    .option(...JSON_FLAG)
    .action((flags: { json?: 1 | false }) => lockStatusCommand(client(), terminal, flags.json || null));
  lock
    .command("log")
    .description("list the changes of the lock, the newest first")
    .allowExcessArguments()
    .option("--limit <n>", "how many changes to list", wholeNumber("--limit"), 50)
    .option(...JSON_FLAG)
    .action((flags: { limit: number; json?: 1 | false }) =>
      lockLogCommand(client(), terminal, { limit: flags.limit, json: flags.json || null }),
    );
}

function addSigning(lock: Command, { terminal, client }: Place): void {
  lock
    .command("sign")
    .description("let a node in, or sign an auth key; file:PATH reads an argument from a file")
    .argument("[key...]", "<node-key> [<rotation-key>], or <auth-key>")
    .action((args: string[]) => lockSign(client(), terminal, args));
  lock
    .command("add")
    .description("trust more keys to sign")
    .argument("[trusted-key...]", "tlpub:<hex>[?<votes>]")
    .action((args: string[]) => lockAdd(client(), args));
  lock
    .command("remove")
    .description("trust keys no longer; what they have signed is signed by this node first")
    .argument("[trusted-key...]", "tlpub:<hex>")
    .option("--re-sign <true|false>", "sign anew what the keys have signed", trueOrFalse("--re-sign"), true)
    .action((args: string[], flags: { reSign: boolean }) => lockRemove(client(), terminal, flags.reSign, args));
}

function addRevoke(lock: Command, { terminal, client }: Place): void {
  lock
    .command("revoke-keys")
    .description("revoke compromised keys, and all that they have done, together with other signing nodes")
    .argument("[key-or-recovery...]", "tlpub:<hex>..., or with --cosign or --finish, what the step before has printed")
    .option("--cosign", "add this node's signature to a recovery", false)
    .option("--finish", "send a recovery that has signatures enough", false)
    .option("--fork-from <hash>", "the update to go back to; found, if not given", "")
    .action((args: string[], flags: RevokeFlags) => lockRevokeKeys(client(), terminal, flags, args));
}

function addOff(lock: Command, { terminal, client }: Place): void {
  lock
    .command("disable")
    .description("turn tailnet lock off for all; the secret is public from then on")
    .argument("[secret...]", "disablement-secret:<hex>, or file:PATH")
    .action((args: string[]) => lockDisable(client(), args));
  lock
    .command("local-disable")
    .description("turn tailnet lock off on this node alone: it then talks to nodes that are locked out")
    .action(() => lockLocalDisable(client()));
  lock
    .command("disablement-kdf")
    .description("compute the disablement value of a disablement secret")
    .argument("[secret...]", "the secret, in hex")
    .action((args: string[]) => lockDisablementKdf(terminal, args));
}
