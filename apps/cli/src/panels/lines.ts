// A panel as a person reads it: who said what, and what was decided.

import type { Job, Panel, PanelCopy, Settlement } from "@openagents/contracts";
import {
  formatSats,
  formatTime,
  printable,
  renderPairs,
  renderTable,
  type Style,
} from "../terminal/index.ts";

const NEXT: Readonly<Record<Panel["status"], string | undefined>> = {
  open: "decide",
  needs_review: "adjudicate",
  decided: undefined,
  rejected: undefined,
  expired: undefined,
};

/** `jobs`: those of its copies, by id, with what they answered. */
export function panelLines(panel: Panel, jobs: ReadonlyMap<string, Job>, style: Style): string[] {
  const next = NEXT[panel.status];
  const pairs: (readonly [string, string])[] = [
    ["panel", panel.panelId],
    ["work", panel.capability],
    ["status", panel.status.replace("_", " ")],
    ["quorum", `${panel.quorum} of ${panel.redundancy}`],
    ["price", `${formatSats(panel.totalPriceMsats)}, paid on ${panel.payOn}`],
    [
      "decided by",
      panel.decidedBy === undefined
        ? `${formatTime(panel.decideBy)} at the latest`
        : printable(panel.decidedBy),
    ],
    ...(panel.because === undefined ? [] : [["because", printable(panel.because)] as const]),
    ...(panel.answerSha256 === undefined ? [] : [["answer", panel.answerSha256] as const]),
    ...(next === undefined ? [] : [["next", `openagents panels ${next} ${panel.panelId}`] as const]),
  ];
  const columns = ["job", "status", "verdict", "answer", "said"].map((title) => ({ title }));
  const rows = panel.copies.map((copy) => [
    copy.jobId ?? "",
    copy.status ?? "not ordered",
    copy.verdict ?? "",
    copy.answerSha256 ?? "",
    saidOf(copy, jobs),
  ]);
  return [...renderPairs(pairs, style), ...renderTable(columns, rows, style)];
}

function saidOf({ jobId }: PanelCopy, jobs: ReadonlyMap<string, Job>): string {
  const job = jobs.get(jobId ?? "");
  if (job?.failure !== undefined) return printable(`could not: ${job.failure.code}`);
  const answer = job?.codeChunkAnalysisResult ?? job?.retrievalRerankResult;
  if (answer === undefined) return "";
  const words =
    "rankedIds" in answer
      ? answer.rankedIds.join(" > ")
      : answer.findings.map(({ chunkId, label }) => `${chunkId}: ${label}`).join(", ");
  return printable(answer.remarks === undefined ? words : `${words} (${answer.remarks})`).slice(0, 200);
}

export function settledLine(settlements: readonly Settlement[]): string {
  const paid = settlements.filter(({ status }) => status === "released");
  const spent = paid.reduce((sum, each) => sum + each.providerMsats + each.operatorFeeMsats, 0n);
  return `${paid.length} of ${settlements.length} answers credited, ${formatSats(spent)} in all`;
}
