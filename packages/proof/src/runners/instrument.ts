// How a test runner is made to report, without its command being changed.
//
// What a test prints is the word of the code under test, so nothing is read from
// standard output: a reporter of ours, mounted read-only, writes files. It is
// switched on by environment alone, and so `npm test`, `make test` and
// `python -m pytest` work as they are.
//
// What holds: printing counts for nothing; an early exit of the process leaves a
// report that is not complete; files that the reporter did not write spoil it;
// Node's assertions cannot be replaced, and it is told when the functions of
// unittest or pytest that decide about a test were.
// What does not: code in the runner's own process, or of the same user, can in
// the end write whatever the reporter can. It takes purpose and leaves traces in
// the patch, and names must still match the base's.

import { readFileSync } from "node:fs";
import { REPORT_FOLDER, REPORT_TOOLS, type TestRunner } from "./test-runner.ts";

export type Instrumentation = {
  /** To be put in front of what a variable that is a list holds already: PYTHONPATH, NODE_OPTIONS, GOFLAGS. */
  readonly env: Readonly<Record<string, string>>;
  /** Name → text; to be mounted at the tools' folder with mode 755. */
  readonly files: Readonly<Record<string, string>>;
};

export type ReportPlaces = {
  /** Where the files are mounted. */
  readonly tools: string;
  /** Where reports are written. */
  readonly folder: string;
  /** The root of the work tree, which test names are relative to. */
  readonly root: string;
};

const IN_SANDBOX: ReportPlaces = { tools: REPORT_TOOLS, folder: REPORT_FOLDER, root: "/work" };

const TOOLS: Readonly<Record<TestRunner, readonly string[]>> = {
  node_test: ["node-preload.cjs", "node-test.mjs", "report-file.cjs"],
  vitest: ["js-preload.cjs", "vitest-reporter.mjs", "report-file.cjs"],
  jest: ["js-preload.cjs", "jest-reporter.cjs", "report-file.cjs"],
  pytest: ["openagents_report.py", "openagents_report_file.py"],
  unittest: ["sitecustomize.py", "openagents_report_file.py"],
  go: ["go-exec"],
  cargo: ["cargo-runner"],
};

/** Pure apart from reading the package's own files; places are for tests outside the sandbox. */
export function instrument(runner: TestRunner, places: ReportPlaces = IN_SANDBOX): Instrumentation {
  const files = TOOLS[runner].map((name) => [name, toolText(name)]);
  return {
    env: {
      OPENAGENTS_REPORT_FOLDER: places.folder,
      OPENAGENTS_REPORT_ROOT: places.root,
      ...switchOn(runner, places.tools),
    },
    files: Object.fromEntries(files),
  };
}

function switchOn(runner: TestRunner, tools: string): Readonly<Record<string, string>> {
  switch (runner) {
    case "node_test":
      // Node pairs reporters with destinations in order. Ours yields nothing; /dev/null would
      // fail newer versions, which sync what they wrote to.
      return {
        NODE_OPTIONS: [
          "--test-reporter=spec --test-reporter-destination=stdout",
          `--test-reporter=${tools}/node-test.mjs --test-reporter-destination=stderr`,
          `--require=${tools}/node-preload.cjs`,
        ].join(" "),
      };
    case "vitest":
    case "jest":
      return { NODE_OPTIONS: `--require=${tools}/js-preload.cjs` };
    case "pytest":
      return { PYTEST_ADDOPTS: "-p openagents_report", PYTHONPATH: tools };
    case "unittest":
      return { PYTHONPATH: tools };
    case "go":
      return { GOFLAGS: `-exec=${tools}/go-exec` };
    case "cargo":
      return {
        CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER: `${tools}/cargo-runner`,
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER: `${tools}/cargo-runner`,
      };
  }
}

const CONFLICTS: Readonly<Record<TestRunner, RegExp>> = {
  // Node refuses a run whose reporters and destinations differ in number, and
  // test files run without `--test` or without isolation share the reporter's process.
  node_test: /--test-reporter|--(?:experimental-)?test-isolation[= ]none|NODE_OPTIONS=/,
  vitest: /NODE_OPTIONS=/,
  jest: /NODE_OPTIONS=/,
  pytest: /PYTEST_ADDOPTS=|PYTHONPATH=|\b(?:tox|nox)\b|(?:^|\s)-[a-zA-Z]*[IE]\s|-p[ =]no:openagents/,
  unittest: /PYTHONPATH=|\b(?:tox|nox)\b|(?:^|\s)-[a-zA-Z]*[ISE]\s/,
  go: /(?:^|\s)-{1,2}exec[= ]|GOFLAGS=|-test\.v|-{1,2}memprofile/,
  cargo: /_RUNNER=|\bnextest\b|-{1,2}logfile/,
};

/** Whether a script's own words would turn our reporter off; then no runner should be named. */
export function conflictsWithReporter(script: string, runner: TestRunner): boolean {
  return CONFLICTS[runner].test(script);
}

function toolText(name: string): string {
  return readFileSync(new URL(`tools/${name}`, import.meta.url), "utf8");
}
