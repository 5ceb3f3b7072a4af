// Reports a run of Jest, from Jest's own process when the run is over.

"use strict";

const { openReport, reportedPath } = require("./report-file.cjs");

const OUTCOMES = { passed: "passed", failed: "failed" };

module.exports = class JestReporter {
  #report = openReport("jest");

  onRunComplete(_contexts, results) {
    const report = this.#report;
    if (report === undefined || results === undefined) return;
    for (const file of results.testResults) {
      const where = reportedPath(file.testFilePath);
      if (file.testExecError) report.error([where]);
      for (const test of file.testResults) {
        report.test([where, ...test.ancestorTitles, test.title], OUTCOMES[test.status] ?? "skipped");
      }
    }
    if (results.runExecError) report.error(["the run"]);
    if (!results.wasInterrupted && results.testResults.length === results.numTotalTestSuites) report.end();
  }
};
