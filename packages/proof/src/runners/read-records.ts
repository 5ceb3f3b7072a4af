// The report files of our own reporters, which are JSON, one record a line:
// `{"start":RUNNER}`, then `{"test":[…path],"outcome":…}`, `{"error":[…path]}` and
// `{"empty":[…path]}`, then `{"end":N}` with the number of records between.

import type { TestNames } from "./test-names.ts";
import type { TestOutcome, TestRunner } from "./test-runner.ts";

const FILE_NAME = /^[a-z_]+-[0-9a-f]{32}[.]jsonl$/;

/** Adds what the files say; whatever is not as our reporters write it spoils the report. */
export function readRecords(runner: TestRunner, files: ReadonlyMap<string, Buffer>, names: TestNames): void {
  if (files.size === 0) names.spoil("the test runner left no report");
  for (const [file, content] of files) {
    if (!FILE_NAME.test(file) || !file.startsWith(`${runner}-`)) {
      names.spoil(`the report folder holds ${JSON.stringify(file)}, which the reporter did not write`);
    } else {
      readFile(runner, content.toString("utf8"), names);
    }
  }
}

function readFile(runner: TestRunner, text: string, names: TestNames): void {
  const lines = text.split("\n");
  if (lines.pop() !== "") names.spoil("a report ends in the middle of a record");
  let records = 0;
  let ended = false;
  for (const [index, line] of lines.entries()) {
    const record = parseRecord(line);
    if (ended || record === undefined) return names.spoil("a report holds what the reporter does not write");
    if (index === 0) {
      if (record.kind !== "start" || record.runner !== runner)
        return names.spoil("a report has another start");
      continue;
    }
    switch (record.kind) {
      case "start":
        return names.spoil("a report starts twice");
      case "end":
        if (record.records !== records) return names.spoil("a report has lost records");
        ended = true;
        break;
      case "test":
        names.test(record.path, record.outcome);
        records += 1;
        break;
      case "error":
        names.error(record.path);
        records += 1;
        break;
      case "empty":
        names.empty(record.path);
        records += 1;
        break;
    }
  }
  if (!ended) names.spoil("the test runner ended before it was done");
}

type ReportRecord =
  | { readonly kind: "start"; readonly runner: unknown }
  | { readonly kind: "test"; readonly path: readonly string[]; readonly outcome: TestOutcome }
  | { readonly kind: "error" | "empty"; readonly path: readonly string[] }
  | { readonly kind: "end"; readonly records: unknown };

function parseRecord(line: string): ReportRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const record: Partial<Record<"start" | "test" | "outcome" | "error" | "empty" | "end", unknown>> = value;
  if (record.start !== undefined) return { kind: "start", runner: record.start };
  if (record.end !== undefined) return { kind: "end", records: record.end };
  const path = pathOf(record.test ?? record.error ?? record.empty);
  if (path === undefined) return undefined;
  if (record.test === undefined) return { kind: record.error === undefined ? "empty" : "error", path };
  const { outcome } = record;
  if (outcome !== "passed" && outcome !== "failed" && outcome !== "skipped") return undefined;
  return { kind: "test", path, outcome };
}

function pathOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const path = value.filter((part: unknown): part is string => typeof part === "string");
  return path.length === value.length ? path : undefined;
}
