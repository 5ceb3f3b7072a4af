// Whether a stored projection is what the run's events give. Pure.

import type { DriftReason } from "@openagents/contracts";
import type { Projection } from "./store.ts";

/** In order of precedence. `computed` is made of the run's events up to the stored one's last. */
export function decideDrift(
  stored: Projection | undefined,
  latestSeq: bigint,
  computed: Projection | undefined,
): DriftReason {
  if (stored === undefined) return "not_projected";
  if (stored.lastSeq > latestSeq || computed === undefined) return "ahead_of_log";
  if (stored.chainHash !== computed.chainHash) return "chain_differs";
  return stored.hash === computed.hash ? "none" : "hash_differs";
}
