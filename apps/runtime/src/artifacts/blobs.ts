// Which name in the store an artifact's bytes have, and names that no artifact has.

import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export type StoredArtifact = { readonly sha256: string; readonly bytes: number; readonly blob: string };

type Row = { sha256: string; bytes: bigint; blob: string };

function artifactOf(row: Row): StoredArtifact {
  return { sha256: row.sha256, bytes: Number(row.bytes), blob: row.blob };
}

const FIND = statement(
  "artifacts.find",
  "SELECT sha256, bytes, blob FROM runtime.artifacts WHERE sha256 = $1",
);

export async function findArtifact(q: Queryable, sha256: string): Promise<StoredArtifact | undefined> {
  const [row] = await q.query<Row>(FIND, [sha256]);
  return row === undefined ? undefined : artifactOf(row);
}

const LOCK = statement(
  "artifacts.lock",
  "SELECT sha256, bytes, blob FROM runtime.artifacts WHERE sha256 = $1 FOR UPDATE",
);

/** Nobody grants, uploads or collects it until the transaction ends. Comes before grants, those before usage. */
export async function lockArtifact(tx: Tx, sha256: string): Promise<StoredArtifact | undefined> {
  const [row] = await tx.query<Row>(LOCK, [sha256]);
  return row === undefined ? undefined : artifactOf(row);
}

const CLAIM = statement(
  "artifacts.claim",
  `INSERT INTO runtime.artifacts AS a (sha256, bytes, blob, stored_at_ms) VALUES ($1, $2, $3, $4)
   ON CONFLICT (sha256) DO UPDATE SET
     blob = CASE WHEN a.blob = $5 THEN excluded.blob ELSE a.blob END
   RETURNING blob`,
);

/**
 * Lock an artifact, made with this blob where there was none. A blob that is known
 * to be lost is replaced. Answers the blob that it has from now on.
 */
export async function claimArtifact(
  tx: Tx,
  artifact: StoredArtifact,
  lostBlob: string | undefined,
  nowMs: number,
): Promise<string> {
  const { sha256, bytes, blob } = artifact;
  const [row] = await tx.query<{ blob: string }>(CLAIM, [sha256, bytes, blob, nowMs, lostBlob ?? null]);
  if (row === undefined) throw new Error(`artifact ${sha256} was not made`);
  return row.blob;
}

const DELETE = statement(
  "artifacts.delete",
  `DELETE FROM runtime.artifacts a WHERE sha256 = $1
      AND NOT EXISTS (SELECT 1 FROM runtime.artifact_grants g WHERE g.sha256 = a.sha256)
   RETURNING blob`,
);

/** Forget an artifact that nobody may read any more; answers its blob. Lock it first. */
export async function deleteUngranted(tx: Tx, sha256: string): Promise<string | undefined> {
  return (await tx.query<{ blob: string }>(DELETE, [sha256]))[0]?.blob;
}

/** Note a name that no artifact has, to be deleted from then on. */
export function noteLoose(blob: string, deleteAfterMs: number): Write {
  return {
    name: "artifacts.note_loose",
    text: `INSERT INTO runtime.loose_blobs (blob, delete_after_ms) VALUES ($1, $2)
           ON CONFLICT (blob) DO UPDATE SET delete_after_ms = excluded.delete_after_ms`,
    values: [blob, deleteAfterMs],
  };
}

const TAKE = statement(
  "artifacts.take_loose",
  "DELETE FROM runtime.loose_blobs WHERE blob = $1 AND NOT condemned RETURNING blob",
);

/** Whether the name was still ours to give to an artifact. */
export async function takeLoose(tx: Tx, blob: string): Promise<boolean> {
  return (await tx.query(TAKE, [blob])).length > 0;
}

const CONDEMN = statement(
  "artifacts.condemn",
  `WITH due AS (
     SELECT blob FROM runtime.loose_blobs WHERE delete_after_ms <= $1
      ORDER BY delete_after_ms LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
   UPDATE runtime.loose_blobs l SET condemned = true FROM due WHERE l.blob = due.blob RETURNING l.blob`,
);

/** From now on no artifact takes these names. */
export async function condemnDue(tx: Tx, nowMs: number, limit: number): Promise<string[]> {
  return (await tx.query<{ blob: string }>(CONDEMN, [nowMs, limit])).map((row) => row.blob);
}

const COUNT_DUE = statement(
  "artifacts.count_due",
  `SELECT count(*) AS due FROM (
     SELECT 1 FROM runtime.loose_blobs WHERE delete_after_ms <= $1 ORDER BY delete_after_ms LIMIT $2) AS page`,
);

export async function countDue(q: Queryable, nowMs: number, limit: number): Promise<number> {
  const [row] = await q.query<{ due: bigint }>(COUNT_DUE, [nowMs, limit]);
  return Number(row?.due ?? 0n);
}

/** It is gone from the store. */
export function forgetLoose(blob: string): Write {
  return {
    name: "artifacts.forget_loose",
    text: "DELETE FROM runtime.loose_blobs WHERE blob = $1",
    values: [blob],
  };
}

const UNDO = statement(
  "artifacts.undo_loose",
  "UPDATE runtime.loose_blobs SET delete_after_ms = $2 WHERE blob = $1",
);

/** An upload came to nothing: delete it now. Does nothing when an artifact took the name after all. */
export async function undoLoose(q: Queryable, blob: string, nowMs: number): Promise<void> {
  await q.query(UNDO, [blob, nowMs]);
}
