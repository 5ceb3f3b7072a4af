// Access that was taken back, from the stream that says so. Kept as long as a
// token could still be valid.

import type { Logger } from "@openagents/service";
import { streamId } from "@openagents/streams";
import { TOKEN_LIFE_S_MAX, type Claims } from "./claims.ts";
import type { Feeds } from "./feeds.ts";
import type { StoredEvent, StreamStore } from "./stream-store.ts";

export type Revocation = { readonly by: "jti" | "sid" | "sub"; readonly value: string };

/** Longer than any token lives, by what clocks may differ. */
const KEPT_MS = (TOKEN_LIFE_S_MAX + 60) * 1000;

const PAGE = 500;

export type Revocations = {
  isRevoked(claims: Claims): boolean;
};

/** Load what is still of use, then follow the stream. `onRevoked` is told of each new one. */
export async function followRevocations(deps: {
  readonly store: StreamStore;
  readonly feeds: Feeds;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly onRevoked: () => void;
}): Promise<Revocations> {
  const { store, feeds, log, nowMs } = deps;
  const stream = streamId("revocations");
  const revokedAtMs = new Map<string, number>();

  function take(event: StoredEvent): void {
    const revocation = parseRevocation(event.payload);
    if (revocation === undefined) {
      log.error({ seq: event.seq.toString() }, "a revocation cannot be read");
      return;
    }
    const key = keyOf(revocation.by, revocation.value);
    revokedAtMs.set(key, Math.max(revokedAtMs.get(key) ?? 0, Number(event.committedAtMs)));
  }

  function forgetOld(): void {
    const before = nowMs() - KEPT_MS;
    for (const [key, atMs] of revokedAtMs) if (atMs < before) revokedAtMs.delete(key);
  }

  const [head] = await store.listHeads([stream]);
  const headSeq = head?.headSeq ?? 0n;
  let throughSeq = headSeq;
  while (throughSeq > 0n) {
    const page = await store.listNewestEvents(stream, throughSeq, PAGE);
    for (const event of page) take(event);
    const oldest = page.at(-1);
    if (oldest === undefined || Number(oldest.committedAtMs) < nowMs() - KEPT_MS) break;
    throughSeq = oldest.seq - 1n;
  }
  forgetOld();
  feeds.watch(stream, headSeq, (event) => {
    take(event);
    forgetOld();
    deps.onRevoked();
  });

  return {
    isRevoked({ jti, sid, sub, issuedAtMs }) {
      if (revokedAtMs.has(keyOf("jti", jti)) || revokedAtMs.has(keyOf("sid", sid))) return true;
      // Someone who may come in again later gets a token that is newer than the revocation.
      const subAtMs = revokedAtMs.get(keyOf("sub", sub));
      return subAtMs !== undefined && issuedAtMs <= subAtMs;
    },
  };
}

function keyOf(by: Revocation["by"], value: string): string {
  return `${by} ${value}`;
}

function parseRevocation(payload: string): Revocation | undefined {
  try {
    const { kind, payload: facts } = JSON.parse(payload);
    if (kind !== "access.revoked") return undefined;
    const { by, value } = facts;
    return (by === "jti" || by === "sid" || by === "sub") && typeof value === "string"
      ? { by, value }
      : undefined;
  } catch {
    return undefined;
  }
}
