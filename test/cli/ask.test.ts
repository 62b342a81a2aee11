/** A question that nobody answers is no yes, and no fault. */

import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { ask } from "../../src/cli/ask.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

function sitting() {
  const [input, output, stop] = [new PassThrough(), new PassThrough(), new AbortController()];
  const answer = ask({ input, output, signal: stop.signal, terminal: true }, "Sure? ");
  return { input, output, stop, answer };
}

describe("a question", () => {
  test("is shown, and gives the line", async () => {
    const { input, output, answer } = sitting();
    input.write("n\n");
    expect(await answer).toBe("n");
    expect(String(output.read())).toContain("Sure? ");
  });

  test("is a refusal at an interrupt, at the end of the input, and when the program is told to stop", async () => {
    const interrupted = sitting();
    interrupted.input.write("\u0003");
    await expect(interrupted.answer).rejects.toThrow(UsageError);
    const ended = sitting();
    ended.input.end();
    await expect(ended.answer).rejects.toThrow("there was no answer, so nothing was done");
    const stopped = sitting();
    stopped.stop.abort();
    await expect(stopped.answer).rejects.toThrow(UsageError);
  });
});
