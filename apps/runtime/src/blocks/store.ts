import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export type Block = {
  readonly org: string;
  readonly buyerOrg: string;
  readonly reason: string;
  readonly receiptId: string;
  readonly blockedAtMs: number;
};

type BlockRow = {
  org: string;
  buyer_org: string;
  reason: string;
  receipt_id: string;
  blocked_at_ms: bigint;
};

function blockOf(row: BlockRow): Block {
  return {
    org: row.org,
    buyerOrg: row.buyer_org,
    reason: row.reason,
    receiptId: row.receipt_id,
    blockedAtMs: Number(row.blocked_at_ms),
  };
}

const COLUMNS = "org, buyer_org, reason, receipt_id, blocked_at_ms";

// A block that is not there yet has no row to lock.
const LOCK = statement(
  "buyer_blocks.lock",
  "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 41))",
);

const FIND = statement(
  "buyer_blocks.find",
  `SELECT ${COLUMNS} FROM runtime.buyer_blocks WHERE org = $1 AND buyer_org = $2`,
);

/** Whether there is one; it stays so until the transaction ends. */
export async function lockBlock(tx: Tx, org: string, buyerOrg: string): Promise<Block | undefined> {
  await tx.query(LOCK, [org, buyerOrg]);
  const [row] = await tx.query<BlockRow>(FIND, [org, buyerOrg]);
  return row === undefined ? undefined : blockOf(row);
}

const LIST = statement(
  "buyer_blocks.list",
  `SELECT ${COLUMNS} FROM runtime.buyer_blocks WHERE org = $1 AND buyer_org > $2 ORDER BY buyer_org LIMIT $3`,
);

export async function listBlocks(q: Queryable, org: string, after: string, limit: number): Promise<Block[]> {
  return (await q.query<BlockRow>(LIST, [org, after, limit])).map(blockOf);
}

const LIST_BLOCKERS = statement(
  "buyer_blocks.list_blockers",
  "SELECT org FROM runtime.buyer_blocks WHERE buyer_org = $1 AND org = ANY ($2)",
);

/** Which of the named provider organisations do not work for a buyer. */
export async function listBlockersOf(
  q: Queryable,
  buyerOrg: string,
  providerOrgs: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await q.query<{ org: string }>(LIST_BLOCKERS, [buyerOrg, [...new Set(providerOrgs)]]);
  return new Set(rows.map((row) => row.org));
}

export function insertBlock(block: Block): Write {
  return {
    name: "buyer_blocks.insert",
    text: `INSERT INTO runtime.buyer_blocks (${COLUMNS}) VALUES ($1, $2, $3, $4, $5)`,
    values: [block.org, block.buyerOrg, block.reason, block.receiptId, block.blockedAtMs],
  };
}

export function deleteBlock(org: string, buyerOrg: string): Write {
  return {
    name: "buyer_blocks.delete",
    text: "DELETE FROM runtime.buyer_blocks WHERE org = $1 AND buyer_org = $2",
    values: [org, buyerOrg],
  };
}
