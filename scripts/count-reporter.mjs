/**
 * A vitest reporter that ends a run with one line, `N passed, N failed`. What failed outside a test (a file that does not load, an
 * unhandled rejection) counts as failed, and so does a run without tests.
 *
 * Where TAILWARD_COUNTS names a file (CI does), the line is added to it too, and a project without tests counts as failed.
 */

import { appendFileSync } from "node:fs";

function countTests(modules) {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) counts[test.result().state] += 1;
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  }
  return counts;
}

export default class CountReporter {
  #projects = [];

  onInit(vitest) {
    this.#projects = vitest.projects.map((project) => project.name);
  }

  onTestRunEnd(modules, unhandledErrors, reason) {
    const path = process.env.TAILWARD_COUNTS;
    const counts = countTests(modules);
    counts.failed += unhandledErrors.length;
    if (path) counts.failed += this.#countEmptyProjects(modules);
    const isEmpty = counts.passed + counts.failed === 0;
    if (counts.failed === 0 && (isEmpty || reason !== "passed")) counts.failed = 1;
    if (counts.failed > 0) process.exitCode = 1;
    if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
    const line = `${counts.passed} passed, ${counts.failed} failed`;
    console.log(line);
    if (path) appendFileSync(path, `${line}\n`);
  }

  #countEmptyProjects(modules) {
    const seen = new Set(modules.map((module) => module.project.name));
    const empty = this.#projects.filter((name) => !seen.has(name));
    for (const name of empty) console.log(`project ${name} ran no tests`);
    return empty.length;
  }
}
