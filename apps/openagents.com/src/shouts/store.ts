import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Shout } from "./shout.ts";

type ShoutRow = {
  shout_id: string;
  author: string;
  handle: string | null;
  display_name: string;
  zone: string | null;
  body: string;
  posted_at_ms: bigint;
  gone_at_ms: bigint | null;
  removed_because: string | null;
};

const COLUMNS = `s.shout_id, s.author, p.handle, p.display_name, s.zone, s.body, s.posted_at_ms, s.gone_at_ms,
  s.removed_because`;

const FROM = "FROM control.shouts AS s JOIN control.profiles AS p ON p.user_id = s.author";

function shoutOf(row: ShoutRow): Shout {
  return {
    shoutId: row.shout_id,
    author: { userId: row.author, handle: row.handle ?? "", displayName: row.display_name },
    zone: row.zone ?? undefined,
    body: row.body,
    postedAtMs: Number(row.posted_at_ms),
    goneAtMs: row.gone_at_ms === null ? undefined : Number(row.gone_at_ms),
    removedBecause: row.removed_because ?? undefined,
  };
}

const LIST = statement(
  "shouts.list",
  `SELECT ${COLUMNS} ${FROM} WHERE s.shout_id < $1 ORDER BY s.shout_id DESC LIMIT $2`,
);

const LIST_ZONE = statement(
  "shouts.list_zone",
  `SELECT ${COLUMNS} ${FROM} WHERE s.zone = $3 AND s.shout_id < $1 ORDER BY s.shout_id DESC LIMIT $2`,
);

/** Newest first, from below an id. */
export async function listShouts(
  q: Queryable,
  page: { readonly before: string; readonly limit: number; readonly zone: string | undefined },
): Promise<Shout[]> {
  const { before, limit, zone } = page;
  const rows =
    zone === undefined
      ? await q.query<ShoutRow>(LIST, [before, limit])
      : await q.query<ShoutRow>(LIST_ZONE, [before, limit, zone]);
  return rows.map(shoutOf);
}

const LIST_ZONES = statement(
  "shouts.list_zones",
  `SELECT zone, count(*)::integer AS shouts FROM control.shouts
    WHERE posted_at_ms > $1 AND zone IS NOT NULL AND gone_at_ms IS NULL
    GROUP BY zone ORDER BY shouts DESC, zone LIMIT 100`,
);

export type Zone = { readonly zone: string; readonly shouts: number };

export function listZones(q: Queryable, sinceMs: number): Promise<Zone[]> {
  return q.query<Zone>(LIST_ZONES, [sinceMs]);
}

const COUNT_SINCE = statement(
  "shouts.count_since",
  "SELECT count(*)::integer AS shouts FROM control.shouts WHERE author = $1 AND posted_at_ms > $2",
);

export async function countShoutsSince(tx: Tx, author: string, sinceMs: number): Promise<number> {
  const [row] = await tx.query<{ shouts: number }>(COUNT_SINCE, [author, sinceMs]);
  return row?.shouts ?? 0;
}

const LOCK = statement("shouts.lock", `SELECT ${COLUMNS} ${FROM} WHERE s.shout_id = $1 FOR UPDATE OF s`);

export async function lockShout(tx: Tx, shoutId: string): Promise<Shout | undefined> {
  const [row] = await tx.query<ShoutRow>(LOCK, [shoutId]);
  return row === undefined ? undefined : shoutOf(row);
}

export function insertShout(shout: Shout): Write {
  return {
    name: "shouts.insert",
    text: "INSERT INTO control.shouts (shout_id, author, zone, body, posted_at_ms) VALUES ($1, $2, $3, $4, $5)",
    values: [shout.shoutId, shout.author.userId, shout.zone ?? null, shout.body, shout.postedAtMs],
  };
}

export function markShoutGone(shoutId: string, nowMs: number, because: string | undefined): Write {
  return {
    name: "shouts.mark_gone",
    text: "UPDATE control.shouts SET body = '', gone_at_ms = $2, removed_because = $3 WHERE shout_id = $1",
    values: [shoutId, nowMs, because ?? null],
  };
}
