import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BODY_DEPTH_MAX, parseJsonBody } from "./json-body.ts";
import { ProblemError } from "./problem.ts";

const body = (text: string) => parseJsonBody(Buffer.from(text));

test("every JSON object is read as JSON.parse reads it, however it is spaced or escaped", () => {
  const object = fc.dictionary(
    fc.string().filter((key) => key !== "__proto__"),
    fc.jsonValue(),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 2, "\t"), (value, space) => {
      const text = JSON.stringify(value, undefined, space);
      if (text.includes('"__proto__":')) return;
      assert.deepEqual(body(text), JSON.parse(text));
    }),
  );
});

for (const [name, text] of [
  ["at the top", '{"a":1,"b":2,"a":1}'],
  ["in a nested object", '{"a":{"x":1,"x":2}}'],
  ["in an object of an array", '{"a":[{"x":1,"x":{}}]}'],
  ["under another spelling", '{"a":1,"\\u0061":2}'],
  ["beside text full of colons and quotes", '{"a":"\\":\\\\\\":{","a":1}'],
] as const) {
  test(`a key that is there twice is refused: ${name}`, () => refused(text, "duplicate_key"));
}

test("a key that is there twice is refused wherever it stands", () => {
  const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue()), {
    minLength: 1,
    selector: ([key]) => key,
  });
  fc.assert(
    fc.property(entries, fc.nat(), (list, at) => {
      const twice = list[at % list.length];
      if (twice === undefined || JSON.stringify(list).includes("__proto__")) return;
      const text = [...list, twice]
        .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
        .join(",");
      refused(`{${text}}`, "duplicate_key");
    }),
  );
});

test("a key that could set a prototype is refused, also when escaped", () => {
  refused('{"__proto__":{"admin":true}}', "forbidden_key");
  refused('{"a":[{"__prot\\u006f__":1}]}', "forbidden_key");
});

test("what is no JSON, no UTF-8, or no object is refused by its own code", () => {
  for (const text of ["", "{", "{'a':1}", '{"a":1,}', "NaN", '\ufeff{"a":1}'])
    refused(text, "malformed_json");
  for (const text of ["[]", "null", "1", '"a"']) refused(text, "not_an_object");
  assert.throws(
    () => parseJsonBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    hasCode("malformed_json"),
  );
});

test("a hundred thousand levels of nesting are refused, not recursed into", () => {
  refused(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, "too_deep");
  const levels = BODY_DEPTH_MAX - 1;
  assert.ok(body(`{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`));
});

function refused(text: string, code: string): void {
  assert.throws(() => body(text), hasCode(code), text.slice(0, 80));
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProblemError && error.status === 400 && error.code === code;
}
