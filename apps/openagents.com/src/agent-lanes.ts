// The nouns by which a person has work done by agents: autopilots, the workers
// on devices that carry them out, threads, and tools.

import { startIntentWorker, type Authority, type Follower } from "@openagents/authority";
import type { Binding } from "@openagents/contracts";
import type { Database, Queryable } from "@openagents/postgres";
import { createOutbound, type Logger } from "@openagents/service";
import { autopilotRoutes } from "./autopilots/index.ts";
import { codexWorkerRoutes, startCallSweep, type CodexWorkerDeps } from "./codex-workers/index.ts";
import type { ControlConfig } from "./config.ts";
import { controlPrincipal } from "./control-call.ts";
import { createSealer, findConnection } from "./integrations/index.ts";
import { createPersonOf, type FindDeviceOwner } from "./persons/index.ts";
import { spendRoutes } from "./spends/index.ts";
import { findThread, ownsWorker, threadRoutes, turnSink } from "./threads/index.ts";
import { FORGE_WRITES, toolRoutes, writeHandler } from "./tools/index.ts";

/** A page of a forge's comments. */
const FORGE_ANSWER_BYTES_MAX = 4 * 1024 * 1024;

export type AgentLaneDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly follower: Follower;
  readonly config: Pick<ControlConfig, "sealingKeys" | "development">;
  readonly findDeviceOwner: FindDeviceOwner;
  /** All addresses of a name that an organisation gave; the system's resolver when absent. */
  readonly resolve?: ((name: string) => Promise<readonly string[]>) | undefined;
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
  const sealer = createSealer(deps.config.sealingKeys);
  const forges = {
    findConnection: (q: Queryable, org: string, provider: "github" | "forgejo") =>
      findConnection(q, sealer, org, provider),
    outbound: createOutbound({
      // A Forgejo on a laptop is on that laptop.
      allowLoopback: deps.config.development,
      answerBytesMax: FORGE_ANSWER_BYTES_MAX,
      ...(deps.resolve === undefined ? {} : { resolve: deps.resolve }),
    }),
  };
  const intents = resources.use(
    startIntentWorker({
      db,
      authority,
      nowMs,
      handlers: [...FORGE_WRITES.values()].map((write) => writeHandler({ ...forges, db, nowMs }, write)),
      principal: controlPrincipal("tools:execute"),
      onTrouble: (error, intentId) =>
        log.warn({ err: error, intent_id: intentId }, "a tool's effect was interrupted"),
    }),
  );
  return [
    autopilotRoutes({ db, authority, personOf, ownsWorker }),
    codexWorkerRoutes(workers),
    spendRoutes({ db, authority, personOf, nowMs }),
    toolRoutes({ ...forges, db, authority, personOf, wake: () => intents.wake() }),
    threadRoutes({ db, authority, personOf, follower, nowMs }),
  ];
}
