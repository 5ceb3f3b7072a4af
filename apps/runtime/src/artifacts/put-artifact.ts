// Storing bytes. They are in the store, under a name of their own, before the
// transaction that gives the name to their hash: a network peer's pace must not
// hold a connection. The name is noted as loose first, so that whatever breaks
// off here is deleted later, and whoever deletes it late is noticed.

import { Readable } from "node:stream";
import type { Outcome, Command } from "@openagents/authority";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type Principal,
  type PutArtifactRequest,
  type PutArtifactResponse,
} from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import { lockLease, type LeaseHold } from "../jobs/index.ts";
import { artifactShare } from "../zones/index.ts";
import { newBlobName, type Arrived } from "./blob-store.ts";
import { claimArtifact, findArtifact, lockArtifact, noteLoose, takeLoose, undoLoose } from "./blobs.ts";
import type { ArtifactsDeps } from "./deps.ts";
import { addUsage, findUsage, lockGrant, upsertGrant, type Grant } from "./grants.ts";
import { insertJobOutput } from "./job-outputs.ts";
import { leaseEnded, requireLease } from "./lease-reach.ts";
import { STAGED_MS, UPLOAD_MS, decideQuota, type ArtifactQuota, type QuotaRefusal } from "./retention.ts";

export async function putArtifact(
  deps: ArtifactsDeps,
  call: CommandCall,
  request: PutArtifactRequest,
): Promise<CommandReply> {
  const lease =
    request.leaseId === undefined ? undefined : await requireLease(deps, call.principal, request.leaseId);
  await refuseWhenFull(deps, call.principal, request.sha256);
  const { data } = request.content;
  const content = data instanceof Readable ? data : Readable.from([data]);
  return deps.arrivals.receive(request.sha256, content, async (arrived) => {
    const blob = newBlobName(arrived.sha256);
    const note = noteLoose(blob, deps.nowMs() + UPLOAD_MS);
    await deps.db.query(note, note.values);
    try {
      await deps.store.put(blob, arrived);
      // Asked of one name or the other, so that time does not tell whether others have the bytes.
      const known = await findArtifact(deps.db, arrived.sha256);
      const isThere = (await deps.store.stat(known?.blob ?? blob)) !== undefined;
      const upload = { arrived, blob, lostBlob: isThere ? undefined : known?.blob, lease };
      return await deps.authority.perform(call, (command) => decideUpload(deps, command, upload));
    } catch (error) {
      await undoLoose(deps.db, blob, deps.nowMs()).catch(ignoreLost);
      throw error;
    }
  });
}

type Upload = {
  readonly arrived: Arrived;
  readonly blob: string;
  readonly lostBlob: string | undefined;
  readonly lease: LeaseHold | undefined;
};

/** Locks job, artifact, grant and usage, in this order. */
async function decideUpload(
  deps: ArtifactsDeps,
  command: Command,
  upload: Upload,
): Promise<Outcome<PutArtifactResponse>> {
  const { tx } = command;
  const { principal } = command.call;
  const { arrived, blob, lostBlob, lease } = upload;
  const { sha256, bytes } = arrived;
  const nowMs = command.nowMs();
  // The bytes may have taken longer than the lease.
  if (lease !== undefined && !(await lockLease(tx, lease.leaseId, nowMs)))
    throw await leaseEnded(tx, principal, lease.leaseId);
  const before = await lockArtifact(tx, sha256);
  const kept = await claimArtifact(tx, { sha256, bytes, blob }, lostBlob, nowMs);
  const writes: Write[] = [];
  if (kept !== blob) writes.push(noteLoose(blob, nowMs));
  // Ours already when a commit's answer was lost and this is the second look.
  else if (before?.blob !== blob && !(await takeLoose(tx, blob))) throw tookTooLong();
  if (kept === blob && lostBlob !== undefined) writes.push(noteLoose(lostBlob, nowMs));

  const held = await lockGrant(tx, principal.org, sha256);
  if (held?.class !== "stored") {
    const sums = await addUsage(tx, principal.org, bytes);
    const used = { bytes: sums.bytes - bytes, objects: sums.objects - 1 };
    const quota = quotaOf(deps.quota, principal);
    const refused = decideQuota(used, bytes, quota);
    if (refused !== undefined) throw noRoom(refused, quota);
  }
  const grant = { sha256, bytes, grantedAtMs: nowMs, keepUntilMs: nowMs + STAGED_MS };
  const stored: Grant = { ...grant, org: principal.org, class: "stored" };
  writes.push(upsertGrant(stored));
  if (lease !== undefined) {
    writes.push(insertJobOutput(lease.jobId, sha256));
    // What a provider hands in belongs to the buyer too, who must be able to check it.
    if (lease.buyerOrg !== principal.org) {
      writes.push(upsertGrant({ ...grant, org: lease.buyerOrg, class: "handed_in" }));
    }
  }
  return { kind: "answer", output: { sha256, bytes: BigInt(bytes) }, writes };
}

/** Before a byte is read: what is full already takes nothing, except for what it has. */
async function refuseWhenFull(deps: ArtifactsDeps, principal: Principal, sha256: string): Promise<void> {
  const quota = quotaOf(deps.quota, principal);
  const refused = decideQuota(await findUsage(deps.db, principal.org), 0, quota);
  if (refused === undefined) return;
  const held = (await deps.artifacts.listGranted(principal.org, [sha256])).get(sha256);
  if (held?.class !== "stored") throw noRoom(refused, quota);
}

/** What one of this zone may store. */
export function quotaOf(quota: ArtifactQuota, principal: Pick<Principal, "zoneTenths">): ArtifactQuota {
  const share = artifactShare(principal);
  return { bytesMax: Math.floor(quota.bytesMax * share), objectsMax: Math.floor(quota.objectsMax * share) };
}

function noRoom(refusal: QuotaRefusal, { bytesMax, objectsMax }: ArtifactQuota): ProblemError {
  const limit = refusal === "org_bytes_max" ? `${bytesMax} bytes` : `${objectsMax} artifacts`;
  return new ProblemError({
    status: 507,
    code: refusal,
    detail:
      `The organisation may store ${limit}, and this would be more. Nothing was stored. What no order names is let go of ` +
      "7 days after its upload, and what orders name 90 days after them; `openagents artifacts ls` shows what is stored. " +
      "Wait for that, or ask the operator for more.",
  });
}

function tookTooLong(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "upload_too_slow",
    detail: "The upload took so long that its bytes were cleared away. Nothing was stored. Send it again.",
  });
}

/** The name stays noted with its hour, and is deleted then. */
function ignoreLost(): void {}
