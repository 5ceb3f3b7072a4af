// A run's event as a screen takes it, and how fields are read out of payloads:
// what is not there, or is something else, is not shown; nothing throws.

import type { JsonObject, JsonValue } from "@openagents/contracts";

export type LoggedEvent = {
  readonly seq: bigint;
  readonly eventType: string;
  readonly payload: JsonObject;
  readonly recordedAt: number;
};

type Field = JsonValue | undefined;

/** The value under a path of names. */
export function fieldAt(value: Field, ...path: readonly string[]): Field {
  let current = value;
  for (const name of path) current = isObject(current) ? current[name] : undefined;
  return current;
}

export function textAt(value: Field, ...path: readonly string[]): string | undefined {
  const field = fieldAt(value, ...path);
  return typeof field === "string" ? field : undefined;
}

export function numberAt(value: Field, ...path: readonly string[]): number | undefined {
  const field = fieldAt(value, ...path);
  return typeof field === "number" ? field : undefined;
}

/** An integer amount; a fraction is none. */
export function msatsAt(value: Field, ...path: readonly string[]): bigint | undefined {
  const field = numberAt(value, ...path);
  return field !== undefined && Number.isSafeInteger(field) ? BigInt(field) : undefined;
}

export function listAt(value: Field, ...path: readonly string[]): readonly JsonValue[] {
  const field = fieldAt(value, ...path);
  return isList(field) ? field : [];
}

function isObject(value: Field): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

function isList(value: Field): value is readonly JsonValue[] {
  return Array.isArray(value);
}
