#!/usr/bin/env node
/** `tailward`, the program. */

import { writeSync } from "node:fs";
import { ask } from "./ask.ts";
import { runProgram } from "./program.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

/** 128 and the number of SIGPIPE: what a shell sees of other programs whose reader has gone. */
const READER_GONE = 141;

/**
 * Written through at once: secrets must be on the terminal before the next step is taken. Where nobody reads standard output any more, the
 * program ends without a word, as it would by SIGPIPE; the agent goes on without its log.
 */
function writeThrough(fd: 1 | 2): (text: string) => void {
  return (text) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(fd, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE" && fd === 1) process.exit(READER_GONE);
        if (code === "EPIPE") return;
        // A pipe that is full: whoever reads it will make room.
        if (code !== "EAGAIN") throw error;
      }
    }
  };
}

const line = { input: process.stdin, output: process.stdout, signal: stop.signal, terminal: true };

process.exitCode = await runProgram(
  {
    out: writeThrough(1),
    err: writeThrough(2),
    environment: process.env,
    colours: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    ask: process.stdin.isTTY && process.stdout.isTTY ? (question) => ask(line, question) : null,
    signal: stop.signal,
  },
  process.argv.slice(2),
);
