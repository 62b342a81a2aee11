/** The command line: which commands there are, and what they take. Each stands in a file of its own. */

import { Command, CommanderError } from "commander";
import { AgentError, LocalClient, printable, shellQuoted, stateDirectoryPath } from "../node/index.ts";
import { TkaError } from "../tka/index.ts";
import { addAdmin } from "./admin-commands.ts";
import { addAudit } from "./audit-verify.ts";
import { agentCommand } from "./agent-command.ts";
import { addBridge } from "./bridge-command.ts";
import { normaliseFlags } from "./flags.ts";
import { addLock } from "./lock-commands.ts";
import type { Place } from "./place.ts";
import { addSigner } from "./signer-commands.ts";
import { statusCommand } from "./status-command.ts";
import { PROGRAM, type Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

function addAgent(program: Command, { terminal, directory }: Place): void {
  program
    .command("agent")
    .description("run this node in the foreground, joining a tailnet if it is in none")
    .option("--url <url>", "the control plane; the one used before, if not given")
    .option("--auth-key <key>", "joins by this auth key; file:PATH reads it from a file")
    .option("--hostname <name>", "what this node calls itself; the machine's name, if not given")
    .option("--force-reauth", "take a new node key first; this node's own lock key signs it", false)
    .action((flags: { url?: string; authKey?: string; hostname?: string; forceReauth: boolean }) =>
      agentCommand(terminal, directory(), {
        url: flags.url ?? null,
        authKey: flags.authKey ?? null,
        hostname: flags.hostname ?? null,
        forceReauth: flags.forceReauth,
      }),
    );
}

/** Builds the program. */
function makeProgram(terminal: Terminal): Command {
  const program = new Command(PROGRAM);
  program
    .description("a node of a tailnet that trusts its control plane with nothing")
    .option("--state-dir <dir>", "where the node keeps its keys; $TAILWARD_STATE_DIR, if not given")
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err, outputError: () => undefined })
    .exitOverride();
  const directory = (): string =>
    stateDirectoryPath(program.opts<{ stateDir?: string }>().stateDir ?? null, terminal.environment);
  const called = (): string => {
    const { stateDir } = program.opts<{ stateDir?: string }>();
    return stateDir === undefined ? PROGRAM : `${PROGRAM} --state-dir ${shellQuoted(stateDir)}`;
  };
  const place: Place = { terminal, directory, client: () => new LocalClient(directory()), called };
  addAgent(program, place);
  program
    .command("status")
    .description("show this node, its tailnet and its peers")
    .action(() => statusCommand(place.client(), terminal));
  program
    .command("logout")
    .description("end this node's key, and its agent; to come back, it must be let in again")
    .action(() => place.client().logOut());
  addBridge(program, terminal);
  addLock(program, place);
  addSigner(program, place);
  addAdmin(program, place);
  addAudit(program, terminal);
  return program;
}

function oneLine(message: string): string {
  return printable(message.trim().replaceAll(/\s*\n\s*/g, " "));
}

function describe(error: unknown): string {
  if (error instanceof AgentError && error.hint !== null) return `${error.message}; ${error.hint}`;
  // What stands on the command line may be a secret: an argument too many is not repeated.
  if (error instanceof CommanderError && error.code === "commander.excessArguments") return "too many arguments";
  if (error instanceof CommanderError) return error.message.replace(/^error: /, "");
  if (error instanceof AgentError || error instanceof UsageError || error instanceof TkaError) return error.message;
  return `this is a fault of the program: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

const FLAG_ERRORS: ReadonlySet<string> = new Set([
  "commander.unknownOption",
  "commander.optionMissingArgument",
  "commander.invalidArgument",
]);

/** 2 for flags that cannot be read, as Go's flag package exits; 1 for all else. */
function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode;
  return error instanceof CommanderError && FLAG_ERRORS.has(error.code) ? 2 : 1;
}

/** Runs one command line (without the program's name). Gives the exit code: 0, or 1 or 2 with one line on standard error. */
export async function runProgram(terminal: Terminal, args: readonly string[]): Promise<number> {
  try {
    await makeProgram(terminal).parseAsync(normaliseFlags(args), { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && (error.exitCode === 0 || error.code === "commander.help")) return 0;
    terminal.err(`${PROGRAM}: ${oneLine(describe(error))}\n`);
    return exitCodeOf(error);
  }
}
