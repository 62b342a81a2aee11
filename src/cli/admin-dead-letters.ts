/** `tailward admin dead-letter …`: messages that a queue gave up on. Nothing is lost by them; sending them again is quicker than waiting. */

import type { Command } from "commander";
import { printable } from "../node/index.ts";
import { integer, list, record, text, withDefault } from "../protocol/index.ts";
import type { AdminPlace } from "./admin-place.ts";
import { columns } from "./columns.ts";
import { UsageError } from "./usage-error.ts";

const PATH = "/api/v2/tailward/dead-letters";
const letter = record({ id: text, queue: text, tailnet: withDefault(text, ""), died: text });
const letters = record({ deadLetters: list(letter, 1000) });

export function addDeadLetters(admin: Command, place: AdminPlace): void {
  const group = admin.command("dead-letter").description("see and send again what the queues gave up on");
  group
    .command("list")
    .description("list them, the oldest first")
    .action(async () => {
      place.print((await place.ask("GET", PATH, letters)).deadLetters, (all) =>
        all.length === 0
          ? "No dead letters.\n"
          : columns(all.map(({ id, queue, died }) => [printable(id), printable(queue), printable(died)])),
      );
    });
  group
    .command("replay [ids...]")
    .description("send those with these IDs again, or the oldest hundred")
    .action(async (ids: readonly string[]) => {
      const body = ids.length === 0 ? {} : { ids };
      const done = await place.ask("POST", `${PATH}/replay`, record({ replayed: integer }), body);
      if (done.replayed < ids.length)
        throw new UsageError(
          `${done.replayed} sent again; the others are not there: tailward admin dead-letter list shows them`,
        );
      place.print(done, ({ replayed }) => `${replayed} sent again.\n`);
    });
}
