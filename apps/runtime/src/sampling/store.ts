import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { Seed } from "./seed.ts";

type SeedRow = {
  seed_id: string;
  seed: string;
  commitment_sha256: string;
  opened_at_ms: bigint;
  revealed_at_ms: bigint | null;
};

const COLUMNS = "seed_id, seed, commitment_sha256, opened_at_ms, revealed_at_ms";

function seedOf(row: SeedRow): Seed {
  return {
    seedId: row.seed_id,
    seed: row.seed,
    commitmentSha256: row.commitment_sha256,
    openedAtMs: Number(row.opened_at_ms),
    revealedAtMs: row.revealed_at_ms === null ? undefined : Number(row.revealed_at_ms),
  };
}

const FIND = statement(
  "sampling_seeds.find",
  `SELECT ${COLUMNS} FROM runtime.sampling_seeds WHERE seed_id = $1`,
);

export async function findSeed(q: Queryable, seedId: string): Promise<Seed | undefined> {
  const [row] = await q.query<SeedRow>(FIND, [seedId]);
  return row === undefined ? undefined : seedOf(row);
}

const FIND_NEWEST = statement(
  "sampling_seeds.find_newest",
  `SELECT ${COLUMNS} FROM runtime.sampling_seeds ORDER BY seed_id DESC LIMIT 1`,
);

/** The one that quotes name now; ids grow with time. */
export async function findNewestSeed(q: Queryable): Promise<Seed | undefined> {
  const [row] = await q.query<SeedRow>(FIND_NEWEST, []);
  return row === undefined ? undefined : seedOf(row);
}

const LIST = statement(
  "sampling_seeds.list",
  `SELECT ${COLUMNS} FROM runtime.sampling_seeds WHERE seed_id < $1 ORDER BY seed_id DESC LIMIT $2`,
);

/** Newest first. */
export async function listSeeds(q: Queryable, beforeId: string, limit: number): Promise<Seed[]> {
  return (await q.query<SeedRow>(LIST, [beforeId, limit])).map(seedOf);
}

const LIST_HIDDEN = statement(
  "sampling_seeds.list_hidden",
  `SELECT ${COLUMNS} FROM runtime.sampling_seeds
    WHERE revealed_at_ms IS NULL ORDER BY seed_id LIMIT $1`,
);

/** Oldest first. */
export async function listHiddenSeeds(q: Queryable, limit: number): Promise<Seed[]> {
  return (await q.query<SeedRow>(LIST_HIDDEN, [limit])).map(seedOf);
}

const LOCK_ALL = statement("sampling_seeds.lock_all", "SELECT pg_advisory_xact_lock($1)");
const LOCK_ALL_KEY = 7_203_101;

/** Opening and revealing take turns, so that there is one newest seed. */
export async function lockSeeds(tx: Tx): Promise<void> {
  await tx.query(LOCK_ALL, [LOCK_ALL_KEY]);
}

const IS_IN_USE = statement(
  "sampling_seeds.is_in_use",
  `SELECT 1 AS found FROM runtime.quotes q
     LEFT JOIN runtime.jobs j ON j.quote_id = q.quote_id AND j.purpose = 'work'
    WHERE q.sampling_seed_id = $1
      AND (j.status IN ('queued', 'leased', 'reported') OR (j.job_id IS NULL AND q.valid_until_ms > $2))
    LIMIT 1`,
);

/** Whether a job that is not decided, or a quote that may still be ordered, rests on the seed. */
export async function isSeedInUse(q: Queryable, seedId: string, nowMs: number): Promise<boolean> {
  return (await q.query(IS_IN_USE, [seedId, nowMs])).length > 0;
}

export function insertSeed(seed: Seed): Write {
  return {
    name: "sampling_seeds.insert",
    text: `INSERT INTO runtime.sampling_seeds (seed_id, seed, commitment_sha256, opened_at_ms)
           VALUES ($1, $2, $3, $4)`,
    values: [seed.seedId, seed.seed, seed.commitmentSha256, seed.openedAtMs],
  };
}

export function markRevealed(seedId: string, nowMs: number): Write {
  return {
    name: "sampling_seeds.reveal",
    text: "UPDATE runtime.sampling_seeds SET revealed_at_ms = $2 WHERE seed_id = $1",
    values: [seedId, nowMs],
  };
}
