import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMsats, formatSats, satsUnit } from "./format-sats.ts";

test("an amount is whole sats, with the part of a sat where there is one, and never rounded", () => {
  assert.equal(formatSats(181_905n), "181.905 sats");
  assert.equal(formatSats(1_234_567_000n), "1,234,567 sats");
  assert.equal(formatSats(-1_500n), "−1.5 sats");
  assert.equal(formatSats(1n), "0.001 sats");
  assert.equal(formatSats(9_007_199_254_740_991n), "9,007,199,254,740.991 sats");
});

test("one sat is one sat", () => {
  assert.equal(formatSats(1_000n), "1 sat");
  assert.equal(satsUnit(1_001n), "sats");
});

test("the exact amount is said in msats", () => {
  assert.equal(formatMsats(-181_905n), "−181,905 msats");
});
