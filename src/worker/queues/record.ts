/**
 * The consumer of `tailward-record`: asks a tailnet's object what its messages mean, writes that to D1, and acknowledges. Where it dies in
 * between, it all comes again, and changes nothing.
 */

import type { RecordedNews } from "../../durable/index.ts";
import type { WorkerEnv } from "../env.ts";
import { authorityOf } from "../objects.ts";
import { eachGroup, type Group } from "./batch.ts";
import { valueOf } from "../outcome.ts";
import { writeNews } from "../record/writes.ts";

async function write(env: WorkerEnv, { tailnet, epoch, seqs }: Group): Promise<void> {
  const authority = authorityOf(env, tailnet);
  for (let after: number | null = -1; after !== null;) {
    const news: RecordedNews = valueOf(await authority.newsAt(seqs, after));
    // The tailnet's history is another by now: what the message points at is not part of it.
    if (news.tailnet.epoch !== epoch) return;
    await writeNews(env.RECORD, news);
    after = news.next;
  }
  valueOf(await authority.acknowledge("record", epoch, seqs));
}

export function consumeRecord(batch: MessageBatch, env: WorkerEnv): Promise<void> {
  return eachGroup(batch, (group) => write(env, group));
}
