// Tokens that were taken back before they ended: what the edge keeps in memory,
// and how it hears of new ones from control.
//
// REV-1  A token that was taken back is refused as soon as that was heard.
// REV-2  Whoever heard nothing for 15 s takes no commands: it cannot know any more.
// REV-3  A principal that comes in again later is let in: its tokens are newer than the revocation.
// Held by revocations.test.ts and auth.test.ts.

import { Revocations as RevocationsContract, createClient, type TokenClaim } from "@openagents/contracts";
import type { Logger } from "./log.ts";

export type Revocation = {
  readonly by: TokenClaim;
  readonly value: string;
  readonly revokedAtMs: number;
};

/** What of a token a revocation can name. */
export type TokenFacts = {
  readonly tokenId: string;
  readonly session?: string | undefined;
  readonly id: string;
  readonly actingFor?: string | undefined;
  readonly issuedAtMs: number;
};

export type RevocationCheck = {
  readonly isRevoked: (token: TokenFacts) => boolean;
  /** Whether what is known is recent enough for commands. */
  readonly isCurrent: () => boolean;
};

/** No token lives longer; what is older hits nothing any more. A minute for clocks that differ. */
export const REVOCATION_KEPT_MS = 660_000;

/** How long a silent source is believed (spec 2.2). */
const SILENT_MS_MAX = 15_000;

export type RevocationSet = RevocationCheck & {
  /** Note what was taken back. */
  take(revocations: readonly Revocation[]): void;
  /** Note that the source lives, and that nothing before this moment is missing. */
  heard(): void;
};

/** Revocations in memory; not current before it was `heard` once. */
export function createRevocationSet(nowMs: () => number): RevocationSet {
  const revokedAtMs = new Map<string, number>();
  let heardAtMs = Number.NEGATIVE_INFINITY;

  function revokedAt(by: TokenClaim, value: string | undefined): number | undefined {
    return value === undefined ? undefined : revokedAtMs.get(keyOf(by, value));
  }

  return {
    take(revocations) {
      const beforeMs = nowMs() - REVOCATION_KEPT_MS;
      for (const { by, value, revokedAtMs: atMs } of revocations) {
        const key = keyOf(by, value);
        const latestMs = Math.max(atMs, revokedAtMs.get(key) ?? atMs);
        // Behind the others, so that those that are forgotten come first.
        revokedAtMs.delete(key);
        revokedAtMs.set(key, latestMs);
      }
      for (const [key, atMs] of revokedAtMs) {
        if (atMs >= beforeMs) break;
        revokedAtMs.delete(key);
      }
    },
    heard() {
      heardAtMs = nowMs();
    },
    isCurrent: () => nowMs() - heardAtMs <= SILENT_MS_MAX,
    isRevoked({ tokenId, session, id, actingFor, issuedAtMs }) {
      if (revokedAtMs.size === 0) return false;
      if (revokedAt("jti", tokenId) !== undefined || revokedAt("sid", session) !== undefined) return true;
      return [id, actingFor].some((sub) => {
        const atMs = revokedAt("sub", sub);
        return atMs !== undefined && issuedAtMs <= atMs;
      });
    },
  };
}

function keyOf(by: TokenClaim, value: string): string {
  return `${by} ${value}`;
}

export type FollowOptions = {
  /** Where control is. */
  readonly url: string;
  /** Of a service that holds `revocations:read`. */
  readonly token: () => string | Promise<string>;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** Between attempts when control does not answer; 1 s when absent. */
  readonly retryMs?: number;
};

const WAIT_MS = 5_000;
const ANSWER_MS_MAX = 10_000;
const RETRY_MS = 1_000;

export type FollowedRevocations = RevocationCheck & AsyncDisposable;

/**
 * Follow control's revocations until disposed. Not current until the first
 * answer, so that a service which starts while control is away serves reads.
 */
export function followRevocations(options: FollowOptions): FollowedRevocations {
  const { url, token, nowMs, log, retryMs = RETRY_MS } = options;
  const known = createRevocationSet(nowMs);
  const stopped = new AbortController();
  const client = createClient(RevocationsContract, { baseUrl: url, token, timeoutMs: ANSWER_MS_MAX });

  async function follow(): Promise<void> {
    let afterSeq: bigint | undefined;
    while (!stopped.signal.aborted) {
      try {
        const request = afterSeq === undefined ? {} : { afterSeq, waitMs: WAIT_MS };
        const page = await client.listRevocations(request, { signal: stopped.signal });
        known.take(
          page.revocations.map(({ by, value, revokedAt }) => ({ by, value, revokedAtMs: revokedAt })),
        );
        known.heard();
        afterSeq = page.throughSeq;
      } catch (error) {
        if (stopped.signal.aborted) return;
        log.warn({ err: error }, "revocations are not heard; without them commands are refused soon");
        await pause(retryMs, stopped.signal);
      }
    }
  }

  const following = follow();
  return {
    isRevoked: known.isRevoked,
    isCurrent: known.isCurrent,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await following;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}
