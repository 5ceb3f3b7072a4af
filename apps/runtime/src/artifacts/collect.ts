// Letting go of bytes, in two steps that a crash may part anywhere. A grant whose
// time is over and that nothing refers to ends; with the last one the artifact
// ends too, and its name in the store becomes a loose one, in one transaction
// under the artifact's lock. Loose names are deleted later: condemned first, so
// that no upload takes one that is being deleted.

import type { Authority } from "@openagents/authority";
import type { CollectArtifactsResponse, CommandCall } from "@openagents/contracts";
import type { Database, Queryable } from "@openagents/postgres";
import type { BlobStore } from "./blob-store.ts";
import { condemnDue, countDue, deleteUngranted, forgetLoose, lockArtifact, noteLoose } from "./blobs.ts";
import {
  countGrants,
  deleteGrant,
  listDueGrants,
  lockGrant,
  lookAgainAt,
  takeUsage,
  type Grant,
} from "./grants.ts";
import { isReferredTo } from "./references.ts";
import { LOOK_AGAIN_MS, READERS_MS } from "./retention.ts";

export type CollectDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly store: BlobStore;
  readonly nowMs: () => number;
};

export type CollectReport = CollectArtifactsResponse;

const PAGE = 200;

/** Let go of a page of what may go. The call says in whose name. */
export async function collectPage(deps: CollectDeps, call: CommandCall): Promise<CollectReport> {
  const due = await listDueGrants(deps.db, deps.nowMs(), PAGE);
  const sums = { ended: 0n, kept: 0n, removed: 0n, bytes: 0n };
  for (const grant of due) {
    if (call.signal.aborted) break;
    const end = await endGrant(deps, call, grant);
    if (end === "kept") sums.kept += 1n;
    if (end === "ended" || end === "removed") sums.ended += 1n;
    if (end === "removed") [sums.removed, sums.bytes] = [sums.removed + 1n, sums.bytes + BigInt(grant.bytes)];
  }
  const blobs = await deleteLoose(deps, call);
  return reportOf(sums, blobs, due.length === PAGE || blobs === PAGE);
}

/** What `collectPage` would do now; changes nothing. */
export async function previewPage(deps: Pick<CollectDeps, "db" | "nowMs">): Promise<CollectReport> {
  const nowMs = deps.nowMs();
  const due = await listDueGrants(deps.db, nowMs, PAGE);
  const ending: Grant[] = [];
  for (const grant of due) if (!(await isKept(deps.db, grant, nowMs))) ending.push(grant);
  const sums = {
    ended: BigInt(ending.length),
    kept: BigInt(due.length - ending.length),
    removed: 0n,
    bytes: 0n,
  };
  for (const [sha256, grants] of Map.groupBy(ending, (grant) => grant.sha256)) {
    if ((await countGrants(deps.db, sha256)) > grants.length) continue;
    sums.removed += 1n;
    sums.bytes += BigInt(grants[0]?.bytes ?? 0);
  }
  const blobs = await countDue(deps.db, nowMs, PAGE);
  return reportOf(sums, blobs, due.length === PAGE || blobs === PAGE);
}

/** Locks artifact, grant and usage, in this order. */
async function endGrant(
  deps: CollectDeps,
  call: CommandCall,
  { org, sha256 }: Grant,
): Promise<"gone" | "kept" | "ended" | "removed"> {
  let end: Awaited<ReturnType<typeof endGrant>> = "gone";
  await deps.authority.perform(call, async (command) => {
    const { tx } = command;
    end = "gone";
    await lockArtifact(tx, sha256);
    const grant = await lockGrant(tx, org, sha256);
    const nowMs = command.nowMs();
    if (grant === undefined || grant.keepUntilMs > nowMs) return NOTHING;
    if (await isKept(tx, grant, nowMs)) {
      end = "kept";
      return { ...ANSWER, writes: [lookAgainAt(org, sha256, nowMs + LOOK_AGAIN_MS)] };
    }
    await deleteGrant(tx, org, sha256);
    const blob = await deleteUngranted(tx, sha256);
    end = blob === undefined ? "ended" : "removed";
    return {
      ...ANSWER,
      writes: [
        ...(grant.class === "stored" ? [takeUsage(org, grant.bytes)] : []),
        ...(blob === undefined ? [] : [noteLoose(blob, nowMs + READERS_MS)]),
      ],
    };
  });
  return end;
}

async function isKept(q: Queryable, grant: Grant, nowMs: number): Promise<boolean> {
  return grant.class !== "shared" && (await isReferredTo(q, grant.org, grant.sha256, nowMs));
}

/** Delete what has no artifact; how many were. One that cannot be deleted now holds up no other. */
async function deleteLoose(deps: CollectDeps, call: CommandCall): Promise<number> {
  let condemned: string[] = [];
  await deps.authority.perform(call, async (command) => {
    condemned = await condemnDue(command.tx, command.nowMs(), PAGE);
    return condemned.length === 0 ? NOTHING : { ...ANSWER, writes: [] };
  });
  const failures: unknown[] = [];
  for (const blob of condemned) {
    try {
      await deps.store.delete(blob);
      const forget = forgetLoose(blob);
      await deps.db.query(forget, forget.values);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} blobs were not deleted`);
  return condemned.length;
}

type Sums = {
  readonly ended: bigint;
  readonly kept: bigint;
  readonly removed: bigint;
  readonly bytes: bigint;
};

function reportOf(sums: Sums, blobs: number, more: boolean): CollectReport {
  return {
    grantsEnded: sums.ended,
    grantsKept: sums.kept,
    artifactsRemoved: sums.removed,
    bytesRemoved: sums.bytes,
    blobsDeleted: BigInt(blobs),
    more,
  };
}

const EMPTY = reportOf({ ended: 0n, kept: 0n, removed: 0n, bytes: 0n }, 0, false);

/** A step's own answer, which nobody is sent: the page's report is. */
const ANSWER = { kind: "answer", output: EMPTY } as const;
const NOTHING = { kind: "nothing", output: EMPTY } as const;
