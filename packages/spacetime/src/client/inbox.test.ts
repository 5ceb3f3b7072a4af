import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamEvent } from "@openagents/streams";
import { createInbox } from "./inbox.ts";

function events(count: number, length: number): StreamEvent[] {
  const payload = "a".repeat(length);
  return Array.from({ length: count }, (_, index) => ({
    streamId: "runtime.stats",
    seq: BigInt(index + 1),
    payloadHash: "",
    payload,
    committedAtMs: 0,
  }));
}

test("what waits is bounded in number and in length: past it, all is forgotten and said so", () => {
  for (const [count, length] of [
    [50_001, 0],
    [65, 1024 * 1024],
  ] as const) {
    const inbox = createInbox();
    for (const event of events(count, length)) inbox.put([event]);
    assert.deepEqual([inbox.size, inbox.overflowed], [0, true]);
    inbox.put(events(1, 0));
    assert.equal(inbox.size, 0);
    inbox.clear();
    assert.equal(inbox.overflowed, false);
  }
});

test("what is taken makes room: any number passes through, in order", () => {
  const inbox = createInbox();
  const all = events(200_000, 0);
  const taken: StreamEvent[] = [];
  for (let at = 0; at < all.length; at += 1_000) {
    inbox.put(all.slice(at, at + 1_000));
    taken.push(...inbox.take(999));
  }
  while (inbox.size > 0) taken.push(...inbox.take(1_000));
  assert.equal(inbox.overflowed, false);
  assert.ok(taken.length === all.length && taken.every((event, index) => event === all[index]));
});
