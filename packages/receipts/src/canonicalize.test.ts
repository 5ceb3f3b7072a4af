import assert from "node:assert/strict";
import { test } from "node:test";
import {
  JsonError,
  assertReceiptNumbers,
  canonicalize,
  parseStrict,
  type JsonValue,
} from "@openagents/receipts";
import fc from "fast-check";

/** JSON values whose strings are well formed: what a canonical form exists for. */
const json = fc.jsonValue({ stringUnit: "grapheme", maxDepth: 5 }).map((value) => value as JsonValue);

test("reading canonical text and writing it again changes nothing", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalize(value);
      assert.equal(canonicalize(parseStrict(text)), text);
      assert.equal(canonicalize(JSON.parse(text)), text);
      assert.equal(JSON.stringify(JSON.parse(text)).length, text.length);
    }),
  );
});

test("the order in which members came never changes the text", () => {
  const members = fc.uniqueArray(fc.tuple(fc.string({ unit: "binary" }), json), {
    selector: ([key]) => key,
    maxLength: 8,
  });
  fc.assert(
    fc.property(members, (entries) => {
      const forward = canonicalize(Object.fromEntries(entries));
      assert.equal(canonicalize(Object.fromEntries(entries.toReversed())), forward);
    }),
  );
});

test("members are ordered by UTF-16 code units, not by code points or a locale", () => {
  // U+10000 is written with units from D800 on, and so comes before U+FB33 though it is the larger code point.
  const value = { "\ufb33": 1, "\u{10000}": 2, é: 3, z: 4, Z: 5, "": 6, 10: 7, 9: 8 };
  assert.equal(canonicalize(value), '{"":6,"10":7,"9":8,"Z":5,"z":4,"é":3,"\u{10000}":2,"\ufb33":1}');
});

test("strings escape what RFC 8785 names and nothing else, short and long alike", () => {
  const text = '\u0000\u0008\t\n\u000b\f\r\u001f"\\/\u007f\u2028€\u{1f600}';
  const escaped = '\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\u007f\u2028€\u{1f600}';
  assert.equal(canonicalize(text), `"${escaped}"`);
  assert.equal(canonicalize(text.repeat(20)), `"${escaped.repeat(20)}"`);
  for (const length of [63, 64, 65, 66]) {
    const padding = "a".repeat(length - 1);
    assert.equal(canonicalize(`${padding}\n`), `"${padding}\\n"`);
    assert.throws(() => canonicalize(`${padding}\ud800`), JsonError);
  }
});

test("numbers are written as RFC 8785 appendix B writes them", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0"],
    [-0, "0"],
    [5e-324, "5e-324"],
    [-1.7976931348623157e308, "-1.7976931348623157e+308"],
    [9007199254740992, "9007199254740992"],
    [295147905179352830000, "295147905179352830000"],
    [1e21, "1e+21"],
    [9.999999999999997e22, "9.999999999999997e+22"],
    [0.000001, "0.000001"],
    [1e-7, "1e-7"],
  ];
  for (const [value, text] of cases) assert.equal(canonicalize(value), text);
});

test("what JSON cannot say is refused", () => {
  const itself: unknown[] = [];
  itself.push(itself);
  const refused: readonly unknown[] = [
    NaN,
    Infinity,
    1n,
    undefined,
    [undefined],
    Array(1),
    Symbol("s"),
    () => 1,
    new Date(0),
    new Map(),
    new Uint8Array(1),
    "\ud800",
    { "\udc00": 1 },
    itself,
    nested(65),
  ];
  for (const value of refused) assert.throws(() => canonicalize(value), JsonError, String(typeof value));
  assert.equal(canonicalize(nested(64)).length, 128);
});

test("a member that is undefined is absent, and one called __proto__ is a member", () => {
  assert.equal(canonicalize({ b: undefined, a: 1 }), '{"a":1}');
  assert.equal(canonicalize(parseStrict('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
});

test("a receipt holds no fraction, no minus zero and no integer beyond 2^53−1, however deep", () => {
  for (const value of [0.5, -0, 2 ** 53, -(2 ** 53), 1e21]) {
    assert.throws(() => assertReceiptNumbers(value), JsonError);
    assert.throws(() => assertReceiptNumbers({ a: [{ b: value }] }), JsonError);
  }
  assertReceiptNumbers({ a: [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1), "0.5", null, true] });
});

function nested(depth: number): JsonValue {
  let value: JsonValue = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}
