// An event of a stream, and the chain that binds all events of one.

import { canonicalize, sha256Hex, type JsonObject } from "@openagents/receipts";

export type StreamEvent = {
  readonly streamId: string;
  /** Dense from 1. */
  readonly seq: bigint;
  /** `sha256:` and 64 hex digits, over `payload`. */
  readonly payloadHash: string;
  /** Canonical JSON (RFC 8785) of a `StreamPayload`. */
  readonly payload: string;
  readonly committedAtMs: number;
};

/** What every event says: its kind, when it happened, and the facts of that kind. */
export type StreamPayload = {
  readonly kind: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly occurred_at: string;
  readonly payload: JsonObject;
};

export function payloadText(kind: string, occurredAtMs: number, facts: JsonObject): string {
  return payloadTextOf(kind, occurredAtMs, canonicalize(facts));
}

/** As `payloadText`, of facts that are canonical JSON already. */
export function payloadTextOf(kind: string, occurredAtMs: number, canonicalFacts: string): string {
  const occurredAt = new Date(occurredAtMs).toISOString();
  // In the order of RFC 8785.
  return `{"kind":${JSON.stringify(kind)},"occurred_at":"${occurredAt}","payload":${canonicalFacts}}`;
}

/** The hash that travels beside a payload. */
export function hashPayload(payload: string): string {
  return `sha256:${sha256Hex(payload)}`;
}

/** The key under which an event is the same one wherever it is delivered. */
export function idempotencyKeyOf(streamId: string, seq: bigint): string {
  return `${streamId}:${seq}`;
}

/** The chain before the first event. */
export const CHAIN_START = "0".repeat(64);

/**
 * The chain with one event more: the SHA-256 of the chain before it, the number
 * and the payload's hash, joined by line breaks. Equal chains at one number mean
 * equal streams up to it.
 */
export function chainStream(chain: string, seq: bigint, hash: string): string {
  return sha256Hex(`${chain}\n${seq}\n${hash}`);
}
