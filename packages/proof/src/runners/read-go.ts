// The report files of `go-exec`: per test binary the marked output of Go's own
// framing (`-test.v=test2json`), and a file that only a finished binary writes.

import type { TestNames } from "./test-names.ts";
import type { TestOutcome } from "./test-runner.ts";

const FILE_NAME = /^go-[0-9a-f]{32}[.](?:log|done)$/;
const MARK = "\u0016";
const RESULT = /^ *--- (PASS|FAIL|SKIP): (.*) \([0-9.]+s\)$/;
const OUTCOMES: Readonly<Record<string, TestOutcome>> = { PASS: "passed", FAIL: "failed", SKIP: "skipped" };

/**
 * The first line of a log names the package's folder, the last one has the
 * binary's exit code. A test that was run and has no result makes the report
 * incomplete, as does a binary that ended without writing its second file.
 */
export function readGoFiles(files: ReadonlyMap<string, Buffer>, names: TestNames): void {
  if (files.size === 0) names.spoil("no test binary was run");
  for (const [file, content] of files) {
    if (!FILE_NAME.test(file)) {
      names.spoil(`the report folder holds ${JSON.stringify(file)}, which the wrapper did not write`);
    } else if (file.endsWith(".log")) {
      const done = files.get(file.replace(/log$/, "done"));
      readLog(content.toString("utf8"), done !== undefined && done.length > 0, names);
    } else if (!files.has(file.replace(/done$/, "log"))) {
      names.spoil("a test binary's end has no log");
    }
  }
}

function readLog(text: string, done: boolean, names: TestNames): void {
  const lines = text.split("\n");
  const folder = /^dir (\/.*)$/.exec(lines[0] ?? "")?.[1]?.replace(/^\/|\/$/g, "");
  const exit = /^exit (\d+)$/.exec(lines.at(-2) ?? "")?.[1];
  if (folder === undefined) return names.spoil("a log does not name its package");
  if (exit === undefined) names.spoil("a test binary did not end");
  const open = new Set<string>();
  for (const line of lines.slice(1)) {
    // The mark may follow a part of a line that the code under test printed without a newline.
    for (const piece of line.split(MARK).slice(1)) {
      if (piece === "") continue;
      const run = /^=== RUN {3}(.*)$/.exec(piece)?.[1];
      if (run !== undefined) open.add(run);
      const [, word = "", test] = RESULT.exec(piece) ?? [];
      const outcome = OUTCOMES[word];
      if (test === undefined || outcome === undefined) continue;
      open.delete(test);
      names.test([folder || ".", ...test.split("/")], outcome);
    }
  }
  const cut = [...open][0];
  if (cut !== undefined) {
    names.test([folder || ".", ...cut.split("/")], "failed");
    names.spoil(`${folder || "."} > ${cut} was run and has no result`);
  }
  if (!done) names.spoil(`the tests of ${folder || "."} ended before they were done`);
}
