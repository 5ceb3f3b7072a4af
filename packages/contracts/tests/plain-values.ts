import { ScalarType, type DescField, type DescMessage } from "@bufbuild/protobuf";
import fc, { type Arbitrary } from "fast-check";
import { enumWireValues } from "../src/enum-names.ts";

const DEPTH_MAX = 4;

/** Any plain value that a message's codec must carry, rules of `buf.validate` aside. */
export function plainValue(desc: DescMessage, depth = 0): Arbitrary<Record<string, unknown>> {
  const required: Record<string, Arbitrary<unknown>> = {};
  const optional: Record<string, Arbitrary<unknown>> = {};
  for (const field of desc.fields) {
    if (field.message?.typeName === "google.api.HttpBody") continue;
    const isOptional = field.oneof !== undefined || field.proto.proto3Optional;
    // A message may hold itself, so that somewhere it must end.
    if (isOptional && depth === DEPTH_MAX) continue;
    (isOptional ? optional : required)[field.localName] = fieldValue(field, depth);
  }
  const given = fc.record(required, { noNullPrototype: true });
  const sometimes = fc.record(optional, { requiredKeys: [], noNullPrototype: true });
  return fc.tuple(given, sometimes).map(([a, b]) => ({ ...a, ...b }));
}

function fieldValue(field: DescField, depth: number): Arbitrary<unknown> {
  if (field.fieldKind === "list") return fc.array(elementValue(field, depth), { maxLength: 3 });
  if (field.fieldKind === "map")
    return fc.dictionary(text, elementValue(field, depth), { maxKeys: 3, noNullPrototype: true });
  return elementValue(field, depth);
}

const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed() && !value.includes("\0"));

const safe = BigInt(Number.MAX_SAFE_INTEGER);

const struct = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      text,
      fc.maxSafeInteger(),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(
        text.filter((key) => key !== "__proto__"),
        tie("value"),
        { maxKeys: 3, noNullPrototype: true },
      ),
    ),
  })).value,
  { maxKeys: 3, noNullPrototype: true },
);

function elementValue(field: DescField, depth: number): Arbitrary<unknown> {
  if (field.enum !== undefined) return fc.constantFrom(...enumWireValues(field.enum));
  if (field.message?.typeName === "google.protobuf.Timestamp") {
    return fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
  }
  if (field.message?.typeName === "google.protobuf.Struct") return struct;
  if (field.message !== undefined) return plainValue(field.message, depth + 1);
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.uint8Array();
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    case ScalarType.INT32:
      return fc.integer();
    case ScalarType.UINT32:
      return fc.nat({ max: 2 ** 32 - 1 });
    case ScalarType.INT64:
      return fc.bigInt({ min: -safe, max: safe });
    case ScalarType.UINT64:
      return fc.bigInt({ min: 0n, max: safe });
    default:
      throw new Error(`${field.toString()} has no plain value`);
  }
}
