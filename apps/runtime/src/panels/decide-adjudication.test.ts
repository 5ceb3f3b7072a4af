import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { adjudicate, refuseReview, type ReviewFacts } from "./decide-adjudication.ts";

const OUTCOMES: readonly (readonly [readonly string[], number, number, string])[] = [
  [["a", "a", "b"], 2, 3, "decided a"],
  [["b", "a", "a"], 2, 3, "decided a"],
  [["a", "a", "a"], 2, 3, "decided a"],
  [["a", "a"], 2, 3, "decided a"],
  [["a"], 1, 1, "decided a"],
  [["a", "b"], 2, 2, "needs_review"],
  [["a"], 2, 2, "needs_review"],
  [["a", "b", "c"], 2, 3, "needs_review"],
  [["a", "a", "b"], 3, 3, "needs_review"],
  [["a", "a", "b", "b"], 3, 5, "needs_review"],
  [[], 1, 1, "expired"],
  [[], 2, 3, "expired"],
];

for (const [answers, quorum, redundancy, expected] of OUTCOMES) {
  test(`${answers.join("") || "nothing"} of ${redundancy} with a quorum of ${quorum}: ${expected}`, () => {
    const outcome = adjudicate(answers, { quorum, redundancy });
    const named = outcome.kind === "decided" ? `decided ${outcome.answerSha256}` : outcome.kind;
    assert.equal(named, expected);
  });
}

test("the order of arrival decides nothing, and what is decided has the quorum", () => {
  const answers = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 5 });
  fc.assert(
    fc.property(answers, fc.constantFrom(3, 4, 5), (all, quorum) => {
      const outcome = adjudicate(all, { quorum, redundancy: 5 });
      assert.deepEqual(adjudicate(all.toReversed(), { quorum, redundancy: 5 }), outcome);
      if (outcome.kind !== "decided") return;
      assert.ok(all.filter((answer) => answer === outcome.answerSha256).length >= quorum);
    }),
  );
});

const ALLOWED: ReviewFacts = {
  status: "needs_review",
  isPerson: true,
  pickedSha256: "a",
  answers: ["a", "b"],
};

const REVIEWS: readonly (readonly [string, Partial<ReviewFacts>, string | undefined])[] = [
  ["an answer that was given is picked", {}, undefined],
  ["all answers are rejected", { pickedSha256: undefined }, undefined],
  ["a device is no person", { isPerson: false, status: "decided" }, "not_a_person"],
  ["an open panel waits for answers", { status: "open", pickedSha256: "c" }, "review_not_needed"],
  ["a decision stays", { status: "decided", pickedSha256: "c" }, "already_decided"],
  ["a rejection stays", { status: "rejected" }, "already_decided"],
  ["what expired stays", { status: "expired" }, "already_decided"],
  ["an answer of nobody is not picked", { pickedSha256: "c" }, "answer_not_given"],
];

for (const [what, change, expected] of REVIEWS) {
  test(`${what}: ${expected ?? "taken"}`, () => {
    assert.equal(refuseReview({ ...ALLOWED, ...change }), expected);
  });
}
