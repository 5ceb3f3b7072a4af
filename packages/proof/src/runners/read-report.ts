// What a leg's report artifact says, by test name.

import { unpackReport } from "./pack-report.ts";
import { readCargoFiles } from "./read-cargo.ts";
import { readGoFiles } from "./read-go.ts";
import { readRecords } from "./read-records.ts";
import { TestNames } from "./test-names.ts";
import type { TestReport, TestRunner } from "./test-runner.ts";

/** Of every test of a large project, and read in well under a second; more is no report. */
export const REPORT_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Total: bytes that are no report are a report that is not complete. Complete
 * means that every run of the runner came to its own end and that nothing else
 * lay in the folder, not that every test of the project ran: which tests must be
 * there is for the legs to say, by name.
 */
export function readReport(runner: TestRunner, packed: Buffer): TestReport {
  const names = new TestNames();
  if (packed.length > REPORT_BYTES_MAX) {
    names.spoil(`the report is larger than ${REPORT_BYTES_MAX} bytes`);
    return names.report();
  }
  const files = unpackReport(packed);
  if (files === undefined) names.spoil("the report is not one of ours");
  else if (runner === "go") readGoFiles(files, names);
  else if (runner === "cargo") readCargoFiles(files, names);
  else readRecords(runner, files, names);
  return names.report();
}
