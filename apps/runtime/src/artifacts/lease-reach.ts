// What a lease covers: its job's inputs to read, and what comes of it to store.

import { ProblemError, type Principal } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { findLease, type LeaseHold } from "../jobs/index.ts";
import { notFound } from "../problems.ts";
import { heldZone, mayReceiveSource } from "../zones/index.ts";

/** The principal's live lease. Throws 404, 409 `lease_lapsed`. */
export async function requireLease(
  deps: { readonly db: Database; readonly nowMs: () => number },
  principal: Principal,
  leaseId: string,
): Promise<LeaseHold> {
  const lease = await findLease(deps.db, leaseId);
  if (lease === undefined || lease.owner !== principal.id || lease.ownerOrg !== principal.org) {
    throw notFound("lease", leaseId);
  }
  if (lease.expiresAtMs <= deps.nowMs()) throw leaseLapsed();
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

export function leaseLapsed(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "lease_lapsed",
    detail: "The lease has lapsed and covers nothing any more. Claim a job again.",
  });
}
