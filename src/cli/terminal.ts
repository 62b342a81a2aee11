/** What a command may touch of the world outside: given to it, so that tests can play it. */

import type { Environment } from "../node/index.ts";

export interface Terminal {
  /** Writes to standard output, as it is. */
  readonly out: (text: string) => void;
  /** Writes to standard error, as it is. */
  readonly err: (text: string) => void;
  readonly environment: Environment;
  /** True where standard output shows colours. */
  readonly colours: boolean;
  /** Asks a person a question and gives the line they answer; null where nobody sits there to be asked, as in a script. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Aborts when the program is told to stop. */
  readonly signal: AbortSignal;
}

/** How the program is called in the commands that it prints. */
export const PROGRAM = "tailward";
