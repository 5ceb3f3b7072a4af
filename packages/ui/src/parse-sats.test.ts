import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSatsNumber } from "./format-sats.ts";
import { parseSats } from "./parse-sats.ts";

test("an amount is read as it is shown", () => {
  for (const msats of [0n, 1n, 500n, 1_000n, 1_050n, 21_000_000_000n, 181_905n])
    assert.equal(parseSats(formatSatsNumber(msats)), msats);
});

test("what is no amount, or finer than a msat, is none", () => {
  for (const text of ["", "-1", "1.0005", "1e3", "0x10", "many", "1.", ".5", "1".repeat(16)])
    assert.equal(parseSats(text), undefined, text);
});
