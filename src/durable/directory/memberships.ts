/** Which tailnets a person may be in, in the bucket of their login. It says where to ask, and decides nothing: the authority says yes or no. */

import { loginName } from "../../protocol/index.ts";
import type { Store } from "../store.ts";

/** Tailnets of one person that are looked at. */
const MOST = 100;

export class Memberships {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  add(login: string, tailnet: string): void {
    this.#store.run("INSERT OR IGNORE INTO memberships (login, tailnet) VALUES (?, ?)", loginName(login), tailnet);
  }

  remove(login: string, tailnet: string): void {
    this.#store.run("DELETE FROM memberships WHERE login = ? AND tailnet = ?", loginName(login), tailnet);
  }

  /** IDs of tailnets, in order. */
  of(login: string): string[] {
    return this.#store
      .rows("SELECT tailnet FROM memberships WHERE login = ? ORDER BY tailnet LIMIT ?", loginName(login), MOST)
      .map((row) => row.text("tailnet"));
  }
}
