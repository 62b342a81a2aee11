/**
 * The network of the plays: a hub that holds the control plane, the relay and the bridge, and for each client a namespace of its own on a cable
 * to the hub's bridge, with no way out. Where there is no root or no TUN, all are on the machine's loopback, and clients bring their own
 * network stack.
 *
 * Everything here lives in namespaces that this process was started in: when it ends, however it ends, the kernel takes them all away.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

export type Mode = "namespaces" | "userspace";

const HUB = "10.77.0.1";
const MASK = 16;

export interface Place {
  /** The address of its cable. */
  readonly address: string;
  /** The command, run there. */
  at(command: readonly string[]): string[];
  close(): void;
}

function ip(...lines: readonly string[]): void {
  execFileSync("ip", ["-batch", "-"], { input: lines.join("\n"), stdio: ["pipe", "pipe", "pipe"] });
}

export class Network {
  readonly mode: Mode;
  /** Where control plane, relay and bridge are, as clients see them. */
  readonly hub: string;
  /** A folder that goes away with the namespaces. Short: a socket's path has at most 107 bytes. */
  readonly folder: string;
  #places = 0;

  private constructor(mode: Mode, hub: string, folder: string) {
    this.mode = mode;
    this.hub = hub;
    this.folder = folder;
  }

  /** In namespaces of this process's own. `/run` becomes a folder of theirs, so that no client finds a service of the machine. */
  static openNamespaces(): Network {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/run"]);
    mkdirSync("/run/netns");
    mkdirSync("/run/plays");
    ip("link set lo up", "link add hub type bridge", `addr add ${HUB}/${MASK} dev hub`, "link set hub up");
    return new Network("namespaces", HUB, "/run/plays");
  }

  static openLoopback(folder: string): Network {
    return new Network("userspace", "127.0.0.1", folder);
  }

  /** A place for one client. */
  place(): Place {
    const number = ++this.#places;
    if (this.mode === "userspace") return { address: this.hub, at: (command) => [...command], close: () => {} };
    const name = `n${number}`;
    const address = `10.77.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
    ip(
      `netns add ${name}`,
      `link add ${name} type veth peer name eth0 netns ${name}`,
      `link set ${name} master hub up`,
    );
    execFileSync("ip", ["-n", name, "-batch", "-"], {
      // No address that comes by itself a second later: a client takes that for another network, and drops its connections.
      input: `link set lo up\nlink set eth0 addrgenmode none\naddr add ${address}/${MASK} dev eth0\nlink set eth0 up\n`,
    });
    return {
      address,
      at: (command) => ["nsenter", `--net=/run/netns/${name}`, ...command],
      close: () => ip(`netns del ${name}`),
    };
  }
}
