// Values as strict JSON and back, for what a run remembers on disk: an unknown
// member, a missing one, or one of another kind is an error that names it, so
// that no later version mistakes an older file's meaning.

import { decodeShape, encode, type JsonValue, type MessageDesc } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";

export type Codec<T> = {
  /** Throws `journal_invalid` naming `where`. */
  read(value: unknown, where: string): T;
  write(value: T): JsonValue;
};

type Member<T> = { readonly codec: Codec<T>; readonly optional: boolean };

export const text: Codec<string> = {
  read: (value, where) => (typeof value === "string" ? value : refuse(where, "a text")),
  write: (value) => value,
};

export const flag: Codec<boolean> = {
  read: (value, where) => (typeof value === "boolean" ? value : refuse(where, "true or false")),
  write: (value) => value,
};

export const whole: Codec<number> = {
  read: (value, where) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0
      ? value
      : refuse(where, "a whole number"),
  write: (value) => value,
};

export const amount: Codec<bigint> = {
  read: (value, where) =>
    typeof value === "string" && /^\d{1,16}$/.test(value) ? BigInt(value) : refuse(where, "an amount"),
  write: (value) => value.toString(),
};

export function oneOf<const T extends string>(values: readonly T[]): Codec<T> {
  return {
    read: (value, where) =>
      values.find((known) => known === value) ?? refuse(where, `one of ${values.join(", ")}`),
    write: (value) => value,
  };
}

export function list<T>(codec: Codec<T>, lengthMax: number): Codec<readonly T[]> {
  return {
    read(value, where) {
      if (!Array.isArray(value) || value.length > lengthMax)
        return refuse(where, `a list of at most ${lengthMax}`);
      return value.map((one: unknown, index) => codec.read(one, `${where}[${index}]`));
    },
    write: (value) => value.map((one) => codec.write(one)),
  };
}

/** A message of the contract, in its own JSON. */
export function message<T>(desc: MessageDesc<T>): Codec<T> {
  return {
    read(value, where) {
      try {
        return decodeShape(desc, value);
      } catch {
        return refuse(where, "a message of the contract");
      }
    },
    write: (value) => encode(desc, value),
  };
}

export function must<T>(codec: Codec<T>): Member<T> {
  return { codec, optional: false };
}

export function may<T>(codec: Codec<T>): Member<T> {
  return { codec, optional: true };
}

/** An object of exactly these members. */
export function object<T extends object>(members: {
  readonly [K in keyof T]-?: Member<Exclude<T[K], undefined>>;
}): Codec<T> {
  const known = Object.entries<Member<unknown>>(members);
  return {
    read(value, where) {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        return refuse(where, "an object");
      const given = new Map<string, unknown>(Object.entries(value));
      for (const name of given.keys()) {
        if (!known.some(([expected]) => expected === name)) refuse(`${where}.${name}`, "absent");
      }
      const read = known.flatMap(([name, { codec, optional }]) => {
        if (!given.has(name)) return optional ? [] : refuse(`${where}.${name}`, "there");
        return [[name, codec.read(given.get(name), `${where}.${name}`)] as const];
      });
      // Each member was read by the codec of its own type.
      return Object.fromEntries(read) as T;
    },
    write(value) {
      const given = new Map<string, unknown>(Object.entries(value));
      return Object.fromEntries(
        known.flatMap(([name, { codec }]) => {
          const member = given.get(name);
          return member === undefined ? [] : [[name, codec.write(member)]];
        }),
      );
    },
  };
}

function refuse(where: string, expected: string): never {
  throw new AutopilotError(
    "journal_invalid",
    `The run's journal cannot be used: ${where} must be ${expected}.`,
  );
}
