/** Many nodes at once, put into a tailnet's table as registrations would have. */

import { sql } from "./control.ts";

/** Adds nodes with a signature of so many bytes each, which nobody made. */
export async function crowd(tailnet: string, count: number, signatureBytes: number): Promise<void> {
  await sql(
    tailnet,
    "UPDATE tailnet SET seq = seq + 1",
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO nodes (stable_id, machine_key, node_key, name, hostname, os, client_version, cap_version, tags, ephemeral,
       key_signature, tka_head, created, changed)
     SELECT 'c' || i, 'mkey:' || printf('%064x', i), 'nodekey:' || printf('%064x', i), 'c' || i, 'c' || i, '', '', 1, '[]', 0,
       ${signatureBytes === 0 ? "NULL" : `zeroblob(${signatureBytes})`}, '', 0, (SELECT seq FROM tailnet) FROM n`,
  );
}
