import { listIntentsByEffect, type Intent } from "@openagents/authority";
import type { Queryable } from "@openagents/postgres";
import { PROVIDER_PUSH, pushKey } from "./intend-push.ts";

/** What became of telling a worker of these jobs, by job; none of those that it was not to be told of. */
export async function listPushes(
  q: Queryable,
  workerId: string,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, Pick<Intent, "status" | "detail">>> {
  const keys = jobIds.map((jobId) => pushKey(jobId, workerId));
  const pushes = await listIntentsByEffect(q, PROVIDER_PUSH, keys);
  return new Map(pushes.map((push) => [push.subject, push]));
}
