// Who may read which bytes: rows of artifact_grants, and the sums of what each
// organisation stored itself.

import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { EVIDENCE_MS, type ArtifactClass } from "./retention.ts";

export type Grant = {
  readonly org: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly class: ArtifactClass;
  readonly grantedAtMs: number;
  readonly keepUntilMs: number;
};

type GrantRow = {
  org: string;
  sha256: string;
  bytes: bigint;
  class: ArtifactClass;
  granted_at_ms: bigint;
  keep_until_ms: bigint;
};

const COLUMNS = "org, sha256, bytes, class, granted_at_ms, keep_until_ms";

function grantOf(row: GrantRow): Grant {
  return {
    org: row.org,
    sha256: row.sha256,
    bytes: Number(row.bytes),
    class: row.class,
    grantedAtMs: Number(row.granted_at_ms),
    keepUntilMs: Number(row.keep_until_ms),
  };
}

// What is shared ends to the millisecond; all else is there until it is collected.
const READABLE = "(class <> 'shared' OR keep_until_ms > $2)";

const LIST_READABLE = statement(
  "artifacts.list_readable",
  `SELECT ${COLUMNS} FROM runtime.artifact_grants WHERE org = $1 AND sha256 = ANY($3::text[]) AND ${READABLE}`,
);

/** What an organisation may read of these hashes, by hash. */
export async function listReadable(
  q: Queryable,
  org: string,
  hashes: readonly string[],
  nowMs: number,
): Promise<Map<string, Grant>> {
  const rows = await q.query<GrantRow>(LIST_READABLE, [org, nowMs, [...new Set(hashes)]]);
  return new Map(rows.map((row) => [row.sha256, grantOf(row)]));
}

const LIST = statement(
  "artifacts.list",
  `SELECT ${COLUMNS} FROM runtime.artifact_grants
    WHERE org = $1 AND sha256 > $3 AND ${READABLE} ORDER BY sha256 LIMIT $4`,
);

export async function listGrants(
  q: Queryable,
  org: string,
  page: { readonly after: string; readonly limit: number },
  nowMs: number,
): Promise<Grant[]> {
  return (await q.query<GrantRow>(LIST, [org, nowMs, page.after, page.limit])).map(grantOf);
}

const LOCK = statement(
  "artifacts.lock_grant",
  `SELECT ${COLUMNS} FROM runtime.artifact_grants WHERE org = $1 AND sha256 = $2 FOR NO KEY UPDATE`,
);

/** Lock its artifact first. */
export async function lockGrant(tx: Tx, org: string, sha256: string): Promise<Grant | undefined> {
  const [row] = await tx.query<GrantRow>(LOCK, [org, sha256]);
  return row === undefined ? undefined : grantOf(row);
}

const LIST_DUE = statement(
  "artifacts.list_due_grants",
  `SELECT ${COLUMNS} FROM runtime.artifact_grants WHERE keep_until_ms <= $1
    ORDER BY keep_until_ms, org, sha256 LIMIT $2`,
);

/** Grants of all organisations whose time is over. */
export async function listDueGrants(q: Queryable, nowMs: number, limit: number): Promise<Grant[]> {
  return (await q.query<GrantRow>(LIST_DUE, [nowMs, limit])).map(grantOf);
}

const KEEP = statement(
  "artifacts.keep_grants",
  `WITH held AS (
     SELECT org, sha256 FROM runtime.artifact_grants
      WHERE org = $1 AND sha256 = ANY($2::text[]) AND class <> 'shared'
      ORDER BY sha256 FOR NO KEY UPDATE)
   UPDATE runtime.artifact_grants g SET keep_until_ms = greatest(g.keep_until_ms, $3)
     FROM held WHERE g.org = held.org AND g.sha256 = held.sha256 RETURNING g.sha256`,
);

/** Give an organisation's grants more time; answers which of them are still there. */
export async function keepGrants(
  tx: Tx,
  org: string,
  hashes: readonly string[],
  untilMs: number,
): Promise<Set<string>> {
  const rows = await tx.query<{ sha256: string }>(KEEP, [org, [...new Set(hashes)], untilMs]);
  return new Set(rows.map((row) => row.sha256));
}

/** Keep as long as evidence, from now on. */
export function keepAsEvidence(
  tx: Tx,
  org: string,
  hashes: readonly string[],
  nowMs: number,
): Promise<Set<string>> {
  return keepGrants(tx, org, hashes, nowMs + EVIDENCE_MS);
}

/** Grant, or give more time. What an organisation stored itself stays so; what was shared becomes its own. */
export function upsertGrant(grant: Grant): Write {
  return {
    name: "artifacts.upsert_grant",
    text: `INSERT INTO runtime.artifact_grants AS g (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (org, sha256) DO UPDATE SET
             class = CASE WHEN g.class = 'stored' THEN g.class ELSE excluded.class END,
             keep_until_ms = greatest(g.keep_until_ms, excluded.keep_until_ms), shared_by = NULL`,
    values: [grant.org, grant.sha256, grant.bytes, grant.class, grant.grantedAtMs, grant.keepUntilMs],
  };
}

/** Share, or share for longer. Whoever has it by itself keeps it so. */
export function upsertShare(grant: Omit<Grant, "class">, sharedBy: string): Write {
  return {
    name: "artifacts.upsert_share",
    text: `INSERT INTO runtime.artifact_grants AS g (${COLUMNS}, shared_by)
           VALUES ($1, $2, $3, 'shared', $4, $5, $6)
           ON CONFLICT (org, sha256) DO UPDATE SET
             shared_by = CASE WHEN g.keep_until_ms < excluded.keep_until_ms THEN excluded.shared_by ELSE g.shared_by END,
             keep_until_ms = greatest(g.keep_until_ms, excluded.keep_until_ms)
           WHERE g.class = 'shared'`,
    values: [grant.org, grant.sha256, grant.bytes, grant.grantedAtMs, grant.keepUntilMs, sharedBy],
  };
}

export function lookAgainAt(org: string, sha256: string, atMs: number): Write {
  return {
    name: "artifacts.look_again_at",
    text: "UPDATE runtime.artifact_grants SET keep_until_ms = $3 WHERE org = $1 AND sha256 = $2",
    values: [org, sha256, atMs],
  };
}

const DELETE = statement(
  "artifacts.delete_grant",
  "DELETE FROM runtime.artifact_grants WHERE org = $1 AND sha256 = $2",
);

export async function deleteGrant(tx: Tx, org: string, sha256: string): Promise<void> {
  await tx.query(DELETE, [org, sha256]);
}

export type Usage = { readonly bytes: number; readonly objects: number };

const FIND_USAGE = statement(
  "artifacts.find_usage",
  "SELECT bytes, objects FROM runtime.artifact_usage WHERE org = $1",
);

export async function findUsage(q: Queryable, org: string): Promise<Usage> {
  const [row] = await q.query<{ bytes: bigint; objects: bigint }>(FIND_USAGE, [org]);
  return { bytes: Number(row?.bytes ?? 0n), objects: Number(row?.objects ?? 0n) };
}

const ADD_USAGE = statement(
  "artifacts.add_usage",
  `INSERT INTO runtime.artifact_usage AS u (org, bytes, objects) VALUES ($1, $2, $3)
   ON CONFLICT (org) DO UPDATE SET bytes = u.bytes + excluded.bytes, objects = u.objects + excluded.objects
   RETURNING bytes, objects`,
);

/** Count an object in; nobody else counts for the organisation until the transaction ends. Answers the new sums. */
export async function addUsage(tx: Tx, org: string, bytes: number): Promise<Usage> {
  const [row] = await tx.query<{ bytes: bigint; objects: bigint }>(ADD_USAGE, [org, bytes, 1]);
  return { bytes: Number(row?.bytes ?? 0n), objects: Number(row?.objects ?? 0n) };
}

/** Count an object out. */
export function takeUsage(org: string, bytes: number): Write {
  return {
    name: "artifacts.take_usage",
    text: "UPDATE runtime.artifact_usage SET bytes = bytes - $2, objects = objects - 1 WHERE org = $1",
    values: [org, bytes],
  };
}

const COUNT = statement(
  "artifacts.count_grants",
  "SELECT count(*) AS grants FROM runtime.artifact_grants WHERE sha256 = $1",
);

/** How many organisations may read an artifact. */
export async function countGrants(q: Queryable, sha256: string): Promise<number> {
  const [row] = await q.query<{ grants: bigint }>(COUNT, [sha256]);
  return Number(row?.grants ?? 0n);
}
