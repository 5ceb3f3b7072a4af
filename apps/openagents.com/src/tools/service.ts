// Running a tool: judged by the stored policy under the autopilot's lock, recorded
// with a receipt, and done where it is done: at the forge, or on the device.

import { newId, type Authority, type Command, type Refusal } from "@openagents/authority";
import { ForgeError } from "@openagents/autopilot";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type ExecuteToolRequest,
  type ExecuteToolResponse,
  type JsonObject,
  type ToolExecution,
} from "@openagents/contracts";
import type { Database, Queryable, Write } from "@openagents/postgres";
import { canonicalize, sha256Hex } from "@openagents/receipts";
import { notFound } from "@openagents/service";
import { findAutopilot, lockAutopilot, type Autopilot } from "../autopilots/index.ts";
import { findCall, lockWorker, openCall } from "../codex-workers/index.ts";
import { agreedOrAsked } from "../inbox/index.ts";
import type { PersonOf } from "../persons/index.ts";
import { judgeSpend, type SpendRefusal } from "../spends/index.ts";
import { turnSink } from "../threads/index.ts";
import { decideTool, type ToolRefusal } from "./decide-tool.ts";
import { openForge, originOf, providerOf, type Connection, type ForgeAccess } from "./forge-access.ts";
import { readForge } from "./forge-reads.ts";
import { FORGE_WRITES } from "./forge-writes.ts";
import { findSame, insertExecution, type Execution } from "./store.ts";
import { checkArguments, costOf, toolNamed, type Tool } from "./tool.ts";

export type ToolDeps = ForgeAccess & {
  readonly db: Database;
  readonly authority: Authority;
  readonly personOf: PersonOf;
  /** An intent was committed. */
  readonly wake: () => void;
};

const DEVICE_MS = 600_000;

type Read = { readonly status: "succeeded" | "failed"; readonly result: JsonObject };

export async function executeTool(
  deps: ToolDeps,
  call: CommandCall,
  request: ExecuteToolRequest,
): Promise<CommandReply> {
  const tool = toolNamed(request.toolPack, request.operation);
  const args = checkArguments(tool, request.arguments);
  // Reading changes nothing there, so it goes out before the transaction; what is not allowed is not read.
  const read = request.mode === "replay" ? undefined : await readAhead(deps, call, request, tool, args);
  return deps.authority.execute<ExecuteToolResponse>(call, request, async (command) => {
    const { principal } = call;
    const owner = await deps.personOf(command.tx, principal);
    const autopilot = await lockAutopilot(command.tx, principal.org, owner, request.autopilot);
    if (autopilot === undefined) throw notFound("autopilot", request.autopilot);
    const replayHash = replayHashOf(autopilot, tool, args);
    if (request.mode === "replay") {
      const same = await findSame(command.tx, autopilot.autopilotId, replayHash);
      if (same === undefined) throw notFound("execution", replayHash);
      return {
        kind: "nothing",
        output: { execution: await executionView(command.tx, same), replayed: true },
      };
    }
    const connection = await connectionOf(deps, command.tx, autopilot, tool, args);
    const decision = decideTool(autopilot, tool, hostOf(tool, args, connection));
    if (decision.kind === "refused") return refuse(command, autopilot, tool, replayHash, decision.reason);
    const isForge = tool.runs === "forge_read" || tool.runs === "forge_write";
    if (isForge && connection === undefined)
      return refuse(command, autopilot, tool, replayHash, "integration_missing");
    const nowMs = command.nowMs();
    const spend = await judgeSpend(command.tx, autopilot, costOf(tool, args), nowMs);
    if (spend.kind === "refused") return refuse(command, autopilot, tool, replayHash, spend.reason);
    const needed = decision.needsApproval || spend.needsApproval;
    const approved = needed
      ? await agree(command, autopilot, tool, args, request.approvalId)
      : ({ kind: "agreed", writes: [] } as const);
    if (approved.kind === "refused") return approved;
    if (tool.runs === "lightning") throw lightningNotConfigured();

    const executionId = newId("txe", nowMs);
    const device =
      tool.runs === "device" ? await askDevice(command, autopilot, executionId, args, nowMs) : undefined;
    if (device === "no_worker") return refuse(command, autopilot, tool, replayHash, "no_worker");
    if (tool.runs === "forge_read" && read === undefined) throw changedMeanwhile();
    const write = FORGE_WRITES.get(tool.name);
    if (write !== undefined) {
      command.intend({ kind: write.kind, subject: executionId, payload: args, answers: false }, nowMs);
    }
    const facts = {
      ...factsOf(autopilot, tool, replayHash),
      execution_id: executionId,
      config_version: Number(autopilot.configVersion),
      ...(read === undefined
        ? {}
        : { status: read.status, result_sha256: sha256Hex(canonicalize(read.result)) }),
    };
    const receipt = command.seal("openagents.control.tool_executed.v1", autopilot.autopilotId, facts, nowMs);
    const execution: Execution = {
      executionId,
      autopilotId: autopilot.autopilotId,
      tool: tool.name,
      replayHash,
      arguments: args,
      status: device === undefined ? (read?.status ?? "pending") : undefined,
      result: read?.result ?? {},
      workerId: device?.workerId,
      receiptId: receipt.receipt_id,
      startedAtMs: nowMs,
    };
    return {
      kind: "answer",
      output: {
        execution: viewOf(execution, execution.status ?? "pending", execution.result),
        replayed: false,
      },
      writes: [insertExecution(execution), ...(device?.writes ?? []), ...approved.writes],
      afterCommit: deps.wake,
    };
  });
}

async function readAhead(
  deps: ToolDeps,
  call: CommandCall,
  request: ExecuteToolRequest,
  tool: Tool,
  args: JsonObject,
): Promise<Read | undefined> {
  if (tool.runs !== "forge_read") return undefined;
  const owner = await deps.personOf(deps.db, call.principal);
  const autopilot = await findAutopilot(deps.db, call.principal.org, owner, request.autopilot);
  if (autopilot === undefined) return undefined;
  const connection = await connectionOf(deps, deps.db, autopilot, tool, args);
  const decision = decideTool(autopilot, tool, hostOf(tool, args, connection));
  if (decision.kind === "refused" || connection === undefined) return undefined;
  try {
    const forge = await openForge(deps, connection, args, call.signal);
    return { status: "succeeded", result: await readForge(forge, tool.name, args) };
  } catch (cause) {
    if (!(cause instanceof ForgeError)) throw cause;
    return { status: "failed", result: { code: cause.code, detail: cause.message } };
  }
}

async function connectionOf(
  deps: ToolDeps,
  q: Queryable,
  { org }: Autopilot,
  tool: Tool,
  args: JsonObject,
): Promise<Connection | undefined> {
  const isForge = tool.runs === "forge_read" || tool.runs === "forge_write";
  return isForge ? deps.findConnection(q, org, providerOf(args)) : undefined;
}

/** Where a tool reaches; GitHub where it is not connected, so that the policy is judged all the same. */
function hostOf(tool: Tool, args: JsonObject, connection: Connection | undefined): string | undefined {
  if (tool.runs === "device") return undefined;
  if (tool.runs === "lightning") return typeof args["url"] === "string" ? new URL(args["url"]).host : "";
  return connection === undefined ? `${providerOf(args)}.com` : new URL(originOf(connection)).host;
}

/** The call of the autopilot's own worker, by the id of the execution. */
async function askDevice(
  command: Command,
  autopilot: Autopilot,
  executionId: string,
  params: JsonObject,
  nowMs: number,
): Promise<"no_worker" | { readonly workerId: string; readonly writes: readonly Write[] }> {
  const worker =
    autopilot.workerId === undefined ? undefined : await lockWorker(command.tx, autopilot.workerId);
  if (worker?.status !== "running") return "no_worker";
  const draft = {
    requestId: executionId,
    method: "sandbox/run",
    params,
    threadId: undefined,
    waits: false,
    deadlineMs: nowMs + DEVICE_MS,
  };
  const { writes } = await openCall(turnSink, command, worker, draft, nowMs);
  return { workerId: worker.workerId, writes };
}

function agree(
  command: Command,
  { autopilotId, displayName, org, owner }: Autopilot,
  tool: Tool,
  args: JsonObject,
  approvalId: string | undefined,
) {
  const draft = {
    org,
    userId: owner,
    kind: "action",
    facts: { autopilot_id: autopilotId, tool: tool.name, arguments: args },
    title: `${displayName} would run ${tool.name}`,
    detail: `${tool.description}\n\n${describeArguments(tool, args)}`,
  } as const;
  return agreedOrAsked(command, draft, approvalId);
}

/** A person sees what they agree to, whole, and where it goes before any text, which might pretend. */
function describeArguments(tool: Tool, args: JsonObject): string {
  return Object.keys(tool.arguments)
    .flatMap((name) => {
      const value = args[name];
      if (value === undefined) return [];
      return [`${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`];
    })
    .join("\n");
}

type Reason = ToolRefusal | SpendRefusal | "no_worker" | "integration_missing";

const DETAILS: Readonly<Record<Reason, string>> = {
  autopilot_disabled: "The autopilot is not active. Its owner enables it in the console.",
  tool_denied: "The autopilot's policy denies this tool.",
  tool_not_allowed: "The autopilot's policy allows other tools only.",
  host_not_allowed: "The autopilot's policy does not name the host that this tool reaches.",
  spend_per_call_exceeded: "It may cost more than the autopilot's policy allows for one call.",
  spend_per_day_exceeded: "It may cost more than is left of the autopilot's limit for today.",
  spend_per_month_exceeded: "It may cost more than is left of the autopilot's limit for this month.",
  no_worker: "The autopilot has no worker that runs. Start `openagents device run`, and name its worker.",
  integration_missing: "The forge is not connected in your organisation. Connect it under Settings.",
};

function refuse(
  command: Command,
  autopilot: Autopilot,
  tool: Tool,
  replayHash: string,
  reason: Reason,
): Refusal {
  const facts = { ...factsOf(autopilot, tool, replayHash), reason };
  const schema = "openagents.control.tool_refused.v1";
  const receipt = command.seal(schema, autopilot.autopilotId, facts, command.nowMs());
  const rule = reason === "no_worker" || reason === "integration_missing" ? "state" : "policy";
  return { kind: "refused", rule, reason, detail: DETAILS[reason], receiptId: receipt.receipt_id };
}

function factsOf({ autopilotId }: Autopilot, { name }: Tool, replayHash: string) {
  return { autopilot_id: autopilotId, tool: name, replay_hash: replayHash };
}

/** Of all that decides what a run is. */
function replayHashOf({ autopilotId }: Autopilot, { name }: Tool, args: JsonObject): string {
  return `sha256:${sha256Hex(canonicalize({ autopilot_id: autopilotId, tool: name, arguments: args }))}`;
}

/** How a run stands, asked of the worker where that is who knows. */
export async function executionView(q: Queryable, execution: Execution): Promise<ToolExecution> {
  const { workerId, executionId } = execution;
  if (workerId === undefined) return viewOf(execution, execution.status ?? "pending", execution.result);
  const answer = (await findCall(q, workerId, executionId))?.answer;
  if (answer === undefined) return viewOf(execution, "pending", {});
  return "error" in answer
    ? viewOf(execution, "failed", { ...answer.error })
    : viewOf(execution, "succeeded", answer.response);
}

function viewOf(execution: Execution, status: ToolExecution["status"], result: JsonObject): ToolExecution {
  const { startedAtMs, workerId: _worker, ...rest } = execution;
  return { ...rest, status, result, startedAt: startedAtMs };
}

function lightningNotConfigured(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "lightning_not_configured",
    detail:
      "This installation has no Lightning wallet, so nothing can be paid. Connect the wallet executor, and call again.",
    retryAfterMs: 60_000,
  });
}

function changedMeanwhile(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "policy_changed",
    detail: "The autopilot's policy changed while this ran. Send it again.",
    retryAfterMs: 100,
  });
}
