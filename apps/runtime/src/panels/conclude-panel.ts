// Deciding a panel, once what may still come in is in.
//
// PNL-5  A panel is decided once, and no copy is paid before.
// Held by tests/panels.pg.test.ts.

import type { Authority, Command, Outcome } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  DecidePanelRequest,
  DecidePanelResponse,
} from "@openagents/contracts";
import { loadForTransfers, planTransfers, postingWrites } from "@openagents/ledger";
import { notFound } from "@openagents/service";
import { callOff, lockOpenJob, voidOf, voided, type OpenJob } from "../cancellation/index.ts";
import type { Job } from "../jobs/index.ts";
import { endReservations } from "../reservations/index.ts";
import { extendRun, requireLockedRun, type Run } from "../runs/index.ts";
import { adjudicate, type Adjudicated } from "./decide-adjudication.ts";
import { askedOf, isReady } from "./decide-redundancy.ts";
import { REVIEW_MS, answersOf, panelMessage, type Panel, type PanelCopy } from "./panel.ts";
import { findPanel, lockCopies, updatePanel } from "./store.ts";
import { recordVerdicts } from "./verdicts.ts";

/** Locks run → jobs → reservations → accounts. Refused: `already_decided`. */
export function concludePanel(
  { authority }: { readonly authority: Authority },
  call: CommandCall,
  request: DecidePanelRequest,
): Promise<CommandReply> {
  return authority.execute<DecidePanelResponse>(call, request, async (command) => {
    const { panel, run, copies } = await lockPanel(command, request.panelId);
    if (isOver(panel)) return refuseDecided(panel);
    const nowMs = command.nowMs();
    const outcome = decideOn(panel, copies, nowMs);
    if (outcome === undefined) {
      const output = { panel: panelMessage(panel, copies), receiptId: panel.receiptId };
      return { kind: "nothing", output };
    }
    return writeDecision(command, { panel, run, copies, outcome }, nowMs);
  });
}

export type LockedPanel = {
  readonly panel: Panel;
  readonly run: Run;
  readonly copies: readonly PanelCopy[];
};

/** A panel of the caller's organisation, under its run's lock; else 404. */
export async function lockPanel(command: Command, panelId: string): Promise<LockedPanel> {
  const { org } = command.call.principal;
  const seen = await findPanel(command.tx, panelId);
  if (seen === undefined || seen.org !== org) throw notFound("panel", panelId);
  const run = await requireLockedRun(command.tx, org, seen.runId);
  const panel = await findPanel(command.tx, panelId);
  if (panel === undefined) throw new Error(`panel ${panelId} vanished`);
  return { panel, run, copies: await lockCopies(command.tx, panelId) };
}

/** Undefined: it is waited on, for copies or for a person. */
function decideOn(panel: Panel, copies: readonly PanelCopy[], nowMs: number): Adjudicated | undefined {
  if (panel.status === "needs_review") {
    if (nowMs < (panel.reviewByMs ?? 0)) return undefined;
    return { kind: "expired", because: "nobody decided on the answers in the time for it" };
  }
  if (!isReady(copies, panel.decideByMs, nowMs)) return undefined;
  return adjudicate(answersOf(copies), askedOf(panel, copies));
}

export type Decided = LockedPanel & {
  readonly outcome: Adjudicated | { readonly kind: "rejected"; readonly because: string };
  /** Whoever decided, where it was a person. */
  readonly person?: string;
};

/** The decision with its receipt, what it says of each copy, and the end of those that did not come in. */
export async function writeDecision(
  command: Command,
  { panel, run, copies, outcome, person }: Decided,
  nowMs: number,
): Promise<Outcome<DecidePanelResponse>> {
  const { kind, because } = outcome;
  const isFinal = kind !== "needs_review";
  const answerSha256 = kind === "decided" ? outcome.answerSha256 : undefined;
  const open: OpenJob[] = [];
  for (const { job } of copies) {
    const locked = job === undefined ? undefined : await lockOpenJob(command, job.jobId);
    if (locked !== undefined) open.push(locked);
  }
  const given = open.flatMap(({ reservation }) => reservation ?? []);
  const voids = given.map(voidOf);
  const loaded = await loadForTransfers(command.tx, voids, nowMs);
  const plan = planTransfers(loaded, voids, nowMs);
  const unmade = plan.results.find((result) => result.kind !== "created");
  if (unmade !== undefined)
    throw new Error(`the ledger did not give back what ${panel.panelId} held: ${JSON.stringify(unmade)}`);

  const decidedBy = person ?? panel.adjudication;
  const facts = {
    panel_id: panel.panelId,
    run_id: run.runId,
    job_hash: panel.jobHash,
    outcome: kind,
    because,
    ...(isFinal ? { decided_by: decidedBy } : {}),
    ...(answerSha256 === undefined ? {} : { answer_sha256: answerSha256 }),
    redundancy: panel.redundancy,
    quorum: panel.quorum,
    answers: copies.flatMap(({ job }) =>
      answersOf([{ quoteId: "", quoteValidUntilMs: 0, job }]).map((answer) => ({
        job_id: job?.jobId ?? "",
        answer_sha256: answer,
      })),
    ),
  };
  const receipt = command.seal("openagents.runtime.panel_decided.v1", run.runId, facts, nowMs);
  const next: Panel = {
    ...panel,
    status: kind,
    because,
    answerSha256,
    reviewByMs: isFinal ? panel.reviewByMs : nowMs + REVIEW_MS,
    decidedBy: isFinal ? decidedBy : undefined,
    decidedAtMs: isFinal ? nowMs : undefined,
    receiptId: receipt.receipt_id,
  };
  const off = open.map((each) => callOff(command, each, "panel_decided", nowMs));
  const jobs: Job[] = isFinal ? copies.flatMap(({ job }) => (job?.status === "reported" ? [job] : [])) : [];
  const verdicts = recordVerdicts(command, next, jobs, person !== undefined, nowMs);
  const event = { eventType: "panel.decided", payload: { ...facts, receipt_id: receipt.receipt_id } };
  const events = [...off.flatMap((each) => each.events), event, ...verdicts.events];
  return {
    kind: "answer",
    output: { panel: panelMessage(next, copies), receiptId: receipt.receipt_id },
    writes: [
      updatePanel(next),
      ...off.flatMap((each) => each.writes),
      ...endReservations(voided(given)),
      ...(voids.length === 0 ? [] : postingWrites(loaded, plan, receipt.receipt_id)),
      ...verdicts.writes,
      ...extendRun(run, events, nowMs).writes,
    ],
  };
}

function isOver({ status }: Panel): boolean {
  return status !== "open" && status !== "needs_review";
}

function refuseDecided({ status, because }: Panel): Outcome<never> {
  return {
    kind: "refused",
    rule: "state",
    reason: "already_decided",
    detail: `The panel is ${status}: ${because ?? ""}. Settle its jobs.`,
  };
}
