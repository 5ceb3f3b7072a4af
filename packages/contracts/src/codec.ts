// Between plain values and the wire's JSON, compiled once per message.
//
// CODEC-1  decode ∘ encode is the identity on plain values.
// CODEC-2  Set fields and zeros are present, unset ones absent.
// CODEC-3  An integer beyond ±(2^53−1) never crosses, in either direction.
// CODEC-4  Text with U+0000 or half a surrogate pair never crosses.
// Held by codec.test.ts. Byte streams are not JSON and are passed over here.

import { ScalarType, type DescEnum, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { parseBase64, printBase64 } from "./base64.ts";
import type { JsonObject, JsonValue, MessageDesc } from "./contract.ts";
import { enumWireValues } from "./enum-names.ts";
import { fault, located, published } from "./fault.ts";
import { checkStruct, checkText, isPlainObject } from "./struct.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";

/** Plain value → JSON. Throws `InvalidMessageError` for a value that the contract cannot carry. */
export function encode<T>(desc: MessageDesc<T>, plain: NoInfer<T>): JsonObject {
  try {
    return codecOf(desc).write(plain);
  } catch (error) {
    throw published(error);
  }
}

/** Plain value → JSON text; see `encode`. */
export function encodeText<T>(desc: MessageDesc<T>, plain: NoInfer<T>): string {
  return JSON.stringify(encode(desc, plain));
}

/**
 * JSON → plain value by its shape alone: unknown fields are passed over and the
 * rules of `buf.validate` are not asked. For answers of a newer server; use
 * `decode` for what others send. Throws `InvalidMessageError`.
 */
export function decodeShape<T>(desc: MessageDesc<T>, json: unknown): T {
  try {
    return codecOf(desc).read(json) as T;
  } catch (error) {
    throw published(error);
  }
}

type Codec = { readonly read: (json: unknown) => unknown; readonly write: (plain: unknown) => JsonObject };
type ValueCodec = {
  readonly read: (json: unknown) => unknown;
  readonly write: (plain: unknown) => JsonValue;
};

type FieldCodec = ValueCodec & {
  readonly wireName: string;
  readonly plainName: string;
  readonly optional: boolean;
  /** Makes the value of an absent field; undefined where absence is an error. */
  readonly absent: (() => unknown) | undefined;
};

const codecs = new WeakMap<DescMessage, Codec>();

function codecOf(desc: DescMessage): Codec {
  const known = codecs.get(desc);
  if (known !== undefined) return known;
  const codec = messageCodec(desc);
  codecs.set(desc, codec);
  return codec;
}

function messageCodec(desc: DescMessage): Codec {
  // Built on first use, because messages may contain each other.
  let fields: readonly FieldCodec[] | undefined;
  const fieldsOf = () => (fields ??= desc.fields.filter((field) => !isStream(field)).map(fieldCodec));
  return {
    read(json) {
      if (!isPlainObject(json)) throw fault("wrong_type", "must be a JSON object");
      const plain: Record<string, unknown> = {};
      for (const field of fieldsOf()) {
        const value = Object.hasOwn(json, field.wireName) ? json[field.wireName] : undefined;
        try {
          if (value !== undefined) plain[field.plainName] = field.read(value);
          else if (field.absent !== undefined) plain[field.plainName] = field.absent();
          else if (!field.optional) throw fault("required", "is required");
        } catch (error) {
          throw located(error, `.${field.wireName}`);
        }
      }
      return plain;
    },
    write(plain) {
      if (!isPlainObject(plain)) throw fault("wrong_type", "must be an object");
      const json: Record<string, JsonValue> = {};
      for (const field of fieldsOf()) {
        const value = plain[field.plainName] ?? field.absent?.();
        try {
          if (value !== undefined) json[field.wireName] = field.write(value);
          else if (!field.optional) throw fault("required", "is required");
        } catch (error) {
          throw located(error, `.${field.wireName}`);
        }
      }
      return json;
    },
  };
}

function isStream(field: DescField): boolean {
  return field.message?.typeName === "google.api.HttpBody";
}

function fieldCodec(field: DescField): FieldCodec {
  const names = { wireName: field.name, plainName: field.localName };
  const value = elementCodec(field);
  if (field.fieldKind === "list") return { ...names, ...listCodec(value), optional: false, absent: () => [] };
  if (field.fieldKind === "map")
    return { ...names, ...mapCodec(field, value), optional: false, absent: () => ({}) };
  const optional = field.oneof !== undefined || field.proto.proto3Optional;
  return { ...names, ...value, optional, absent: optional ? undefined : zeroOf(field) };
}

function zeroOf(field: DescField): (() => unknown) | undefined {
  if (field.message?.typeName === "google.protobuf.Struct") return () => ({});
  if (field.fieldKind !== "scalar") return undefined;
  switch (field.scalar) {
    case ScalarType.STRING:
      return () => "";
    case ScalarType.BOOL:
      return () => false;
    case ScalarType.BYTES:
      return () => new Uint8Array();
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return () => 0n;
    default:
      return () => 0;
  }
}

function elementCodec(field: DescField): ValueCodec {
  if (field.enum !== undefined) return enumCodec(field.enum);
  if (field.message !== undefined) return messageValueCodec(field.message);
  switch (field.scalar) {
    case ScalarType.STRING:
      return { read: text, write: text };
    case ScalarType.BOOL:
      return { read: flag, write: flag };
    case ScalarType.BYTES:
      return BYTES;
    case ScalarType.DOUBLE:
      return { read: finite, write: finite };
    case ScalarType.INT32:
      return intCodec(-(2 ** 31), 2 ** 31 - 1);
    case ScalarType.UINT32:
      return intCodec(0, 2 ** 32 - 1);
    case ScalarType.INT64:
      return bigintCodec(-BigInt(Number.MAX_SAFE_INTEGER));
    case ScalarType.UINT64:
      return bigintCodec(0n);
    default:
      throw new Error(`${field.toString()} is of a type that the contract does not carry`);
  }
}

function messageValueCodec(desc: DescMessage): ValueCodec {
  if (desc.typeName === "google.protobuf.Timestamp") return TIME;
  if (desc.typeName === "google.protobuf.Struct") return { read: checkStruct, write: checkStruct };
  return codecOf(desc);
}

function text(value: unknown): string {
  if (typeof value !== "string") throw fault("wrong_type", "must be a string");
  return checkText(value);
}

function flag(value: unknown): boolean {
  if (typeof value !== "boolean") throw fault("wrong_type", "must be true or false");
  return value;
}

function finite(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw fault("wrong_type", "must be a number");
  // JSON.stringify loses the sign of zero, so it is lost here already.
  return value + 0;
}

function intCodec(min: number, max: number): ValueCodec {
  const check = (value: unknown): number => {
    if (typeof value !== "number" || !Number.isInteger(value))
      throw fault("wrong_type", "must be an integer");
    if (value < min || value > max) throw fault("out_of_range", `must be from ${min} to ${max}`);
    return value + 0;
  };
  return { read: check, write: check };
}

function bigintCodec(min: bigint): ValueCodec {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  const range = `must be from ${min} to ${max}`;
  return {
    read(value) {
      if (typeof value !== "number" || !Number.isInteger(value))
        throw fault("wrong_type", "must be an integer");
      if (value < min || value > max) throw fault("out_of_range", range);
      return BigInt(value);
    },
    write(value) {
      if (typeof value !== "bigint") throw fault("wrong_type", "must be a bigint");
      if (value < min || value > max) throw fault("out_of_range", range);
      return Number(value);
    },
  };
}

function enumCodec(desc: DescEnum): ValueCodec {
  const names = new Set(enumWireValues(desc));
  const message = `must be one of ${[...names].join(", ")}`;
  const check = (value: unknown): string => {
    if (typeof value !== "string") throw fault("wrong_type", message);
    if (!names.has(value)) throw fault("not_allowed", message);
    return value;
  };
  return { read: check, write: check };
}

const TIME: ValueCodec = {
  read(value) {
    const ms = typeof value === "string" ? parseTimestamp(value) : undefined;
    if (ms === undefined) throw fault("wrong_format", "must be an RFC 3339 time in UTC that ends in Z");
    return ms;
  },
  write(value) {
    if (typeof value !== "number") throw fault("wrong_type", "must be epoch milliseconds");
    try {
      return formatTimestamp(value);
    } catch {
      throw fault("out_of_range", "must be whole epoch milliseconds of the years 1 to 9999");
    }
  },
};

const BYTES: ValueCodec = {
  read(value) {
    const bytes = typeof value === "string" ? parseBase64(value) : undefined;
    if (bytes === undefined) throw fault("wrong_format", "must be padded base64");
    return bytes;
  },
  write(value) {
    if (!(value instanceof Uint8Array)) throw fault("wrong_type", "must be bytes");
    return printBase64(value);
  },
};

function listCodec(element: ValueCodec): ValueCodec {
  const each = <T>(value: unknown, convert: (item: unknown) => T): T[] => {
    if (!Array.isArray(value)) throw fault("wrong_type", "must be an array");
    return value.map((item, index) => {
      try {
        return convert(item);
      } catch (error) {
        throw located(error, `[${index}]`);
      }
    });
  };
  return { read: (json) => each(json, element.read), write: (plain) => each(plain, element.write) };
}

function mapCodec(field: DescField, element: ValueCodec): ValueCodec {
  if (field.fieldKind !== "map" || field.mapKey !== ScalarType.STRING) {
    throw new Error(`${field.toString()} is a map whose keys are not strings`);
  }
  const each = <T>(value: unknown, convert: (item: unknown) => T): Readonly<Record<string, T>> => {
    if (!isPlainObject(value)) throw fault("wrong_type", "must be a JSON object");
    const entries = Object.keys(value).map((key): [string, T] => {
      try {
        return [checkText(key), convert(value[key])];
      } catch (error) {
        throw located(error, `.${key}`);
      }
    });
    // Defines members rather than assigning them, so `__proto__` is a key like others.
    return Object.fromEntries(entries);
  };
  return { read: (json) => each(json, element.read), write: (plain) => each(plain, element.write) };
}
