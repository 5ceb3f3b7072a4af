import { newId, type Authority } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  RemoveBudgetRequest,
  RemoveBudgetResponse,
  SetBudgetRequest,
  SetBudgetResponse,
} from "@openagents/contracts";
import type { JsonObject } from "@openagents/receipts";
import { invalidField, notFound } from "@openagents/service";
import { budgetMessage, type Budget } from "./budget.ts";
import { findBudget, lockBudgetNamed, upsertBudget } from "./store.ts";

export type BudgetDeps = { readonly authority: Authority };

/** Set a limit, or change it. A run that does not exist yet may have one: its id is all there is to it. */
export function setBudget(
  deps: BudgetDeps,
  call: CommandCall,
  request: SetBudgetRequest,
): Promise<CommandReply> {
  return deps.authority.execute<SetBudgetResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const name = { org, level: request.level, subject: subjectOf(request), period: request.period };
    const found = await lockBudgetNamed(command.tx, name);
    const nowMs = command.nowMs();
    const before = found?.budget;
    const set = {
      ...name,
      budgetId: before?.budgetId ?? newId("bgt", nowMs),
      limitMsats: request.limitMsats,
      removedAtMs: undefined,
      createdAtMs: before?.createdAtMs ?? nowMs,
      updatedAtMs: nowMs,
    };
    const receipt = command.seal(
      "openagents.treasury.budget_set.v1",
      set.budgetId,
      {
        ...budgetFacts(set),
        ...(before === undefined || before.removedAtMs !== undefined
          ? {}
          : { previous_limit_msats: Number(before.limitMsats) }),
      },
      nowMs,
    );
    const budget: Budget = { ...set, receiptId: receipt.receipt_id };
    return {
      kind: "answer",
      output: {
        budget: budgetMessage({ budget, newest: found?.newest }, nowMs),
        receiptId: receipt.receipt_id,
      },
      writes: [upsertBudget(budget)],
    };
  });
}

function subjectOf({ level, subject }: SetBudgetRequest): string {
  if (level === "org") {
    if (subject === undefined) return "";
    throw invalidField(
      "subject",
      "not_allowed",
      "A budget of the organisation has no subject. Leave it out.",
    );
  }
  if (subject === undefined) {
    throw invalidField("subject", "required", `Name the ${level} that the budget is for.`);
  }
  if (level === "run" && !/^run_[0-9a-f]{32}$/.test(subject)) {
    throw invalidField("subject", "wrong_format", "The subject of a run's budget is the run's id.");
  }
  return subject;
}

/** Limit nothing by this budget any more. What it counted stays, for when it is set again. */
export function removeBudget(
  deps: BudgetDeps,
  call: CommandCall,
  request: RemoveBudgetRequest,
): Promise<CommandReply> {
  return deps.authority.execute<RemoveBudgetResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const named = await findBudget(command.tx, org, request.budgetId);
    if (named === undefined) throw notFound("budget", request.budgetId);
    const found = await lockBudgetNamed(command.tx, named.budget);
    // Removed by another while we waited for it.
    if (found === undefined || found.budget.removedAtMs !== undefined) {
      throw notFound("budget", request.budgetId);
    }
    const nowMs = command.nowMs();
    const receipt = command.seal(
      "openagents.treasury.budget_removed.v1",
      request.budgetId,
      budgetFacts(found.budget),
      nowMs,
    );
    const removed = {
      ...found.budget,
      removedAtMs: nowMs,
      updatedAtMs: nowMs,
      receiptId: receipt.receipt_id,
    };
    return {
      kind: "answer",
      output: { budget: budgetMessage(found, nowMs), receiptId: receipt.receipt_id },
      writes: [upsertBudget(removed)],
    };
  });
}

function budgetFacts(
  budget: Pick<Budget, "budgetId" | "level" | "subject" | "period" | "limitMsats">,
): JsonObject {
  return {
    budget_id: budget.budgetId,
    level: budget.level,
    ...(budget.subject === "" ? {} : { subject: budget.subject }),
    period: budget.period,
    limit_msats: Number(budget.limitMsats),
  };
}
