// Access that is taken back: an event of the stream that every service follows,
// in the transaction of the change that it belongs to. This service follows the
// stream in its own database, so that it hears of what other instances take back.

import { eventDraft, streamEventsWrite, type Authority, type Follower } from "@openagents/authority";
import { Revocations as RevocationsContract, type TokenClaim } from "@openagents/contracts";
import type { Queryable, Write } from "@openagents/postgres";
import { createRevocationSet, type Logger, type RevocationCheck } from "@openagents/service";
import { streamId } from "@openagents/streams";
import { controlCall } from "../control-call.ts";
import { listRecent, listRevocations } from "./store.ts";

/** Revocations are nobody's in particular. */
export const TENANT = "org_operator";

export const STREAM = streamId("revocations");

export type RevocationTarget = { readonly by: TokenClaim; readonly value: string };

/** What commits with a change, and what to do once it has. */
export type RevocationChange = { readonly writes: readonly Write[]; readonly afterCommit: () => void };

export type Revocations = AsyncDisposable & {
  readonly check: RevocationCheck;
  /** Take tokens back with the command that decides it; `nowMs` is read after its locks. */
  revoke(targets: readonly RevocationTarget[], nowMs: number): RevocationChange;
  /** Take tokens back by a command of this service's own, together with what else it writes. */
  revokeNow(
    targets: readonly RevocationTarget[],
    reason: string,
    more?: (nowMs: number) => readonly Write[],
  ): Promise<void>;
};

export type RevocationDeps = {
  readonly db: Queryable;
  readonly authority: Authority;
  readonly follower: Follower;
  readonly log: Logger;
  readonly nowMs: () => number;
};

const PAGE = 500;

/** Load what still matters, then follow. */
export async function startRevocations(deps: RevocationDeps): Promise<Revocations> {
  const { db, authority, follower, log, nowMs } = deps;
  const known = createRevocationSet(nowMs);
  const recent = await listRecent(db, nowMs());
  known.take(recent.revocations);
  let throughSeq = recent.throughSeq;
  let stopped = false;

  async function look(): Promise<void> {
    for (;;) {
      const page = await listRevocations(db, throughSeq, PAGE);
      known.take(page);
      throughSeq = page.at(-1)?.seq ?? throughSeq;
      if (page.length < PAGE) break;
    }
  }

  async function follow(): Promise<void> {
    while (!stopped && !follower.closed) {
      const changed = follower.mayHaveChanged(STREAM);
      await look().catch((error: unknown) => log.warn({ err: error }, "revocations were not looked at"));
      await changed;
    }
  }

  function revoke(targets: readonly RevocationTarget[], atMs: number): RevocationChange {
    const events = targets.map(({ by, value }) =>
      eventDraft(STREAM, TENANT, "access.revoked", { by, value }, atMs),
    );
    return {
      writes: events.length === 0 ? [] : [streamEventsWrite(events)],
      // Here at once; elsewhere when it is heard.
      afterCommit: () => known.take(targets.map((target) => ({ ...target, revokedAtMs: atMs }))),
    };
  }

  const following = follow();
  return {
    // Whether what is known is recent needs no asking here: what tells it is the
    // database that every command commits to, and it looks there each second.
    check: { isRevoked: known.isRevoked, isCurrent: () => true },
    revoke,
    async revokeNow(targets, reason, more = () => []) {
      const call = controlCall(
        RevocationsContract,
        "revokeTokens",
        "access:revoke",
        new AbortController().signal,
      );
      await authority.perform(call, async (command) => {
        const atMs = command.nowMs();
        const facts = { reason, revoked: targets.map(({ by, value }) => ({ by, value })) };
        const subject = targets[0]?.value ?? "none";
        const receipt = command.seal("openagents.control.access_revoked.v1", subject, facts, atMs);
        const { writes, afterCommit } = revoke(targets, atMs);
        return {
          kind: "answer",
          output: { receiptId: receipt.receipt_id },
          writes: [...more(atMs), ...writes],
          afterCommit,
        };
      });
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      follower.release();
      await following;
    },
  };
}
