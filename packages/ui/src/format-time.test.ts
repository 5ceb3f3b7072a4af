import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAbsolute, formatDuration, formatRelative } from "./format-time.ts";

const NOW = Date.parse("2026-11-28T12:00:00.000Z");
const ago = (ms: number) => formatRelative(NOW - ms, NOW, "UTC");

test("a time is told by its distance, and by its date when it is long ago", () => {
  assert.equal(ago(0), "just now");
  assert.equal(ago(42_000), "42 s ago");
  assert.equal(ago(59 * 60_000), "59 min ago");
  assert.equal(ago(23 * 3_600_000), "23 h ago");
  assert.equal(ago(29 * 86_400_000), "29 d ago");
  assert.equal(ago(40 * 86_400_000), "19 Oct 2026");
  assert.equal(ago(-90_000), "in 1 min");
});

test("the time itself is told to the second, with its zone", () => {
  assert.equal(formatAbsolute(NOW, "UTC"), "28 Nov 2026, 12:00:00 UTC");
});

test("a length of time has two units at most", () => {
  const lengths = [586, 2_749, 59_900, 184_000, 3_600_000, 18_720_000, 90_000_000];
  assert.deepEqual(lengths.map(formatDuration), [
    "586 ms",
    "2.7 s",
    "59 s",
    "3 min 4 s",
    "1 h",
    "5 h 12 min",
    "1 d 1 h",
  ]);
});
