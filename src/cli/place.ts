/** Where a command runs. */

import type { LocalClient } from "../node/index.ts";
import type { Terminal } from "./terminal.ts";

/** What stands behind the commands: the state directory, and the agent that runs on it. */
export interface Place {
  readonly terminal: Terminal;
  readonly directory: () => string;
  readonly client: () => LocalClient;
  /** How the program was called, for lines that are to be run next on the same node. */
  readonly called: () => string;
}
