/** What the commands of `tailward admin` share: the API, the tailnet that is meant, and how they print. */

import type { Command } from "commander";
import { record, type Shape } from "../protocol/index.ts";
import { AdminClient, type AdminFlags, type Method } from "./admin-client.ts";
import type { Terminal } from "./terminal.ts";

interface Flags extends AdminFlags {
  readonly tailnet: string;
  readonly json?: 1 | false;
}

export const NOTHING = record({});

export class AdminPlace {
  readonly terminal: Terminal;
  readonly #admin: Command;
  #known: AdminClient | null = null;

  constructor(terminal: Terminal, admin: Command) {
    this.terminal = terminal;
    this.#admin = admin;
  }

  get #flags(): Flags {
    return this.#admin.opts<Flags>();
  }

  /** Made once it is needed: help asks for no token. */
  get client(): AdminClient {
    this.#known ??= new AdminClient(this.#flags, this.terminal.environment);
    return this.#known;
  }

  get tailnet(): string {
    return this.#flags.tailnet;
  }

  /** The path of something of the tailnet that is meant. */
  path(rest = "", tailnet = this.tailnet): string {
    return `/api/v2/tailnet/${encodeURIComponent(tailnet)}${rest}`;
  }

  ask<T>(method: Method, path: string, shape: Shape<T>, body: object | null = null): Promise<T> {
    return this.client.ask(method, path, shape, body);
  }

  /** Prints a value as JSON where that was asked for, and in words otherwise. */
  print<T>(value: T, words: (value: T) => string): void {
    this.terminal.out(this.#flags.json ? `${JSON.stringify(value, null, 2)}\n` : words(value));
  }
}
