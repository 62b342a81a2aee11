/** Our own control plane as the plays use it: the Worker by `wrangler dev`, its raw TCP handler on the hub, and a bridge beside it. */

import { join } from "node:path";
import { ControlPlane, ROOT, type Tailnet } from "../e2e/control-plane.ts";
import { freePort } from "../support/free-port.ts";
import { newControlKey } from "../../scripts/control-key.mjs";
import { writeLocalConfig } from "../../scripts/local-config.mjs";
import { Background } from "./children.ts";
import type { AuthKey, Control, Device } from "./control.ts";
import type { Network } from "./network.ts";
import { logged, startRelay, type KeyOptions, type Way, type World } from "./world.ts";

const CLI = join(ROOT, "src", "cli", "main.ts");

class TailwardControl implements Control {
  readonly #plane: ControlPlane;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  get url(): string {
    return this.#plane.url;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#plane.environment;
  }

  createTailnet(name: string): Promise<Tailnet> {
    return this.#plane.createTailnet(name);
  }

  createAuthKey({ id }: Tailnet, options: KeyOptions = {}): Promise<AuthKey> {
    const { reusable = true, ephemeral = false, preauthorized = true, tags = [], expirySeconds = 3600 } = options;
    const capabilities = { devices: { create: { reusable, ephemeral, preauthorized, tags } } };
    const body = { capabilities, expirySeconds, description: "play" };
    return this.#plane.call("POST", `/api/v2/tailnet/${id}/keys`, body);
  }

  async revokeAuthKey({ id }: Tailnet, keyId: string): Promise<void> {
    await this.#plane.call("DELETE", `/api/v2/tailnet/${id}/keys/${keyId}`);
  }

  async devices({ id }: Tailnet): Promise<readonly Device[]> {
    return (await this.#plane.call<{ devices: Device[] }>("GET", `/api/v2/tailnet/${id}/devices`)).devices;
  }

  call<T>(method: string, path: string, body?: object | string, token?: string): Promise<T> {
    return this.#plane.call(method, path, body, token);
  }

  approveLogin(tailnet: Tailnet, url: string): Promise<void> {
    return this.#plane.approveLogin(tailnet, url);
  }

  crashAndRestart(): Promise<void> {
    return this.#plane.crashAndRestart();
  }

  close(): Promise<void> {
    return this.#plane.stop();
  }
}

/** `tailward bridge` on the hub, which can be killed and started again at the same address. */
export class Bridge {
  readonly url: string;
  readonly #command: readonly string[];
  readonly #log: string;
  #starts = 0;
  #process: Background | null = null;

  constructor(network: Network, port: number, control: string, publicKey: string) {
    this.url = `http://${network.hub}:${port}`;
    const listen = ["--listen", `${network.hub}:${port}`];
    this.#command = [process.execPath, CLI, "bridge", "--url", control, "--control-key", publicKey, ...listen];
    this.#log = join(network.folder, `bridge-${port}`);
  }

  async start(): Promise<void> {
    const log = `${this.#log}-${++this.#starts}`;
    this.#process = new Background(this.#command, log);
    await logged(this.#process, log, "listens");
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }
}

/** The public key by which clients know the control plane. */
async function controlKeyOf(url: string): Promise<string> {
  const answer = await fetch(new URL("/key?v=148", url));
  return ((await answer.json()) as { publicKey: string }).publicKey;
}

/** Starts all of it. `main` is another entry than the product's own, or null. */
export async function openTailward(network: Network, main: string | null = null): Promise<World> {
  const ports = { derp: await freePort(), stun: await freePort() };
  const { relay, map } = await startRelay(network, ports);
  const raw = await freePort();
  const name = main === null ? "worker" : "hostile";
  const config = join(network.folder, name, "wrangler.toml");
  writeLocalConfig(config, { port: raw, address: network.hub }, main);
  const variables = { CONTROL_NOISE_KEY: newControlKey(), DERP_MAP: JSON.stringify(map) };
  const log = join(network.folder, `${name}.log`);
  const plane = await ControlPlane.start(join(network.folder, `${name}-data`), variables, { config, log });
  const control = new TailwardControl(plane);
  const publicKey = await controlKeyOf(control.url);
  const bridge = new Bridge(network, await freePort(), control.url, publicKey);
  await bridge.start();
  const ways: Way[] = [
    { name: "tcp", url: `http://${network.hub}:${raw}` },
    { name: "bridge", url: bridge.url },
  ];
  return {
    network,
    control,
    ways,
    bridge,
    close: async () => {
      await Promise.all([control.close(), relay.kill(), bridge.kill()]);
    },
  };
}
