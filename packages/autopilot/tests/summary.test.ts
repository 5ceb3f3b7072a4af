import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@openagents/receipts";
import { cell, code, outputBlock, plain, quoted } from "../src/bundle/markdown.ts";
import { ENDED_UNSEEN } from "../src/bundle/index.ts";
import { openMsats } from "../src/bundle/story.ts";
import { renderSummary, type SummaryFacts } from "../src/bundle/summary.ts";

const HOSTILE = [
  "a`b``c",
  "a|b\\|c",
  "a\nb\r# c\r\n## d",
  "\u2028# x",
  "<script>alert(1)</script>",
  "![x](https://x.invalid/y)",
  "@someone",
  "# heading",
  "- item",
  "1. item",
  "~~~",
  "\\`",
  "\0\u001b[31m",
  "",
  "`".repeat(3),
  "x".repeat(100_000),
];

test("text in a code span has no way out of it", () => {
  for (const text of HOSTILE) {
    assert.match(code(text), /^`[^`\n\r]+`$/, text.slice(0, 20));
    assert.match(cell(text), /^`(?:[^`|\n\r\\]|\\\|)+`$/, text.slice(0, 20));
  }
});

test("text in a sentence starts no markup, link or mention", () => {
  for (const text of HOSTILE) {
    const line = plain(text);
    assert.doesNotMatch(line, /[\n\r\u2028\p{Cc}]/u);
    assert.doesNotMatch(line, /(?<!\\)(?:\\\\)*[`*_[\]<>|~&]/, line.slice(0, 40));
    assert.doesNotMatch(line, /^(?:[#+-]|\d+[.)])/, line.slice(0, 40));
    assert.doesNotMatch(line, /@\w|:\/\//);
  }
});

test("every line of a quotation is marked, however lines end", () => {
  for (const text of HOSTILE) {
    for (const line of quoted(text).split(/\r\n|\r|\n/)) assert.match(line, /^>/);
  }
});

test("every line of a program's output is indented, and its end is kept", () => {
  for (const text of HOSTILE) {
    for (const line of outputBlock(text).split(/\r\n|\r|\n/)) assert.match(line, /^ {4}[^\p{Cc}\u2028]*$/u);
  }
  const block = outputBlock(Array.from({ length: 100 }, (_, index) => `line ${index}`).join("\n"));
  assert.ok(block.endsWith("    line 99") && !block.includes("line 5\n"));
});

test("a summary of a check that failed shows what it printed", () => {
  const failing: JsonObject = { command: "make test", exit_code: 2, stdout_sha256: "a", stderr_sha256: "b" };
  const leg = (name: string): JsonObject => ({ leg: name, tree: "", commands: [failing] });
  const verification = { verdict: "failed", result: { legs: [leg("base"), leg("patched")] } };
  const summary = renderSummary({
    ...facts("word"),
    attempts: [{ ...attempt("word"), verification }],
    readBytes: (sha256) => Buffer.from(sha256 === "a" ? "1 of 2 failed\n" : ""),
  });
  assert.match(summary, /`make test` wrote to stdout in the patched leg:\n\n {4}1 of 2 failed\n/);
  assert.doesNotMatch(summary, /stderr/);
});

function facts(word: string): SummaryFacts {
  return {
    runId: word,
    status: "succeeded",
    issue: { title: word, body: "x" },
    agentName: word,
    files: [{ path: word, status: "added" }],
    checks: [word],
    attempts: [attempt(word), attempt(word)],
    openMsats: 0,
    layersLeft: [word],
    readBytes: () => undefined,
    problem: word,
  };
}

test("money that is set aside still is not told as given back", () => {
  const last = attempt("word");
  const unpaid = { ...last, payment: undefined };
  for (const [attempts, open, words] of [
    [[last], 0, /In all 0 msats; what was reserved beyond that was given back\./],
    [[last, unpaid], 7, /In all 0 msats; 7 msats are set aside still/],
    [[unpaid], 7, /Nothing was credited to anyone; 7 msats are set aside still/],
    [[unpaid], 0, /Nothing was credited to anyone\.\n/],
  ] as const) {
    const summary = renderSummary({ ...facts("word"), attempts, openMsats: open });
    assert.match(summary, words);
    assert.equal(summary.includes("given back"), open === 0 && attempts[0].payment !== undefined);
  }
});

test("what is set aside is each reservation that neither came back nor was settled", () => {
  const receipt = (schema: string, reservationId: string) => ({
    schema: `openagents.treasury.${schema}`,
    reservation_id: reservationId,
    amount_msats: 100,
  });
  const reserved = ["a", "b", "c", "d"].map((id) => receipt("budget_reserved.v1", id));
  const ended = [receipt("reservation_voided.v1", "a"), receipt("payment_receipt.v2", "c")];
  assert.equal(openMsats([...ended, ...reserved]), 200);
});

test("a rejection that no person decided on is not told as one's", () => {
  const rejected = (note: string) => {
    const review: JsonObject = { decision: "rejected", note };
    return renderSummary({ ...facts("word"), attempts: [{ ...attempt("word"), review }] });
  };
  assert.match(rejected("not like this"), /A person rejected it: not like this/);
  assert.match(rejected(ENDED_UNSEEN), /rejected when the run was ended, before a person looked at it/);
  assert.equal(rejected(ENDED_UNSEEN).includes("A person"), false);
});

test("a summary of hostile words has the sections and tables of a plain one", () => {
  /** How each line begins, and into how many cells a row divides. */
  const skeleton = (text: string) =>
    text.split("\n").map((line) => {
      const cells = line.startsWith("|") ? line.match(/(?<!\\)\|/g)?.length : undefined;
      return `${/^(?:#+ |- |\d+\. |> |\|)/.exec(line)?.[0] ?? ""}${cells ?? ""}`;
    });
  const plainOne = renderSummary(facts("word"));
  assert.match(plainOne, /^# word\n/);
  for (const word of HOSTILE) {
    if (word === "") continue;
    assert.deepEqual(skeleton(renderSummary(facts(word))), skeleton(plainOne), word.slice(0, 20));
  }
});

function attempt(word: string): SummaryFacts["attempts"][number] {
  const command: JsonObject = { command: word, exit_code: 0 };
  const verification: JsonObject = {
    verdict: "needs_review",
    because: word,
    assurance: "self",
    proof: "by_tests",
    provider_worker_id: word,
    second_worker_id: word,
    review_paths: [word],
    result: { legs: [{ leg: "base", tree: "0".repeat(40), commands: [command] }] },
  };
  return {
    ordered: {},
    fallbacks: [],
    dispatch: { spec: { patch_sha256: "0".repeat(64), test_runner: "node_test" } },
    completed: undefined,
    canceled: undefined,
    opinions: [],
    seconds: [],
    verification,
    review: { decision: "accepted", note: word },
    payment: { withheld_reason: word, provider_worker_id: word, second_opinion_worker_id: word },
  };
}
