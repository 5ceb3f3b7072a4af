import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandboxRunSpec } from "@openagents/contracts";
import fc from "fast-check";
import type { Worker } from "../workers/index.ts";
import { compareVersions, decideSelection } from "./decide-selection.ts";
import { operatorFee } from "./quote.ts";

const NOW = 1_790_000_000_000;
const JOB = "oa.sandbox_run.v1";

test("arrival order never changes the winner or the reasons", () => {
  const workers = [
    worker("wrk_a", { priceMsats: 5n }),
    worker("wrk_b", { priceMsats: 5n }),
    worker("wrk_c", { priceMsats: 9n }),
    worker("wrk_d", { status: "disabled" }),
  ];
  const expected = decideSelection(workers, JOB, spec(), NOW);
  assert.equal(expected.winner?.workerId, "wrk_a");
  fc.assert(
    fc.property(fc.shuffledSubarray(workers, { minLength: workers.length }), (shuffled) => {
      assert.deepEqual(decideSelection(shuffled, JOB, spec(), NOW), expected);
    }),
  );
});

test("each rule disqualifies by its own name", () => {
  const cases: [Partial<Worker>, string][] = [
    [{ status: "stopped" }, "not_running"],
    [{ lastHeartbeatAtMs: NOW - 120_001 }, "stale"],
    [{ capabilities: ["oa.other.v1"] }, "capability_missing"],
    [{ roles: ["client"] }, "capability_missing"],
    [{ zoneTenths: 10 }, "zone_not_allowed"],
    [
      { caps: { memoryMibMax: 256, diskMibMax: 512, wallMsMax: 60_000n, concurrentJobsMax: 1 } },
      "caps_too_small",
    ],
    [{ toolchains: [{ name: "node", version: "19.9.9" }] }, "toolchain_missing"],
    [{ toolchains: [] }, "toolchain_missing"],
  ];
  for (const [changes, because] of cases) {
    const { winner, losers } = decideSelection([worker("wrk_a", changes)], JOB, spec(), NOW);
    assert.equal(winner, undefined);
    assert.deepEqual(losers, [{ workerId: "wrk_a", because }]);
  }
});

test("a worker that fails several rules reports the first in order of precedence", () => {
  const bad = worker("wrk_a", { status: "disabled", zoneTenths: 10, toolchains: [] });
  assert.deepEqual(decideSelection([bad], JOB, spec(), NOW).losers, [
    { workerId: "wrk_a", because: "not_running" },
  ]);
});

test("versions compare by number, not by text", () => {
  assert.equal(compareVersions("20.10", "20.9"), 1);
  assert.equal(compareVersions("20", "20.0.0"), 0);
  assert.equal(compareVersions("9", "10"), -1);
});

test("the operator's fee is 50 basis points, rounded up by less than one msat", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 53n }), (price) => {
      const fee = operatorFee(price);
      assert.ok(fee * 10_000n >= price * 50n);
      assert.ok((fee - 1n) * 10_000n < price * 50n || fee === 0n);
    }),
  );
});

function worker(workerId: string, changes: Partial<Worker> = {}): Worker {
  return {
    workerId,
    org: "org_p",
    owner: "dev_p",
    displayName: "p",
    roles: ["provider"],
    status: "running",
    capabilities: [JOB],
    priceMsats: 5n,
    caps: { memoryMibMax: 1024, diskMibMax: 1024, wallMsMax: 60_000n, concurrentJobsMax: 1 },
    toolchains: [{ name: "node", version: "24.21.0" }],
    zoneTenths: 5,
    lastHeartbeatAtMs: NOW,
    createdAtMs: NOW,
    ...changes,
  };
}

function spec(): SandboxRunSpec {
  return {
    baseBundleSha256: "a".repeat(64),
    baseCommit: "b".repeat(40),
    baseTree: "c".repeat(40),
    patchSha256: "d".repeat(64),
    patchTestPaths: [],
    commands: ["node --test"],
    limits: {
      wallMs: 60_000n,
      cpuMs: 60_000n,
      memoryMib: 512,
      pids: 128,
      diskMib: 128,
      outputBytes: 65_536n,
    },
    toolchains: [{ name: "node", versionMin: "20" }],
  };
}
