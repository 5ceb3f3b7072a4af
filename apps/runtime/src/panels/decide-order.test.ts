import assert from "node:assert/strict";
import { test } from "node:test";
import { decideTerms, type DecidedTerms, type PanelAsked } from "./decide-order.ts";

const RERANK = { redundancy: 2, adjudication: "majority_vote" } as const;
const ANALYSIS = { redundancy: 2, adjudication: "judge_model" } as const;

const TERMS: readonly (readonly [PanelAsked, string])[] = [
  [{}, "2 of 2 majority_vote"],
  [{ redundancy: 3 }, "2 of 3 majority_vote"],
  [{ redundancy: 5, quorum: 4 }, "4 of 5 majority_vote"],
  [{ redundancy: 1, adjudication: "none" }, "1 of 1 none"],
  [{ redundancy: 5, quorum: 2 }, "problem quorum"],
  [{ redundancy: 2, quorum: 1 }, "problem quorum"],
  [{ redundancy: 2, quorum: 3 }, "problem quorum"],
  [{ quorum: 5, adjudication: "merge" }, "problem quorum"],
  [{ adjudication: "none" }, "problem adjudication"],
  [{ adjudication: "judge_model" }, "judge_not_configured"],
  [{ adjudication: "merge" }, "merge_unsupported"],
];

for (const [asked, expected] of TERMS) {
  test(`${JSON.stringify(asked)} comes to ${expected}`, () => {
    assert.equal(words(decideTerms(asked, RERANK)), expected);
  });
}

test("a type whose default is a judge is refused without one, and sold when the order says otherwise", () => {
  assert.equal(words(decideTerms({}, ANALYSIS)), "judge_not_configured");
  assert.equal(words(decideTerms({ adjudication: "majority_vote" }, ANALYSIS)), "2 of 2 majority_vote");
});

function words(decided: DecidedTerms): string {
  if (decided.kind === "refused") return decided.reason;
  if (decided.kind === "problem") return `problem ${decided.field}`;
  const { quorum, redundancy, adjudication } = decided.terms;
  return `${quorum} of ${redundancy} ${adjudication}`;
}
