// A provider that does by hand what a vignette needs: it underbids the real
// ones, so that it is selected, and then fails, hesitates or is disabled.

import assert from "node:assert/strict";
import type { Job, Lease } from "@openagents/contracts";
import type { Enrolled, Stage } from "./stage.ts";

export type HandProvider = Enrolled & {
  /** Take the next job; rejects with the refusal when there is none to take. */
  claim(waitMs?: number): Promise<{ readonly job: Job; readonly lease: Lease }>;
  /** Leave the market; what is held goes on. */
  stop(): Promise<void>;
};

/** `name` is of lower-case letters; each name is an owner of its own. */
export async function enrol(stage: Stage, name: string, concurrentJobsMax: number): Promise<HandProvider> {
  const { signal } = stage;
  const sub = `dev_provider_${name}`;
  const clients = stage.clientsOf({ sub, org: `org_provider_${name}`, zone: "0.5", device: sub });
  const { worker } = await clients.workers.registerWorker(
    {
      displayName: `Provider by hand (${name})`,
      roles: ["provider"],
      capabilities: ["oa.sandbox_run.v1"],
      priceMsats: 1_000n,
      priceBands: [],
      caps: { memoryMibMax: 2048, diskMibMax: 1024, wallMsMax: 120_000n, concurrentJobsMax },
      toolchains: [{ name: "node", version: process.versions.node }],
    },
    { signal },
  );
  const { workerId } = worker;
  return {
    workerId,
    clients,
    async claim(waitMs = 0) {
      const { job, lease } = await clients.jobs.claimJob({ workerId, waitMs }, { signal });
      assert.ok(job !== undefined && lease !== undefined, `${name} was offered no job`);
      return { job, lease };
    },
    async stop() {
      await clients.workers.stopWorker({ workerId }, { signal });
    },
  };
}
