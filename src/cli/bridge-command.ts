/** `tailward bridge`: lets native clients in to a control plane on Cloudflare. Runs in the foreground until it is told to stop; keeps nothing. */

import type { Command } from "commander";
import { AgentError, parseControlUrl, printable, runBridge } from "../node/index.ts";
import { parseMachineKey, type MachineKey } from "../protocol/index.ts";
import { TkaError } from "../tka/index.ts";
import { wholeNumber } from "./flags.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

interface BridgeFlags {
  readonly listen: string;
  readonly url: string;
  readonly controlKey: string;
  readonly maxConnections: number;
}

const DEFAULT_LISTEN = "127.0.0.1:8790";
const DEFAULT_CONNECTIONS = 4096;
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z.-]+)):(\d{1,5})$/;
const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

/** The host and port of `host:port`, IPv6 in brackets. Throws UsageError. */
function addressOf(listen: string): { readonly host: string; readonly port: number } {
  const [, six, other, port] = ADDRESS.exec(listen) ?? [];
  const host = six ?? other;
  if (host === undefined || Number(port) > 65_535)
    throw new UsageError(`--listen takes an address and a port, such as ${DEFAULT_LISTEN}`, 2);
  return { host, port: Number(port) };
}

/** Throws UsageError. */
function controlKeyOf(text: string): MachineKey {
  try {
    return parseMachineKey(text);
  } catch (error) {
    if (!(error instanceof TkaError)) throw error;
    throw new UsageError(
      "--control-key takes mkey:<64 hex digits>, the publicKey that the control plane answers at /key",
      2,
    );
  }
}

/** Throws UsageError. */
function urlOf(text: string): URL {
  try {
    return parseControlUrl(text);
  } catch (error) {
    if (error instanceof AgentError) throw new UsageError(error.message, 2);
    throw error;
  }
}

function warn({ err }: Terminal, url: URL, host: string): void {
  if (url.protocol === "http:" && !LOOPBACK.test(url.hostname.replaceAll(/[[\]]/g, "")))
    err(
      "warning: without https, whoever is on the way to the control plane sees and may change what is not in the tunnel\n",
    );
  if (!LOOPBACK.test(host))
    err(
      "warning: clients that join over plain http take whatever key they are told: put TLS before it, or keep the network to those you trust\n",
    );
}

/** Runs until the terminal's signal aborts. */
async function bridgeCommand(terminal: Terminal, flags: BridgeFlags): Promise<void> {
  const { host, port } = addressOf(flags.listen);
  const url = urlOf(flags.url);
  const controlKey = controlKeyOf(flags.controlKey);
  const { maxConnections } = flags;
  if (maxConnections < 1) throw new UsageError("--max-connections is at least 1", 2);
  warn(terminal, url, host);
  const log = (line: string): void => terminal.err(`${new Date().toISOString()} ${printable(line)}\n`);
  await runBridge({ url, controlKey, host, port, maxConnections, log }, terminal.signal);
}

export function addBridge(program: Command, terminal: Terminal): void {
  program
    .command("bridge")
    .description("let Tailscale's native clients in to a control plane on Cloudflare; keeps nothing, knows no secret")
    .requiredOption("--url <url>", "the control plane")
    .requiredOption("--control-key <key>", "its public key, mkey:…; a control plane with another is refused")
    .option("--listen <address>", "where clients come in", DEFAULT_LISTEN)
    .option("--max-connections <n>", "connections at a time", wholeNumber("--max-connections"), DEFAULT_CONNECTIONS)
    .addHelpText(
      "after",
      [
        "",
        "Each client takes this bridge for its control plane:",
        `  tailscale up --login-server=http://${DEFAULT_LISTEN}`,
        "It sees ciphertext only; but who controls it could act as the control plane towards those that join through it: docs/native-clients.md.",
      ].join("\n"),
    )
    .action((flags: BridgeFlags) => bridgeCommand(terminal, flags));
}
