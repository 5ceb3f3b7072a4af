import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandboxRunSpec } from "@openagents/contracts";
import fc from "fast-check";
import type { Worker } from "../workers/index.ts";
import {
  compareVersions,
  decideReplacement,
  decideReserve,
  decideSelection,
  type Order,
} from "./decide-selection.ts";
import { operatorFee } from "./price.ts";

const NOW = 1_790_000_000_000;
const JOB = "oa.sandbox_run.v1";
const BUYER_ORG = "org_buyer";

test("arrival order never changes the winner or the reasons", () => {
  const workers = [
    worker("wrk_a", { priceMsats: 5n }),
    worker("wrk_b", { priceMsats: 5n }),
    worker("wrk_c", { priceMsats: 9n, org: "org_q" }),
    worker("wrk_d", { priceMsats: 9n, org: "org_r" }),
    worker("wrk_e", { status: "disabled" }),
  ];
  const expected = decideSelection(workers, order(), NOW);
  assert.equal(expected.winner?.worker.workerId, "wrk_a");
  assert.equal(expected.second?.worker.workerId, "wrk_c", "wrk_b is cheaper, and of the first one's owner");
  assert.equal(expected.second?.assurance, "independent");
  assert.deepEqual(
    expected.losers.map((loser) => loser.because),
    ["outranked", "outranked", "not_running"],
  );
  fc.assert(
    fc.property(fc.shuffledSubarray(workers, { minLength: workers.length }), (shuffled) => {
      assert.deepEqual(decideSelection(shuffled, order(), NOW), expected);
    }),
  );
});

test("each rule disqualifies by its own name", () => {
  const cases: [Partial<Worker>, string][] = [
    [{ status: "stopped" }, "not_running"],
    [{ lastHeartbeatAtMs: NOW - 120_001 }, "stale"],
    [{ quarantined: true }, "quarantined"],
    [{ capabilities: ["oa.other.v1"] }, "capability_missing"],
    [{ roles: ["client"] }, "capability_missing"],
    [{ zoneTenths: 10 }, "zone_not_allowed"],
    [{ account: "org_other" }, "zone_not_allowed"],
    [
      { caps: { memoryMibMax: 256, diskMibMax: 512, wallMsMax: 60_000n, concurrentJobsMax: 1 } },
      "caps_too_small",
    ],
    [{ toolchains: [{ name: "node", version: "19.9.9" }] }, "toolchain_missing"],
    [{ toolchains: [] }, "toolchain_missing"],
  ];
  for (const [changes, because] of cases) {
    const { winner, losers } = decideSelection([worker("wrk_a", changes)], order(), NOW);
    assert.equal(winner, undefined);
    assert.deepEqual(losers, [{ workerId: "wrk_a", because }]);
  }
});

test("a stranger sells, confirms and replaces only when the buyer chose the market", () => {
  const own = worker("wrk_o", { org: BUYER_ORG, priceMsats: 9n });
  const strangers = [
    worker("wrk_a", { org: "org_a", account: "org_a", zoneTenths: 10, priceMsats: 1n }),
    worker("wrk_b", { org: "org_b", account: "org_b", priceMsats: 2n }),
  ];
  const workers = [own, ...strangers];
  const closed = decideSelection(workers, order(), NOW);
  assert.equal(closed.winner, undefined);
  assert.deepEqual(
    closed.losers.map((loser) => loser.because),
    ["zone_not_allowed", "zone_not_allowed", "no_second_opinion"],
  );
  const open = decideSelection(workers, { ...order(), market: true }, NOW);
  assert.deepEqual([open.winner?.worker.workerId, open.second?.worker.workerId], ["wrk_a", "wrk_o"]);
  const first = { org: BUYER_ORG, owner: own.owner };
  const replace = (market: boolean) =>
    decideReplacement(workers, { ...order(), market, first, asked: [], priceMsatsMax: 9n }, NOW);
  assert.equal(replace(false), undefined);
  assert.equal(replace(true)?.worker.workerId, "wrk_a");
});

test("a worker that fails several rules reports the first in order of precedence", () => {
  const bad = worker("wrk_a", { status: "disabled", zoneTenths: 10, toolchains: [] });
  assert.deepEqual(decideSelection([bad], order(), NOW).losers, [
    { workerId: "wrk_a", because: "not_running" },
  ]);
});

test("the market sells first, the buyer's own device confirms, and the operator's reserve comes last", () => {
  const market = worker("wrk_m", { org: "org_m", priceMsats: 900n });
  const own = worker("wrk_o", { org: "org_buyer", priceMsats: 1n });
  const reserve = worker("wrk_r", { org: "org_operator", zoneTenths: 0, priceMsats: 1n });
  const pick = (workers: Worker[], secondOpinion: Order["secondOpinion"] = "any") => {
    const { winner, second } = decideSelection(workers, { ...order(), secondOpinion }, NOW);
    return [winner?.worker.workerId, second?.worker.workerId, second?.assurance];
  };
  assert.deepEqual(pick([reserve, own, market]), ["wrk_m", "wrk_o", "self"]);
  assert.deepEqual(pick([reserve, own, market], "independent"), ["wrk_m", "wrk_r", "independent"]);
  assert.deepEqual(pick([reserve, market]), ["wrk_m", "wrk_r", "independent"]);
  assert.deepEqual(pick([reserve, own]), ["wrk_o", "wrk_r", "independent"]);
  assert.deepEqual(pick([own, market], "independent"), ["wrk_o", "wrk_m", "independent"]);
});

test("one person confirms nothing of itself, in whichever organisation", () => {
  const workers = [worker("wrk_a", { owner: "usr_x" }), worker("wrk_c", { org: "org_q", owner: "usr_x" })];
  assert.equal(decideSelection(workers, order(), NOW).winner, undefined);
});

test("who was struck less comes first, whatever the price", () => {
  const workers = [
    worker("wrk_a", { priceMsats: 1n, strikes: 1 }),
    worker("wrk_c", { org: "org_q", priceMsats: 9n }),
  ];
  assert.equal(decideSelection(workers, order(), NOW).winner?.worker.workerId, "wrk_c");
});

test("without anyone who could repeat the run nobody is selected, and the reason says so", () => {
  const alone = decideSelection([worker("wrk_a"), worker("wrk_b")], order(), NOW);
  assert.equal(alone.winner, undefined);
  assert.deepEqual(
    alone.losers.map((loser) => loser.because),
    ["no_second_opinion", "no_second_opinion"],
  );
  const noOwn = [worker("wrk_a"), worker("wrk_c", { org: "org_q" })];
  assert.equal(decideSelection(noOwn, { ...order(), secondOpinion: "self" }, NOW).winner, undefined);
});

test("a replacement was not asked before, costs no more than what is reserved, and is of another owner", () => {
  const candidates = [
    worker("wrk_a"),
    worker("wrk_c", { org: "org_q", priceMsats: 9n }),
    worker("wrk_d", { org: "org_r", priceMsats: 8n }),
  ];
  const find = (asked: string[], priceMsatsMax: bigint) =>
    decideReplacement(
      candidates,
      { ...order(), first: { org: "org_p", owner: "dev_p" }, asked, priceMsatsMax },
      NOW,
    )?.worker.workerId;
  assert.equal(find([], 9n), "wrk_d");
  assert.equal(find(["wrk_d"], 9n), "wrk_c");
  assert.equal(find(["wrk_d"], 8n), undefined);
  candidates.push(worker("wrk_r", { org: "org_operator", zoneTenths: 0, priceMsats: 99n }));
  assert.equal(find(["wrk_d"], 8n), "wrk_r", "the reserve runs it for what is reserved");
});

test("a party never decides an incident, and neither does a worker that is not the operator's", () => {
  const party = worker("wrk_a", { org: "org_operator", zoneTenths: 0 });
  const other = worker("wrk_b", { org: "org_reserve", zoneTenths: 0 });
  const incident = { ...order(), partyOrgs: ["org_operator", "org_p"] };
  assert.equal(decideReserve([party, other, worker("wrk_c")], incident, NOW)?.workerId, "wrk_b");
  assert.equal(decideReserve([party, worker("wrk_c", { org: "org_x" })], incident, NOW), undefined);
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
    owner: changes.org === undefined ? "dev_p" : `dev_of_${changes.org}`,
    displayName: "p",
    roles: ["provider"],
    status: "running",
    capabilities: [JOB],
    priceMsats: 5n,
    caps: { memoryMibMax: 1024, diskMibMax: 1024, wallMsMax: 60_000n, concurrentJobsMax: 1 },
    toolchains: [{ name: "node", version: "24.21.0" }],
    zoneTenths: 5,
    account: BUYER_ORG,
    lastHeartbeatAtMs: NOW,
    createdAtMs: NOW,
    strikes: 0,
    quarantined: false,
    executionPriceMsats: undefined,
    priceBands: [],
    endpointUrl: undefined,
    ...changes,
  };
}

function order(): Order {
  return {
    capability: JOB,
    spec: spec(),
    buyerOrg: BUYER_ORG,
    market: false,
    secondOpinion: "any",
    policy: "cheapest",
    payOn: "outcome",
    facts: { records: new Map(), openJobs: new Map() },
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
    layers: [],
    guardPaths: [],
    checkPaths: [],
  };
}
