import { setTimeout as pause } from "node:timers/promises";
import { ProblemError, TransparencyLog, createClient, type LogInclusion } from "@openagents/contracts";

/** Where a receipt's hash stands in the log; undefined while it does not, or while the log is away. */
export type FindInclusion = (hash: string, signal: AbortSignal) => Promise<LogInclusion | undefined>;

/** A receipt of a moment ago is waited for, some two seconds. */
const LOOKS_MAX = 10;
const LOOK_MS = 200;
const ANSWER_MS_MAX = 2_000;

/** Proofs kept: one never changes. */
const CACHE_ENTRIES_MAX = 10_000;

export function createFindInclusion(runtimeUrl: string): FindInclusion {
  const client = createClient(TransparencyLog, { baseUrl: runtimeUrl });
  const cache = new Map<string, LogInclusion>();

  return async (hash, signal) => {
    const known = cache.get(hash);
    if (known !== undefined) return known;
    for (let looks = 1; !signal.aborted; looks += 1) {
      try {
        const bounded = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
        const found = await client.getLogInclusion({ hash }, { signal: bounded });
        if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
        cache.set(hash, found);
        return found;
      } catch (cause) {
        // The receipt is good without its proof, and whoever verifies it sees that one is missing.
        const later = cause instanceof ProblemError && cause.code === "hash_not_logged";
        if (!later || looks >= LOOKS_MAX) return undefined;
        await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  };
}
