#!/usr/bin/env node
/** `tailward`, the program. */

import { writeSync } from "node:fs";
import { runProgram } from "./program.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

/** Written through at once: secrets must be on the terminal before the next step is taken. */
function writeThrough(fd: number): (text: string) => void {
  return (text) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(fd, bytes, at);
      } catch (error) {
        // A pipe that is full: whoever reads it will make room.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
    }
  };
}

process.exitCode = await runProgram(
  {
    out: writeThrough(1),
    err: writeThrough(2),
    environment: process.env,
    colours: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    signal: stop.signal,
  },
  process.argv.slice(2),
);
