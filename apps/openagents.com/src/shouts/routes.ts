import { newId, type Authority } from "@openagents/authority";
import {
  ProblemError,
  Shouts,
  bind,
  type Binding,
  type DeleteShoutResponse,
  type PostShoutResponse,
  type RemoveShoutResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, notFound, pageOf } from "@openagents/service";
import type { UserOf } from "../persons/index.ts";
import { lockProfile, profileNeeded } from "../profiles/index.ts";
import { SHOUTS_PER_HOUR_MAX, shoutMessage, type Shout } from "./shout.ts";
import { countShoutsSince, insertShout, listShouts, listZones, lockShout, markShoutGone } from "./store.ts";

export type ShoutDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly userOf: UserOf;
  readonly nowMs: () => number;
};

/** Sorts after every id. */
const AFTER_ALL = "sht_g";

const HOUR_MS = 3_600_000;

export function shoutRoutes(deps: ShoutDeps): Binding {
  return bind(Shouts, {
    postShout: (request, call) =>
      deps.authority.execute<PostShoutResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        const profile = await lockProfile(command.tx, userId);
        if (profile?.handle === undefined) return profileNeeded();
        const nowMs = command.nowMs();
        if ((await countShoutsSince(command.tx, userId, nowMs - HOUR_MS)) >= SHOUTS_PER_HOUR_MAX)
          throw tooManyShouts();
        const { handle, displayName } = profile;
        const shout: Shout = {
          shoutId: newId("sht", nowMs),
          author: { userId, handle, displayName },
          zone: request.zone,
          body: request.body,
          postedAtMs: nowMs,
          goneAtMs: undefined,
          removedBecause: undefined,
        };
        return { kind: "answer", output: { shout: shoutMessage(shout) }, writes: [insertShout(shout)] };
      }),

    async listShouts(request) {
      const before =
        request.cursor === undefined ? AFTER_ALL : decodeCursor(request.cursor, /^sht_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listShouts(deps.db, { before, limit: limit + 1, zone: request.zone });
      const { items, nextCursor } = pageOf(found, limit, (shout) => shout.shoutId);
      return { shouts: items.map(shoutMessage), nextCursor };
    },

    async listShoutZones() {
      const zones = await listZones(deps.db, deps.nowMs() - 24 * HOUR_MS);
      return { zones: zones.map(({ zone, shouts }) => ({ zone, shoutsWithinDay: shouts })) };
    },

    deleteShout: (request, call) =>
      deps.authority.execute<DeleteShoutResponse>(call, request, async (command) => {
        const userId = await deps.userOf(command.tx, call.principal);
        const shout = await lockShout(command.tx, request.shoutId);
        if (shout?.author.userId !== userId) throw notFound("shout", request.shoutId);
        // What is gone already stays gone as it went.
        if (shout.goneAtMs !== undefined)
          return { kind: "answer", output: { shout: shoutMessage(shout) }, writes: [] };
        const nowMs = command.nowMs();
        const gone = { ...shout, body: "", goneAtMs: nowMs };
        return {
          kind: "answer",
          output: { shout: shoutMessage(gone) },
          writes: [markShoutGone(shout.shoutId, nowMs, undefined)],
        };
      }),

    removeShout: (request, call) =>
      deps.authority.execute<RemoveShoutResponse>(call, request, async (command) => {
        const shout = await lockShout(command.tx, request.shoutId);
        if (shout === undefined) throw notFound("shout", request.shoutId);
        if (shout.goneAtMs !== undefined) {
          const detail = `${shout.shoutId} is gone already. There is nothing to take down.`;
          return { kind: "refused", rule: "state", reason: "shout_gone", detail };
        }
        const nowMs = command.nowMs();
        const facts = { shout_id: shout.shoutId, author: shout.author.userId, reason: request.reason };
        const receipt = command.seal("openagents.control.shout_removed.v1", shout.shoutId, facts, nowMs);
        const gone = { ...shout, body: "", goneAtMs: nowMs, removedBecause: request.reason };
        return {
          kind: "answer",
          output: { shout: shoutMessage(gone), receiptId: receipt.receipt_id },
          writes: [markShoutGone(shout.shoutId, nowMs, request.reason)],
        };
      }),
  });
}

function tooManyShouts(): ProblemError {
  return new ProblemError({
    status: 429,
    code: "too_many_shouts",
    detail: `A person says at most ${SHOUTS_PER_HOUR_MAX} things an hour. Try again later with the same key.`,
    retryAfterMs: 60_000,
  });
}
