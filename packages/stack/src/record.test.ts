import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { dataDirAt } from "./data-dir.ts";
import { takeLock } from "./lock.ts";
import { findRunning, recordToWire, writeRecord, type StackRecord } from "./record.ts";
import { StackError } from "./stack-error.ts";

test("a running stack of another version is told, with what to do; a stale or damaged record is no stack", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oa-record-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const dataDir = dataDirAt(folder);
  const record: StackRecord = {
    pid: process.pid,
    version: "0.1.0",
    startedAt: "2026-01-01T00:00:00Z",
    dataDir: folder,
    runtimeUrl: "http://127.0.0.1:1",
    syncUrl: "http://127.0.0.1:2",
    controlUrl: "http://localhost:3",
    operatorPublicKey: "00",
  };
  const { control_url: _control, ...older } = recordToWire(record);
  const write = (value: object) => writeFileSync(dataDir.record, JSON.stringify(value));

  write(older);
  assert.equal(findRunning(dataDir), undefined, "nobody holds the directory");
  const lock = takeLock(dataDir.lock);
  t.after(() => lock?.release());
  assert.throws(
    () => findRunning(dataDir),
    (error) =>
      error instanceof StackError && error.code === "stack_older" && /openagents down/.test(error.nextStep),
  );
  write({ ...older, pid: process.pid + 1 });
  assert.equal(findRunning(dataDir), undefined, "of a process that is gone");
  for (const damaged of ["", "{", "null", "[]", '{"pid":"1"}']) {
    writeFileSync(dataDir.record, damaged);
    assert.equal(findRunning(dataDir), undefined, damaged);
  }
  writeRecord(dataDir, record);
  assert.deepEqual(findRunning(dataDir), record);
});
