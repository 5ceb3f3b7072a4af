import type { IntegrationCheckStatus, IntegrationProvider } from "@openagents/contracts";
import { statement, type Queryable, type RowsWrite, type Tx, type Write } from "@openagents/postgres";
import type { Integration } from "./integration.ts";
import type { Sealed } from "./seal.ts";

type IntegrationRow = {
  org: string;
  provider: IntegrationProvider;
  base_url: string;
  key_id: string;
  nonce: Buffer;
  sealed: Buffer;
  secret_hint: string;
  check_status: IntegrationCheckStatus;
  account: string | null;
  checked_at_ms: bigint | null;
  connected_at_ms: bigint;
  connected_by: string;
  receipt_id: string;
};

const COLUMNS = `org, provider, base_url, key_id, nonce, sealed, secret_hint, check_status, account, checked_at_ms,
  connected_at_ms, connected_by, receipt_id`;

function integrationOf(row: IntegrationRow): Integration {
  return {
    org: row.org,
    provider: row.provider,
    baseUrl: row.base_url,
    sealed: { keyId: row.key_id, nonce: row.nonce, bytes: row.sealed },
    secretHint: row.secret_hint,
    checkStatus: row.check_status,
    account: row.account ?? undefined,
    checkedAtMs: row.checked_at_ms === null ? undefined : Number(row.checked_at_ms),
    connectedAtMs: Number(row.connected_at_ms),
    connectedBy: row.connected_by,
    receiptId: row.receipt_id,
  };
}

const LIST = statement(
  "integrations.list",
  `SELECT ${COLUMNS} FROM control.integrations WHERE org = $1 ORDER BY provider`,
);

/** As many as there are providers, at most. */
export async function listIntegrations(q: Queryable, org: string): Promise<Integration[]> {
  return (await q.query<IntegrationRow>(LIST, [org])).map(integrationOf);
}

const FIND = statement(
  "integrations.find",
  `SELECT ${COLUMNS} FROM control.integrations WHERE org = $1 AND provider = $2`,
);

export async function findIntegration(
  q: Queryable,
  org: string,
  provider: IntegrationProvider,
): Promise<Integration | undefined> {
  const [row] = await q.query<IntegrationRow>(FIND, [org, provider]);
  return row === undefined ? undefined : integrationOf(row);
}

const LOCK = statement(
  "integrations.lock",
  `SELECT ${COLUMNS} FROM control.integrations WHERE org = $1 AND provider = $2 FOR UPDATE`,
);

export async function lockIntegration(
  tx: Tx,
  org: string,
  provider: IntegrationProvider,
): Promise<Integration | undefined> {
  const [row] = await tx.query<IntegrationRow>(LOCK, [org, provider]);
  return row === undefined ? undefined : integrationOf(row);
}

const LOCK_OLD = statement(
  "integrations.lock_old",
  `SELECT ${COLUMNS} FROM control.integrations WHERE key_id <> $1
    ORDER BY org, provider LIMIT $2 FOR UPDATE SKIP LOCKED`,
);

/** Sealed with another key than the one named. */
export async function lockSealedOtherwise(tx: Tx, keyId: string, limit: number): Promise<Integration[]> {
  return (await tx.query<IntegrationRow>(LOCK_OLD, [keyId, limit])).map(integrationOf);
}

/** In place of what was there. */
export function upsertIntegration(integration: Integration): Write {
  const { sealed } = integration;
  return {
    name: "integrations.upsert",
    text: `INSERT INTO control.integrations (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           ON CONFLICT (org, provider) DO UPDATE SET base_url = excluded.base_url, key_id = excluded.key_id,
             nonce = excluded.nonce, sealed = excluded.sealed, secret_hint = excluded.secret_hint,
             check_status = excluded.check_status, account = excluded.account,
             checked_at_ms = excluded.checked_at_ms, connected_at_ms = excluded.connected_at_ms,
             connected_by = excluded.connected_by, receipt_id = excluded.receipt_id`,
    values: [
      integration.org,
      integration.provider,
      integration.baseUrl,
      sealed.keyId,
      sealed.nonce,
      sealed.bytes,
      integration.secretHint,
      integration.checkStatus,
      integration.account ?? null,
      integration.checkedAtMs ?? null,
      integration.connectedAtMs,
      integration.connectedBy,
      integration.receiptId,
    ],
  };
}

export function resealed(all: readonly { readonly of: Integration; readonly sealed: Sealed }[]): RowsWrite {
  return {
    name: "integrations.reseal",
    text: `UPDATE control.integrations AS i SET key_id = n.key_id, nonce = decode(n.nonce, 'hex'), sealed = decode(n.sealed, 'hex')
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                    AS n (org, provider, key_id, nonce, sealed)
            WHERE i.org = n.org AND i.provider = n.provider`,
    rows: true,
    values: [
      all.map(({ of }) => of.org),
      all.map(({ of }) => of.provider),
      all.map(({ sealed }) => sealed.keyId),
      all.map(({ sealed }) => sealed.nonce.toString("hex")),
      all.map(({ sealed }) => sealed.bytes.toString("hex")),
    ],
  };
}

export function deleteIntegration(org: string, provider: IntegrationProvider): Write {
  return {
    name: "integrations.delete",
    text: "DELETE FROM control.integrations WHERE org = $1 AND provider = $2",
    values: [org, provider],
  };
}
