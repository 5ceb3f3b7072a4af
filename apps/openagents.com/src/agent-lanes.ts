// The nouns by which a person has work done by agents: autopilots, the workers
// on devices that carry them out, threads, and tools.

import type { Authority } from "@openagents/authority";
import type { Binding } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { autopilotRoutes } from "./autopilots/index.ts";
import { createPersonOf, type FindDeviceOwner } from "./persons/index.ts";

export type AgentLaneDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly findDeviceOwner: FindDeviceOwner;
};

export function agentLanes({ db, authority, findDeviceOwner }: AgentLaneDeps): Binding[] {
  const personOf = createPersonOf(findDeviceOwner);
  return [autopilotRoutes({ db, authority, personOf, ownsWorker: async () => false })];
}
