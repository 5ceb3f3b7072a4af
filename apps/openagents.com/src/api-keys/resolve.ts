// Which key a secret is.

import { timingSafeEqual } from "node:crypto";
import type { Queryable, Tx } from "@openagents/postgres";
import { hashSecret, prefixOf, type ApiKey } from "./api-key.ts";
import { lockByPrefix, markUsed } from "./store.ts";

export type ResolvedKey = ApiKey;

/** Undefined for a secret of no key, of one that was revoked, and of one whose time is over. */
export async function resolveApiKey(
  tx: Tx,
  secret: string,
  nowMs: () => number,
): Promise<ApiKey | undefined> {
  const prefix = prefixOf(secret);
  if (prefix === undefined) return undefined;
  const found = await lockByPrefix(tx, prefix);
  if (found === undefined || !timingSafeEqual(found.secretSha256, hashSecret(secret))) return undefined;
  const { key } = found;
  const atMs = nowMs();
  const isOver = key.expiresAtMs !== undefined && atMs >= key.expiresAtMs;
  return key.revokedAtMs !== undefined || isOver ? undefined : key;
}

/** Note that a key was used; losing that matters to nobody. */
export function noteUse(q: Queryable, key: ApiKey, nowMs: number): Promise<void> {
  return markUsed(q, key.keyId, nowMs);
}
