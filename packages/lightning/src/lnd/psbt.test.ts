import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { LightningError } from "../node.ts";
import { unsignedTransactionOf } from "./psbt.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
const little = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};

// One input without a script, two outputs; the second script is long enough for a size of three bytes.
const script = Buffer.alloc(300, 0x51);
const transaction = Buffer.concat([
  Buffer.from("02000000" + "01" + "aa".repeat(32) + "00000000" + "00" + "ffffffff" + "02", "hex"),
  little(2_100_000_000_000_000n),
  Buffer.from("0151", "hex"),
  little(1n),
  Buffer.from("fd2c01", "hex"),
  script,
  Buffer.from("00000000", "hex"),
]);
const size = Buffer.from([0xfd, transaction.length & 0xff, transaction.length >> 8]);
const psbt = Buffer.concat([
  Buffer.from("70736274ff0100", "hex"),
  size,
  transaction,
  Buffer.from("000000", "hex"),
]);

test("the transaction of a PSBT has its txid and its outputs", () => {
  assert.deepEqual(unsignedTransactionOf(psbt), {
    txid: sha256(sha256(transaction)).reverse().toString("hex"),
    outputSats: [2_100_000_000_000_000n, 1n],
  });
});

test("a PSBT that is cut, of another version, or no PSBT is refused", () => {
  const end = 7 + size.length + transaction.length - 4;
  for (let length = 0; length < end; length++)
    assert.throws(() => unsignedTransactionOf(psbt.subarray(0, length)), LightningError, String(length));
  for (const at of [0, 4, 5, 6]) {
    const changed = Buffer.from(psbt);
    changed[at] = 0x7f;
    assert.throws(() => unsignedTransactionOf(changed), LightningError);
  }
});
