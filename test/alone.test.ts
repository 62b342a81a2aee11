/** `npm start` is alone on its data. */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { takeAlone } from "../scripts/alone.mjs";

const folders: string[] = [];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tailward-alone-"));
  folders.push(path);
  return path;
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

describe("a data folder", () => {
  test("is taken, given back, and taken again", () => {
    const data = join(folder(), "not/yet/there");
    const giveBack = takeAlone(data);
    giveBack();
    expect(existsSync(join(data, "tailward.pid"))).toBe(false);
    takeAlone(data)();
  });

  test("that another start has is refused, naming it and the way out", () => {
    const data = folder();
    const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)", "start.mjs"]);
    try {
      writeFileSync(join(data, "tailward.pid"), `${other.pid}\n`);
      expect(() => takeAlone(data)).toThrow(
        new RegExp(`already \\(process ${other.pid}\\): stop that one first, or give another folder by --persist-to`),
      );
    } finally {
      other.kill();
    }
  });

  const stale = ["999999999\n", "", "nonsense", "0", "-1"];
  test.each(process.platform === "linux" ? [...stale, "1\n"] : stale)("is free where its file says %j", (contents) => {
    const data = folder();
    writeFileSync(join(data, "tailward.pid"), contents);
    takeAlone(data)();
  });
});
