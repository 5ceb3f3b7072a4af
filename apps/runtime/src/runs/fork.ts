// A run that goes on from another one's log at one of its events. Its numbers and
// its hash chain continue the shared ones, so its replay can be checked from the
// first event on; what was paid and verified there stays the first run's.

import { randomBytes } from "node:crypto";
import { newId, type Authority, type Outcome } from "@openagents/authority";
import type { CommandCall, CommandReply, ForkRunRequest, ForkRunResponse } from "@openagents/contracts";
import type { Tx } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { listLineage } from "./lineage.ts";
import { NO_EXECUTOR, appendEvents, type Run } from "./run.ts";
import { findRun, insertEvents, insertRun } from "./store.ts";
import { runMessage } from "./wire.ts";

/** How many runs may lie behind a fork; reading its first events looks each of them up. */
const DEPTH_MAX = 16;

/** In order of precedence. */
type ForkRefusal = "seq_not_reached" | "fork_too_deep";

export function forkRun(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: ForkRunRequest,
): Promise<CommandReply> {
  return authority.execute<ForkRunResponse>(call, request, async (command) => {
    // Events never change, so what is shared of the run needs no lock.
    const from = await findRun(command.tx, call.principal.org, request.runId);
    if (from === undefined) throw notFound("run", request.runId);
    const seq = request.atSeq ?? from.latestSeq;
    const depth = (from.fork?.depth ?? 0) + 1;
    if (seq > from.latestSeq) return refuse("seq_not_reached", from);
    if (depth > DEPTH_MAX) return refuse("fork_too_deep", from);

    const nowMs = command.nowMs();
    const opened: Run = {
      runId: newId("run", nowMs),
      org: from.org,
      createdBy: call.principal.id,
      status: "running",
      issue: from.issue,
      metadata: from.metadata,
      nonce: randomBytes(16).toString("hex"),
      latestSeq: seq,
      trajectoryHash: await headAt(command.tx, from, seq),
      bundleReceiptId: undefined,
      executor: NO_EXECUTOR,
      fork: { fromRunId: from.runId, seq, depth },
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    const facts = {
      forked_from: from.runId,
      fork_seq: Number(seq),
      trajectory_hash: `sha256:${opened.trajectoryHash}`,
    };
    const { run, events } = appendEvents(opened, [{ eventType: "run.forked", payload: facts }], nowMs);
    const receipt = command.seal(
      "openagents.runtime.run_forked.v1",
      run.runId,
      { run_id: run.runId, ...facts },
      nowMs,
    );
    return {
      kind: "answer",
      output: { run: runMessage(run), receiptId: receipt.receipt_id },
      writes: [insertRun(run), ...insertEvents(run, events)],
    };
  });
}

/** Head of the chain after the event `seq`. */
async function headAt(tx: Tx, run: Run, seq: bigint): Promise<string> {
  if (seq === run.latestSeq) return run.trajectoryHash;
  const [event] = await listLineage(tx, run, seq - 1n, seq, 1);
  if (event === undefined) throw new Error(`${run.runId} has no event ${seq}`);
  return event.chainHash;
}

function refuse(reason: ForkRefusal, run: Run): Outcome<ForkRunResponse> {
  const detail = {
    seq_not_reached: `The run's last event is number ${run.latestSeq}. Fork it there or before.`,
    fork_too_deep: `${DEPTH_MAX} runs lie behind this one already. Fork the one that it came from.`,
  }[reason];
  return { kind: "refused", rule: "state", reason, detail };
}
