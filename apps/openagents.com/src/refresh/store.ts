import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export type Family = {
  readonly sid: string;
  readonly userId: string;
  readonly org: string;
  readonly authenticatedAtMs: number;
  readonly methods: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | undefined;
};

export type PresentedToken = {
  readonly tokenSha256: Buffer;
  readonly usedAtMs: number | undefined;
  readonly usedKeySha256: Buffer | undefined;
  readonly successorUsed: boolean;
  readonly family: Family;
};

const OPEN = statement(
  "refresh.open_family",
  `INSERT INTO control.refresh_families
     (sid, user_id, org, authenticated_at_ms, methods, created_at_ms, expires_at_ms)
   VALUES ($1, $2, $3, $4, $5, $6, $7)
   ON CONFLICT (sid) DO UPDATE SET org = excluded.org, authenticated_at_ms = excluded.authenticated_at_ms,
     methods = excluded.methods, expires_at_ms = excluded.expires_at_ms`,
);

const CLEAR = statement("refresh.clear_family", "DELETE FROM control.refresh_tokens WHERE sid = $1");

export async function openFamily(tx: Tx, family: Omit<Family, "revokedAtMs">): Promise<void> {
  await tx.query(OPEN, [
    family.sid,
    family.userId,
    family.org,
    family.authenticatedAtMs,
    family.methods,
    family.createdAtMs,
    family.expiresAtMs,
  ]);
  await tx.query(CLEAR, [family.sid]);
}

const INSERT = statement(
  "refresh.insert_token",
  "INSERT INTO control.refresh_tokens (token_sha256, sid, issued_at_ms) VALUES ($1, $2, $3)",
);

export async function insertToken(tx: Tx, tokenSha256: Buffer, sid: string, nowMs: number): Promise<void> {
  await tx.query(INSERT, [tokenSha256, sid, nowMs]);
}

// The family first: uses of all its tokens take turns.
const LOCK_FAMILY = statement(
  "refresh.lock_family",
  `SELECT f.sid, f.user_id, f.org, f.authenticated_at_ms, f.methods, f.created_at_ms, f.expires_at_ms,
          f.revoked_at_ms
     FROM control.refresh_families f
    WHERE f.sid = (SELECT sid FROM control.refresh_tokens WHERE token_sha256 = $1) FOR UPDATE`,
);

// After the lock, so that it sees what those before it did.
const FIND_TOKEN = statement(
  "refresh.find_token",
  `SELECT t.used_at_ms, t.used_key_sha256, (s.token_sha256 IS NULL OR s.used_at_ms IS NOT NULL) AS successor_used
     FROM control.refresh_tokens t
     LEFT JOIN control.refresh_tokens s ON s.token_sha256 = t.successor_sha256
    WHERE t.token_sha256 = $1`,
);

type FamilyRow = {
  sid: string;
  user_id: string;
  org: string;
  authenticated_at_ms: bigint;
  methods: string[];
  created_at_ms: bigint;
  expires_at_ms: bigint;
  revoked_at_ms: bigint | null;
};

type TokenRow = { used_at_ms: bigint | null; used_key_sha256: Buffer | null; successor_used: boolean };

export async function lockToken(tx: Tx, tokenSha256: Buffer): Promise<PresentedToken | undefined> {
  const [row] = await tx.query<FamilyRow>(LOCK_FAMILY, [tokenSha256]);
  const [token] = row === undefined ? [] : await tx.query<TokenRow>(FIND_TOKEN, [tokenSha256]);
  if (row === undefined || token === undefined) return undefined;
  return {
    tokenSha256,
    usedAtMs: token.used_at_ms === null ? undefined : Number(token.used_at_ms),
    usedKeySha256: token.used_key_sha256 ?? undefined,
    successorUsed: token.successor_used,
    family: {
      sid: row.sid,
      userId: row.user_id,
      org: row.org,
      authenticatedAtMs: Number(row.authenticated_at_ms),
      methods: row.methods,
      createdAtMs: Number(row.created_at_ms),
      expiresAtMs: Number(row.expires_at_ms),
      revokedAtMs: row.revoked_at_ms === null ? undefined : Number(row.revoked_at_ms),
    },
  };
}

const USE = statement(
  "refresh.use_token",
  `UPDATE control.refresh_tokens SET used_at_ms = $2, used_key_sha256 = $3, successor_sha256 = $4
    WHERE token_sha256 = $1`,
);

export async function useToken(
  tx: Tx,
  tokenSha256: Buffer,
  keySha256: Buffer,
  successorSha256: Buffer,
  nowMs: number,
): Promise<void> {
  await tx.query(USE, [tokenSha256, nowMs, keySha256, successorSha256]);
}

export function markFamilyRevoked(sid: string, reason: string, nowMs: number): Write {
  return {
    name: "refresh.mark_family_revoked",
    text: `UPDATE control.refresh_families SET revoked_at_ms = $3, revoked_reason = $2
            WHERE sid = $1 AND revoked_at_ms IS NULL`,
    values: [sid, reason, nowMs],
  };
}

const DELETE_EXPIRED = statement(
  "refresh.delete_expired",
  "DELETE FROM control.refresh_families WHERE expires_at_ms < $1",
);

export async function deleteExpired(q: Queryable, nowMs: number): Promise<void> {
  await q.query(DELETE_EXPIRED, [nowMs]);
}
