// What the service does for a buyer that has gone away, so that nobody's money
// waits for it. Pure.
//
// STL-1  Nothing is done for a buyer that may still do it itself: first `GRACE_MS` pass in which nothing happens.
// STL-2  A step's key follows from what the job is in, so that a step is taken once however many processes look.
// STL-3  A person's word and an incident's decision are waited for; when the reservation's time is over,
//        the treasury settles without them.
// Held by decide-step.test.ts and tests/stalled-jobs.pg.test.ts.

import type { IncidentKind, IncidentStatus, JobStatus, PanelStatus } from "@openagents/contracts";

export type Undecided = {
  readonly jobId: string;
  readonly status: Extract<JobStatus, "reported" | "verified">;
  readonly updatedAtMs: number;
  /** Second runs that were ordered. */
  readonly seconds: number;
  /** When the last of them changed. */
  readonly secondUpdatedAtMs: number | undefined;
  /** A person's word decides whether it is paid. */
  readonly awaitsReview: boolean;
  readonly disagreement: boolean;
  readonly reviewedAtMs: number | undefined;
  /** Of a copy on a panel, which is decided with the others. */
  readonly panel:
    | {
        readonly panelId: string;
        readonly status: PanelStatus;
        /** Copies that may still come in. */
        readonly outstanding: number;
        readonly decideByMs: number;
        readonly reviewByMs: number | undefined;
      }
    | undefined;
  readonly incident:
    | {
        readonly kind: IncidentKind;
        readonly status: IncidentStatus;
        readonly decidedAtMs: number | undefined;
      }
    | undefined;
};

export type Step =
  | { readonly kind: "wait" }
  | { readonly kind: "verify"; readonly key: string }
  | { readonly kind: "decide"; readonly panelId: string; readonly key: string }
  | { readonly kind: "settle"; readonly key: string };

/** A buyer that lives asks within seconds. */
export const GRACE_MS = 120_000;

export function decideStep(job: Undecided, nowMs: number): Step {
  const { jobId, incident } = job;
  const changedAtMs = Math.max(
    job.updatedAtMs,
    job.secondUpdatedAtMs ?? 0,
    job.reviewedAtMs ?? 0,
    incident?.decidedAtMs ?? 0,
  );
  if (nowMs < changedAtMs + GRACE_MS) return { kind: "wait" };
  if (job.status === "reported" && job.panel !== undefined) return decidePanelStep(job.panel, nowMs);
  if (job.status === "reported") return { kind: "verify", key: `stalled:verify:${jobId}:${job.seconds}` };

  if (job.awaitsReview || isAwaited(job)) return { kind: "wait" };
  return { kind: "settle", key: `stalled:settle:${jobId}:${incident?.status ?? "undisputed"}` };
}

/** A buyer has its own time after the panel's. */
function decidePanelStep(panel: NonNullable<Undecided["panel"]>, nowMs: number): Step {
  const { panelId, status, outstanding, decideByMs, reviewByMs = decideByMs } = panel;
  const dueMs = (status === "open" ? decideByMs : reviewByMs) + GRACE_MS;
  if (nowMs < dueMs && (status !== "open" || outstanding > 0)) return { kind: "wait" };
  return { kind: "decide", panelId, key: `stalled:decide:${panelId}:${status}` };
}

/** A settlement is refused while a dispute is open; one that pays whom a disagreement wronged wants its decision. */
function isAwaited({ incident, disagreement }: Undecided): boolean {
  if (incident === undefined || incident.status === "decided") return false;
  return incident.kind === "dispute" || disagreement;
}
