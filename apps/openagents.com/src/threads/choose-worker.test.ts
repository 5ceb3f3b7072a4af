import assert from "node:assert/strict";
import { test } from "node:test";
import type { CodexWorker } from "../codex-workers/index.ts";
import { chooseWorker } from "./choose-worker.ts";

const NOW = 1_800_000_000_000;

function worker(workerId: string, adapter: string, isOnline: boolean): CodexWorker {
  return {
    workerId,
    org: "org_a",
    owner: "usr_a",
    name: workerId,
    deviceId: "dev_a",
    status: "running",
    adapter,
    workspaceRef: "",
    metadata: {},
    requestCount: 0n,
    lastSeenAtMs: isOnline ? NOW : NOW - 3_600_000,
    createdAtMs: 0,
    updatedAtMs: 0,
  };
}

const AWAY = worker("cwk_a", "local_codex", false);
const CODEX = worker("cwk_b", "local_codex", true);
const CLOUD = worker("cwk_c", "cloud_codex", true);
const NEWER = worker("cwk_d", "cloud_codex", true);
const RUNNING = [AWAY, CODEX, CLOUD, NEWER];

function chosen(
  named: string | undefined,
  fallbackOrder: readonly string[],
  running: readonly CodexWorker[] = RUNNING,
): string {
  const choice = chooseWorker({ named, running, fallbackOrder, nowMs: NOW });
  return choice.kind === "worker" ? choice.workerId : choice.reason;
}

test("a worker that is there keeps its thread, whatever the order says", () => {
  assert.equal(chosen("cwk_b", ["cloud_codex", "local_codex"]), "cwk_b");
});

test("one that is away is stood in for in the order of the policy, and the newest of one kind first", () => {
  assert.equal(chosen("cwk_a", ["cloud_codex", "local_codex"]), "cwk_d");
  assert.equal(chosen("cwk_a", ["local_codex", "cloud_codex"]), "cwk_b");
  for (const running of [RUNNING, RUNNING.toReversed()])
    assert.equal(chosen("cwk_a", ["cloud_codex"], running), "cwk_d", "how the list was read changes nothing");
});

test("without an order, and with nobody of it there, the message waits for the one that is named", () => {
  assert.equal(chosen("cwk_a", []), "cwk_a");
  assert.equal(chosen("cwk_a", ["desk_codex"]), "cwk_a");
  assert.equal(chosen("cwk_a", ["local_codex"], [AWAY]), "cwk_a");
  assert.equal(chosen("cwk_gone", ["local_codex"], [CODEX]), "cwk_b", "one that was stopped is away");
});

test("where none is named the order decides between several, and else nobody guesses", () => {
  assert.equal(chosen(undefined, ["cloud_codex"]), "cwk_d");
  assert.equal(chosen(undefined, []), "several_workers");
  assert.equal(chosen(undefined, [], [CODEX]), "cwk_b");
  assert.equal(chosen(undefined, ["local_codex"], []), "no_worker");
});
