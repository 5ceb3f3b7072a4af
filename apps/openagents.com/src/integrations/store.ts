import type { IntegrationCheckStatus, IntegrationProvider } from "@openagents/contracts";
import { statement, type Queryable, type RowsWrite, type Tx, type Write } from "@openagents/postgres";
import type { Integration, SecretProvider } from "./integration.ts";
import type { Sealed } from "./seal.ts";

type IntegrationRow<Provider extends SecretProvider = IntegrationProvider> = {
  org: string;
  provider: Provider;
  owner: string;
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

const COLUMNS = `org, provider, owner, base_url, key_id, nonce, sealed, secret_hint, check_status, account, checked_at_ms,
  connected_at_ms, connected_by, receipt_id`;

function integrationOf<Provider extends SecretProvider>(
  row: IntegrationRow<Provider>,
): Integration<Provider> {
  return {
    org: row.org,
    provider: row.provider,
    owner: row.owner,
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
  `SELECT ${COLUMNS} FROM control.integrations WHERE org = $1 AND owner = '' ORDER BY provider`,
);

/** As many as there are providers, at most. */
export async function listIntegrations(q: Queryable, org: string): Promise<Integration[]> {
  return (await q.query<IntegrationRow>(LIST, [org])).map(integrationOf);
}

const FIND = statement(
  "integrations.find",
  `SELECT ${COLUMNS} FROM control.integrations WHERE org = $1 AND provider = $2 AND owner = $3`,
);

export async function findIntegration(
  q: Queryable,
  org: string,
  provider: IntegrationProvider,
): Promise<Integration | undefined> {
  const [row] = await q.query<IntegrationRow>(FIND, [org, provider, ""]);
  return row === undefined ? undefined : integrationOf(row);
}

/** What a person keeps here for themselves. */
export async function findPersonal<Provider extends SecretProvider>(
  q: Queryable,
  org: string,
  provider: Provider,
  owner: string,
): Promise<Integration<Provider> | undefined> {
  const [row] = await q.query<IntegrationRow<Provider>>(FIND, [org, provider, owner]);
  return row === undefined ? undefined : integrationOf(row);
}

const LOCK = statement(
  "integrations.lock",
  `SELECT ${COLUMNS} FROM control.integrations WHERE org = $1 AND provider = $2 AND owner = '' FOR UPDATE`,
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
    ORDER BY org, provider, owner LIMIT $2 FOR UPDATE SKIP LOCKED`,
);

/** Sealed with another key than the one named. */
export async function lockSealedOtherwise(
  tx: Tx,
  keyId: string,
  limit: number,
): Promise<Integration<SecretProvider>[]> {
  return (await tx.query<IntegrationRow<SecretProvider>>(LOCK_OLD, [keyId, limit])).map(integrationOf);
}

/** In place of what was there. */
export function upsertIntegration(integration: Integration<SecretProvider>): Write {
  const { sealed } = integration;
  return {
    name: "integrations.upsert",
    text: `INSERT INTO control.integrations (${COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
           ON CONFLICT (org, provider, owner) DO UPDATE SET base_url = excluded.base_url, key_id = excluded.key_id,
             nonce = excluded.nonce, sealed = excluded.sealed, secret_hint = excluded.secret_hint,
             check_status = excluded.check_status, account = excluded.account,
             checked_at_ms = excluded.checked_at_ms, connected_at_ms = excluded.connected_at_ms,
             connected_by = excluded.connected_by, receipt_id = excluded.receipt_id`,
    values: [
      integration.org,
      integration.provider,
      integration.owner,
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

export function resealed(
  all: readonly { readonly of: Integration<SecretProvider>; readonly sealed: Sealed }[],
): RowsWrite {
  return {
    name: "integrations.reseal",
    text: `UPDATE control.integrations AS i SET key_id = n.key_id, nonce = decode(n.nonce, 'hex'), sealed = decode(n.sealed, 'hex')
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                    AS n (org, provider, owner, key_id, nonce, sealed)
            WHERE i.org = n.org AND i.provider = n.provider AND i.owner = n.owner`,
    rows: true,
    values: [
      all.map(({ of }) => of.org),
      all.map(({ of }) => of.provider),
      all.map(({ of }) => of.owner),
      all.map(({ sealed }) => sealed.keyId),
      all.map(({ sealed }) => sealed.nonce.toString("hex")),
      all.map(({ sealed }) => sealed.bytes.toString("hex")),
    ],
  };
}

/** The organisation's own, or a person's. */
export function deleteIntegration(org: string, provider: SecretProvider, owner = ""): Write {
  return {
    name: "integrations.delete",
    text: "DELETE FROM control.integrations WHERE org = $1 AND provider = $2 AND owner = $3",
    values: [org, provider, owner],
  };
}
