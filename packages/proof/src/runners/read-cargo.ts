// The report files of `cargo-runner`: per test binary the list of its tests,
// libtest's own log of results, and the binary's end.

import type { TestNames } from "./test-names.ts";
import type { TestOutcome } from "./test-runner.ts";

const FILE_NAME = /^cargo-[0-9a-f]{32}[.](?:list|log|end)$/;

const OUTCOMES: Readonly<Record<string, TestOutcome>> = {
  ok: "passed",
  failed: "failed",
  ignored: "skipped",
};

/** A listed test without a result makes the report incomplete. */
export function readCargoFiles(files: ReadonlyMap<string, Buffer>, names: TestNames): void {
  if (files.size === 0) names.spoil("no test binary was run");
  const runs = new Set<string>();
  for (const file of files.keys()) {
    if (FILE_NAME.test(file)) runs.add(file.replace(/[.][a-z]+$/, ""));
    else names.spoil(`the report folder holds ${JSON.stringify(file)}, which the wrapper did not write`);
  }
  for (const run of runs) {
    const [list, log, end] = ["list", "log", "end"].map((part) =>
      files.get(`${run}.${part}`)?.toString("utf8"),
    );
    if (list === undefined || end === undefined) names.spoil("a test binary did not end");
    else readRun(list, log ?? "", end, names);
  }
}

function readRun(list: string, log: string, end: string, names: TestNames): void {
  const [head = "", ...listed] = list.split("\n");
  const binary = /^binary \/(.+)$/.exec(head)?.[1];
  if (binary === undefined || !/^exit \d+\n$/.test(end))
    return names.spoil("a test binary's end cannot be read");
  const open = new Set<string>();
  for (const line of listed) {
    const test = /^(\S+): (?:test|benchmark)$/.exec(line)?.[1];
    if (test !== undefined) open.add(test);
  }
  const known = new Set(open);
  for (const line of log.split("\n")) {
    // The reason of an ignored test is text of the project's, so only the ends of a line are read.
    const [, word = "", test = ""] = /^(ok|failed|ignored)(?:: .*)? (\S+)$/.exec(line) ?? [];
    const outcome = OUTCOMES[word];
    if (outcome === undefined || !known.has(test)) continue;
    open.delete(test);
    names.test([binary, ...test.split("::")], outcome);
  }
  const cut = [...open][0];
  if (cut !== undefined) names.spoil(`${binary} > ${cut} is listed and has no result`);
}
