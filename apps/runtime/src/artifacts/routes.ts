// Who may store and read which bytes: an organisation what it was granted, a
// provider the inputs of a job while it holds the job's lease.

import { Readable } from "node:stream";
import type { Authority } from "@openagents/authority";
import {
  Artifacts,
  ProblemError,
  bind,
  type Binding,
  type CommandCall,
  type CommandReply,
  type Principal,
  type PutArtifactRequest,
  type PutArtifactResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { findLease, lockLease, type LeaseHold } from "../jobs/index.ts";
import { notFound } from "../problems.ts";
import { heldZone, mayReceiveSource } from "../zones/index.ts";
import type { ArtifactDisk } from "./disk.ts";
import { insertGrants, insertJobOutput, listGranted } from "./store.ts";

export type ArtifactRoutesDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly disk: ArtifactDisk;
  readonly nowMs: () => number;
};

export function artifactRoutes(deps: ArtifactRoutesDeps): Binding {
  return bind(Artifacts, {
    putArtifact: (request, call) => putArtifact(deps, call, request),

    async getArtifact(request, call) {
      const readable =
        request.leaseId === undefined
          ? (await listGranted(deps.db, call.principal.org, [request.sha256])).has(request.sha256)
          : mayRead(
              await requireLease(deps, call.principal, request.leaseId),
              call.principal,
              request.sha256,
            );
      if (!readable || (await deps.disk.find(request.sha256)) === undefined) {
        throw notFound("artifact", request.sha256);
      }
      return { contentType: "application/octet-stream", data: deps.disk.read(request.sha256) };
    },
  });
}

async function putArtifact(
  deps: ArtifactRoutesDeps,
  call: CommandCall,
  request: PutArtifactRequest,
): Promise<CommandReply> {
  const lease =
    request.leaseId === undefined ? undefined : await requireLease(deps, call.principal, request.leaseId);
  // The bytes go to disk before the transaction: a network peer's pace must not hold a connection.
  const { data } = request.content;
  const outcome = await deps.disk.store(
    request.sha256,
    data instanceof Readable ? data : Readable.from([data]),
  );
  if (outcome.kind === "hash_mismatch") {
    throw new ProblemError({
      status: 400,
      code: "hash_mismatch",
      detail: `The body's sha256 is ${outcome.actual}, not the one in the path. Nothing was stored.`,
    });
  }
  return deps.authority.perform<PutArtifactResponse>(call, async (command) => {
    const nowMs = command.nowMs();
    // The bytes may have taken longer than the lease.
    if (request.leaseId !== undefined && !(await lockLease(command.tx, request.leaseId, nowMs))) {
      throw leaseLapsed();
    }
    return {
      kind: "answer",
      output: { sha256: request.sha256, bytes: BigInt(outcome.bytes) },
      // What a provider hands in belongs to the buyer too, who must be able to check it.
      writes: [
        insertGrants(
          [call.principal.org, ...(lease === undefined ? [] : [lease.buyerOrg])],
          request.sha256,
          outcome.bytes,
          nowMs,
        ),
        ...(lease === undefined ? [] : [insertJobOutput(lease.jobId, request.sha256)]),
      ],
    };
  });
}

async function requireLease(
  deps: ArtifactRoutesDeps,
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
function mayRead(lease: LeaseHold, principal: Principal, sha256: string): boolean {
  const holder = {
    zoneTenths: heldZone(lease.zoneTenths, principal.zoneTenths),
    account: lease.account,
  };
  return lease.inputs.includes(sha256) && mayReceiveSource(holder, lease);
}

function leaseLapsed(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "lease_lapsed",
    detail: "The lease has lapsed and covers nothing any more. Claim a job again.",
  });
}
