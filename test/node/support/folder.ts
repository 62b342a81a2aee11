/** Folders for one test, removed after it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A fresh folder of this test's own, for its owner alone. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tw-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
