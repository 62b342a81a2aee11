/**
 * The disablement KDF in workerd: Argon2i of the reference C code, compiled to WebAssembly (@phi-ag/argon2). Its own wrapper takes texts
 * only, and a disablement secret is bytes: so the module's exports are called here.
 */

import module from "@phi-ag/argon2/argon2.wasm";
import { DISABLEMENT_KDF, type DisablementKdf } from "../../tka/index.ts";

interface Argon2Exports {
  readonly memory: WebAssembly.Memory;
  readonly _initialize: () => void;
  readonly malloc: (length: number) => number;
  readonly argon2_hash: (
    passes: number,
    memory: number,
    lanes: number,
    password: number,
    passwordLength: number,
    salt: number,
    saltLength: number,
    out: number,
    outLength: number,
    encoded: number,
    encodedLength: number,
    type: number,
    version: number,
  ) => number;
}

const ARGON2_I = 1;
const VERSION = 0x13;

/** Synchronous, some 60 ms. A fresh instance each time: its memory, and the secret in it, go with it. */
export const disablementKdf: DisablementKdf = (secret) => {
  const wasm = new WebAssembly.Instance(module).exports as unknown as Argon2Exports;
  wasm._initialize();
  const { salt, passes, memory, lanes, length } = DISABLEMENT_KDF;
  const secretAt = wasm.malloc(Math.max(secret.length, 1));
  const saltAt = wasm.malloc(salt.length);
  const outAt = wasm.malloc(length);
  new Uint8Array(wasm.memory.buffer).set(secret, secretAt);
  new Uint8Array(wasm.memory.buffer).set(salt, saltAt);
  const status = wasm.argon2_hash(
    passes,
    memory,
    lanes,
    secretAt,
    secret.length,
    saltAt,
    salt.length,
    outAt,
    length,
    0,
    0,
    ARGON2_I,
    VERSION,
  );
  if (status !== 0) throw new Error(`argon2 failed with status ${status}`);
  return new Uint8Array(wasm.memory.buffer).slice(outAt, outAt + length);
};
