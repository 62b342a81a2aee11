/** A control plane as the plays use it: what an admin does with it, and how it ends and comes back. */

import type { Tailnet } from "../e2e/control-plane.ts";
import type { KeyOptions } from "./world.ts";

export interface AuthKey {
  readonly id: string;
  readonly key: string;
}

/** The parts of the admin API's device that the plays look at. */
export interface Device {
  readonly id: string;
  readonly hostname: string;
  readonly name: string;
  readonly nodeKey: string;
  readonly tags: readonly string[];
  readonly authorized: boolean;
  readonly expired: boolean;
}

export interface Control {
  readonly url: string;
  createTailnet(name: string): Promise<Tailnet>;
  createAuthKey(tailnet: Tailnet, options?: KeyOptions): Promise<AuthKey>;
  revokeAuthKey(tailnet: Tailnet, id: string): Promise<void>;
  devices(tailnet: Tailnet): Promise<readonly Device[]>;
  /** Any other call of the admin API, as the operator or by another token. */
  call<T>(method: string, path: string, body?: object | string, token?: string): Promise<T>;
  /** Lets the node in that waits at this address. */
  approveLogin(tailnet: Tailnet, url: string): Promise<void>;
  /** Ends at once, as by a crash, and comes back at the same address with the same data. */
  crashAndRestart(): Promise<void>;
  close(): Promise<void>;
}
