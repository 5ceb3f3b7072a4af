import assert from "node:assert/strict";
import { test } from "node:test";
import { decideAppend, grantsOf, whyNotBound, type Append } from "./rules.ts";

const EVENT: Append = {
  stream_id: "runtime.stats",
  idempotency_key: "runtime.stats:4",
  payload_hash: "sha256:a",
  expected_next_seq: 4n,
};

test("an event is appended at the next number only, and once", () => {
  assert.deepEqual(decideAppend(EVENT, undefined, 3n), { kind: "append", seq: 4n });
  assert.deepEqual(decideAppend({ ...EVENT, expected_next_seq: 0n }, undefined, 9n), {
    kind: "append",
    seq: 10n,
  });
  assert.deepEqual(decideAppend(EVENT, undefined, 4n), {
    kind: "refused",
    detail: "sequence_conflict expected_next_seq=4 actual_next_seq=5",
  });
  assert.deepEqual(decideAppend(EVENT, EVENT, 9n), { kind: "known" });
  assert.equal(decideAppend(EVENT, { ...EVENT, payload_hash: "sha256:b" }, 9n).kind, "refused");
  assert.equal(decideAppend({ ...EVENT, stream_id: " " }, undefined, 3n).kind, "refused");
});

test("a token grants what it names, and without one nobody connects", () => {
  const claims = (fullPayload: Record<string, unknown>, audience = ["openagents-sync"]) => ({
    audience,
    fullPayload,
  });
  const streams = ["runtime.stats", "runtime.stats", 5];
  assert.deepEqual(grantsOf(claims({ scopes: ["sync.subscribe"], streams })), ["runtime.stats"]);
  for (const refused of [
    null,
    claims({ scopes: ["sync.subscribe"], streams }, ["openagents"]),
    claims({ scopes: [], streams }),
    claims({ scopes: ["sync.subscribe"] }),
  ])
    assert.ok("refused" in grantsOf(refused));
});

test("a challenge is answered once, in its time, and for itself only", () => {
  const claim = { challenge: "c", expires_at_unix_ms: 10n, consumed: false };
  assert.equal(whyNotBound(claim, "c", 10n), undefined);
  assert.match(whyNotBound(claim, "c", 11n) ?? "", /expired/);
  assert.match(whyNotBound({ ...claim, consumed: true }, "c", 1n) ?? "", /consumed/);
  assert.match(whyNotBound(claim, "d", 1n) ?? "", /mismatch/);
  assert.match(whyNotBound(null, "c", 1n) ?? "", /missing/);
});
