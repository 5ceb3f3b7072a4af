// Fields of lnd's JSON. Its 64-bit integers are strings, its bytes base64 or
// hex, and its absent zeros are zeros. What is otherwise is refused, never guessed.

import { LightningError } from "../node.ts";

export type Json = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown, name: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw malformed(name);
}

export function listOf(json: Json, name: string): readonly Json[] {
  const value = json[name] ?? [];
  if (!Array.isArray(value)) throw malformed(name);
  return value.map((item) => objectOf(item, name));
}

export function textOf(json: Json, name: string): string {
  const value = json[name];
  if (typeof value === "string") return value;
  throw malformed(name);
}

export function wholeOf(json: Json, name: string): bigint {
  const value = json[name];
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw malformed(name);
}

export function numberOf(json: Json, name: string): number {
  const value = Number(wholeOf(json, name));
  if (Number.isSafeInteger(value)) return value;
  throw malformed(name);
}

/** 32 bytes that lnd gives in base64, as hex. */
export function hashOf(json: Json, name: string): string {
  const bytes = Buffer.from(textOf(json, name), "base64");
  if (bytes.length === 32) return bytes.toString("hex");
  throw malformed(name);
}

/** 32 bytes that lnd gives in hex. */
export function hexHashOf(json: Json, name: string): string {
  const value = textOf(json, name);
  if (/^[0-9a-f]{64}$/.test(value)) return value;
  throw malformed(name);
}

/** An amount object of `sat` and `msat`. */
export function msatsOf(json: Json, name: string): bigint {
  return wholeOf(objectOf(json[name], name), "msat");
}

export function malformed(name: string): LightningError {
  return new LightningError("node_answer_malformed", `lnd's answer has no right ${name}`);
}
