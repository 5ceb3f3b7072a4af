import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobStatus } from "@openagents/contracts";
import type { Job } from "../jobs/index.ts";
import { askedOf, isReady, stateOf, type Copy, type CopyState } from "./decide-redundancy.ts";

const NOW = 1_000_000;
const LATER = NOW + 1;

/** Of a job only what the rules read. */
function copy(status: JobStatus | undefined, change: object = {}): Copy {
  const job = status === undefined ? undefined : ({ jobId: "job_1", status, ...change } as unknown as Job);
  return { quoteId: "qte_1", quoteValidUntilMs: LATER, job };
}

const ANSWERED = copy("reported", { result: { rankedIds: ["a"] } });
const HELD = copy("leased", { leaseExpiresAtMs: LATER });
const LAPSED = copy("leased", { leaseExpiresAtMs: NOW });

const STATES: readonly (readonly [string, Copy, CopyState])[] = [
  ["not ordered, and its quote holds", copy(undefined), "waiting"],
  ["not ordered, and its quote does not hold", { ...copy(undefined), quoteValidUntilMs: NOW }, "over"],
  ["offered", copy("queued"), "waiting"],
  ["held", HELD, "held"],
  ["lapsed", LAPSED, "waiting"],
  ["answered", ANSWERED, "answered"],
  ["failed", copy("reported", { failure: { code: "work_unknown" } }), "over"],
  ["called off", copy("canceled"), "over"],
];

for (const [what, given, expected] of STATES) {
  test(`a copy that is ${what} is ${expected}`, () => {
    assert.equal(stateOf(given, NOW), expected);
  });
}

test("a panel is ready when nothing may come in, and at its time with what is in and nobody works on", () => {
  assert.equal(isReady([ANSWERED, ANSWERED, copy("canceled")], LATER, NOW), true);
  for (const missing of [copy("queued"), LAPSED, copy(undefined)]) {
    assert.equal(isReady([ANSWERED, ANSWERED, missing], LATER, NOW), false);
    assert.equal(isReady([ANSWERED, ANSWERED, missing], NOW, NOW), true);
  }
  assert.equal(isReady([ANSWERED, ANSWERED, HELD], NOW, NOW), false);
});

test("what its buyer left out or called off is not counted; who failed or never came is", () => {
  const panel = { redundancy: 3, quorum: 3 };
  assert.deepEqual(askedOf(panel, [ANSWERED, ANSWERED, copy("queued")]), panel);
  assert.deepEqual(askedOf(panel, [ANSWERED, ANSWERED, copy("canceled")]), { redundancy: 2, quorum: 2 });
  assert.deepEqual(askedOf(panel, [ANSWERED, copy(undefined), copy("canceled")]), {
    redundancy: 1,
    quorum: 1,
  });
});
