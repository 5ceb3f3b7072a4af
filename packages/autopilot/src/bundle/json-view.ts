// Reading JSON whose shape nobody promised: a member that is absent or of
// another type reads as empty, so that garbage compares unequal and never throws.

import type { JsonObject, JsonValue } from "@openagents/receipts";

export function textOf(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

export function numberOf(object: JsonObject, name: string): number | undefined {
  const value = object[name];
  return typeof value === "number" ? value : undefined;
}

export function objectOf(object: JsonObject, name: string): JsonObject {
  return asObject(object[name]) ?? {};
}

export function listOf(object: JsonObject, name: string): readonly JsonValue[] {
  const value = object[name];
  return Array.isArray(value) ? value : [];
}

export function objectsOf(object: JsonObject, name: string): readonly JsonObject[] {
  return listOf(object, name).map((item) => asObject(item) ?? {});
}

export function textsOf(object: JsonObject, name: string): readonly string[] {
  return listOf(object, name).map((item) => (typeof item === "string" ? item : ""));
}

export function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
