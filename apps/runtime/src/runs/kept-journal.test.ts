import assert from "node:assert/strict";
import { test } from "node:test";
import { artifactsKeptBy } from "./kept-journal.ts";

const JOURNAL = "a".repeat(64);
const PATCH = "b".repeat(64);

test("a kept journal keeps itself and what it names by hash, and nothing else does", () => {
  const kept = (eventType: string, payload: Parameters<typeof artifactsKeptBy>[0]["payload"]) =>
    artifactsKeptBy({ eventType, payload });
  assert.deepEqual(kept("journal.kept", { sha256: JOURNAL, inputs: [PATCH, 7, "no hash"] }), [
    JOURNAL,
    PATCH,
  ]);
  assert.deepEqual(kept("journal.kept", { sha256: JOURNAL }), [JOURNAL]);
  assert.deepEqual(kept("journal.kept", { sha256: 1, inputs: "x" }), []);
  assert.deepEqual(kept("agent.finished", { sha256: JOURNAL }), []);
  const many = Array.from({ length: 500 }, () => PATCH);
  assert.equal(kept("journal.kept", { sha256: JOURNAL, inputs: many }).length, 200);
});
