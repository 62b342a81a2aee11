/**
 * Tells sessions objects that a tailnet has moved on. The authority does it after a commit, to hurry; the Queue's consumer does the same again, to be
 * sure. Either suffices; where a shard is there already, it does nothing.
 */

import type { ObjectsEnv } from "../env.ts";

/** How far a sessions object has come with a tailnet. */
export interface Advanced {
  /** The seq that all of its sessions have been told of, slow readers aside; where it has none, the one that it was told. */
  readonly seq: number;
  /** Sessions of the tailnet that it holds. */
  readonly sessions: number;
}

/** Tells one object, of presence too where it is given. Rejects where it cannot be reached, or cannot reach the authority. */
export function advanceShard(
  env: ObjectsEnv,
  shard: string,
  tailnet: string,
  seq: number,
  presence = 0,
): Promise<Advanced> {
  return env.NODE_SESSIONS.get(env.NODE_SESSIONS.idFromName(shard)).advance(tailnet, seq, presence);
}

/** Tells all objects that hold sessions of the tailnet. Rejects where one of them could not be told. Gives the seq that all have reached. */
export async function advanceSessions(env: ObjectsEnv, tailnet: string, seq: number): Promise<number> {
  const authority = env.TAILNET_AUTHORITY.get(env.TAILNET_AUTHORITY.idFromName(tailnet));
  const told = await authority.sessionShards();
  if (!told.ok) throw new Error(told.error.message);
  // A number of an earlier history may be past all that there is: there is then nothing to tell.
  const reachable = Math.min(seq, told.value.seq);
  const reached = await Promise.all(told.value.shards.map((shard) => advanceShard(env, shard, tailnet, reachable)));
  return reached.every((advanced) => advanced.seq >= reachable) ? seq : Math.min(...reached.map(({ seq: at }) => at));
}
