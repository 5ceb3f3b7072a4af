// The end of a canceled run whose journal is nowhere: a fork that nobody executed,
// or a run that something else than Autopilot opened. There is no order to close
// and nothing to bundle, so its log is ended, and told what it cost.

import type { JsonObject } from "@openagents/contracts";
import { reading } from "../clients.ts";
import { holdRun } from "./executor.ts";
import { openRunLog } from "./run-log.ts";
import type { RunDeps, RunOutcome } from "./run.ts";
import { toolsOf } from "./session.ts";

const EVENTS_PER_PAGE = 500;

/** Throws `executor_held` when somebody executes it. */
export async function endUnkept(deps: RunDeps, runId: string): Promise<RunOutcome> {
  const tools = toolsOf(deps);
  const { clients, pause } = tools;
  const { signal } = deps;
  const hold = await holdRun({ ...tools, runs: clients.runs }, runId, signal, () => undefined, 0);
  try {
    // Of epoch 0 where it has ended already.
    const log = openRunLog(clients.runs, runId, hold.epoch);
    if (hold.epoch > 0n) await log.append("run.finished", { status: "canceled", attempts: 0 }, signal);
  } finally {
    await hold.release();
  }
  const { run } = await reading(() => clients.runs.getRun({ runId }, { signal }), signal, pause);
  const budget = run.metadata["budget_msats"];
  return {
    runId,
    state: run.status === "succeeded" || run.status === "failed" ? run.status : "canceled",
    attempts: 0,
    agentName: "",
    verification: undefined,
    settlement: undefined,
    providerWorkerId: undefined,
    spentMsats: await readSpent(deps, runId),
    budgetMsats: typeof budget === "number" ? BigInt(budget) : 0n,
    openMsats: 0n,
    unseen: false,
    bundleDir: undefined,
    branch: undefined,
    branchRepo: undefined,
    pullRequestUrl: undefined,
    patchFile: undefined,
    problem: {
      step: "executor",
      code: "run_not_here",
      detail:
        "The run was canceled. Its journal is not here, so that there is no bundle; what a provider has handed in is settled by the service.",
    },
  };
}

/** What the run itself paid; a fork's shared events are the other run's. */
async function readSpent(deps: RunDeps, runId: string): Promise<bigint> {
  const { clients, pause } = toolsOf(deps);
  const { signal } = deps;
  let spent = 0n;
  for (let afterSeq = 0n; ;) {
    const request = { runId, afterSeq, limit: EVENTS_PER_PAGE };
    const page = await reading(() => clients.runs.listRunEvents(request, { signal }), signal, pause);
    for (const { eventType, payload } of page.events) {
      if (eventType === "run.forked") spent = 0n;
      if (eventType === "payment.released" || eventType === "payment.withheld") spent += paidBy(payload);
    }
    const last = page.events.at(-1);
    if (last === undefined || last.seq >= page.latestSeq) return spent;
    afterSeq = last.seq;
  }
}

function paidBy(payload: JsonObject): bigint {
  return ["amount_msats", "second_opinion_msats", "operator_fee_msats"]
    .map((name) => payload[name])
    .reduce((sum: bigint, msats) => sum + (typeof msats === "number" ? BigInt(msats) : 0n), 0n);
}
