/**
 * Memory of the Worker's isolate, asked of workerd's inspector. All objects of a class share an isolate, on Cloudflare too, and its limit of 128 MB;
 * here the Worker and all three classes are in one, so what is measured is more than any object can hold.
 */

import WebSocket from "ws";
import type { Control } from "./control.ts";

/** The limit of an isolate, and so of an object. */
export const OBJECT_LIMIT_BYTES = 128 * 1024 * 1024;

const LOOK_MS = 1000;

interface Usage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
}

interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl: string;
}

async function targetOf(inspectorPort: number): Promise<Target> {
  const response = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
  const targets = (await response.json()) as Target[];
  const target = targets.find(({ id }) => id.includes("tailward"));
  if (target === undefined) throw new Error("workerd's inspector does not list the Worker");
  return target;
}

/** Bytes in use on the isolate's heap and beside it, garbage that was not yet collected included. */
export async function heapBytes(inspectorPort: number): Promise<number> {
  const { webSocketDebuggerUrl } = await targetOf(inspectorPort);
  const socket = new WebSocket(webSocketDebuggerUrl, { perMessageDeflate: false });
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once("open", () => socket.send(JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" })));
      socket.once("message", (data) => resolve((data as Buffer).toString()));
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the inspector closed")));
    });
    const { usedSize, backingStorageSize = 0 } = (JSON.parse(answer) as { result: Usage }).result;
    return usedSize + backingStorageSize;
  } finally {
    socket.terminate();
  }
}

/** The most that was in use whenever it was looked at. */
export class MemoryWatch {
  readonly #control: Control;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Bytes of the isolate; 0 where it was never seen. */
  peakHeap = 0;
  /** Bytes of the whole process, its native memory included. */
  peakResident = 0;

  constructor(control: Control) {
    this.#control = control;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  /** Looks now. A process that is not there now is not looked at. */
  async look(): Promise<void> {
    this.peakResident = Math.max(this.peakResident, this.#control.residentBytes() ?? 0);
    this.peakHeap = Math.max(this.peakHeap, await heapBytes(this.#control.inspectorPort).catch(() => 0));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
