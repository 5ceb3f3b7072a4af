import type { Authority, Follower } from "@openagents/authority";
import {
  Revocations as RevocationsContract,
  bind,
  type Binding,
  type ListRevocationsResponse,
  type RevokeTokensResponse,
} from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { auditWrite } from "../audit/index.ts";
import { STREAM, type Revocations } from "./revocations.ts";
import { listRecent, listRevocations, type StoredRevocation } from "./store.ts";

export type RevocationRoutesDeps = {
  readonly db: Queryable;
  readonly authority: Authority;
  readonly follower: Follower;
  readonly revocations: Revocations;
  readonly nowMs: () => number;
};

const PAGE = 500;

export function revocationRoutes(deps: RevocationRoutesDeps): Binding {
  const { db, authority, follower, revocations, nowMs } = deps;
  return bind(RevocationsContract, {
    async listRevocations({ afterSeq, waitMs = 0 }, call): Promise<ListRevocationsResponse> {
      if (afterSeq === undefined) {
        const recent = await listRecent(db, nowMs());
        return { revocations: recent.revocations.map(message), throughSeq: recent.throughSeq };
      }
      const deadline = AbortSignal.any([AbortSignal.timeout(waitMs), call.signal]);
      for (;;) {
        // Asked for before looking: what commits between is announced to whoever waits.
        const changed = follower.mayHaveChanged(STREAM);
        const page = await listRevocations(db, afterSeq, PAGE);
        if (page.length > 0 || waitMs === 0 || deadline.aborted || follower.closed)
          return { revocations: page.map(message), throughSeq: page.at(-1)?.seq ?? afterSeq };
        await Promise.race([changed, aborted(deadline)]);
      }
    },

    revokeTokens: (request, call) =>
      authority.execute<RevokeTokensResponse>(call, request, async (command) => {
        const atMs = command.nowMs();
        const { by, value, reason } = request;
        const facts = { reason, revoked: [{ by, value }] };
        const receipt = command.seal("openagents.control.access_revoked.v1", value, facts, atMs);
        const { writes, afterCommit } = revocations.revoke([{ by, value }], atMs);
        const receiptId = receipt.receipt_id;
        const audit = { action: "access.revoked", subject: value, details: { by, reason }, receiptId };
        return {
          kind: "answer",
          output: { receiptId },
          writes: [auditWrite(call, audit, atMs), ...writes],
          afterCommit,
        };
      }),
  });
}

function message({ seq, by, value, revokedAtMs }: StoredRevocation) {
  return { seq, by, value, revokedAt: revokedAtMs };
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
