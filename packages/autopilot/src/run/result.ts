// A run's result in a repository: which patch it is, and the one commit that it becomes.

import { readFile } from "node:fs/promises";
import type { VerificationResult } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { openWorkspace, writeBranch } from "../workspace/index.ts";
import { patchFile, workspaceFolder } from "./run-files.ts";
import type { Journal } from "./journal.ts";
import type { Session } from "./session.ts";

/** The last attempt whose patch was checked, else the last that has a patch. */
export function bundledAttempt({ attempts }: Journal): number | undefined {
  const checked = attempts.findLastIndex(({ orders }) => orders.some(({ jobId }) => jobId !== undefined));
  const made =
    checked >= 0 ? checked : attempts.findLastIndex(({ patchSha256 }) => patchSha256 !== undefined);
  return made < 0 ? undefined : made + 1;
}

/** Put the result into a repository, as one commit on the run's branch; a repeat answers the same commit. */
export async function commitResult(
  session: Session,
  origin: { readonly repo: string; readonly head: string },
): Promise<string> {
  const { folder, journal, runId, signal } = session;
  const { base, request, createdAtMs } = journal.current;
  const attempt = bundledAttempt(journal.current);
  if (base === undefined || attempt === undefined) throw new Error(`${runId} has no patch to commit`);
  const workspace = await openWorkspace(workspaceFolder(folder), base, signal);
  return writeBranch({
    origin,
    base: workspace.base,
    patch: await readFile(patchFile(folder, attempt)),
    branch: branchOf(runId),
    message: commitMessage(
      request.issue.title,
      runId,
      journal.current.attempts.at(-1)?.orders.at(-1)?.verification,
    ),
    atMs: createdAtMs,
    signal,
  });
}

/** The end of the id is random; its beginning is the time. */
export function branchOf(runId: string): string {
  return `openagents/${runId.slice(-12)}`;
}

function commitMessage(title: string, runId: string, verification: VerificationResult | undefined): string {
  if (verification === undefined)
    throw new AutopilotError("not_verified", `${runId} has no verdict to put on a branch.`);
  const { verdict, proof, assurance, review } = verification;
  const said = review === undefined ? "" : `, ${review} by a person`;
  const whose = assurance === "provider" ? "reported by the provider" : `verified (${assurance})`;
  const lines = [
    title.replace(/\s+/g, " ").trim(),
    "",
    `Run: ${runId}`,
    `Verdict: ${verdict.replaceAll("_", " ")} (${proof.replaceAll("_", " ")}), ${whose}${said}`,
  ];
  return `${lines.join("\n")}\n`;
}
