import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BsatnError,
  array,
  bool,
  bytes,
  decodeBsatn,
  encodeBsatn,
  i8,
  product,
  string,
  sum,
  u32,
  u64,
  u8,
  unit,
} from "@openagents/spacetime";
import { samples } from "./arbitrary.ts";

test("every value reads back as what was written", () => {
  fc.assert(
    fc.property(samples, ({ codec, value }) => {
      assert.deepEqual(decodeBsatn(codec, encodeBsatn(codec, value)), value);
    }),
  );
});

test("no part of a value is a value, and nothing may stand behind one", () => {
  fc.assert(
    fc.property(samples, fc.nat(), ({ codec, value }, cut) => {
      const whole = encodeBsatn(codec, value);
      assert.throws(() => decodeBsatn(codec, whole.subarray(0, cut % whole.length)), BsatnError);
      assert.throws(() => decodeBsatn(codec, Uint8Array.of(...whole, 0)), BsatnError);
    }),
  );
});

test("any bytes at all are a value or a BsatnError", () => {
  fc.assert(
    fc.property(samples, fc.uint8Array({ maxLength: 200 }), ({ codec }, garbage) => {
      try {
        decodeBsatn(codec, garbage);
      } catch (error) {
        assert.ok(error instanceof BsatnError, String(error));
      }
    }),
  );
});

test("a count that the rest of the bytes cannot hold is refused before anything is made for it", () => {
  const announced = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3);
  for (const codec of [string, bytes, array(u64), array(bool)]) {
    assert.throws(() => decodeBsatn(codec as typeof string, announced), BsatnError);
  }
  assert.throws(() => array(unit), /must take bytes/);
});

test("what is not in a type's range or form is refused, not repaired", () => {
  assert.throws(() => encodeBsatn(u8, 256), BsatnError);
  assert.throws(() => encodeBsatn(i8, -129), BsatnError);
  assert.throws(() => encodeBsatn(u32, 1.5), BsatnError);
  assert.throws(() => encodeBsatn(u64, 1n << 64n), BsatnError);
  assert.throws(() => encodeBsatn(u64, -1n), BsatnError);
  assert.throws(() => decodeBsatn(bool, Uint8Array.of(2)), BsatnError);
  assert.throws(() => decodeBsatn(string, Uint8Array.of(1, 0, 0, 0, 0xff)), BsatnError);
  assert.throws(() => decodeBsatn(sum({ A: u8, B: u8 }), Uint8Array.of(2, 0)), BsatnError);
});

test("the bytes are little-endian, in the order of the fields, with counts of four bytes", () => {
  const codec = product({ a: u32, b: string, c: sum({ Empty: unit, Some: array(u8) }) });
  const value = { a: 1, b: "é", c: { tag: "Some", value: [7] } } as const;
  assert.deepEqual([...encodeBsatn(codec, value)], [1, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa9, 1, 1, 0, 0, 0, 7]);
});
