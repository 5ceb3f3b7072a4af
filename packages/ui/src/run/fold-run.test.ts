import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@openagents/contracts";
import type { LoggedEvent } from "./event.ts";
import { foldRun } from "./fold-run.ts";

const START = Date.parse("2026-11-28T12:00:00.000Z");

function log(...told: readonly (readonly [string, JsonObject])[]): LoggedEvent[] {
  return told.map(([eventType, payload], place) => ({
    seq: BigInt(place + 1),
    eventType,
    payload,
    recordedAt: START + place * 1_000,
  }));
}

const leg = (name: string, exitCode: number) => ({
  leg: name,
  commands: [{ command: "npm test", exit_code: exitCode, duration_ms: 500, stdout_sha256: "aa" }],
});

const RUN = log(
  ["run.started", { issue: { title: "It breaks", body: "Always." }, metadata: { budget_msats: 500_000 } }],
  ["agent.message", { text: "I see." }],
  ["agent.file_change", { path: "src/a.js", change: "modified" }],
  ["patch.made", { sha256: "bb", bytes: 700, attempt: 1 }],
  [
    "quote.selected",
    {
      total_price_msats: 181_905,
      provider_price_msats: 180_000,
      operator_fee_msats: 900,
      losers: [{}],
      receipt_id: "quot_1",
      second_opinion: { provider_price_msats: 1_000, operator_fee_msats: 5 },
    },
  ],
  ["budget.reserved", { amount_msats: 181_905, receipt_id: "bres_1" }],
  [
    "verification.recorded",
    {
      verdict: "proven",
      assurance: "self",
      because: "5 tests pass",
      tests_fixed: 5,
      receipt_id: "vrfy_1",
      result: { legs: [leg("base", 1), leg("patched", 0)] },
      second_result: { legs: [leg("base", 1)] },
    },
  ],
  [
    "payment.released",
    {
      amount_msats: 180_000,
      second_opinion_msats: 1_000,
      operator_fee_msats: 905,
      asset_id: "demo_msats",
      receipt_id: "pay_1",
    },
  ],
  ["run.finished", { status: "succeeded" }],
);

test("a run is told by its events: verdict, both legs, and the money's way with its receipts", () => {
  const story = foldRun(RUN);
  assert.deepEqual([story.title, story.budgetMsats, story.finished], ["It breaks", 500_000n, "succeeded"]);
  assert.equal(story.outcome?.verdict, "proven");
  assert.deepEqual(
    story.outcome?.first.legs.map(({ leg: name, commands }) => [name, commands[0]?.exitCode]),
    [
      ["base", 1],
      ["patched", 0],
    ],
  );
  assert.deepEqual(
    story.money.map(({ kind, msats, receiptId }) => [kind, msats, receiptId]),
    [
      ["quote", 181_905n, "quot_1"],
      ["reservation", 181_905n, "bres_1"],
      ["release", 181_905n, "pay_1"],
    ],
  );
  assert.ok(story.demoMoney);
});

test("the parts of a quote and of a release add up to what they say", () => {
  for (const { kind, msats, parts } of foldRun(RUN).money) {
    if (kind === "reservation") continue;
    assert.equal(
      parts.reduce((sum, part) => sum + part.msats, 0n),
      msats,
      kind,
    );
  }
});

test("a replay knows nothing of what came later", () => {
  const early = foldRun(RUN.slice(0, 3));
  assert.deepEqual(
    [early.outcome, early.finished, early.patches, early.money],
    [undefined, undefined, [], []],
  );
  assert.deepEqual(early.touchedPaths, ["src/a.js"]);
  for (let at = 0; at <= RUN.length; at++) assert.equal(foldRun(RUN.slice(0, at)).steps.length, at);
});

test("a patch is there to be read once a later event shows it", () => {
  assert.equal(foldRun(RUN.slice(0, 4)).patches[0]?.kept, false);
  assert.equal(
    foldRun([
      ...RUN.slice(0, 4),
      ...log(["x", {}], ["x", {}], ["x", {}], ["x", {}], ["journal.kept", { inputs: ["aa", "bb"] }]).slice(4),
    ]).patches[0]?.kept,
    true,
  );
  assert.equal(foldRun(RUN).patches[0]?.kept, true);
});

test("a payload of another shape is shown as little as it says, and breaks nothing", () => {
  const odd: JsonObject = { amount_msats: 1.5, result: { legs: "none" }, losers: null, second_opinion: [] };
  const types = [
    ...RUN.map(({ eventType }) => eventType),
    "job.dispatched",
    "agent.command",
    "some.new_thing",
  ];
  const story = foldRun(log(...types.map((type) => [type, odd] as const)));
  assert.equal(story.steps.length, types.length);
  assert.equal(story.steps.at(-1)?.title, "Some new thing");
  assert.ok(story.money.every(({ msats }) => msats === 0n));
});
