/** The chain and the signatures that the demo leaves in the tailnet's object, opened and verified by Go. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Oracle, isOk, type Answer, type OracleVersion } from "./oracle-client.ts";

interface Kept {
  readonly head: string;
  readonly aums: readonly string[];
  readonly nodes: readonly { readonly nodeKey: string; readonly signature: string }[];
}

const folder = mkdtempSync(join(tmpdir(), "tailward-kept-"));
let kept: Kept;

beforeAll(() => {
  const demo = spawnSync(process.execPath, ["test/e2e/demo.ts", "--keep", folder], { encoding: "utf8" });
  if (demo.status !== 0) throw new Error(`the demo failed:\n${demo.stdout}\n${demo.stderr}`);
  kept = JSON.parse(readFileSync(join(folder, "demo.json"), "utf8")) as Kept;
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function okOf(answer: Answer | undefined): unknown {
  return answer !== undefined && isOk(answer) ? answer.ok : answer;
}

describe.each<OracleVersion>(["v1.104", "v1.102"])("what the demo left, by Go's %s", (version) => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(version);
  });
  afterAll(() => oracle.close());

  async function opened(...steps: readonly object[]): Promise<readonly Answer[]> {
    const [genesis, ...later] = kept.aums;
    const begin = [
      { do: "bootstrap", node: "n", aum: genesis },
      { do: "inform", node: "n", aums: later },
    ];
    const answers = await oracle.play([...begin, ...steps]);
    for (const answer of answers.slice(0, begin.length)) expect(answer).toHaveProperty("ok");
    return answers.slice(begin.length);
  }

  test("the chain leads Go to the head at which all five nodes stand", async () => {
    const [head] = await opened({ do: "head", node: "n" });
    expect(okOf(head)).toMatchObject({ head: kept.head, keys: [{ kind: 1 }, { kind: 1 }, { kind: 1 }] });
  });

  test("every node's signature lets its node key in, and no other's", async () => {
    expect(kept.nodes).toHaveLength(5);
    const steps = kept.nodes.map(({ nodeKey, signature }) => ({
      do: "authorized",
      node: "n",
      nodeKey,
      sig: signature,
    }));
    for (const answer of await opened(...steps)) expect(answer).toHaveProperty("ok");
    const [first, second] = kept.nodes;
    const [swapped] = await opened({ do: "authorized", node: "n", nodeKey: first?.nodeKey, sig: second?.signature });
    expect(swapped).toHaveProperty("error");
  });
});
