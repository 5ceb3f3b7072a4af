import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TIMESTAMP_PATTERN, formatTimestamp, parseTimestamp } from "./timestamp.ts";

test("a time is written with exactly three digits of a second and read back as itself", () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
      const text = formatTimestamp(ms);
      assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.match(text, RegExp(TIMESTAMP_PATTERN, "u"));
      assert.equal(parseTimestamp(text), ms);
    }),
  );
});

test("none to nine digits of a second are read, the ones after the third are cut", () => {
  const base = Date.UTC(2026, 1, 21, 12, 0, 0);
  for (const [text, ms] of [
    ["2026-02-21T12:00:00Z", base],
    ["2026-02-21T12:00:00.5Z", base + 500],
    ["2026-02-21T12:00:00.1239Z", base + 123],
    ["2026-02-21T12:00:00.123999999Z", base + 123],
  ] as const) {
    assert.equal(parseTimestamp(text), ms, text);
  }
});

test("what is no UTC time with Z is refused, impossible dates and leap seconds too", () => {
  for (const text of [
    "",
    "2026-02-21",
    "2026-02-21T12:00:00",
    "2026-02-21T12:00:00+00:00",
    "2026-02-21t12:00:00z",
    "2026-02-21 12:00:00Z",
    "2026-02-21T12:00:00.Z",
    "2026-02-21T12:00:00.1234567890Z",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-12-31T23:59:60Z",
    "2026-02-21T24:00:00Z",
    "0000-01-01T00:00:00Z",
    "٢٠٢٦-02-21T12:00:00Z",
  ]) {
    assert.equal(parseTimestamp(text), undefined, text);
  }
});

test("what is no whole millisecond of the years 1 to 9999 is not written", () => {
  for (const ms of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800_000, -62_135_596_800_001]) {
    assert.throws(() => formatTimestamp(ms), RangeError);
  }
});
