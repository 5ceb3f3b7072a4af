// The nouns by which a person has work done by agents: autopilots, the workers
// on devices that carry them out, threads, and tools.

import type { Authority, Follower } from "@openagents/authority";
import type { Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { Logger } from "@openagents/service";
import { autopilotRoutes } from "./autopilots/index.ts";
import { codexWorkerRoutes, startCallSweep, type CodexWorkerDeps } from "./codex-workers/index.ts";
import { createPersonOf, type FindDeviceOwner } from "./persons/index.ts";
import { spendRoutes } from "./spends/index.ts";
import { findThread, ownsWorker, threadRoutes, turnSink } from "./threads/index.ts";

export type AgentLaneDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly follower: Follower;
  readonly findDeviceOwner: FindDeviceOwner;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly resources: AsyncDisposableStack;
};

export function agentLanes(deps: AgentLaneDeps): Binding[] {
  const { db, authority, findDeviceOwner, follower, nowMs, log, resources } = deps;
  const personOf = createPersonOf(findDeviceOwner);
  const workers: CodexWorkerDeps = {
    db,
    authority,
    follower,
    nowMs,
    personOf,
    findDeviceOwner,
    turns: turnSink,
    ownsThread: async (q, org, owner, threadId) => (await findThread(q, org, owner, threadId)) !== undefined,
  };
  resources.use(startCallSweep({ ...workers, log }));
  return [
    autopilotRoutes({ db, authority, personOf, ownsWorker }),
    codexWorkerRoutes(workers),
    spendRoutes({ db, authority, personOf, nowMs }),
    threadRoutes({ db, authority, personOf, follower, nowMs }),
  ];
}
