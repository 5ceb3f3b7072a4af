// A provider of a simulated market: takes what it is offered, and does of it what
// its behaviour says. No command is run; what running gives is known by the patch.

import type { PriceBand } from "@openagents/contracts";
import { SANDBOX_RUN } from "./job-type.ts";
import type { Clients, Party } from "../world.ts";
import { isRefused, type Market } from "./market.ts";
import type { Behaviour, ProviderPlan } from "./population.ts";
import { reportOf, sha256Of } from "./work.ts";

export type Provider = { readonly workerId: string; readonly plan: ProviderPlan; readonly clients: Clients };

/** A worker is stale after two minutes. */
const HEARTBEAT_MS = 90_000;
const RENEW_MS = 10_000;
const LEASE_MS = 30_000;
const SLOW_FACTOR = 6;
const DEAD_MS = 600_000;
/** The lease is over, whatever became of the job; nothing is taken under it. */
const LEASE_OVER = ["job_reassigned", "job_canceled", "result_already_submitted", "lease_lapsed"];

type Claimed = {
  readonly jobId: string;
  readonly leaseId: string;
  readonly patchSha256: string;
  readonly repeats: number;
  readonly takenAtMs: number;
};

export async function joinMarket(market: Market, plan: ProviderPlan, party: Party): Promise<Provider> {
  const { timeline, random } = market;
  const clients = market.world.as(party);
  const register = async (workerId?: string) => {
    const { worker } = await clients.workers.registerWorker(
      {
        ...(workerId === undefined ? {} : { workerId }),
        displayName: `simulated ${plan.behaviour.kind} provider`,
        roles: ["provider"],
        capabilities: [SANDBOX_RUN],
        priceMsats: plan.priceMsats,
        caps: { memoryMibMax: 1024, diskMibMax: 1024, wallMsMax: 120_000n, concurrentJobsMax: 8 },
        toolchains: [],
        priceBands: bandsOf(plan),
      },
      market.key(),
    );
    return worker.workerId;
  };
  const workerId = await register();
  const provider: Provider = { workerId, plan, clients };
  let deadUntilMs = 0;
  let isFull = false;
  let reports = 0;
  const isDead = () => timeline.nowMs() < deadUntilMs;

  async function heartbeat(): Promise<void> {
    if (market.open === 0) return;
    if (!isDead()) await clients.workers.heartbeatWorker({ workerId });
    timeline.after(HEARTBEAT_MS, heartbeat);
  }
  timeline.after(random.int(1, HEARTBEAT_MS), heartbeat);

  /** One for each time that it is told of one. */
  async function takeJob(): Promise<void> {
    const taken = isDead() ? undefined : await take();
    if (taken !== undefined) begin(taken);
  }

  async function take(): Promise<Claimed | undefined> {
    try {
      const { job, lease } = await clients.jobs.claimJob({ workerId, waitMs: 0 }, market.key());
      if (job?.spec === undefined || lease === undefined) return undefined;
      return {
        jobId: job.jobId,
        leaseId: lease.leaseId,
        patchSha256: job.spec.patchSha256,
        repeats: job.repeats,
        takenAtMs: timeline.nowMs(),
      };
    } catch (error) {
      if (isRefused(error, "worker_quarantined")) return undefined;
      if (!isRefused(error, "concurrent_jobs_max")) throw error;
      isFull = true;
      return undefined;
    }
  }

  function begin(taken: Claimed): void {
    const { kind } = plan.behaviour;
    if (kind === "lazy") return;
    if (kind === "dying" && random.chance(0.15)) {
      deadUntilMs = timeline.nowMs() + DEAD_MS;
      return;
    }
    const slow = kind === "slow" && random.chance(0.5);
    const tookMs = random.wait(plan.jobMs) * (slow ? SLOW_FACTOR : 1);
    // Of those that take long, half forget to say so.
    const renews = !slow || random.chance(0.5);
    if (renews) renewUntil(taken, timeline.nowMs() + tookMs);
    timeline.after(tookMs, () => report(taken, renews || tookMs < LEASE_MS));
  }

  function renewUntil({ jobId, leaseId }: Claimed, endMs: number): void {
    const renew = async () => {
      if (timeline.nowMs() >= endMs || isDead()) return;
      const held = await clients.jobs.renewLease({ jobId, leaseId }).then(
        () => true,
        (error: unknown) => {
          if (isRefused(error, ...LEASE_OVER, "job_overdue")) return false;
          throw error;
        },
      );
      if (held) timeline.after(RENEW_MS, renew);
    };
    timeline.after(RENEW_MS, renew);
  }

  async function report(taken: Claimed, inTime: boolean): Promise<void> {
    if (isDead()) return;
    const { jobId, leaseId, patchSha256, repeats } = taken;
    const holds = market.truths.get(patchSha256);
    if (holds === undefined) throw new Error(`nobody made the patch of ${jobId}`);
    const output = Buffer.from(`${plan.name} ran ${patchSha256} at ${timeline.nowMs()}\n`);
    const outputSha256 = sha256Of(output);
    const { result, honest, keepsOutputs } = whatItSays(plan.behaviour, holds, outputSha256, repeats);
    try {
      if (!keepsOutputs) {
        await clients.artifacts
          .putArtifact({
            sha256: outputSha256,
            leaseId,
            content: { contentType: "text/plain", data: output },
          })
          .catch((error: unknown) => {
            // Handing in the result tells why nothing is taken.
            if (!isRefused(error, ...LEASE_OVER, "lease_not_found")) throw error;
          });
      }
      await clients.jobs.submitResult({ jobId, leaseId, result }, market.key());
      market.told.set(jobId, { workerId, behaviour: plan.behaviour, honest, inTime });
      market.awaited.get(jobId)?.();
      // While it was busy, it may have been told of more.
      if (isFull) market.wake(workerId);
      isFull = false;
    } catch (error) {
      if (isRefused(error, ...LEASE_OVER)) {
        market.tally.lateRefused += 1;
        return;
      }
      if (isRefused(error, "invalid_request", "validation_failed")) {
        market.tally.reportsRefused += 1;
        if (plan.behaviour.kind === "liar") market.tally.liesRefused.push(plan.behaviour.lie);
        market.told.set(jobId, { workerId, behaviour: plan.behaviour, honest, inTime });
        return;
      }
      throw error;
    }
  }

  function whatItSays(behaviour: Behaviour, holds: boolean, outputSha256: string, repeats: number) {
    const honestly = JSON.stringify(reportOf(holds, outputSha256, repeats), plain);
    reports += 1;
    if (behaviour.kind === "liar" && reports > (behaviour.trueFirst ?? 0)) {
      const result = behaviour.lie.tell(holds, outputSha256, repeats);
      const keepsOutputs = behaviour.lie.keepsOutputs === true;
      return { result, keepsOutputs, honest: !keepsOutputs && JSON.stringify(result, plain) === honestly };
    }
    const seen = behaviour.kind === "flaky" && random.chance(0.2) ? !holds : holds;
    return { result: reportOf(seen, outputSha256, repeats), keepsOutputs: false, honest: seen === holds };
  }

  market.sleepers.set(workerId, () => timeline.after(random.int(50, 1_000), takeJob));
  return provider;
}

function bandsOf({ priceMsats, sellsExecution }: ProviderPlan): PriceBand[] {
  const band = (payOn: PriceBand["payOn"], minPriceMsats: bigint): PriceBand => ({
    capability: SANDBOX_RUN,
    payOn,
    minPriceMsats,
    maxPriceMsats: minPriceMsats * 4n,
    stepMsats: minPriceMsats / 4n,
  });
  return [
    band("outcome", priceMsats),
    ...(sellsExecution ? [band("execution", (priceMsats * 4n) / 5n)] : []),
  ];
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
