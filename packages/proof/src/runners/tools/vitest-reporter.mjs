// Reports a run of Vitest, from Vitest's own process when the run is over.

import { openReport, reportedPath } from "./report-file.cjs";

const OUTCOMES = { passed: "passed", failed: "failed", pass: "passed", fail: "failed" };

export default class VitestReporter {
  #report = openReport("vitest");

  /** Vitest 3 and later. */
  onTestRunEnd(modules, unhandledErrors, reason) {
    const report = this.#take();
    if (report === undefined) return;
    for (const testModule of modules) {
      const where = reportedPath(testModule.moduleId);
      if (testModule.errors().length > 0 || !isRun(testModule.state())) report.error([where]);
      for (const suite of testModule.children.allSuites()) {
        if (suite.errors().length > 0) report.error([where, ...namesOf(suite)]);
      }
      for (const test of testModule.children.allTests()) {
        report.test([where, ...namesOf(test)], OUTCOMES[test.result().state] ?? "skipped");
      }
    }
    if (unhandledErrors.length > 0) report.error(["unhandled error"]);
    if (reason !== "interrupted") report.end();
  }

  /** Vitest up to 2. */
  onFinished(files, unhandledErrors) {
    const report = this.#take();
    if (report === undefined) return;
    for (const file of files) addTask(report, file, [reportedPath(file.filepath)]);
    if (unhandledErrors.length > 0) report.error(["unhandled error"]);
    report.end();
  }

  /** A run is reported once, also by a version that calls both. */
  #take() {
    const report = this.#report;
    this.#report = undefined;
    return report;
  }
}

function isRun(state) {
  return state === "passed" || state === "failed" || state === "skipped";
}

function namesOf(task) {
  const names = [];
  for (let one = task; one !== undefined && one.type !== "module"; one = one.parent) names.unshift(one.name);
  return names;
}

function addTask(report, task, names) {
  if (task.tasks === undefined) {
    report.test(names, OUTCOMES[task.result?.state] ?? "skipped");
    return;
  }
  if ((task.result?.errors?.length ?? 0) > 0) report.error(names);
  for (const child of task.tasks) addTask(report, child, [...names, child.name]);
}
