/** `tailward agent`: runs the node in the foreground until it is told to stop. One line an event goes to standard error, never a secret. */

import { printable, runAgent } from "../node/index.ts";
import { fileArgument } from "./file-argument.ts";
import type { Terminal } from "./terminal.ts";

export interface AgentFlags {
  readonly url: string | null;
  /** An auth key, or `file:PATH` for one in a file. */
  readonly authKey: string | null;
  readonly hostname: string | null;
  readonly forceReauth: boolean;
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

function warnOfPlainHttp({ err }: Terminal, url: string | null): void {
  const parsed = url !== null && URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === "http:" && !LOOPBACK.has(parsed.hostname))
    err("warning: without https, the auth key and all that the control plane says can be read on the way\n");
}

/** Runs until the terminal's signal aborts. Throws what stops the agent. */
export async function agentCommand(terminal: Terminal, directory: string, flags: AgentFlags): Promise<void> {
  warnOfPlainHttp(terminal, flags.url);
  const authKey = flags.authKey === null ? null : fileArgument(flags.authKey);
  const log = (line: string): void => terminal.err(`${new Date().toISOString()} ${printable(line)}\n`);
  const { url, hostname, forceReauth } = flags;
  await runAgent({ directory, url, authKey, hostname, forceReauth, log }, terminal.signal);
}
