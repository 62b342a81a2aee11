/** Tables of what somebody has proven who they are by, by login: what is over goes, and of one login so many are kept. */

import type { Store } from "../store.ts";

/** Makes room for one more of that login: of those that it has, the ones that end last are kept. */
export function makeRoom(
  store: Store,
  table: "person_sessions" | "sign_in_links",
  { login, most, now }: { readonly login: string; readonly most: number; readonly now: number },
): void {
  store.run(`DELETE FROM ${table} WHERE expires <= ?`, now);
  store.run(
    `DELETE FROM ${table} WHERE login = ? AND secret_hash NOT IN
       (SELECT secret_hash FROM ${table} WHERE login = ? ORDER BY expires DESC LIMIT ?)`,
    login,
    login,
    most - 1,
  );
}
