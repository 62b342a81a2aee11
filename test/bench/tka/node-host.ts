/** Our side in Node: node:crypto under the ports, and the agent's file under the chain. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuthority, resumeAuthority } from "../../../src/tka/index.ts";
import { FileChonk } from "../../../src/node/file-chonk.ts";
import { nodeKdf, nodeVerifier } from "../../../src/node/native-crypto.ts";
import { clock } from "../clock.ts";
import type { Fixtures } from "./fixtures.ts";
import type { Host } from "./host.ts";
import { storeChain } from "./stored-chain.ts";
import { makeSubject, type Ports, type Subject } from "./subjects.ts";

/** The chain's file read from the disk, and the chain opened. */
function opening(path: string): Ports["open"] {
  return (chain, how) => {
    rmSync(path, { force: true });
    const chonk = FileChonk.open(path);
    storeChain(chonk, chain);
    chonk.close();
    const openChain = how === "resume" ? resumeAuthority : openAuthority;
    return () => {
      const opened = FileChonk.open(path);
      openChain(opened);
      opened.close();
    };
  };
}

export function startNode(fixtures: Fixtures): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), "tailward-bench-"));
  const ports: Ports = {
    verifier: nodeVerifier,
    kdf: nodeKdf,
    open: opening(join(folder, "chain")),
  };
  const made = new Map<Subject, () => void>();
  return Promise.resolve({
    run(subject, n) {
      const once = made.get(subject) ?? makeSubject(subject, fixtures, ports);
      made.set(subject, once);
      const start = clock.own();
      for (let i = 0; i < n; i++) once();
      return Promise.resolve(clock.own() - start);
    },
    close() {
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    },
  });
}
