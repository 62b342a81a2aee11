/**
 * A vitest reporter that ends a run with one line, `N passed, N failed`. What failed outside a test (a file that does not load, an
 * unhandled rejection) counts as failed, and so does a run without tests.
 *
 * Where TAILWARD_COUNTS names a file (CI does), the line is added to it too, and a project without tests counts as failed. What failed, and the first
 * line of why, is added to the file that TAILWARD_FAILURES names.
 */

import { appendFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

function countTests(modules) {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const module of modules) {
    for (const test of module.children.allTests()) counts[test.result().state] += 1;
    counts.failed += module.errors().length;
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
  }
  return counts;
}

/** Lines that say what failed, and under each the first line of every error. */
function failuresIn(modules, unhandledErrors, empty) {
  const told = [];
  const tell = (what, errors) => {
    const first = errors.map(
      ({ message = "no message" }) => `  ${stripVTControlCharacters(message).split("\n", 1)[0]}`,
    );
    told.push(what, ...first);
  };
  for (const module of modules) {
    const name = `|${module.project.name}| ${module.relativeModuleId}`;
    if (module.errors().length > 0) tell(name, module.errors());
    for (const suite of module.children.allSuites())
      if (suite.errors().length > 0) tell(`${name} > ${suite.fullName}`, suite.errors());
    for (const test of module.children.allTests("failed")) tell(`${name} > ${test.fullName}`, test.result().errors);
  }
  if (unhandledErrors.length > 0) tell("outside of tests", unhandledErrors);
  for (const name of empty) tell(`project ${name} ran no tests`, []);
  return told;
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
    const emptyProjects = path ? this.#emptyProjects(modules) : [];
    counts.failed += emptyProjects.length;
    const isEmpty = counts.passed + counts.failed === 0;
    if (counts.failed === 0 && (isEmpty || reason !== "passed")) counts.failed = 1;
    if (counts.failed > 0) process.exitCode = 1;
    if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
    const line = `${counts.passed} passed, ${counts.failed} failed`;
    console.log(line);
    if (path) appendFileSync(path, `${line}\n`);
    const failures = failuresIn(modules, unhandledErrors, emptyProjects);
    if (process.env.TAILWARD_FAILURES && failures.length > 0)
      appendFileSync(process.env.TAILWARD_FAILURES, `${failures.join("\n")}\n`);
  }

  #emptyProjects(modules) {
    const seen = new Set(modules.map((module) => module.project.name));
    const empty = this.#projects.filter((name) => !seen.has(name));
    for (const name of empty) console.log(`project ${name} ran no tests`);
    return empty;
  }
}
