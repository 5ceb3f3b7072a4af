// The commands of autopilots.

import { newId, type Authority, type Command, type Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  CreateAutopilotRequest,
  CreateAutopilotResponse,
  UpdateAutopilotRequest,
  UpdateAutopilotResponse,
} from "@openagents/contracts";
import type { Database, Tx } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import type { PersonOf } from "../persons/index.ts";
import {
  PLAIN_PROFILE,
  autopilotMessage,
  handleOf,
  policyFacts,
  policyOf,
  type Autopilot,
} from "./autopilot.ts";
import { lockAutopilot, lockHandle, upsertAutopilot } from "./store.ts";

export type AutopilotDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly personOf: PersonOf;
  /** Whether a worker is the person's; workers know of autopilots, and not the reverse. */
  readonly ownsWorker: (tx: Tx, org: string, owner: string, workerId: string) => Promise<boolean>;
};

export function createAutopilot(
  deps: AutopilotDeps,
  call: CommandCall,
  request: CreateAutopilotRequest,
): Promise<CommandReply> {
  return deps.authority.execute<CreateAutopilotResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const owner = await deps.personOf(command.tx, call.principal);
    if (request.policy !== undefined && call.principal.kind !== "user") return personRequired();
    const nowMs = command.nowMs();
    const autopilotId = newId("apl", nowMs);
    const handle = await freeHandle(command.tx, org, request, autopilotId);
    if (handle === undefined) {
      return {
        kind: "refused",
        rule: "state",
        reason: "handle_taken",
        detail: `Your organisation has an autopilot ${request.handle ?? ""} already. Choose another handle.`,
      };
    }
    const { workerId } = request;
    if (workerId !== undefined && !(await deps.ownsWorker(command.tx, org, owner, workerId)))
      return workerUnknown(workerId);
    const made: Autopilot = {
      autopilotId,
      org,
      owner,
      handle,
      displayName: request.displayName,
      tagline: request.tagline ?? "",
      status: "active",
      visibility: request.visibility ?? "private",
      configVersion: 1n,
      profile: request.profile ?? PLAIN_PROFILE,
      policy: policyOf(request.policy),
      workerId,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    sealPolicy(command, made, nowMs);
    return {
      kind: "answer",
      output: { autopilot: autopilotMessage(made) },
      writes: [upsertAutopilot(made)],
    };
  });
}

/** Undefined when the one that was asked for is taken. */
async function freeHandle(
  tx: Tx,
  org: string,
  { handle, displayName }: CreateAutopilotRequest,
  autopilotId: string,
): Promise<string | undefined> {
  const wanted = handle ?? handleOf(displayName);
  if (!(await lockHandle(tx, org, wanted))) return wanted;
  // The end of an id is random, so it is free.
  return handle === undefined ? `${wanted}-${autopilotId.slice(-12)}` : undefined;
}

export function updateAutopilot(
  deps: AutopilotDeps,
  call: CommandCall,
  request: UpdateAutopilotRequest,
): Promise<CommandReply> {
  return deps.authority.execute<UpdateAutopilotResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const owner = await deps.personOf(command.tx, call.principal);
    const before = await lockAutopilot(command.tx, org, owner, request.autopilot);
    if (before === undefined) throw notFound("autopilot", request.autopilot);
    const { expectedConfigVersion: expected, workerId } = request;
    if (expected !== undefined && expected !== before.configVersion) {
      return {
        kind: "refused",
        rule: "state",
        reason: "config_changed",
        detail: `The configuration is ${before.configVersion} by now, and the change was made from ${expected}. Read it again and repeat the change.`,
      };
    }
    // What an agent may do is not for an agent to widen, nor for the key or device that it holds.
    const touchesRights = request.policy !== undefined || request.status !== undefined;
    if (touchesRights && call.principal.kind !== "user") return personRequired();
    if (workerId !== undefined && workerId !== "") {
      if (!(await deps.ownsWorker(command.tx, org, owner, workerId))) return workerUnknown(workerId);
    }
    const nowMs = command.nowMs();
    const configured = request.profile !== undefined || request.policy !== undefined;
    const after: Autopilot = {
      ...before,
      displayName: request.displayName ?? before.displayName,
      tagline: request.tagline ?? before.tagline,
      status: request.status ?? before.status,
      visibility: request.visibility ?? before.visibility,
      configVersion: configured ? before.configVersion + 1n : before.configVersion,
      profile: request.profile ?? before.profile,
      policy: request.policy === undefined ? before.policy : policyOf(request.policy),
      workerId: workerId === undefined ? before.workerId : workerId === "" ? undefined : workerId,
      updatedAtMs: nowMs,
    };
    if (touchesRights) sealPolicy(command, after, nowMs);
    return {
      kind: "answer",
      output: { autopilot: autopilotMessage(after) },
      writes: [upsertAutopilot(after)],
    };
  });
}

function sealPolicy(command: Command, autopilot: Autopilot, nowMs: number): void {
  const { autopilotId, owner, status, configVersion, policy } = autopilot;
  command.seal(
    "openagents.control.autopilot_policy_set.v1",
    autopilotId,
    {
      autopilot_id: autopilotId,
      owner,
      status,
      config_version: Number(configVersion),
      policy: policyFacts(policy),
    },
    nowMs,
  );
}

function personRequired(): Refusal {
  return {
    kind: "refused",
    rule: "policy",
    reason: "person_required",
    detail: "Only a person sets what an autopilot may do. Sign in and change it in the console.",
  };
}

function workerUnknown(workerId: string): Refusal {
  return {
    kind: "refused",
    rule: "state",
    reason: "worker_unknown",
    detail: `There is no worker ${workerId} of yours. \`openagents device run\` makes one.`,
  };
}
