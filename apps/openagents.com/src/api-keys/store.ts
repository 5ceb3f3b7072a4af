import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import type { ApiKey } from "./api-key.ts";

type ApiKeyRow = {
  key_id: string;
  prefix: string;
  secret_sha256: Buffer;
  org: string;
  principal: string;
  name: string;
  scopes: string[];
  created_by: string;
  created_at_ms: bigint;
  expires_at_ms: bigint | null;
  revoked_at_ms: bigint | null;
  last_used_at_ms: bigint | null;
};

const COLUMNS = `key_id, prefix, secret_sha256, org, principal, name, scopes, created_by, created_at_ms,
  expires_at_ms, revoked_at_ms, last_used_at_ms`;

function apiKeyOf(row: ApiKeyRow): ApiKey {
  return {
    keyId: row.key_id,
    prefix: row.prefix,
    org: row.org,
    principal: row.principal,
    name: row.name,
    scopes: row.scopes,
    createdBy: row.created_by,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: msOf(row.expires_at_ms),
    revokedAtMs: msOf(row.revoked_at_ms),
    lastUsedAtMs: msOf(row.last_used_at_ms),
  };
}

function msOf(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}

// Held until the commit, so that a key is not taken back between the look and the token that it gives.
const LOCK_BY_PREFIX = statement(
  "api_keys.lock_by_prefix",
  `SELECT ${COLUMNS} FROM control.api_keys WHERE prefix = $1 FOR SHARE`,
);

export async function lockByPrefix(
  tx: Tx,
  prefix: string,
): Promise<{ readonly key: ApiKey; readonly secretSha256: Buffer } | undefined> {
  const [row] = await tx.query<ApiKeyRow>(LOCK_BY_PREFIX, [prefix]);
  return row === undefined ? undefined : { key: apiKeyOf(row), secretSha256: row.secret_sha256 };
}

const LOCK = statement(
  "api_keys.lock",
  `SELECT ${COLUMNS} FROM control.api_keys WHERE key_id = $1 FOR UPDATE`,
);

export async function lockApiKey(tx: Tx, keyId: string): Promise<ApiKey | undefined> {
  const [row] = await tx.query<ApiKeyRow>(LOCK, [keyId]);
  return row === undefined ? undefined : apiKeyOf(row);
}

// Two at once would each count the keys before the other's.
const LOCK_ORG = statement("api_keys.lock_org", "SELECT pg_advisory_xact_lock(hashtextextended($1, 43))");

const COUNT = statement(
  "api_keys.count",
  "SELECT count(*)::int AS keys FROM control.api_keys WHERE org = $1 AND revoked_at_ms IS NULL",
);

/** Keys of an organisation that are not revoked; no other is added until the transaction ends. */
export async function lockedCount(tx: Tx, org: string): Promise<number> {
  await tx.query(LOCK_ORG, [org]);
  const [row] = await tx.query<{ keys: number }>(COUNT, [org]);
  return row?.keys ?? 0;
}

const OWNS = statement(
  "api_keys.owns_account",
  "SELECT FROM control.api_keys WHERE principal = $1 AND org = $2 LIMIT 1",
);

/** Whether a service account is an organisation's. */
export async function ownsAccount(tx: Tx, org: string, principal: string): Promise<boolean> {
  return (await tx.query(OWNS, [principal, org])).length > 0;
}

const LIST = statement(
  "api_keys.list",
  `SELECT ${COLUMNS} FROM control.api_keys WHERE org = $1 AND key_id < $2 ORDER BY key_id DESC LIMIT $3`,
);

/** Newest first. */
export async function listApiKeys(
  q: Queryable,
  org: string,
  before: string,
  limit: number,
): Promise<ApiKey[]> {
  return (await q.query<ApiKeyRow>(LIST, [org, before, limit])).map(apiKeyOf);
}

export function insertApiKey(key: ApiKey, secretSha256: Buffer): Write {
  return {
    name: "api_keys.insert",
    text: `INSERT INTO control.api_keys (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, NULL)`,
    values: [
      key.keyId,
      key.prefix,
      secretSha256,
      key.org,
      key.principal,
      key.name,
      key.scopes,
      key.createdBy,
      key.createdAtMs,
      key.expiresAtMs ?? null,
    ],
  };
}

export function markRevoked(keyId: string, nowMs: number): Write {
  return {
    name: "api_keys.mark_revoked",
    text: "UPDATE control.api_keys SET revoked_at_ms = $2 WHERE key_id = $1",
    values: [keyId, nowMs],
  };
}

// To the minute, so that a key in steady use is not one write after another.
const MARK_USED = statement(
  "api_keys.mark_used",
  `UPDATE control.api_keys SET last_used_at_ms = $2
    WHERE key_id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms < $2::bigint - 60000)`,
);

export async function markUsed(q: Queryable, keyId: string, nowMs: number): Promise<void> {
  await q.query(MARK_USED, [keyId, nowMs]);
}
