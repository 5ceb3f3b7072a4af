// What the subject of a stream is at one of its events.

import {
  encode,
  runDesc,
  workerDesc,
  type GetStreamSnapshotResponse,
  type JsonObject,
} from "@openagents/contracts";
import { findAccount } from "@openagents/ledger";
import type { Database } from "@openagents/postgres";
import { parseStreamId, type StreamName } from "@openagents/streams";
import { notFound } from "@openagents/service";
import { findRun, runMessage } from "../runs/index.ts";
import { earningsAccount, orgAccount } from "../treasury/index.ts";
import { findWorker, listWorkersOwnedBy, workerMessage } from "../workers/index.ts";
import { chainAt } from "./chain.ts";
import { findHead, listEvents, type Head } from "./store.ts";

export type SnapshotDeps = { readonly db: Database; readonly nowMs: () => number };

/** A stream that is appended to this often between two looks cannot be caught standing still. */
const LOOKS_MAX = 20;

/**
 * State and events commit together, so when the head is the same before and
 * after the state was read, that is the state at that head.
 */
export async function snapshotOf(deps: SnapshotDeps, before: Head): Promise<GetStreamSnapshotResponse> {
  const { streamId } = before;
  let head = before;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const snapshot = await stateOf(deps, head);
    const after = await findHead(deps.db, streamId);
    if (after?.headSeq === head.headSeq) {
      const chain = await chainAt(deps.db, streamId, head.headSeq);
      if (chain === undefined) throw new Error(`${streamId} has a gap below ${head.headSeq}`);
      return { streamId, seq: head.headSeq, chainHash: chain.chainHash, snapshot };
    }
    if (after === undefined) break;
    head = after;
  }
  throw new Error(`${streamId} did not stand still for a snapshot`);
}

async function stateOf(deps: SnapshotDeps, head: Head): Promise<JsonObject> {
  const name = parseStreamId(head.streamId);
  const state = name === undefined ? undefined : await familyState(deps, name, head);
  if (state === undefined) throw notFound("snapshot", head.streamId);
  return state;
}

async function familyState(
  { db, nowMs }: SnapshotDeps,
  { family, id }: StreamName,
  head: Head,
): Promise<JsonObject | undefined> {
  switch (family) {
    case "run": {
      const run = await findRun(db, head.tenant, id);
      return run === undefined ? undefined : { run: encode(runDesc, runMessage(run)) };
    }
    case "worker": {
      const worker = await findWorker(db, id);
      return worker === undefined
        ? undefined
        : { worker: encode(workerDesc, workerMessage(worker, nowMs())) };
    }
    case "fleet_user": {
      const workers = await listWorkersOwnedBy(db, id);
      return { workers: workers.map((worker) => encode(workerDesc, workerMessage(worker, nowMs()))) };
    }
    case "treasury":
      return treasuryState(db, id);
    case "stats":
    case "worker_events":
    case "fleet_guest":
    case "approvals":
    case "thread":
    case "revocations": {
      const [newest] = await listEvents(db, head.streamId, head.headSeq - 1n, 1);
      return newest === undefined ? undefined : { newest: JSON.parse(newest.payload) as JsonObject };
    }
  }
}

async function treasuryState(db: Database, org: string): Promise<JsonObject> {
  const [spendable, earnings] = await Promise.all([
    findAccount(db, orgAccount(org).id),
    findAccount(db, earningsAccount(org).id),
  ]);
  const reserved = spendable?.debitsPending ?? 0n;
  return {
    available_msats: Number((spendable?.creditsPosted ?? 0n) - (spendable?.debitsPosted ?? 0n) - reserved),
    reserved_msats: Number(reserved),
    earned_msats: Number((earnings?.creditsPosted ?? 0n) - (earnings?.debitsPosted ?? 0n)),
  };
}
