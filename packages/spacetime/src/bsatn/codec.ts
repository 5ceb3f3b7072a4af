// Codecs, each with the schema that it follows. Compose them to the type of a
// message or of a row.

import { bytesMinOf, type AlgebraicType, type Primitive } from "./algebraic-type.ts";
import { BsatnError } from "./bsatn-error.ts";
import { Reader } from "./reader.ts";
import { Writer } from "./writer.ts";

export interface Codec<T> {
  readonly type: AlgebraicType;
  /** Throws `BsatnError` for a value outside of the type's range. */
  write(writer: Writer, value: T): void;
  /** Throws `BsatnError` for bytes that are no value of the type. */
  read(reader: Reader): T;
}

/** What a codec reads and writes. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

export function encodeBsatn<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}

/** Throws `BsatnError`, also for bytes behind the value. */
export function decodeBsatn<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  if (reader.remaining > 0) throw new BsatnError(`${reader.remaining} bytes are left behind the value`);
  return value;
}

export const bool: Codec<boolean> = {
  type: { kind: "bool" },
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read(reader) {
    const byte = reader.u8();
    if (byte > 1) throw new BsatnError(`${byte} is neither true nor false`);
    return byte === 1;
  },
};

export const string: Codec<string> = {
  type: { kind: "string" },
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(),
};

/** An array of u8, read as a view into what was given. */
export const bytes: Codec<Uint8Array> = {
  type: { kind: "array", element: { kind: "u8" } },
  write: (writer, value) => writer.counted(value),
  read: (reader) => reader.counted(),
};

export const u8 = integer(
  "u8",
  (writer, value) => writer.u8(value),
  (reader) => reader.u8(),
);
export const u16 = integer(
  "u16",
  (writer, value) => writer.u16(value),
  (reader) => reader.u16(),
);
export const u32 = integer(
  "u32",
  (writer, value) => writer.u32(value),
  (reader) => reader.u32(),
);
export const i8 = integer(
  "i8",
  (writer, value) => writer.u8(value),
  (reader) => (reader.u8() << 24) >> 24,
);
export const i16 = integer(
  "i16",
  (writer, value) => writer.u16(value),
  (reader) => (reader.u16() << 16) >> 16,
);
export const i32 = integer(
  "i32",
  (writer, value) => writer.u32(value),
  (reader) => reader.u32() | 0,
);

export const u64 = bigInteger(
  "u64",
  (writer, value) => writer.u64(value),
  (reader) => reader.u64(),
);
export const i64 = bigInteger(
  "i64",
  (writer, value) => writer.u64(value),
  (reader) => reader.u64(),
);
export const u128 = bigInteger(
  "u128",
  (writer, value) => writer.wide(value, 16),
  (reader) => reader.wide(16),
);
export const i128 = bigInteger(
  "i128",
  (writer, value) => writer.wide(value, 16),
  (reader) => reader.wide(16),
);
export const u256 = bigInteger(
  "u256",
  (writer, value) => writer.wide(value, 32),
  (reader) => reader.wide(32),
);
export const i256 = bigInteger(
  "i256",
  (writer, value) => writer.wide(value, 32),
  (reader) => reader.wide(32),
);

export const f32: Codec<number> = {
  type: { kind: "f32" },
  write: (writer, value) => writer.f32(value),
  read: (reader) => reader.f32(),
};

export const f64: Codec<number> = {
  type: { kind: "f64" },
  write: (writer, value) => writer.f64(value),
  read: (reader) => reader.f64(),
};

export function array<T>(element: Codec<T>): Codec<readonly T[]> {
  const bytesMin = bytesMinOf(element.type);
  // Four bytes could otherwise announce four thousand million of them.
  if (bytesMin === 0) throw new Error("an array's elements must take bytes");
  return {
    type: { kind: "array", element: element.type },
    write(writer, values) {
      writer.count(values.length);
      for (const value of values) element.write(writer, value);
    },
    read(reader) {
      const count = reader.count(bytesMin);
      const values: T[] = [];
      for (let index = 0; index < count; index++) values.push(element.read(reader));
      return values;
    },
  };
}

/** A sum of `some` and `none`, which is undefined here. */
export function option<T>(some: Codec<T>): Codec<T | undefined> {
  return {
    type: {
      kind: "sum",
      variants: [
        { name: "some", type: some.type },
        { name: "none", type: unit.type },
      ],
    },
    write(writer, value) {
      writer.u8(value === undefined ? 1 : 0);
      if (value !== undefined) some.write(writer, value);
    },
    read(reader) {
      const tag = reader.u8();
      if (tag > 1) throw unknownTag(tag);
      return tag === 0 ? some.read(reader) : undefined;
    },
  };
}

type Fields = Readonly<Record<string, Codec<unknown>>>;
type Product<F> = { readonly [K in keyof F]: Infer<F[K]> };

/** The fields one after another, in the order in which they are given. */
export function product<const F extends Fields>(fields: F): Codec<Product<F>> {
  const entries = Object.entries(fields) as [string, Codec<unknown>][];
  return {
    type: { kind: "product", elements: entries.map(([name, { type }]) => ({ name, type })) },
    write(writer, value) {
      for (const [name, codec] of entries) codec.write(writer, (value as Record<string, unknown>)[name]);
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader);
      return value as Product<F>;
    },
  };
}

/** Nothing, in no bytes. */
export const unit: Codec<undefined> = {
  type: { kind: "product", elements: [] },
  write: () => undefined,
  read: () => undefined,
};

type Sum<V> = { [K in keyof V]: { readonly tag: K; readonly value: Infer<V[K]> } }[keyof V];

/** One of the variants behind the number of its place among them. */
export function sum<const V extends Fields>(variants: V): Codec<Sum<V>> {
  const entries = Object.entries(variants) as [string, Codec<unknown>][];
  const places = new Map(entries.map(([name, codec], place) => [name, { place, codec }]));
  return {
    type: { kind: "sum", variants: entries.map(([name, { type }]) => ({ name, type })) },
    write(writer, { tag, value }) {
      const variant = places.get(String(tag));
      if (variant === undefined) throw new BsatnError(`there is no variant ${String(tag)}`);
      writer.u8(variant.place);
      variant.codec.write(writer, value);
    },
    read(reader) {
      const tag = reader.u8();
      const variant = entries[tag];
      if (variant === undefined) throw unknownTag(tag);
      return { tag: variant[0], value: variant[1].read(reader) } as Sum<V>;
    },
  };
}

function integer(
  kind: Primitive,
  write: (writer: Writer, value: number) => void,
  read: (reader: Reader) => number,
): Codec<number> {
  const [min, max] = rangeOf(kind);
  return {
    type: { kind },
    write(writer, value) {
      if (!Number.isInteger(value) || value < Number(min) || value > Number(max))
        throw outOfRange(kind, value);
      write(writer, value);
    },
    read,
  };
}

function bigInteger(
  kind: Primitive,
  write: (writer: Writer, value: bigint) => void,
  read: (reader: Reader) => bigint,
): Codec<bigint> {
  const [min, max] = rangeOf(kind);
  const bits = Number(kind.slice(1));
  return {
    type: { kind },
    write(writer, value) {
      if (value < min || value > max) throw outOfRange(kind, value);
      write(writer, value);
    },
    read: min === 0n ? read : (reader) => BigInt.asIntN(bits, read(reader)),
  };
}

function rangeOf(kind: Primitive): readonly [min: bigint, max: bigint] {
  const bits = BigInt(kind.slice(1));
  return kind.startsWith("u") ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
}

function outOfRange(kind: Primitive, value: number | bigint): BsatnError {
  return new BsatnError(`${value} is no ${kind}`);
}

function unknownTag(tag: number): BsatnError {
  return new BsatnError(`there is no variant ${tag}`);
}
