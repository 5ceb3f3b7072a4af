// The commands of workers themselves: make, tell, stop.

import { newId } from "@openagents/authority";
import {
  ProblemError,
  type AppendCodexWorkerEventsRequest,
  type AppendCodexWorkerEventsResponse,
  type CodexWorkerEventDraft,
  type CommandCall,
  type CommandReply,
  type CreateCodexWorkerRequest,
  type CreateCodexWorkerResponse,
  type StopCodexWorkerRequest,
  type StopCodexWorkerResponse,
} from "@openagents/contracts";
import type { Tx, Write } from "@openagents/postgres";
import { invalidField } from "@openagents/service";
import { TURN_START, type TurnEvent, type WorkerCall } from "./call.ts";
import { countUnanswered, findCall, markAllDue } from "./call-store.ts";
import { requireLockedWorker, requireOwnDevice, type CodexWorkerDeps } from "./deps.ts";
import { eventWrite, eventsWrite } from "./end-call.ts";
import { lockNamed, lockWorkersOf, markSeen, upsertWorker } from "./store.ts";
import { SEEN_EVERY_MS, workerMessage, type CodexWorker } from "./worker.ts";

export function createCodexWorker(
  deps: CodexWorkerDeps,
  call: CommandCall,
  request: CreateCodexWorkerRequest,
): Promise<CommandReply> {
  return deps.authority.execute<CreateCodexWorkerResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const owner = await deps.personOf(command.tx, call.principal);
    const deviceId = await deviceOf(deps, command.tx, call, request, owner);
    const before = await lockNamed(command.tx, org, owner, request.name);
    if (before !== undefined && before.deviceId !== deviceId) {
      return {
        kind: "refused",
        rule: "state",
        reason: "worker_of_another_device",
        detail: `Your worker ${request.name} is on the device ${before.deviceId}. Choose another name.`,
      };
    }
    const nowMs = command.nowMs();
    const worker: CodexWorker = {
      workerId: before?.workerId ?? newId("cwk", nowMs),
      org,
      owner,
      name: request.name,
      deviceId,
      status: "running",
      adapter: request.adapter,
      workspaceRef: request.workspaceRef ?? "",
      metadata: request.metadata,
      requestCount: before?.requestCount ?? 0n,
      lastSeenAtMs: call.principal.kind === "device" ? nowMs : before?.lastSeenAtMs,
      createdAtMs: before?.createdAtMs ?? nowMs,
      updatedAtMs: nowMs,
    };
    const unanswered = await countUnanswered(command.tx, [worker.workerId]);
    return {
      kind: "answer",
      output: { worker: workerMessage(worker, unanswered.get(worker.workerId) ?? 0n, nowMs) },
      writes: [
        upsertWorker(worker),
        eventWrite(worker, { type: "worker.opened", payload: { adapter: worker.adapter } }, nowMs),
      ],
    };
  });
}

/** A device makes workers on itself; a person on a device of theirs. */
async function deviceOf(
  deps: CodexWorkerDeps,
  tx: Tx,
  { principal }: CommandCall,
  { deviceId }: CreateCodexWorkerRequest,
  owner: string,
): Promise<string> {
  if (principal.kind === "device") {
    if (deviceId === undefined || deviceId === principal.id) return principal.id;
    throw invalidField("device_id", "not_allowed", "A device makes workers on itself only; leave it out.");
  }
  if (deviceId === undefined)
    throw invalidField("device_id", "required", "Name the device that the worker is on.");
  if ((await deps.findDeviceOwner(tx, principal.org, deviceId)) === owner) return deviceId;
  throw new ProblemError({
    status: 404,
    code: "device_not_found",
    detail: `There is no enrolled device ${deviceId} of yours.`,
  });
}

export function appendEvents(
  deps: CodexWorkerDeps,
  call: CommandCall,
  request: AppendCodexWorkerEventsRequest,
): Promise<CommandReply> {
  return deps.authority.execute<AppendCodexWorkerEventsResponse>(call, request, async (command) => {
    const worker = await requireOwnDevice(deps, command.tx, call.principal, request.workerId);
    if (worker.status === "stopped") return stopped(worker);
    const nowMs = command.nowMs();
    const writes: Write[] = [
      eventsWrite(
        worker,
        request.events.map((event) => ({ type: event.eventType, payload: eventPayload(event) })),
        nowMs,
      ),
    ];
    if (nowMs - (worker.lastSeenAtMs ?? 0) >= SEEN_EVERY_MS) writes.push(markSeen(worker.workerId, nowMs));
    for (const [requestId, events] of turnsOf(request.events)) {
      const turn = await findCall(command.tx, worker.workerId, requestId);
      if (!isHeldTurn(turn)) {
        return {
          kind: "refused",
          rule: "state",
          reason: "request_not_held",
          detail: `${requestId} is no turn that this worker holds: it was answered, or never claimed.`,
        };
      }
      writes.push(...(await deps.turns.told(command, worker, turn, events, nowMs)));
    }
    return { kind: "answer", output: { accepted: request.events.length }, writes };
  });
}

function isHeldTurn(call: WorkerCall | undefined): call is WorkerCall {
  return call?.status === "claimed" && call.method === TURN_START && call.threadId !== undefined;
}

const TURN_KINDS: Readonly<Record<string, TurnEvent["kind"]>> = {
  "worker.turn_started": "started",
  "worker.turn_delta": "delta",
  "worker.turn_tool": "tool",
};

/** The events of turns, by their request, in the order in which they came. */
function turnsOf(drafts: readonly CodexWorkerEventDraft[]): ReadonlyMap<string, TurnEvent[]> {
  const turns = new Map<string, TurnEvent[]>();
  for (const [index, { eventType, requestId, itemId, text, payload }] of drafts.entries()) {
    const kind = TURN_KINDS[eventType];
    if (kind === undefined) continue;
    const at = `events[${index}]`;
    if (requestId === undefined)
      throw invalidField(`${at}.request_id`, "required", "A turn's event names its request.");
    if (kind !== "started" && itemId === undefined)
      throw invalidField(`${at}.item_id`, "required", "Say which message or tool call it belongs to.");
    const events = turns.get(requestId) ?? [];
    events.push({ kind, itemId: itemId ?? "", text: text ?? "", payload });
    turns.set(requestId, events);
  }
  return turns;
}

function eventPayload({ requestId, itemId, text, payload }: CodexWorkerEventDraft) {
  return {
    ...payload,
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(itemId === undefined ? {} : { item_id: itemId }),
    ...(text === undefined ? {} : { text }),
  };
}

export function stopCodexWorker(
  deps: CodexWorkerDeps,
  call: CommandCall,
  request: StopCodexWorkerRequest,
): Promise<CommandReply> {
  return deps.authority.execute<StopCodexWorkerResponse>(call, request, async (command) => {
    const worker = await requireLockedWorker(deps, command.tx, call.principal, request.workerId);
    if (worker.status === "stopped") return stopped(worker);
    const nowMs = command.nowMs();
    const unanswered = await countUnanswered(command.tx, [worker.workerId]);
    const after = stoppedAt(worker, nowMs);
    return {
      kind: "answer",
      output: { worker: workerMessage(after, unanswered.get(worker.workerId) ?? 0n, nowMs) },
      writes: stopWrites(worker, request.reason ?? "requested", nowMs),
    };
  });
}

/** A device that never comes back answers nothing any more: what waits for it is answered for it. */
export async function stopWorkersOf(tx: Tx, deviceId: string, nowMs: number): Promise<readonly Write[]> {
  const workers = await lockWorkersOf(tx, deviceId);
  return workers.flatMap((worker) => stopWrites(worker, "device_revoked", nowMs));
}

function stopWrites(worker: CodexWorker, reason: string, nowMs: number): Write[] {
  return [
    upsertWorker(stoppedAt(worker, nowMs)),
    // The sweep answers them one by one, each with its thread.
    markAllDue(worker.workerId, nowMs),
    eventWrite(worker, { type: "worker.stopped", payload: { reason } }, nowMs),
  ];
}

function stoppedAt(worker: CodexWorker, nowMs: number): CodexWorker {
  return { ...worker, status: "stopped", updatedAtMs: nowMs };
}

export function stopped({ name }: CodexWorker) {
  return {
    kind: "refused",
    rule: "state",
    reason: "worker_stopped",
    detail: `The worker ${name} is stopped. \`openagents device run\` opens it again.`,
  } as const;
}
