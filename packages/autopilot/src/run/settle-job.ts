// From a final verdict to its settlement, after the operator's own run where two
// runs disagree.

import type { Incident, Settlement } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import { isRefusedAs } from "./executor.ts";
import type { Buyer } from "./session.ts";

const POLL_MS = 500;

/** The operator's reserve makes the run three times over; what takes longer than this is settled by the runtime in its time. */
const DECISION_MS_MAX = 3_600_000;

type Verified = {
  readonly jobId: string;
  readonly disagreement: boolean;
  readonly incidentId?: string | undefined;
};

/**
 * Pay or withhold, as the verdict says; a repeat answers the settlement, also one that
 * the runtime made meanwhile. Throws `decision_stuck` when a disagreement is not decided
 * in `waitMsMax`, an hour when absent.
 */
export async function settleJob(
  buyer: Buyer,
  { jobId, disagreement, incidentId }: Verified,
  key: string,
  keep: (settlement: Settlement) => Promise<void>,
  waitMsMax = DECISION_MS_MAX,
): Promise<Settlement> {
  if (disagreement && incidentId !== undefined) await awaitDecision(buyer, jobId, incidentId, waitMsMax);
  return buyer.steps.step(
    "settle",
    async () => {
      const settlement = await askSettlement(buyer, jobId, key);
      await keep(settlement);
      return settlement;
    },
    describeSettlement,
  );
}

/** A refusal is kept under its key, so that one from before the decision is asked again under another. */
async function askSettlement(buyer: Buyer, jobId: string, key: string): Promise<Settlement> {
  const { clients, pause, signal } = buyer;
  const settle = async (idempotencyKey: string) =>
    (await clients.treasury.settleSandboxRun({ jobId }, { idempotencyKey, signal })).settlement;
  try {
    return await settle(key).catch((cause: unknown) => {
      if (!isRefusedAs(cause, "incident_undecided")) throw cause;
      return settle(`${key}:decided`);
    });
  } catch (cause) {
    if (!isRefusedAs(cause, "already_settled")) throw cause;
  }
  const read = () => clients.treasury.getSettlement({ jobId }, { signal });
  return (await reading(read, signal, pause)).settlement;
}

/** Also over when the runtime has settled without a decision, at the end of its time. */
function awaitDecision(buyer: Buyer, jobId: string, incidentId: string, waitMsMax: number): Promise<unknown> {
  const { clients, nowMs, pause, signal, steps } = buyer;
  return steps.step(
    "third",
    async (say) => {
      const giveUpMs = nowMs() + waitMsMax;
      let said: string | undefined;
      for (;;) {
        const { incident } = await reading(
          () => clients.fraud.getIncident({ incidentId }, { signal }),
          signal,
          pause,
        );
        if (incident.status === "decided") return incident;
        const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
        if (job.status === "settled") return incident;
        const news =
          incident.status === "open"
            ? "two runs disagree: waits for a third run, by the operator's reserve"
            : "two runs disagree: the operator's reserve makes a third run";
        if (news !== said) say(news);
        said = news;
        if (nowMs() >= giveUpMs) {
          throw new AutopilotError(
            "decision_stuck",
            `Two runs of ${jobId} disagree, and ${incidentId} is not decided yet. Its money stays set aside until it is.`,
          );
        }
        await pause(POLL_MS, signal);
        signal.throwIfAborted();
      }
    },
    describeDecision,
  );
}

function describeDecision({ outcome }: Incident): string {
  switch (outcome) {
    case "first_struck":
      return "the third run contradicts the first one";
    case "second_struck":
      return "the third run contradicts the second one";
    case "both_struck":
      return "the third run contradicts both";
    case "flaky":
      return "the operator's own runs differ: the check is flaky";
    case undefined:
      return "nobody decided in time";
    default:
      return "the third run decides nothing";
  }
}

function describeSettlement(made: Settlement): string {
  const second =
    made.secondOpinionMsats > 0n
      ? `, ${made.secondOpinionMsats} msats to the provider of the second run`
      : "";
  return made.status === "released"
    ? `${made.providerMsats} msats credited to the provider${second}, ${made.operatorFeeMsats} msats to the operator`
    : `withheld from the provider (${made.withheldReason ?? "no reason"})${second}`;
}
