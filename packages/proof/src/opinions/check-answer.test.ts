import assert from "node:assert/strict";
import { test } from "node:test";
import { findAnalysisProblem, findQuestionProblem, findRankingProblem } from "./check-answer.ts";

const ANALYSIS = { chunks: [{ chunkId: "a" }, { chunkId: "b" }], labels: ["safe", "unsafe"] };
const RANKING = { candidates: [{ candidateId: "x" }, { candidateId: "y" }, { candidateId: "z" }], topK: 2 };

const FINDINGS: readonly (readonly [readonly (readonly [string, string])[], RegExp | undefined])[] = [
  [
    [
      ["a", "safe"],
      ["b", "unsafe"],
    ],
    undefined,
  ],
  [[["a", "safe"]], /2 chunks and 1 findings/],
  [
    [
      ["b", "safe"],
      ["a", "safe"],
    ],
    /keep the order/,
  ],
  [
    [
      ["a", "safe"],
      ["a", "safe"],
    ],
    /Finding 2 is not about b/,
  ],
  [
    [
      ["a", "safe"],
      ["b", "lovely"],
    ],
    /lovely is none of the labels/,
  ],
];

for (const [index, [said, problem]] of FINDINGS.entries()) {
  test(`findings are one label for each chunk, in order (${index})`, () => {
    const findings = said.map(([chunkId, label]) => ({ chunkId, label }));
    expectProblem(findAnalysisProblem(ANALYSIS, findings), problem);
  });
}

const RANKED: readonly (readonly [readonly string[], RegExp | undefined])[] = [
  [["z", "x"], undefined],
  [["z"], /2 candidates are asked for, and 1 are named/],
  [["z", "z"], /named twice/],
  [["z", "w"], /w is no candidate/],
];

for (const [index, [rankedIds, problem]] of RANKED.entries()) {
  test(`an order names as many different candidates as are asked for (${index})`, () => {
    expectProblem(findRankingProblem(RANKING, rankedIds), problem);
  });
}

test("a question that no answer could keep to is none", () => {
  assert.equal(findQuestionProblem(ANALYSIS), undefined);
  assert.equal(findQuestionProblem(RANKING), undefined);
  const twice = [{ chunkId: "a" }, { chunkId: "a" }];
  assert.match(findQuestionProblem({ ...ANALYSIS, chunks: twice }) ?? "", /same id/);
  assert.match(findQuestionProblem({ ...ANALYSIS, labels: ["safe", "safe"] }) ?? "", /twice/);
  assert.match(findQuestionProblem({ ...RANKING, topK: 4 }) ?? "", /more candidates/);
});

function expectProblem(found: string | undefined, expected: RegExp | undefined): void {
  if (expected === undefined) assert.equal(found, undefined);
  else assert.match(found ?? "none", expected);
}
