/** A question to whoever sits at the terminal. No answer is never a yes. */

import { createInterface } from "node:readline/promises";
import { UsageError } from "./usage-error.ts";

export interface Line {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Aborts when the program is told to stop. */
  readonly signal: AbortSignal;
  /** True where the input is a terminal, which gives keys and not lines. */
  readonly terminal: boolean;
}

/** The line that is answered. Throws UsageError where there is none: the input has ended, or an interrupt came instead. */
export async function ask({ input, output, signal, terminal }: Line, question: string): Promise<string> {
  const reader = createInterface({ input, output, terminal });
  const ended = new Promise<null>((resolve) => reader.once("close", () => resolve(null)));
  // Ctrl-C and the signal reject the question; the end of the input leaves it open.
  const asked = reader.question(question, { signal }).catch(() => null);
  const answer = await Promise.race([asked, ended]);
  reader.close();
  if (answer !== null) return answer;
  output.write("\n");
  throw new UsageError("there was no answer, so nothing was done");
}
