// The figures of the whole market, once a minute. Totals go on from those that
// were published last, so that each time counts a minute's rows and not all.

import { streamEventsWrite, type Authority, eventDraft } from "@openagents/authority";
import type { CommandCall, CommandReply, JsonObject, PublishStatsResponse } from "@openagents/contracts";
import { statement, type Tx } from "@openagents/postgres";
import { streamId } from "@openagents/streams";
import { STALE_AFTER_MS } from "../workers/index.ts";
import { listEvents, lockHead } from "./store.ts";

const STREAM = streamId("stats");

const TENANT = "org_operator";

const EVERY_MS = 55_000;

/** What was settled so far is known when nothing earlier can still commit: commands do not take that long. */
const SETTLED_AFTER_MS = 60_000;

type Stats = {
  readonly counted_through_ms: number;
  readonly jobs_released: number;
  readonly jobs_withheld: number;
  readonly released_msats: number;
  readonly providers_online: number;
};

const NONE: Stats = {
  counted_through_ms: 0,
  jobs_released: 0,
  jobs_withheld: 0,
  released_msats: 0,
  providers_online: 0,
};

const COUNT = statement(
  "streams.count_stats",
  `SELECT count(*) FILTER (WHERE status = 'released') AS released,
          count(*) FILTER (WHERE status = 'withheld') AS withheld,
          coalesce(sum(provider_msats + second_opinion_msats) FILTER (WHERE status = 'released'), 0)::bigint AS msats,
          (SELECT count(*) FROM runtime.workers
            WHERE status = 'running' AND last_heartbeat_at_ms >= $3 AND roles @> ARRAY['provider']) AS online
     FROM runtime.settlements WHERE settled_at_ms > $1 AND settled_at_ms <= $2`,
);

/** Natural: within a minute it is published once, whoever asks. */
export function publishStats(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
): Promise<CommandReply> {
  return authority.perform<PublishStatsResponse>(call, async (command) => {
    const head = await lockHead(command.tx, STREAM);
    const [last] = head === undefined ? [] : await listEvents(command.tx, STREAM, head.headSeq - 1n, 1);
    const before = last === undefined ? NONE : statsOf(last.payload);
    const nowMs = command.nowMs();
    if (last !== undefined && nowMs - last.committedAtMs < EVERY_MS)
      return { kind: "nothing", output: { stats: { ...before }, published: false } };
    const stats = await countOn(command.tx, before, nowMs);
    const facts: JsonObject = { ...stats };
    return {
      kind: "answer",
      output: { stats: facts, published: true },
      writes: [streamEventsWrite([eventDraft(STREAM, TENANT, "stats.published", facts, nowMs)])],
    };
  });
}

async function countOn(tx: Tx, before: Stats, nowMs: number): Promise<Stats> {
  type Row = { released: bigint; withheld: bigint; msats: bigint; online: bigint };
  const throughMs = nowMs - SETTLED_AFTER_MS;
  const [row] = await tx.query<Row>(COUNT, [before.counted_through_ms, throughMs, nowMs - STALE_AFTER_MS]);
  return {
    counted_through_ms: Math.max(before.counted_through_ms, throughMs),
    jobs_released: before.jobs_released + Number(row?.released ?? 0n),
    jobs_withheld: before.jobs_withheld + Number(row?.withheld ?? 0n),
    released_msats: before.released_msats + Number(row?.msats ?? 0n),
    providers_online: Number(row?.online ?? 0n),
  };
}

function statsOf(payload: string): Stats {
  const { payload: facts } = JSON.parse(payload) as { payload: Stats };
  return facts;
}
