// What a Phase-0 run came to, as files: for a machine summary.json, events.jsonl,
// metrics.json and receipts/, for a person SUMMARY.md.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode, runEventDesc } from "@openagents/contracts";
import { receiptId, wireReceipt, type Evidence } from "./evidence.ts";
import type { Metrics } from "./metrics.ts";
import { STORY, type Milestone } from "./milestones.ts";
import type { Telemetry } from "./telemetry.ts";

const FORGE = "a stand-in on this computer: git over HTTP and a REST API like GitHub's, and nobody's server";

export type Played = {
  readonly name: string;
  readonly shows: string;
  readonly expected: readonly Milestone[];
  readonly milestones: readonly Milestone[];
  /** Why it failed; empty when it did not. */
  readonly failures: readonly string[];
  readonly commandsReplayed: number;
  readonly wallMs: number;
  readonly evidence: Evidence;
};

export type Report = {
  readonly startedAt: string;
  readonly played: readonly Played[];
  readonly metrics: Metrics;
  readonly telemetry: Telemetry;
  readonly notCovered: readonly string[];
};

export function isOk({ played, metrics, telemetry }: Report): boolean {
  return (
    metrics.caps_enforced &&
    telemetry.differs.length === 0 &&
    played.every(({ failures }) => failures.length === 0)
  );
}

/** Write into `folder`, which is made. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(join(folder, "receipts"), { recursive: true });
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  await write("summary.json", `${JSON.stringify(summaryOf(report), undefined, 2)}\n`);
  await write("metrics.json", `${JSON.stringify(metricsOf(report), undefined, 2)}\n`);
  await write("SUMMARY.md", summaryText(report));
  await write("events.jsonl", report.played.flatMap(eventLines).join(""));
  for (const { evidence } of report.played) {
    for (const signed of [...evidence.workerReceipts, ...evidence.runReceipts]) {
      await write(
        `receipts/${receiptId(signed)}.json`,
        `${JSON.stringify(wireReceipt(signed), undefined, 2)}\n`,
      );
    }
  }
}

function metricsOf({ metrics, telemetry }: Report) {
  return { schema: "openagents.vignette.phase0.metrics.v1", ...metrics, telemetry };
}

/** Milestones whose record is not one receipt of that name. */
function remarks(): { milestone: string; remark: string }[] {
  return STORY.flatMap((line) =>
    "remark" in line ? [{ milestone: line.milestone, remark: line.remark }] : [],
  );
}

function summaryOf(report: Report) {
  return {
    schema: "openagents.vignette.phase0.summary.v1",
    ok: isOk(report),
    started_at: report.startedAt,
    vignettes: report.played.map((played) => ({
      name: played.name,
      ok: played.failures.length === 0,
      failures: played.failures,
      run_ids: played.evidence.runs.map(({ runId }) => runId),
      milestones: played.milestones,
      commands_replayed: played.commandsReplayed,
      wall_ms: played.wallMs,
    })),
    forge: FORGE,
    remarks: remarks(),
    not_covered: report.notCovered,
  };
}

function eventLines({ name, evidence }: Played): string[] {
  return evidence.runs.flatMap(({ runId, events }) =>
    events.map(
      (event) => `${JSON.stringify({ vignette: name, run_id: runId, ...encode(runEventDesc, event) })}\n`,
    ),
  );
}

function summaryText(report: Report): string {
  const entries = Object.entries(metricsOf(report));
  return [
    `# Phase 0: ${isOk(report) ? "holds" : "does not hold"}`,
    "",
    `Started ${report.startedAt}.`,
    "",
    ...report.played.flatMap(vignetteText),
    "## Metrics",
    "",
    ...entries.map(([name, value]) => `- ${name}: ${JSON.stringify(value)}`),
    "",
    `The forge was ${FORGE}.`,
    "",
    "## What stands for a milestone",
    "",
    "Each is an event with its receipt, but for these:",
    "",
    ...remarks().map(({ milestone, remark }) => `- ${milestone}: ${remark}`),
    "",
    "## Not covered yet",
    "",
    ...report.notCovered.map((name) => `- ${name}`),
    "",
  ].join("\n");
}

function vignetteText(played: Played): string[] {
  const { name, shows, failures, milestones, commandsReplayed, wallMs } = played;
  return [
    `## ${failures.length === 0 ? "✓" : "✗"} ${name}`,
    "",
    `Shows that ${shows}.`,
    "",
    ...failures.map((failure) => `- failed: ${failure.replaceAll("\n", " ")}`),
    ...milestones.map((milestone, index) => `${index + 1}. ${milestone}`),
    "",
    `${commandsReplayed} commands were sent twice; it took ${(wallMs / 1000).toFixed(1)} s.`,
    "",
  ];
}
