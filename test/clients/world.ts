/** All that the runs share: the network, the relay, the control plane, and the ways that lead to it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tailnet } from "../e2e/control-plane.ts";
import { HELPER } from "./build.ts";
import { Background } from "./children.ts";
import type { Control } from "./control.ts";
import { derpMap, type RelayPorts } from "./derp-map.ts";
import type { Network } from "./network.ts";

export interface KeyOptions {
  readonly reusable?: boolean;
  readonly ephemeral?: boolean;
  readonly preauthorized?: boolean;
  readonly tags?: readonly string[];
  readonly expirySeconds?: number;
}

/** A login server that leads to the control plane. */
export interface Way {
  readonly name: "bridge" | "tcp";
  readonly url: string;
}

/** What leads to the control plane, and can fail and come back. */
export interface Restartable {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
}

export interface World {
  readonly network: Network;
  readonly control: Control;
  readonly ways: readonly Way[];
  readonly bridge: Restartable;
  close(): Promise<void>;
}

export type { Tailnet };

/** Starts the relay, and gives the DERP map that leads to it. */
export async function startRelay(network: Network, ports: RelayPorts): Promise<{ relay: Background; map: object }> {
  const log = join(network.folder, "relay.log");
  const relay = new Background([HELPER, "relay", network.hub, String(ports.derp), String(ports.stun)], log);
  await logged(relay, log, "ready");
  return { relay, map: derpMap(network.hub, ports) };
}

const PATIENCE_MS = 20_000;

/** Waits until a background process has written this to its log. */
export async function logged(process: Background, log: string, word: string): Promise<void> {
  const started = performance.now();
  while (!readFileSync(log, "utf8").includes(word)) {
    if (!process.isRunning || performance.now() - started > PATIENCE_MS)
      throw new Error(`a process did not say "${word}":\n${readFileSync(log, "utf8").slice(-3000)}`);
    await sleep(50);
  }
}
