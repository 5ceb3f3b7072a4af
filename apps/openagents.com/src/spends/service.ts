// The commands of spends. Each holds the autopilot's lock, so that spenders take turns.

import { newId, type Authority, type Command, type Refusal } from "@openagents/authority";
import type {
  AutopilotSpend,
  CommandCall,
  CommandReply,
  EndAutopilotSpendRequest,
  EndAutopilotSpendResponse,
  ReserveAutopilotSpendRequest,
  ReserveAutopilotSpendResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { lockAutopilot, type Autopilot } from "../autopilots/index.ts";
import { agreedOrAsked } from "../inbox/index.ts";
import type { PersonOf } from "../persons/index.ts";
import { periodsOf, type SpendRefusal } from "./decide-spend.ts";
import { judgeSpend } from "./judge-spend.ts";
import { addSpending, findSpend, freeSpending, insertSpend, markSpendEnded, type Spend } from "./store.ts";

export type SpendDeps = { readonly db: Database; readonly authority: Authority; readonly personOf: PersonOf };

export function reserveSpend(
  deps: SpendDeps,
  call: CommandCall,
  request: ReserveAutopilotSpendRequest,
): Promise<CommandReply> {
  return deps.authority.execute<ReserveAutopilotSpendResponse>(call, request, async (command) => {
    const autopilot = await requireLocked(deps, command, request.autopilot);
    const { amountMsats, purpose } = request;
    if (autopilot.status !== "active")
      return refuse(command, autopilot, request, "autopilot_disabled", "It is not active. Enable it first.");
    const nowMs = command.nowMs();
    const decision = await judgeSpend(command.tx, autopilot, amountMsats, nowMs);
    if (decision.kind === "refused") {
      const detail = `The stored limit is ${decision.limitMsats} msats. Its owner changes it in the console.`;
      return refuse(command, autopilot, request, decision.reason, detail);
    }
    const approved = decision.needsApproval
      ? await agree(command, autopilot, request)
      : ({ kind: "agreed", writes: [] } as const);
    if (approved.kind === "refused") return approved;
    const facts = { ...factsOf(autopilot, request), config_version: Number(autopilot.configVersion) };
    const receipt = command.seal("openagents.control.spend_reserved.v1", autopilot.autopilotId, facts, nowMs);
    const spend: Spend = {
      spendId: newId("asp", nowMs),
      autopilotId: autopilot.autopilotId,
      status: "reserved",
      reservedMsats: amountMsats,
      spentMsats: undefined,
      purpose,
      receiptId: receipt.receipt_id,
      reservedAtMs: nowMs,
    };
    return {
      kind: "answer",
      output: { spend: spendMessage(spend) },
      writes: [
        insertSpend(spend),
        addSpending(autopilot.autopilotId, periodsOf(nowMs), amountMsats),
        ...approved.writes,
      ],
    };
  });
}

function agree(
  command: Command,
  { autopilotId, displayName, org, owner }: Autopilot,
  { amountMsats, purpose, approvalId }: ReserveAutopilotSpendRequest,
) {
  const draft = {
    org,
    userId: owner,
    kind: "spend",
    facts: { autopilot_id: autopilotId, purpose },
    amountMsats,
    title: `${displayName} would spend ${amountMsats} msats`,
    detail: purpose,
  } as const;
  return agreedOrAsked(command, draft, approvalId);
}

function refuse(
  command: Command,
  autopilot: Autopilot,
  request: ReserveAutopilotSpendRequest,
  reason: SpendRefusal | "autopilot_disabled",
  detail: string,
): Refusal {
  const facts = { ...factsOf(autopilot, request), reason };
  const schema = "openagents.control.spend_refused.v1";
  const receipt = command.seal(schema, autopilot.autopilotId, facts, command.nowMs());
  return { kind: "refused", rule: "policy", reason, detail, receiptId: receipt.receipt_id };
}

function factsOf({ autopilotId }: Autopilot, { amountMsats, purpose }: ReserveAutopilotSpendRequest) {
  return { autopilot_id: autopilotId, amount_msats: Number(amountMsats), purpose };
}

export function endSpend(
  deps: SpendDeps,
  call: CommandCall,
  request: EndAutopilotSpendRequest,
): Promise<CommandReply> {
  return deps.authority.execute<EndAutopilotSpendResponse>(call, request, async (command) => {
    const autopilot = await requireLocked(deps, command, request.autopilot);
    const spend = await findSpend(command.tx, autopilot.autopilotId, request.spendId);
    if (spend === undefined) throw notFound("spend", request.spendId);
    const { spentMsats } = request;
    if (spend.status === "ended")
      return refused("spend_ended", `${spend.spendId} has ended already, with ${spend.spentMsats} msats.`);
    if (spentMsats > spend.reservedMsats)
      return refused("spend_above_reserved", `Only ${spend.reservedMsats} msats were reserved.`);
    const nowMs = command.nowMs();
    const facts = {
      autopilot_id: autopilot.autopilotId,
      spend_id: spend.spendId,
      spent_msats: Number(spentMsats),
      reserved_receipt_id: spend.receiptId,
    };
    const receipt = command.seal("openagents.control.spend_ended.v1", autopilot.autopilotId, facts, nowMs);
    const ended: Spend = { ...spend, status: "ended", spentMsats, receiptId: receipt.receipt_id };
    return {
      kind: "answer",
      output: { spend: spendMessage(ended) },
      writes: [
        markSpendEnded(spend.spendId, spentMsats),
        // Of the periods in which it was reserved, whenever it ends.
        freeSpending(autopilot.autopilotId, periodsOf(spend.reservedAtMs), spend.reservedMsats - spentMsats),
      ],
    };
  });
}

async function requireLocked({ personOf }: SpendDeps, command: Command, ref: string): Promise<Autopilot> {
  const { principal } = command.call;
  const found = await lockAutopilot(command.tx, principal.org, await personOf(command.tx, principal), ref);
  if (found === undefined) throw notFound("autopilot", ref);
  return found;
}

function refused(reason: string, detail: string): Refusal {
  return { kind: "refused", rule: "state", reason, detail };
}

function spendMessage({ reservedAtMs, ...spend }: Spend): AutopilotSpend {
  return { ...spend, reservedAt: reservedAtMs };
}
