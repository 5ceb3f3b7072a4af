// Columns of rows in PostgreSQL's binary array format. As text, `pg` escapes each
// element, and the server reads every byte of it again to undo that: for a batch
// of commands, a good part of what either spends on the whole statement.
//
// Only for casts that say the element's type; anything else stays with `pg`.
// Held by binary-arrays.pg.test.ts.

import type { Statement } from "./statement.ts";

type ElementType = {
  readonly oid: number;
  /** Bytes of an element; undefined when it is not one of these, which `pg` may understand. */
  readonly size: (element: unknown) => number | undefined;
  readonly write: (into: Buffer, element: unknown, at: number) => void;
};

const TYPES: Readonly<Record<string, ElementType>> = {
  text: {
    oid: 25,
    size: (element) => (typeof element === "string" ? Buffer.byteLength(element) : undefined),
    write: (into, element, at) => void into.write(String(element), at),
  },
  bigint: {
    oid: 20,
    size: (element) => (isInteger(element) ? 8 : undefined),
    write: (into, element, at) => {
      if (isInteger(element)) into.writeBigInt64BE(BigInt(element), at);
    },
  },
  bytea: {
    oid: 17,
    size: (element) => (element instanceof Uint8Array ? element.length : undefined),
    write: (into, element, at) => {
      if (element instanceof Uint8Array) into.set(element, at);
    },
  },
};

function isInteger(element: unknown): element is number | bigint {
  return typeof element === "bigint" || Number.isSafeInteger(element);
}

const CAST = /\$(\d+)::(text|bigint|bytea)\[\]/g;

const typesByStatement = new WeakMap<Statement, ReadonlyMap<number, ElementType>>();

function typesOf(statement: Statement): ReadonlyMap<number, ElementType> {
  const known = typesByStatement.get(statement);
  if (known !== undefined) return known;
  const types = new Map<number, ElementType>();
  for (const [, number, name] of statement.text.matchAll(CAST)) {
    const type = TYPES[name ?? ""];
    if (type !== undefined) types.set(Number(number) - 1, type);
  }
  typesByStatement.set(statement, types);
  return types;
}

/** The values as they are sent: arrays of known type as their binary form, others as they were. */
export function encodeArrays(statement: Statement, values: readonly unknown[]): unknown[] {
  const types = typesOf(statement);
  if (types.size === 0) return [...values];
  return values.map((value, index) => {
    const type = types.get(index);
    return type === undefined || !Array.isArray(value) ? value : (encodeArray(type, value) ?? value);
  });
}

const HEAD_BYTES = 20;
const NULL = -1;

/** What the server's `array_recv` reads: a head, then each element behind its length. */
function encodeArray({ oid, size, write }: ElementType, elements: readonly unknown[]): Buffer | undefined {
  const sizes: number[] = [];
  let total = HEAD_BYTES;
  for (const element of elements) {
    const bytes = element === null || element === undefined ? NULL : size(element);
    if (bytes === undefined) return undefined;
    sizes.push(bytes);
    total += 4 + Math.max(0, bytes);
  }
  const into = Buffer.allocUnsafe(total);
  into.writeInt32BE(elements.length === 0 ? 0 : 1, 0);
  into.writeInt32BE(sizes.includes(NULL) ? 1 : 0, 4);
  into.writeInt32BE(oid, 8);
  into.writeInt32BE(elements.length, 12);
  into.writeInt32BE(1, 16);
  let at = HEAD_BYTES;
  for (const [index, bytes] of sizes.entries()) {
    at = into.writeInt32BE(bytes, at);
    if (bytes === NULL) continue;
    write(into, elements[index], at);
    at += bytes;
  }
  // Without a dimension the head ends before the dimension's two numbers.
  return elements.length === 0 ? into.subarray(0, 12) : into;
}
