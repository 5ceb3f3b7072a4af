// Whether the reports of two legs show, by test name, that a patch fixed
// something and lost nothing. Names are compared as they are; no name is guessed.

import type { TestReport, TestRunner } from "./runners/index.ts";

/** Why the report does not show a run in which every test that ran passed; undefined when it does. */
export function whyNotPassed(report: TestReport): string | undefined {
  if (!report.complete) return `its report is not complete: ${report.because ?? "it has no end"}`;
  const error = report.errors?.[0];
  if (error !== undefined) return `${quoted(error)} fails outside of any test`;
  for (const [name, outcome] of report.tests) {
    if (outcome === "failed") return `${quoted(name)} fails`;
  }
  for (const outcome of report.tests.values()) if (outcome === "passed") return undefined;
  return "no test is reported as passing";
}

/**
 * Why the tests of `before` are not all in `after`, passing; undefined when they
 * are. One that was skipped before may stay so.
 */
export function whyNotKept(before: TestReport, after: TestReport): string | undefined {
  for (const [name, was] of before.tests) {
    const is = after.tests.get(name);
    if (is === undefined) return `${quoted(name)} is gone`;
    if (is === "failed") return `${quoted(name)} fails`;
    if (is === "skipped" && was !== "skipped") return `${quoted(name)} is skipped and was not before`;
  }
  return undefined;
}

export type Fixed =
  | { readonly because: string; readonly testsFixed?: never; readonly testsKept?: never }
  | { readonly because?: never; readonly testsFixed: number; readonly testsKept: number };

/**
 * How many tests the patch fixed, given that it kept the others; `because` when
 * none. On a base whose report is whole, only a test that failed there counts. On
 * one that is not (a test file does not import there, nothing compiles), tests
 * that could not be seen count once they pass. Go reports package by package and
 * says nothing of one that does not compile, so there it is a package without tests.
 */
export function decideFixed(base: TestReport, patched: TestReport, runner: TestRunner): Fixed {
  const seenWhole = base.complete && (base.errors ?? []).length === 0 && base.tests.size > 0;
  const seenPackages = new Set([...base.tests.keys()].map(packageOf));
  let testsFixed = 0;
  let testsKept = 0;
  for (const [name, outcome] of patched.tests) {
    if (outcome !== "passed") continue;
    const was = base.tests.get(name);
    const couldBeSeen = seenWhole && (runner !== "go" || seenPackages.has(packageOf(name)));
    if (was === "passed") testsKept += 1;
    if (was === "failed" || (was === undefined && !couldBeSeen)) testsFixed += 1;
  }
  if (testsFixed > 0) return { testsFixed, testsKept };
  return { because: "no test fails without the patch, so the tests could not have failed" };
}

function packageOf(name: string): string {
  return name.split(" > ", 1).join("");
}

const NAME_CHARS_MAX = 200;

function quoted(name: string): string {
  return JSON.stringify(name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name);
}
