/** The command line, for its tests: the only way into this folder. */

export { runProgram } from "./program.ts";
export type { Terminal } from "./terminal.ts";
