import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Worker } from "../workers/index.ts";
import { decideMembers, mayJoin, type PanelOrder } from "./decide-members.ts";

const NOW = 1_790_000_000_000;
const JOB = "oa.retrieval_rerank.v1";

const ORDER: PanelOrder = {
  capability: JOB,
  spec: { query: "q", candidates: [], topK: 1, wallMs: 1_000n },
  buyerOrg: "org_buyer",
  market: true,
  redundancy: 2,
  ownDevices: false,
  policy: "cheapest",
  payOn: "outcome",
  facts: { records: new Map(), openJobs: new Map() },
};

/** Of an owner of its own, unless told otherwise. */
function worker(name: string, changes: Partial<Worker> = {}): Worker {
  return {
    workerId: `wrk_${name}`,
    org: `org_${name}`,
    owner: `dev_${name}`,
    account: `org_${name}`,
    displayName: name,
    roles: ["provider"],
    status: "running",
    capabilities: [JOB],
    priceMsats: 5n,
    executionPriceMsats: undefined,
    priceBands: [],
    caps: { memoryMibMax: 64, diskMibMax: 64, wallMsMax: 60_000n, concurrentJobsMax: 1 },
    toolchains: [],
    endpointUrl: undefined,
    zoneTenths: 10,
    lastHeartbeatAtMs: NOW,
    createdAtMs: NOW,
    strikes: 0,
    quarantined: false,
    ...changes,
  };
}

const OTHERS: readonly (readonly [Partial<Worker>, string])[] = [
  [{ priceMsats: 9n }, "outranked"],
  [{ org: "org_a" }, "owner_asked_already"],
  [{ owner: "dev_a" }, "owner_asked_already"],
  [{ account: "org_a" }, "owner_asked_already"],
  [{ org: "org_buyer" }, "buyers_own"],
  [{ account: "org_buyer" }, "buyers_own"],
  [{ capabilities: ["oa.sandbox_run.v1"] }, "capability_missing"],
  [{ quarantined: true, org: "org_buyer" }, "quarantined"],
  [{ priceMsats: 0n, executionPriceMsats: 1n }, "pay_on_not_sold"],
];

for (const [change, because] of OTHERS) {
  test(`of two for a panel, a third with ${Object.keys(change).join(" and ")} changed is left out: ${because}`, () => {
    const others = [worker("a", { priceMsats: 1n }), worker("b", { priceMsats: 8n }), worker("c", change)];
    const { members, losers } = decideMembers(others, ORDER, NOW);
    assert.deepEqual(
      members.map((member) => member.worker.workerId),
      ["wrk_a", "wrk_b"],
    );
    assert.deepEqual(losers, [{ workerId: "wrk_c", because }]);
  });
}

test("the buyer's own are asked by its word, each organisation of its account once", () => {
  const own = [
    worker("a", { account: "org_buyer" }),
    worker("b", { account: "org_buyer" }),
    worker("c", { account: "org_buyer", org: "org_a" }),
  ];
  assert.equal(decideMembers(own, ORDER, NOW).members.length, 0);
  const { members } = decideMembers(own, { ...ORDER, ownDevices: true, redundancy: 3 }, NOW);
  assert.deepEqual(
    members.map((member) => member.worker.org),
    ["org_a", "org_b"],
  );
});

test("whoever takes over a copy is held to the same", () => {
  const rules = { ownDevices: false, others: [worker("a")] };
  assert.equal(mayJoin(worker("b"), rules, "org_buyer"), true);
  for (const change of [{ org: "org_a" }, { owner: "dev_a" }, { account: "org_a" }, { org: "org_buyer" }])
    assert.equal(mayJoin(worker("b", change), rules, "org_buyer"), false);
});

test("no order of arrival asks one owner twice or anybody else", () => {
  const workers = ["a", "b", "c"].flatMap((name, index) => [
    worker(name, { priceMsats: BigInt(index + 1) }),
    worker(`${name}2`, { org: `org_${name}`, priceMsats: BigInt(index + 1) }),
  ]);
  const expected = decideMembers(workers, { ...ORDER, redundancy: 3 }, NOW);
  assert.equal(expected.members.length, 3);
  fc.assert(
    fc.property(fc.shuffledSubarray(workers, { minLength: workers.length }), (shuffled) => {
      assert.deepEqual(decideMembers(shuffled, { ...ORDER, redundancy: 3 }, NOW), expected);
    }),
  );
});
