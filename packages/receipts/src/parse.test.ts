import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonError, TEXT_LENGTH_MAX, parseStrict } from "@openagents/receipts";
import fc from "fast-check";

test("any JSON is read as JSON.parse reads it, as text and as bytes", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "grapheme" }), (text) => {
      assert.deepEqual(parseStrict(text), JSON.parse(text));
      assert.deepEqual(parseStrict(new TextEncoder().encode(text)), JSON.parse(text));
    }),
  );
});

test("garbage is refused with a JsonError or read as JSON.parse reads it", () => {
  const shards = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "a",
    "1",
    "-",
    "e",
    ".",
    " ",
    "null",
    '"k"',
    "\\u0061",
  );
  fc.assert(
    fc.property(fc.array(shards, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      try {
        assert.deepEqual(parseStrict(text), JSON.parse(text));
      } catch (error) {
        assert.ok(error instanceof JsonError, `${text}: ${String(error)}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a member that stands twice is refused, in any spelling and at any depth", () => {
  const refused = [
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"a":1,"\\u0061":2}',
    '[{"x":{"a":[],"b":{},"a":0}}]',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{"\\"":1,"\\u0022":2}',
  ];
  for (const text of refused) assert.throws(() => parseStrict(text), /repeated/, text);
  const accepted = [
    '{"a":{"a":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":["a","a"]}',
    '{"a":"{\\"a\\":1","b":1}',
  ];
  for (const text of accepted) assert.deepEqual(parseStrict(text), JSON.parse(text));
});

test("a lone surrogate is refused, raw or escaped, in a member's name or a value", () => {
  for (const text of [
    '"\ud800"',
    '"\\ud800"',
    '"\\uD800x"',
    '"\\udc00\\ud800"',
    '{"\\udfff":1}',
    '["a","\\ud83d"]',
  ]) {
    assert.throws(() => parseStrict(text), /lone surrogate/, JSON.stringify(text));
  }
  assert.equal(parseStrict('"\\ud83d\\ude00"'), "\u{1f600}");
});

test("a number that no double can hold is refused; one that rounds is read as RFC 8785 reads it", () => {
  for (const text of ["1e400", "-1e400", `${"9".repeat(400)}`, '{"a":[1e999]}']) {
    assert.throws(() => parseStrict(text), /too large/, text);
  }
  assert.equal(parseStrict("9007199254740993"), 9007199254740992);
  assert.equal(parseStrict('"1e400"'), "1e400");
});

test("bytes must be UTF-8 without a byte order mark", () => {
  const refused = [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0xef, 0xbb, 0xbf, 0x31],
  ];
  for (const bytes of refused) assert.throws(() => parseStrict(Uint8Array.from(bytes)), JsonError);
  assert.throws(() => parseStrict("\ufeff1"), JsonError);
});

test("what follows the value is refused", () => {
  for (const text of ["1 2", "{}{}", "null,", "[]]", '"a"b', "{} //", "", " ", "\u00a01"]) {
    assert.throws(() => parseStrict(text), JsonError, text);
  }
  assert.deepEqual(parseStrict(' \t\r\n{"a" : 1 }\n'), { a: 1 });
});

test("nesting beyond 64 and text beyond 16 MiB are refused before they cost anything", () => {
  assert.ok(parseStrict("[".repeat(64) + "]".repeat(64)));
  assert.throws(() => parseStrict("[".repeat(65) + "]".repeat(65)), /deeper than 64/);
  assert.throws(() => parseStrict("[".repeat(10_000_000)), /deeper than 64/);
  assert.throws(() => parseStrict(new Uint8Array(TEXT_LENGTH_MAX + 1)), /longer/);
});
