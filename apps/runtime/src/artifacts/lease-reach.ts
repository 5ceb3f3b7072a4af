// What a lease covers: its job's inputs to read, and what comes of it to store.

import { ProblemError, type Principal } from "@openagents/contracts";
import type { Database, Queryable } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { LEASE_DETAILS, findGivenLease, findLease, whyEnded, type LeaseHold } from "../jobs/index.ts";
import { heldZone, mayReceiveSource } from "../zones/index.ts";

/** The principal's live lease. Throws 404, and 409 as `leaseEnded` does. */
export async function requireLease(
  deps: { readonly db: Database; readonly nowMs: () => number },
  principal: Principal,
  leaseId: string,
): Promise<LeaseHold> {
  const lease = await findLease(deps.db, leaseId);
  if (lease === undefined) throw await leaseEnded(deps.db, principal, leaseId);
  if (lease.owner !== principal.id || lease.ownerOrg !== principal.org) throw notFound("lease", leaseId);
  if (lease.expiresAtMs <= deps.nowMs()) throw await leaseEnded(deps.db, principal, leaseId);
  return lease;
}

/** A lease covers its job's inputs, for a holder whose zone the buyer's source may go to now. */
export function mayRead(lease: LeaseHold, principal: Principal, sha256: string): boolean {
  const holder = {
    zoneTenths: heldZone(lease.zoneTenths, principal.zoneTenths),
    account: lease.account,
  };
  return lease.inputs.includes(sha256) && mayReceiveSource(holder, lease);
}

/**
 * Of a lease that holds no more: 409 with what became of its job as the code, `job_reassigned`,
 * `job_canceled`, `result_already_submitted` or `lease_lapsed`; 404 to everyone but its holder.
 */
export async function leaseEnded(q: Queryable, principal: Principal, leaseId: string): Promise<ProblemError> {
  const given = await findGivenLease(q, leaseId);
  if (given === undefined || given.owner !== principal.id || given.org !== principal.org)
    return notFound("lease", leaseId);
  const code = whyEnded(given);
  return new ProblemError({ status: 409, code, detail: LEASE_DETAILS[code] });
}
