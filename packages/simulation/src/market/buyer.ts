// A buyer of a simulated market: orders one check after another, and follows each
// to its settlement as the command line does.

import type { Job, Settlement, VerificationResult } from "@openagents/contracts";
import type { Clients, Party } from "../world.ts";
import { isRefused, type Market } from "./market.ts";
import type { BuyerPlan } from "./population.ts";
import type { KnownJob } from "./tally.ts";
import { BASE, makePatch, specOf } from "./work.ts";

/** A buyer hears of a result after a moment, and looks by itself after a while without one. */
const HEARS_MS = 5_000;
const LOOK_MS = 15_000;
const GIVE_UP_MS = 1_200_000;

export type Buyer = {
  readonly plan: BuyerPlan;
  readonly clients: Clients;
  order(number: number): Promise<void>;
};

export async function openBuyer(
  market: Market,
  plan: BuyerPlan,
  party: Party,
  purseMsats: bigint,
): Promise<Buyer> {
  const { timeline, random, tally, operator } = market;
  const clients = market.world.as(party);
  const { kind } = plan;
  await clients.artifacts.putArtifact({
    sha256: BASE.sha256,
    content: { contentType: "application/octet-stream", data: BASE.bytes },
  });
  await operator.treasury.grantDemoCredit(
    { org: party.org, amountMsats: kind === "broke" ? 1_000n : purseMsats, memo: "simulation" },
    market.key(),
  );

  async function order(number: number): Promise<void> {
    tally.wanted += 1;
    const patch = makePatch(number, random.chance(0.7));
    market.truths.set(patch.sha256, patch.holds);
    await clients.artifacts.putArtifact({
      sha256: patch.sha256,
      content: { contentType: "text/plain", data: patch.bytes },
    });
    const { run } = await clients.runs.createRun(
      { issue: { title: `issue ${number}`, body: "" }, metadata: {} },
      market.key(),
    );
    const quote = await ask(run.runId, specOf(patch));
    if (quote === undefined) return end();
    const reservationId = await reserve(quote.quoteId, quote.totalPriceMsats);
    if (reservationId === undefined) return end();
    const request = { quoteId: quote.quoteId, reservationId };
    const job = await dispatch(request);
    if (job === undefined) return end();
    tally.dispatched += 1;
    const known: KnownJob = {
      jobId: job.jobId,
      buyer: plan.name,
      holds: patch.holds,
      sampled: quote.verificationPolicy === "sampled",
      payOn: quote.payOn,
      orderedAtMs: timeline.nowMs(),
    };
    market.jobs.set(job.jobId, known);
    market.wake(job.providerWorkerId);
    if (kind === "grasping") await grasp(request, quote.totalPriceMsats);
    if (kind === "vanishing" && random.chance(0.3)) return end();
    lookLater(known, reservationId);
  }

  function end(): void {
    market.open -= 1;
  }

  async function ask(runId: string, spec: ReturnType<typeof specOf>) {
    try {
      const { quote } = await clients.marketplace.quoteSandboxRun(
        {
          runId,
          spec,
          market: true,
          secondOpinion: "independent",
          policy: plan.policy,
          payOn: plan.payOn,
          verificationPolicy: plan.verificationPolicy,
        },
        market.key(),
      );
      return quote;
    } catch (error) {
      if (!isRefused(error, "no_eligible_provider", "no_second_opinion_provider")) throw error;
      tally.unfilled += 1;
      return undefined;
    }
  }

  async function reserve(quoteId: string, amountMsats: bigint): Promise<string | undefined> {
    try {
      const { reservation } = await clients.treasury.reserveCompute({ quoteId, amountMsats }, market.key());
      return reservation.reservationId;
    } catch (error) {
      if (!isRefused(error, "insufficient_funds")) throw error;
      tally.unfunded += 1;
      return undefined;
    }
  }

  async function dispatch(request: {
    readonly quoteId: string;
    readonly reservationId: string;
  }): Promise<Job | undefined> {
    try {
      const { job } = await clients.marketplace.dispatchSandboxRun(request, market.key());
      return job;
    } catch (error) {
      // Quarantined between the quote and the order.
      if (!isRefused(error, "provider_unavailable")) throw error;
      tally.unfilled += 1;
      await giveUp(request.reservationId);
      return undefined;
    }
  }

  /** Everything that a buyer must not get: the order again, the reservation again. */
  async function grasp(
    request: { readonly quoteId: string; readonly reservationId: string },
    amountMsats: bigint,
  ): Promise<void> {
    const tries = [
      () => clients.marketplace.dispatchSandboxRun(request, market.key()),
      () => clients.treasury.reserveCompute({ quoteId: request.quoteId, amountMsats }, market.key()),
    ];
    for (const attempt of tries) {
      const got = await attempt().then(
        () => true,
        () => false,
      );
      if (got) throw new Error("a buyer got the same twice");
      tally.graspsRefused += 1;
    }
  }

  /** Look again when the run that is waited for was handed in, or when it takes too long. */
  function lookLater(known: KnownJob, reservationId: string, awaited = known.jobId): void {
    let looked = false;
    const lookOnce = async () => {
      if (looked) return;
      looked = true;
      market.awaited.delete(awaited);
      await look(known, reservationId);
    };
    market.awaited.set(awaited, () => timeline.after(random.int(50, HEARS_MS), lookOnce));
    timeline.after(LOOK_MS, lookOnce);
  }

  async function look(known: KnownJob, reservationId: string): Promise<void> {
    const { job } = await clients.jobs.getJob({ jobId: known.jobId });
    if (job.status === "queued" || job.status === "leased") return waitFor(job, known, reservationId);
    if (job.status === "canceled" || job.status === "settled") return end();
    const { verification, secondJob } = await clients.verification.verifySandboxRun(
      { jobId: known.jobId },
      market.key(),
    );
    if (verification.status === "awaiting_second_opinion") {
      if (secondJob !== undefined) market.wake(secondJob.providerWorkerId);
      return lookLater(known, reservationId, secondJob?.jobId);
    }
    tally.latenciesMs.push(timeline.nowMs() - known.orderedAtMs);
    if (kind === "grasping") await graspBack(reservationId);
    await settle(known, verification);
  }

  async function waitFor(job: Job, known: KnownJob, reservationId: string): Promise<void> {
    if (timeline.nowMs() - known.orderedAtMs > GIVE_UP_MS && (await giveUp(reservationId))) return end();
    if (job.status === "queued") market.wake(job.providerWorkerId);
    lookLater(known, reservationId);
  }

  async function giveUp(reservationId: string): Promise<boolean> {
    try {
      await clients.treasury.voidReservation({ reservationId }, market.key());
      tally.givenUp += 1;
      return true;
    } catch (error) {
      if (isRefused(error, "job_taken", "reservation_not_reserved")) return false;
      throw error;
    }
  }

  /** Work that was handed in is not given back. */
  async function graspBack(reservationId: string): Promise<void> {
    if (await giveUp(reservationId)) throw new Error("a buyer got its money back for work that was done");
    tally.graspsRefused += 1;
  }

  async function askSettlement(jobId: string): Promise<Settlement | undefined> {
    try {
      const answer = await clients.treasury.settleSandboxRun({ jobId }, market.key());
      return answer.settlement;
    } catch (error) {
      if (isRefused(error, "incident_undecided")) return undefined;
      throw error;
    }
  }

  /** Where two runs disagree, once the operator has decided. */
  async function settle(known: KnownJob, verification: VerificationResult): Promise<void> {
    const settlement = await askSettlement(known.jobId);
    if (settlement === undefined) {
      timeline.after(LOOK_MS, () => settle(known, verification));
      return;
    }
    const { providerMsats, operatorFeeMsats, secondOpinionMsats } = settlement;
    const { secondJobId, rerun, violations, disagreement } = verification;
    tally.settled.push({
      job: known,
      status: settlement.status,
      costMsats: providerMsats + operatorFeeMsats + secondOpinionMsats,
      providerMsats,
      told: market.told.get(known.jobId),
      second: secondJobId === undefined ? undefined : market.told.get(secondJobId),
      violations,
      disagreement,
      rerun:
        rerun === undefined
          ? undefined
          : { because: rerun.because, decision: rerun.decision, rateBps: rerun.rateBps },
    });
    end();
  }

  return { plan, clients, order };
}
