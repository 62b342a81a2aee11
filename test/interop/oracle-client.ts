// The tests' end of the oracle: one child process, asked in JSON lines and answering in
// order, so that a batch may be written at once. The child ends with us: it stops at the end
// of its input, which the system closes for us however we die.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";

import type { Answer, OkAnswer, PlayAnswer, VersionAnswer } from "./oracle-types.ts";

export type * from "./oracle-types.ts";

/** Which of Tailscale's modules is asked: v1.104.5, the judge, or v1.102.5. */
export type OracleVersion = "v1.104" | "v1.102";

/** One question; the body's fields stand beside `op` on the wire. */
export interface Question {
  readonly op: string;
  readonly body: object;
}

/** What the oracle answers when Go returned an error, panicked, or the process is gone (`exit`). */
export class OracleError extends Error {
  override readonly name = "OracleError";
  readonly kind: "error" | "panic" | "exit";

  constructor(kind: "error" | "panic" | "exit", message: string) {
    super(message);
    this.kind = kind;
  }
}

interface Pending {
  readonly id: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: OracleError) => void;
}

type WireAnswer = Answer & { readonly id: number | null; readonly ns: number };

const binaries: Readonly<Record<OracleVersion, string>> = { "v1.104": "oracle", "v1.102": "oracle-v1.102" };

export class Oracle {
  /** Nanoseconds that Go spent in the operations asked for so far. */
  nsSpent = 0n;

  readonly #child: ChildProcessWithoutNullStreams;
  readonly #pending: Pending[] = [];
  #partial: Buffer[] = [];
  #nextId = 1;
  #gone: OracleError | null = null;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#receive(chunk);
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(0, 4000);
    });
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => {
      this.#fail(`cannot run: ${error.message}`);
    });
    child.on("close", (code, signal) => {
      this.#fail(`exited (${String(signal ?? code)}) ${stderr}`);
    });
    this.#keepAlive(false);
  }

  /** Starts a built oracle and checks that it answers. Built by `node test/interop/build.mjs`. */
  static async start(version: OracleVersion = "v1.104"): Promise<Oracle> {
    const suffix = process.platform === "win32" ? ".exe" : "";
    const path = fileURLToPath(new URL(`./.bin/${binaries[version]}${suffix}`, import.meta.url));
    if (!existsSync(path)) throw new OracleError("exit", "the oracle is not built: run node test/interop/build.mjs");
    const oracle = new Oracle(spawn(path, [], { stdio: ["pipe", "pipe", "pipe"] }));
    const { module } = await oracle.ask<VersionAnswer>("version", {});
    if (!module.startsWith(`${version}.`)) throw new OracleError("exit", `asked for ${version}, got ${module}`);
    return oracle;
  }

  /** Asks one question. Throws an OracleError for Go's error or panic. */
  async ask<T>(op: string, body: object): Promise<T> {
    const [answer] = await this.askAll([{ op, body }]);
    return unwrap(answer as Answer<T>);
  }

  /** Asks many at once; the answers come in the questions' order, Go's errors and panics among them. */
  async askAll(batch: readonly Question[]): Promise<Answer[]> {
    if (this.#gone !== null) throw this.#gone;
    if (batch.length === 0) return [];
    const lines: string[] = [];
    const answers = batch.map(({ op, body }) => {
      const id = this.#nextId++;
      lines.push(JSON.stringify({ ...body, id, op }));
      return new Promise<Answer>((resolve, reject) => {
        this.#pending.push({ id, resolve, reject });
      });
    });
    this.#keepAlive(true);
    this.#child.stdin.write(lines.join("\n") + "\n");
    return Promise.all(answers);
  }

  /** Runs a play and gives its steps' results, one for each step. */
  async play(steps: readonly object[]): Promise<readonly Answer[]> {
    return (await this.ask<PlayAnswer>("play", { steps })).steps;
  }

  /** Ends the process; questions still open fail. */
  close(): void {
    this.#fail("closed");
    this.#child.stdin.end();
    this.#child.kill();
  }

  #receive(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#partial.push(chunk.subarray(start, end));
      const line = this.#partial.length === 1 ? this.#partial[0] : Buffer.concat(this.#partial);
      this.#partial = [];
      start = end + 1;
      if (line !== undefined) this.#answer(line.toString("utf8"));
    }
    if (start < chunk.length) this.#partial.push(chunk.subarray(start));
  }

  #answer(line: string): void {
    const { id, ns, ...answer } = JSON.parse(line) as WireAnswer;
    const pending = this.#pending.shift();
    if (pending?.id !== id) {
      this.#fail(`answered out of turn: ${line.slice(0, 200)}`);
      pending?.reject(this.#gone ?? new OracleError("exit", "answered out of turn"));
      return;
    }
    this.nsSpent += BigInt(ns);
    if (this.#pending.length === 0) this.#keepAlive(false);
    pending.resolve(answer);
  }

  #fail(why: string): void {
    this.#gone ??= new OracleError("exit", `the oracle ${why}`.trim());
    for (const { reject } of this.#pending.splice(0)) reject(this.#gone);
  }

  /** An idle oracle does not keep the program from ending; an open question does. */
  #keepAlive(on: boolean): void {
    const handles = [
      this.#child,
      ...[this.#child.stdout, this.#child.stderr, this.#child.stdin].map((s) => s as Socket),
    ];
    for (const handle of handles) {
      if (on) handle.ref();
      else handle.unref();
    }
  }
}

/** Go's answer, or an OracleError thrown. */
export function unwrap<T>(answer: Answer<T> | undefined): T {
  if (answer === undefined) throw new OracleError("exit", "no such answer");
  if (isOk(answer)) return answer.ok;
  if ("error" in answer) throw new OracleError("error", answer.error);
  throw new OracleError("panic", answer.panic);
}

export function isOk<T>(answer: Answer<T>): answer is OkAnswer<T> {
  return "ok" in answer;
}

/** Bytes as they travel: null is nil, empty is "". */
export function toBase64(bytes: Uint8Array): string;
export function toBase64(bytes: Uint8Array | null): string | null;
export function toBase64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer>;
export function fromBase64(text: string | null): Uint8Array<ArrayBuffer> | null;
export function fromBase64(text: string | null): Uint8Array<ArrayBuffer> | null {
  return text === null ? null : new Uint8Array(Buffer.from(text, "base64"));
}
