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
  /** Gives the cable another address, as when a laptop is carried to another network. Namespaces only. */
  move(): void;
  /** The command, run there. */
  at(command: readonly string[]): string[];
  close(): void;
}

/** Runs lines of `ip`, in a namespace where one is named. */
function ip(lines: readonly string[], namespace: string | null = null): void {
  const where = namespace === null ? [] : ["-n", namespace];
  execFileSync("ip", [...where, "-batch", "-"], { input: lines.join("\n"), stdio: ["pipe", "pipe", "pipe"] });
}

function loopbackPlace(address: string): Place {
  const move = (): never => {
    throw new Error("without namespaces, no client has an address of its own to change");
  };
  return { address, move, at: (command) => [...command], close: () => {} };
}

export class Network {
  readonly mode: Mode;
  /** Where control plane, relay and bridge are, as clients see them. */
  readonly hub: string;
  /** A folder that goes away with the namespaces. Short: a socket's path has at most 107 bytes. */
  readonly folder: string;
  #places = 0;
  #addresses = 0;

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
    ip(["link set lo up", "link add hub type bridge", `addr add ${HUB}/${MASK} dev hub`, "link set hub up"]);
    return new Network("namespaces", HUB, "/run/plays");
  }

  static openLoopback(folder: string): Network {
    return new Network("userspace", "127.0.0.1", folder);
  }

  #freeAddress(): string {
    const number = ++this.#addresses;
    return `10.77.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
  }

  /** A place for one client. */
  place(): Place {
    if (this.mode === "userspace") return loopbackPlace(this.hub);
    const name = `n${++this.#places}`;
    let address = this.#freeAddress();
    ip([
      `netns add ${name}`,
      `link add ${name} type veth peer name eth0 netns ${name}`,
      `link set ${name} master hub up`,
    ]);
    // No address that comes by itself a second later: a client takes that for another network, and drops its connections.
    const cable = ["link set eth0 addrgenmode none", `addr add ${address}/${MASK} dev eth0`, "link set eth0 up"];
    ip(["link set lo up", ...cable], name);
    return {
      get address() {
        return address;
      },
      move: () => {
        const next = this.#freeAddress();
        ip([`addr del ${address}/${MASK} dev eth0`, `addr add ${next}/${MASK} dev eth0`], name);
        address = next;
      },
      at: (command) => ["nsenter", `--net=/run/netns/${name}`, ...command],
      close: () => ip([`netns del ${name}`]),
    };
  }
}
