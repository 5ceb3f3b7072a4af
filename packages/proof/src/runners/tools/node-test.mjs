// Reports a run of `node --test`: a reporter, which Node runs in the process that
// starts the test files, never in one of theirs.
//
// Events reach that process over the standard output of each test file, framed by
// Node. Text that a test prints is no frame; a test that writes Node's own binary
// frames is believed, and only adds to what the file itself reports.

import path from "node:path";
import { fileURLToPath } from "node:url";
import { openReport, reportedPath } from "./report-file.cjs";

const report = openReport("node_test");
const runsFiles = process.execArgv.some((arg) => arg === "--test" || arg.startsWith("--test="));

/** Yields nothing: what is for people is another reporter's. */
// oxlint-disable-next-line require-yield
export default async function* reportNodeTest(events) {
  // Starts and results come in the order of the files and of the tests in them.
  const started = [];
  const files = { ended: new Set(), summed: new Set(), withTests: new Set() };
  for await (const { type, data } of events) {
    if (report === undefined) continue;
    if (type === "test:summary") files.summed.add(data.entryFile ?? data.file);
    if (type === "test:complete" && isWholeFile(data)) files.ended.add(data.file);
    if (type === "test:start") started[data.nesting] = data.name;
    if (type === "test:pass" || type === "test:fail") {
      record(type === "test:pass", data, started.slice(0, data.nesting));
      if (!isWholeFile(data)) files.withTests.add(data.file);
    }
  }
  if (report === undefined) return;
  // Newer versions sum up each file when it is done; one that reported tests and
  // was not summed up has left early. The sum of the whole run names no file.
  if (runsFiles && files.summed.has(undefined)) {
    for (const file of files.ended) {
      if (files.withTests.has(file) && !files.summed.has(file)) report.error([pathOf(file)]);
    }
  }
  // Said, because a report that is slipped in beside this one may claim otherwise.
  for (const file of files.ended) if (!files.withTests.has(file)) report.empty([pathOf(file)]);
  report.end();
}

function record(passed, data, parents) {
  const { name, file, skip, todo, details } = data;
  const where = file === undefined ? [] : [pathOf(file)];
  if (isWholeFile(data)) {
    // A file that passes as a whole says nothing about any test in it.
    if (!passed) report.error(where);
    return;
  }
  const names = [...where, ...parents, name];
  if (details?.type === "suite") {
    // Its tests speak for a suite, unless it failed by itself: its body or a hook threw.
    if (!passed && details.error?.failureType !== "subtestsFailed") report.error(names);
    return;
  }
  const isSkipped = (skip !== undefined && skip !== false) || (todo !== undefined && todo !== false);
  report.test(names, isSkipped ? "skipped" : passed ? "passed" : "failed");
}

/** Older versions name modules by URL. */
function pathOf(file) {
  return reportedPath(file.startsWith("file:") ? fileURLToPath(file) : file);
}

/** Node reports a file itself as a test, by the name of its path, when nothing in it was or it exits otherwise than 0. */
function isWholeFile({ name, nesting, file }) {
  return runsFiles && nesting === 0 && file !== undefined && path.resolve(name) === file;
}
