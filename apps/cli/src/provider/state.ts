// How a provider of this computer is, put together from its seat and from what
// the runtime says.

import type { Worker } from "@openagents/contracts";
import {
  activityToWire,
  findSeller,
  readActivity,
  sellerToWire,
  type Activity,
  type SellerRecord,
} from "@openagents/stack";
import {
  formatDuration,
  formatSats,
  formatTime,
  printable,
  renderPairs,
  type Style,
} from "../terminal/index.ts";
import type { Identity } from "./identity.ts";
import { findPayment, findWorker } from "./look-up.ts";
import type { Payment } from "./payment.ts";
import { priceWords } from "./prices.ts";

export type ProviderState = {
  /** Absent when it does not sell now. */
  readonly record?: SellerRecord;
  /** Absent when it never sold. */
  readonly workerId?: string;
  readonly activity: Activity;
  readonly worker?: Worker;
  /** Why the runtime was not asked, or what went wrong. */
  readonly notAsked?: string;
  readonly lastPayment?: Payment;
};

/** Look, and ask the runtime when it can be asked. Never throws for a runtime that is away. */
export async function readState(identity: Identity): Promise<ProviderState> {
  const { seat } = identity;
  const record = findSeller(seat);
  const activity = readActivity(seat);
  const workerId = record?.workerId ?? activity.workerId;
  const local = {
    activity,
    ...(record === undefined ? {} : { record }),
    ...(workerId === undefined ? {} : { workerId }),
  };
  if (workerId === undefined) return local;
  try {
    const client = identity.client();
    const worker = await findWorker(client, workerId);
    const { lastJob } = activity;
    const lastPayment = lastJob?.outcome === "result" ? await findPayment(client, lastJob.jobId) : undefined;
    return {
      ...local,
      ...(worker === undefined ? { notAsked: "the runtime does not know this worker" } : { worker }),
      ...(lastPayment === undefined ? {} : { lastPayment }),
    };
  } catch (error) {
    return { ...local, notAsked: error instanceof Error ? error.message : String(error) };
  }
}

export function stateLines(state: ProviderState, flags: string, nowMs: number, style: Style): string[] {
  const { record, workerId, activity } = state;
  const start = `openagents provider start${flags}`;
  if (workerId === undefined) return [`${style.dim("○")} not selling, and never did; \`${start}\` begins`];
  const upMs = record === undefined ? 0 : Math.max(0, nowMs - Date.parse(record.startedAt));
  const head =
    record === undefined
      ? `${style.dim("○")} not selling; \`${start}\` begins again`
      : `${isWell(state) ? style.green("●") : style.yellow("●")} selling, pid ${record.pid}, up ${formatDuration(upMs)}`;
  const pairs: [string, string][] = [["worker", workerId]];
  if (record !== undefined) {
    pairs.push(["name", printable(record.displayName)]);
    pairs.push(["price", state.worker === undefined ? recordedPrice(record) : priceWords(state.worker)]);
    pairs.push(["runtime", record.runtimeUrl]);
  }
  pairs.push(["market", marketWords(state, style)]);
  const { jobsDone, jobsFailed, jobsLost } = activity;
  pairs.push(["jobs", `${jobsDone} done, ${jobsFailed} given back, ${jobsLost} lost`]);
  if (record !== undefined && activity.working.length > 0)
    pairs.push(["working", activity.working.join(", ")]);
  pairs.push(["last job", lastJobWords(state)]);
  return [head, ...renderPairs(pairs, style)];
}

/** Where the runtime cannot be asked for all of its prices. */
function recordedPrice({ priceMsats }: SellerRecord): string {
  return priceMsats === 0n ? "whatever the verdict only" : `${formatSats(priceMsats)} a job`;
}

export function stateJson(state: ProviderState, nowMs: number): string {
  const { record, activity, worker, notAsked, lastPayment } = state;
  return JSON.stringify({
    running: record !== undefined,
    ...(record === undefined
      ? {}
      : { ...sellerToWire(record), uptime_ms: Math.max(0, nowMs - Date.parse(record.startedAt)) }),
    ...activityToWire(record === undefined ? { ...activity, working: [] } : activity),
    ...(worker === undefined
      ? {}
      : {
          worker: {
            status: worker.status,
            liveness: worker.liveness,
            strikes: worker.strikes,
            quarantined: worker.quarantined,
          },
        }),
    not_asked: notAsked,
    last_payment: lastPayment,
  });
}

function isWell({ worker }: ProviderState): boolean {
  return worker?.status === "running" && worker.liveness === "fresh" && !worker.quarantined;
}

function marketWords({ worker, notAsked }: ProviderState, style: Style): string {
  if (worker === undefined) return style.yellow(printable(notAsked ?? "not asked"));
  const { status, liveness, strikes, quarantined } = worker;
  if (quarantined) {
    return style.red(`quarantined after ${strikes} strikes: it gets no jobs until the operator lifts it`);
  }
  const words = status === "running" ? `${status}, ${liveness}` : status;
  return strikes === 0
    ? words
    : `${words}, ${style.yellow(strikes === 1 ? "1 strike" : `${strikes} strikes`)}`;
}

function lastJobWords({ activity, lastPayment }: ProviderState): string {
  const { lastJob } = activity;
  if (lastJob === undefined) return "none yet";
  const head = `${lastJob.jobId} at ${formatTime(Date.parse(lastJob.endedAt))}`;
  if (lastJob.outcome === "lost") return printable(`${head}: lost, ${lastJob.detail ?? ""}`);
  if (lastJob.outcome === "failure")
    return printable(`${head}: given back, ${lastJob.detail ?? "for a reason of its own"}`);
  if (lastPayment === undefined) return `${head}: reported`;
  return printable(`${head}: ${lastPayment.state.replaceAll("_", " ")}, ${lastPayment.because}`);
}
