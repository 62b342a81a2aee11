/** Devices that the lock's API names, each with the command that helps it. */

import { printable } from "../node/index.ts";
import { record, text, withDefault, type ShapeOf } from "../protocol/index.ts";
import { columns } from "./columns.ts";
import { PROGRAM } from "./terminal.ts";

export const lockedNode = record({
  nodeId: text,
  name: text,
  nodeKey: text,
  tailnetLockKey: withDefault(text, ""),
  tailnetLockError: withDefault(text, ""),
  tailnetLockWarning: withDefault(text, ""),
  signCommand: withDefault(text, ""),
});

export type LockedNode = ShapeOf<typeof lockedNode>;

/** The API names the command as Tailscale's clients have it; who reads this has ours at hand. */
function ours(command: string): string {
  return command.replace(/^tailscale /, `${PROGRAM} `);
}

/** A line each. */
export function nodeLines(nodes: readonly LockedNode[]): string {
  return columns(
    nodes.map(({ name, nodeKey, signCommand }) => [
      `  ${printable(name)}`,
      printable(signCommand === "" ? nodeKey : ours(signCommand)),
    ]),
  );
}
