// The test runners whose reports are read, and what a report says.

export type TestRunner = "node_test" | "vitest" | "jest" | "pytest" | "unittest" | "go" | "cargo";

export type TestOutcome = "passed" | "failed" | "skipped";

export type TestReport = {
  /** The runner came to its own end, and everything it left behind could be read. */
  readonly complete: boolean;
  /** Why it is not complete. */
  readonly because?: string;
  /** By `file > suite > test`; a name that was reported again is numbered: `… (2)`. */
  readonly tests: ReadonlyMap<string, TestOutcome>;
  /** What failed outside of any test: a file that cannot be imported, a package that does not compile. */
  readonly errors?: readonly string[];
};

/** Where instrumentation files are mounted, read-only, inside the sandbox. */
export const REPORT_TOOLS = "/opt/openagents-report";

/** Where the runner's reports are written inside the sandbox; empty before the first command. */
export const REPORT_FOLDER = "/tmp/openagents-report";
