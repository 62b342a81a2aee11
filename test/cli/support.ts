/** A command line over a running agent and a control plane in memory. */

import { expect, onTestFinished } from "vitest";
import { runProgram, type Terminal } from "../../src/cli/index.ts";
import { LocalRoutes } from "../../src/node/local-routes.ts";
import { reserveSocket, serveLocally } from "../../src/node/local-server.ts";
import { lockSigner } from "../../src/node/native-crypto.ts";
import { formatLockKey } from "../../src/tka/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeControl, mapNode } from "../node/support/fake-control.ts";
import { testFolder } from "../node/support/folder.ts";
import { startAgent, type TestAgent } from "../node/support/test-agent.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Sitting {
  /** Told of every piece of output as it comes. */
  readonly onOut?: (text: string) => void;
  /** Who sits there to be asked. */
  readonly ask?: Terminal["ask"];
  readonly signal?: AbortSignal;
}

/** Runs `tailward` with these arguments on a state directory. */
export async function tailward(
  directory: string | null,
  args: readonly string[],
  { onOut = () => undefined, ask = null, signal = AbortSignal.timeout(10_000) }: Sitting = {},
): Promise<Ran> {
  let [out, err] = ["", ""];
  const terminal = {
    out: (text: string) => {
      out += text;
      onOut(text);
    },
    err: (text: string) => void (err += text),
    environment: { TAILWARD_STATE_DIR: directory ?? testFolder() },
    colours: false,
    ask,
    signal,
  };
  const code = await runProgram(terminal, args);
  return { code, out, err };
}

export interface Seat extends TestAgent {
  readonly control: FakeControl;
  /** `tlpub:…` of the node itself. */
  readonly ownKey: string;
  readonly run: (...args: readonly string[]) => Promise<Ran>;
}

/** An agent that has joined a tailnet of its own. */
export async function seat(): Promise<Seat> {
  const control = new FakeControl();
  const one = startAgent(control);
  control.add(mapNode(9, "self", one.store.nodeKey));
  await eventually(() => expect(one.agent.offersLock()).toBe(true));
  const server = await serveLocally(await reserveSocket(one.directory), new LocalRoutes(one.agent));
  onTestFinished(() => server.close());
  const ownKey = formatLockKey(lockSigner(one.store.state.lockKey).publicKey);
  return { ...one, control, ownKey, run: (...args) => tailward(one.directory, args) };
}

/** The same, with the lock on and this node as its only signer. */
export async function lockedSeat(): Promise<Seat> {
  const one = await seat();
  const { code, err } = await one.run("lock", "init", "--confirm", one.ownKey);
  expect(err).toBe("");
  expect(code).toBe(0);
  await eventually(() => expect(one.agent.lockStatus().NodeKeySigned).toBe(true));
  return one;
}

/** Expects a refusal: nothing printed, exit code 1, one line on standard error. */
export function expectRefusal({ code, out, err }: Ran, line: string | RegExp, exitCode = 1): void {
  expect(err).toMatch(line);
  expect(err).toMatch(/^tailward: [^\n]+\n$/);
  expect(out).toBe("");
  expect(code).toBe(exitCode);
}
