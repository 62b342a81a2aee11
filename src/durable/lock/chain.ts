/** The lock as the admin API shows it beyond its standing: trusted keys, the log of a chain by the page, and the chains that are retired. */

import { aumKindText, decodeAum, encodeHex, type Aum, type AumHash } from "../../tka/index.ts";
import { keyDetail, type KeyDetail } from "./standing.ts";
import { ControlError } from "../refuse.ts";
import type { Row } from "../store.ts";
import type { Tailnet } from "../authority/tailnet.ts";

/** Bytes of AUMs on a page; one AUM is there in any case. */
const PAGE_BYTES = 4 * 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

export interface LockKey extends KeyDetail {
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of the devices whose lock key it is. */
  readonly nodes: readonly string[];
  /** Devices whose signatures rest on it. */
  readonly signed: number;
}

export interface LockKeys {
  readonly head: AumHash;
  readonly keys: readonly LockKey[];
}

/** Names of the tailnet's own devices by their lock key, in hex: another tailnet's node may say that it has anybody's. */
function holdersOf(tailnet: Tailnet): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, string[]>();
  for (const { lockKey, name } of tailnet.nodes.own()) {
    if (lockKey === null) continue;
    const key = encodeHex(lockKey);
    const names = holders.get(key);
    if (names === undefined) holders.set(key, [name]);
    else names.push(name);
  }
  return holders;
}

/** Throws `lock_not_enabled`. */
export function lockKeys(tailnet: Tailnet): LockKeys {
  const { head, state } = tailnet.lock.require().authority;
  const holders = holdersOf(tailnet);
  const keys = (state.keys ?? []).map((key) => {
    const id = key.publicKey ?? NO_BYTES;
    return {
      ...keyDetail(key),
      metadata: Object.fromEntries(key.meta ?? []),
      nodes: holders.get(encodeHex(id)) ?? [],
      signed: tailnet.nodes.countSignedBy(id),
    };
  });
  return { head, keys };
}

/** An AUM of a chain, as it is shown. */
export interface LoggedAum {
  readonly hash: AumHash;
  /** Its distance from the genesis. */
  readonly place: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly stored: number;
  /** The kind in words. */
  readonly kind: string;
  /** Empty for a genesis. */
  readonly parent: string;
  /** What it adds, null where it adds none. */
  readonly key: KeyDetail | null;
  /** The key that it removes or changes, as `tlpub:…`, or empty. */
  readonly keyId: string;
  /** Who has signed it, as `tlpub:…`. */
  readonly signers: readonly string[];
  /** Its canonical encoding. */
  readonly bytes: Uint8Array;
}

function keyText(id: Uint8Array | null): string {
  return id === null || id.length === 0 ? "" : `tlpub:${encodeHex(id)}`;
}

function logged(row: Row, bytes: Uint8Array, aum: Aum): LoggedAum {
  return {
    hash: row.text("hash") as AumHash,
    place: row.integer("place"),
    stored: row.integer("committed"),
    kind: aumKindText(aum.kind),
    parent: row.textOrNull("parent") ?? "",
    key: aum.key === null ? null : keyDetail(aum.key),
    keyId: keyText(aum.keyId),
    signers: (aum.signatures ?? []).map(({ keyId }) => keyText(keyId)),
    bytes,
  };
}

export interface LogWanted {
  /** The genesis of the chain; null for the active one. */
  readonly genesis: string | null;
  /** The place before which it begins, going back; null for the head. */
  readonly before: number | null;
  readonly limit: number;
}

export interface LogPage {
  /** The newest first. */
  readonly updates: readonly LoggedAum[];
  /** The place before which the next page begins; null where there is none. */
  readonly next: number | null;
}

/** The chain with that genesis. Throws `lock_not_enabled`, or `not_found`. */
function chainOf(tailnet: Tailnet, genesis: string | null): number {
  if (genesis === null) return tailnet.lock.require().chain;
  const row = tailnet.store.row("SELECT id FROM chains WHERE genesis = ? ORDER BY id DESC LIMIT 1", genesis);
  if (row === null) throw new ControlError("not_found", "there is no chain with that genesis", { subject: genesis });
  return row.integer("id");
}

/** A page of a chain's log, without what lost. Throws `lock_not_enabled`, or `not_found`. */
export function lockLog(tailnet: Tailnet, { genesis, before, limit }: LogWanted): LogPage {
  const chain = chainOf(tailnet, genesis);
  const rows = tailnet.store.rows(
    `SELECT hash, parent, place, committed, length(bytes) AS size FROM aums
     WHERE chain = ? AND place IS NOT NULL AND place < ? ORDER BY place DESC LIMIT ?`,
    chain,
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  );
  let size = 0;
  const shown = rows.filter((row, index) => (size += row.integer("size")) <= PAGE_BYTES || index === 0);
  const updates = shown.map((row) => {
    const found = tailnet.store.row("SELECT bytes FROM aums WHERE chain = ? AND hash = ?", chain, row.text("hash"));
    const bytes = found?.bytes("bytes") ?? NO_BYTES;
    return logged(row, bytes, decodeAum(bytes));
  });
  const last = updates.at(-1)?.place ?? 0;
  return { updates, next: last === 0 ? null : last };
}

export interface RetiredChain {
  readonly genesis: string;
  readonly head: string;
  /** AUMs on it, without what lost. */
  readonly updates: number;
  /** Milliseconds since the epoch. */
  readonly enabled: number;
  readonly retired: number;
}

/** The chains that were turned off, the last first: they are kept for nodes that have slept. */
export function retiredChains(tailnet: Tailnet): RetiredChain[] {
  return tailnet.store
    .rows(
      `SELECT genesis, head, enabled, retired,
         (SELECT COUNT(*) FROM aums WHERE chain = chains.id AND place IS NOT NULL) AS updates
       FROM chains WHERE retired IS NOT NULL ORDER BY id DESC`,
    )
    .map((row) => ({
      genesis: row.text("genesis"),
      head: row.textOrNull("head") ?? "",
      updates: row.integer("updates"),
      enabled: row.integer("enabled"),
      retired: row.integer("retired"),
    }));
}
