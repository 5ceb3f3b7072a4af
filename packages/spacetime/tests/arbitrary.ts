// Any schema, with any value of it.

import fc from "fast-check";
import {
  array,
  bool,
  bytes,
  f32,
  f64,
  i128,
  i16,
  i256,
  i32,
  i64,
  i8,
  option,
  product,
  string,
  sum,
  u128,
  u16,
  u256,
  u32,
  u64,
  u8,
  type Codec,
} from "@openagents/spacetime";

export type Sample = { readonly codec: Codec<unknown>; readonly value: unknown };

const bits = (count: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(count)) - 1n });
const signed = (count: number) =>
  fc.bigInt({ min: -(1n << BigInt(count - 1)), max: (1n << BigInt(count - 1)) - 1n });
const int = (min: number, max: number) => fc.integer({ min, max });

const LEAVES: readonly (readonly [Codec<unknown>, fc.Arbitrary<unknown>])[] = [
  [bool, fc.boolean()],
  [string, fc.string({ unit: "grapheme", maxLength: 80 })],
  [bytes, fc.uint8Array({ maxLength: 40 })],
  [u8, int(0, 255)],
  [u16, int(0, 65_535)],
  [u32, int(0, 4_294_967_295)],
  [i8, int(-128, 127)],
  [i16, int(-32_768, 32_767)],
  [i32, int(-2_147_483_648, 2_147_483_647)],
  [u64, bits(64)],
  [i64, signed(64)],
  [u128, bits(128)],
  [i128, signed(128)],
  [u256, bits(256)],
  [i256, signed(256)],
  [f32, fc.float()],
  [f64, fc.double()],
];

type Shape = { readonly codec: Codec<unknown>; readonly values: fc.Arbitrary<unknown> };

const leaf: fc.Arbitrary<Shape> = fc.constantFrom(...LEAVES.map(([codec, values]) => ({ codec, values })));

const shapes = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("shape").map(({ codec, values }) => ({
      codec: array(codec),
      values: fc.array(values, { maxLength: 5 }),
    })),
    tie("shape").map(({ codec, values }) => ({
      codec: option(codec),
      values: fc.option(values, { nil: undefined }),
    })),
    fc.array(tie("shape"), { minLength: 1, maxLength: 4 }).map((parts) => ({
      codec: product(named(parts.map(({ codec }) => codec))),
      values: fc.record(named(parts.map(({ values }) => values)), { noNullPrototype: true }),
    })),
    fc.array(tie("shape"), { minLength: 1, maxLength: 4 }).map((parts) => ({
      codec: sum(named(parts.map(({ codec }) => codec))),
      values: fc.oneof(
        ...parts.map(({ values }, index) => values.map((value) => ({ tag: `v${index}`, value }))),
      ),
    })),
  ),
})).shape;

/** A schema and a value of it. An option of undefined is what BSATN cannot tell from none, so none is nested. */
export const samples: fc.Arbitrary<Sample> = shapes
  .filter(
    ({ codec }) =>
      !JSON.stringify(codec.type).includes('"some","type":{"kind":"sum","variants":[{"name":"some"'),
  )
  .chain(({ codec, values }) => values.map((value) => ({ codec, value })));

function named<T>(parts: readonly T[]): Record<string, T> {
  return Object.fromEntries(parts.map((part, index) => [`v${index}`, part]));
}
