/** `tailward admin lock …`: how a tailnet's lock stands, and a disable by secret. What it is made of: admin-lock-chain.ts. Signing is for nodes: `tailward lock …`. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { boolean, integer, list, record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { addLockChain } from "./admin-lock-chain.ts";
import { lockedNode, nodeLines, type LockedNode } from "./admin-lock-nodes.ts";
import { NOTHING, type AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { fileArgument } from "./file-argument.ts";

const MOST = 100_000;
const status = record({
  enabled: boolean,
  head: withDefault(text, ""),
  trustedKeys: list(record({ key: text, votes: integer, kind: text, nodes: list(text, MOST) }), MOST),
  pendingSignatures: list(lockedNode, MOST),
  needDirectSignatures: list(lockedNode, MOST),
  locallyDisabled: list(lockedNode, MOST),
  hasSupportSecret: withDefault(boolean, false),
});

/** The nodes under a heading, each with the command that helps it; empty for none. */
function listed(heading: string, nodes: readonly LockedNode[]): string {
  return nodes.length === 0 ? "" : `\n${heading}\n${nodeLines(nodes)}`;
}

function statusText(lock: ShapeOf<typeof status>): string {
  if (!lock.enabled) return "Tailnet lock is off.\n";
  const keys = lock.trustedKeys.map(({ key, votes, nodes }) => [
    `  ${key}`,
    `${votes} ${votes === 1 ? "vote" : "votes"}`,
    printable(nodes.join(", ")),
  ]);
  return [
    `Tailnet lock is on, with the head ${lock.head}.\n`,
    `\nTrusted signing keys:\n${columns(keys)}`,
    listed("Locked out; each is let in by this command, run on a signing node:", lock.pendingSignatures),
    listed("To be signed directly, before their keys change:", lock.needDirectSignatures),
    listed("Ignoring the lock, by their owners' choice:", lock.locallyDisabled),
    lock.hasSupportSecret ? "\nA support secret is kept, sealed.\n" : "",
  ].join("");
}

export function addLockOfTailnet(admin: Command, place: AdminPlace): void {
  const group = admin
    .command("lock")
    .description("see how a tailnet's lock stands, bring in what was signed elsewhere, and turn it off by a secret");
  group
    .command("status")
    .description("show head, trusted keys, and the nodes that need something")
    .action(async () => place.print(await place.ask("GET", place.path("/lock/status"), status), statusText));
  addLockChain(group, place);
  group
    .command("disable <disablement-secret>")
    .description("turn the lock off; file:PATH reads the secret from a file. The secret is public from then on")
    .action(async (secret: string) => {
      const body = { disablementSecret: fileArgument(secret) };
      await place.ask("POST", place.path("/lock/disable"), NOTHING, body);
      place.terminal.out("Tailnet lock is off; each node checks the secret itself.\n");
    });
}
