import type { Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  SelectRouteRequest,
  SelectRouteResponse,
} from "@openagents/contracts";
import { extendRun, isFinished, requireLockedRun } from "../runs/index.ts";
import { candidateFacts, decideRoute } from "./decide-route.ts";

/** Record the choice among a buyer's own offers. Refused: `run_finished`. */
export function selectRoute(
  deps: { readonly authority: Authority },
  call: CommandCall,
  request: SelectRouteRequest,
): Promise<CommandReply> {
  return deps.authority.execute<SelectRouteResponse>(call, request, async (command) => {
    const run = await requireLockedRun(command.tx, call.principal.org, request.runId);
    if (isFinished(run.status)) {
      return {
        kind: "refused",
        rule: "state",
        reason: "run_finished",
        detail: `The run is ${run.status} and orders no more work.`,
      };
    }
    const policy = request.policy ?? "lowest_total_cost_v1";
    const { decisionSha256, selected, candidates, losers } = decideRoute({
      policy,
      runId: run.runId,
      capability: request.capability,
      objectiveHash: request.objectiveHash,
      candidates: request.candidates,
    });
    const nowMs = command.nowMs();
    const facts = {
      run_id: run.runId,
      decision_sha256: decisionSha256,
      policy,
      capability: request.capability,
      objective_hash: request.objectiveHash ?? null,
      selected: candidateFacts(selected),
      candidates: candidates.map(candidateFacts),
      losers: losers.map((loser) => ({
        marketplace_id: loser.marketplaceId,
        provider_id: loser.providerId,
        because: loser.because,
      })),
    };
    const receipt = command.seal("openagents.marketplace.router_decision.v1", run.runId, facts, nowMs);
    const event = { eventType: "route.selected", payload: { ...facts, receipt_id: receipt.receipt_id } };
    return {
      kind: "answer",
      output: {
        decision: { decisionSha256, policy, runId: run.runId, selected, candidates, losers },
        receiptId: receipt.receipt_id,
      },
      writes: extendRun(run, [event], nowMs).writes,
    };
  });
}
