// Private routes to a payee that no public channel leads to.

import {
  bytesToHex,
  bytesToNumberBE,
  concatBytes,
  hexToBytes,
  numberToBytesBE,
} from "@noble/curves/utils.js";
import { Bolt11Error } from "./bolt11-error.ts";
import type { RouteHop } from "./invoice.ts";
import { isPublicKey } from "./signature.ts";
import { bytesOf, wordsOf } from "./words.ts";

// Node id, short channel id, base fee, proportional fee, delta of the time lock.
const HOP_BYTES = 33 + 8 + 4 + 4 + 2;

export function routeHintOf(words: readonly number[]): RouteHop[] {
  const bytes = bytesOf(words, "r");
  if (bytes.length === 0 || bytes.length % HOP_BYTES !== 0)
    throw new Bolt11Error(
      "route_hint_malformed",
      `field r has ${bytes.length} bytes, not hops of ${HOP_BYTES}`,
    );
  const hops: RouteHop[] = [];
  for (let at = 0; at < bytes.length; at += HOP_BYTES) hops.push(hopOf(bytes.subarray(at, at + HOP_BYTES)));
  return hops;
}

function hopOf(bytes: Uint8Array): RouteHop {
  const nodeId = bytesToHex(bytes.subarray(0, 33));
  if (!isPublicKey(nodeId))
    throw new Bolt11Error("route_hint_malformed", `${nodeId} in field r is no public key`);
  return {
    nodeId,
    shortChannelId: bytesToNumberBE(bytes.subarray(33, 41)),
    feeBaseMsats: bytesToNumberBE(bytes.subarray(41, 45)),
    feePpm: Number(bytesToNumberBE(bytes.subarray(45, 49))),
    cltvDelta: Number(bytesToNumberBE(bytes.subarray(49, 51))),
  };
}

export function wordsOfRouteHint(hops: readonly RouteHop[]): number[] {
  if (hops.length === 0) throw new Bolt11Error("route_hint_malformed", "a route hint has no hops");
  return wordsOf(concatBytes(...hops.map(bytesOfHop)));
}

function bytesOfHop(hop: RouteHop): Uint8Array {
  if (!isPublicKey(hop.nodeId))
    throw new Bolt11Error("route_hint_malformed", `${hop.nodeId} in a route hint is no public key`);
  return concatBytes(
    hexToBytes(hop.nodeId),
    uint(hop.shortChannelId, 8, "short channel id"),
    uint(hop.feeBaseMsats, 4, "base fee"),
    uint(hop.feePpm, 4, "proportional fee"),
    uint(hop.cltvDelta, 2, "delta of the time lock"),
  );
}

function uint(value: bigint | number, bytes: number, name: string): Uint8Array {
  const fits = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!fits || value < 0 || BigInt(value) >= 1n << BigInt(bytes * 8))
    throw new Bolt11Error("field_range", `the ${name} of a route hint does not fit into ${bytes} bytes`);
  return numberToBytesBE(value, bytes);
}
