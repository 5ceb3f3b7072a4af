// From a provider's report to a verdict: what would be paid for is run again by
// someone whom the first provider does not own, before anything is final.
//
// VER-1  Nothing that would be paid for is final on the first provider's word alone, unless its
//        buyer chose the policy `sampled` and it was not drawn; it is then reported, never verified.
// VER-2  Runs that disagree are inconclusive, and open an incident.
// VER-3  A job has one final verdict.
// Held by tests/second-opinion.pg.test.ts and tests/sampling.pg.test.ts.

import type { Authority, Command, Outcome } from "@openagents/authority";
import type { Database } from "@openagents/postgres";
import {
  ProblemError,
  type CommandCall,
  type CommandReply,
  type PayOn,
  type VerifySandboxRunRequest,
  type VerifySandboxRunResponse,
} from "@openagents/contracts";
import { notFound } from "@openagents/service";
import {
  findJob,
  isOpinionSpec,
  jobMessage,
  listJobsAbout,
  lockJob,
  type Job,
  type Offers,
} from "../jobs/index.ts";
import { findQuote, type Quote } from "../marketplace/index.ts";
import { findReservation, type Reservation } from "../reservations/index.ts";
import { requireLockedRun } from "../runs/index.ts";
import { conclude, type Conclusion } from "./conclude.ts";
import { decideAgreement } from "./decide-agreement.ts";
import type { Decision } from "./decide-verification.ts";
import type { Judge } from "./judge.ts";
import { loadRerun } from "./rerun.ts";
import { findReplacement, isExpected, orderSecond } from "./second-opinion.ts";
import { findSecondTerms } from "./store.ts";
import { awaitingMessage } from "./wire.ts";

export type VerificationDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly offers: Offers;
  readonly judge: Judge;
};

/** In order of precedence. */
type VerifyRefusal = "job_not_work" | "job_of_panel" | "job_not_reported" | "already_verified";

/**
 * Decide on a reported job, or order its second run and say so. Asked again
 * while that run goes on, it answers the same and decides nothing: the key stays free.
 */
export async function verifySandboxRun(
  deps: VerificationDeps,
  call: CommandCall,
  request: VerifySandboxRunRequest,
): Promise<CommandReply> {
  const seen = await findJob(deps.db, request.jobId);
  if (seen === undefined || seen.org !== call.principal.org) throw notFound("job", request.jobId);
  const first = await decideOn(deps.judge, seen);
  const seenSecond = (await listJobsAbout(deps.db, seen.jobId, "second_opinion")).at(-1);
  const second = seenSecond === undefined ? undefined : await decideOn(deps.judge, seenSecond);

  return deps.authority.execute<VerifySandboxRunResponse>(call, request, async (command) => {
    const run = await requireLockedRun(command.tx, seen.org, seen.runId);
    const job = await lockJob(command.tx, request.jobId);
    const refused = refuseVerify(job);
    if (refused !== undefined) {
      return { kind: "refused", rule: "state", reason: refused, detail: VERIFY_DETAILS[refused](job) };
    }
    // Reported since we looked: nothing is decided, and the caller asks again with the same key.
    if (first === undefined) throw notYet();
    const order = await loadOrder(command, job);
    if (!wouldBePaid(first, order.quote.payOn)) return conclude(command, { run, job, first });

    const asked = await listJobsAbout(command.tx, job.jobId, "second_opinion");
    const latest = asked.at(-1);
    // What it was ordered for, stays: a provider that is not new any more was so then.
    const known = latest === undefined ? undefined : await findSecondTerms(command.tx, latest.jobId);
    const rerun = known?.rerun ?? (await loadRerun(command.tx, job, order.quote));
    if (latest === undefined) {
      // Reported, and for the policy `sampled` paid for: nobody calls it verified.
      if (rerun.decision === "not_drawn") return conclude(command, { run, job, first, rerun });
      const { secondOpinion } = order.quote;
      if (secondOpinion === undefined) throw new Error(`${order.quote.quoteId} has no second opinion`);
      return requestSecond(deps, command, {
        ...order,
        run,
        job,
        first,
        rerun,
        replaced: undefined,
        provider: secondOpinion,
      });
    }
    const repeated = await lockJob(command.tx, latest.jobId);
    let because = NO_SECOND_RUN;
    if (repeated.status === "reported" && repeated.result !== undefined) {
      if (second === undefined || repeated.jobId !== seenSecond?.jobId) throw notYet();
      const agreement = decideAgreement(first, second);
      if (agreement.kind === "agree")
        return concludeAgreed(command, { run, job, first, second: repeated, rerun });
      if (agreement.kind === "disagree") {
        return conclude(command, {
          run,
          job,
          first: { ...first, verdict: "inconclusive", because: agreement.because },
          second: repeated,
          disagreement: true,
          rerun,
        });
      }
      because = `the second run: ${agreement.because}`;
    }
    const nowMs = command.nowMs();
    if (await isExpected(command, repeated, nowMs)) {
      return {
        kind: "nothing",
        output: {
          verification: awaitingMessage(job.jobId, first, repeated.jobId),
          receiptId: repeated.dispatchReceiptId,
          secondJob: jobMessage(repeated),
        },
      };
    }
    // It failed, was called off, came to nothing, or its worker is gone: someone else is asked, and it is not paid.
    const provider = await findReplacement(command, { job, quote: order.quote, asked }, nowMs);
    if (provider !== undefined) {
      return requestSecond(deps, command, { ...order, run, job, first, rerun, replaced: repeated, provider });
    }
    return conclude(command, {
      run,
      job,
      first: { ...first, verdict: "inconclusive", because },
      second: repeated,
      rerun,
    });
  });
}

const NO_SECOND_RUN = "nobody could run the work a second time, so the first report is not confirmed";

/** The decision on a reported job; undefined for one that is not reported, or that a panel decides. */
async function decideOn(judge: Judge, job: Job): Promise<Decision | undefined> {
  if (isOpinionSpec(job.spec)) return undefined;
  return job.status === "reported" ? (await judge.decide(job))[0] : undefined;
}

/** A person may accept what needs review, so that is confirmed first too. Where execution is paid, every answer is. */
function wouldBePaid({ verdict }: Decision, payOn: PayOn): boolean {
  if (payOn === "execution") return verdict !== "inconclusive";
  return verdict === "proven" || verdict === "needs_review";
}

type LoadedOrder = { readonly quote: Quote; readonly reservation: Reservation };

async function loadOrder(command: Command, job: Job): Promise<LoadedOrder> {
  const { quoteId = "", reservationId = "" } = job;
  const quote = await findQuote(command.tx, job.org, quoteId);
  const reservation = await findReservation(command.tx, job.org, reservationId);
  if (quote === undefined || reservation === undefined)
    throw new Error(`the quote or reservation of ${job.jobId} is missing`);
  return { quote, reservation };
}

async function requestSecond(
  deps: VerificationDeps,
  command: Command,
  order: Omit<Parameters<typeof orderSecond>[1], "decision"> & { readonly first: Decision },
): Promise<Outcome<VerifySandboxRunResponse>> {
  const { first, ...rest } = order;
  const second = await orderSecond(command, { ...rest, decision: first }, command.nowMs());
  return {
    kind: "answer",
    output: {
      verification: awaitingMessage(order.job.jobId, first, second.job.jobId),
      receiptId: second.receiptId,
      secondJob: jobMessage(second.job),
    },
    writes: second.writes,
    afterCommit: () => deps.offers.announce(second.job.providerWorkerId),
  };
}

function concludeAgreed(
  command: Command,
  conclusion: Conclusion & { readonly second: Job },
): Outcome<VerifySandboxRunResponse> {
  const isSelf = conclusion.second.providerOrg === conclusion.job.org;
  return conclude(command, { ...conclusion, assurance: isSelf ? "self" : "independent" });
}

function notYet(): ProblemError {
  return new ProblemError({
    status: 503,
    code: "job_just_reported",
    detail: "The provider handed in its result this moment. Send the same request again.",
    retryAfterMs: 100,
  });
}

function refuseVerify(job: Job): VerifyRefusal | undefined {
  if (job.purpose !== "work") return "job_not_work";
  if (isOpinionSpec(job.spec)) return "job_of_panel";
  if (job.status === "queued" || job.status === "leased") return "job_not_reported";
  return job.status === "reported" ? undefined : "already_verified";
}

const VERIFY_DETAILS: Readonly<Record<VerifyRefusal, (job: Job) => string>> = {
  job_not_work: (job) => `This job repeats ${job.primaryJobId ?? "another"}; verify that one.`,
  job_of_panel: () => "The job is a copy on a panel. Send DecidePanel for the panel.",
  job_not_reported: () =>
    "The provider has not handed in a result yet. Ask again when the job is `reported`.",
  already_verified: (job) => `The job is ${job.status}; a job has one verdict.`,
};
