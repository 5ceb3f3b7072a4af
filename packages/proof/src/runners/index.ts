export { conflictsWithReporter, instrument, type Instrumentation } from "./instrument.ts";
export { packReport } from "./pack-report.ts";
export { REPORT_BYTES_MAX, readReport } from "./read-report.ts";
export {
  REPORT_FOLDER,
  REPORT_TOOLS,
  type TestOutcome,
  type TestReport,
  type TestRunner,
} from "./test-runner.ts";
