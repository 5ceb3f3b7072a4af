// How a run ends: what is open is closed, the log says how it ended, the bundle
// is written, and a patch that holds becomes a branch. Each part is done once,
// also when the process is killed between any two of them.

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { VerificationResult } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { writeBundle } from "../bundle/index.ts";
import { reading } from "../clients.ts";
import { openWorkspace, writeBranch } from "../workspace/index.ts";
import { patchFile } from "./attempt.ts";
import { closeOrder } from "./close-order.ts";
import { isRefusedAs } from "./executor.ts";
import { isOpen, type Ending, type Journal } from "./journal.ts";
import { currentOrder } from "./order.ts";
import { publishRun } from "./publish-run.ts";
import { workspaceFolder } from "./prepare.ts";
import { bounded } from "./run-log.ts";
import type { Session } from "./session.ts";

/** The end of a run that was asked to cancel. */
export const CANCELED: Ending = {
  status: "canceled",
  problem: { step: "executor", code: "canceled", detail: "The run was canceled." },
};

/**
 * Go through the ending; what an earlier process did of it is not done again. The
 * run is not done as long as money is set aside: another time closes that, and the
 * bundle is sealed again with it.
 */
export async function finish(session: Session, decided: Ending): Promise<void> {
  const { journal, clients, runId, signal, pause } = session;
  let ending = journal.current.ending ?? decided;
  if (journal.current.ending === undefined) await journal.save({ ending });
  await closeOrder(session);
  const { run } = await reading(() => clients.runs.getRun({ runId }, { signal }), signal, pause);
  if (run.status === "canceling" && ending.status !== "canceled") {
    // Asked to cancel, a run has no other end, also when the request came after the verdict.
    ending = CANCELED;
    await journal.save({ ending });
  }
  if (!["succeeded", "failed", "canceled"].includes(run.status)) await tellEnd(session, ending);
  const open = isOpen(currentOrder(session));
  const { bundleDir, bundleOpen } = journal.current;
  if (bundleDir === undefined || (bundleOpen === true && !open)) await bundle(session, ending, open);
  if (ending.status === "succeeded" && journal.current.branch === undefined) await makeBranch(session);
  await publishRun(session, ending);
  if (open) return;
  await journal.save({ done: true });
  for (const name of ["workspace", "layers", "agent", "scratch"])
    await rm(join(session.folder, name), { recursive: true, force: true });
}

async function tellEnd({ journal, log, signal }: Session, { status, problem }: Ending): Promise<void> {
  const why =
    problem === undefined ? {} : { step: problem.step, code: problem.code, detail: bounded(problem.detail) };
  await log
    .append("run.finished", { status, ...why, attempts: journal.current.attempts.length }, signal)
    .catch((cause: unknown) => {
      // A repeat whose first answer was lost.
      if (!isRefusedAs(cause, "run_finished")) throw cause;
    });
}

async function bundle(session: Session, { problem }: Ending, open: boolean): Promise<void> {
  const { clients, deps, folder, journal, runId, signal, steps } = session;
  const { request, check } = journal.current;
  const attempt = bundledAttempt(journal.current);
  const bundleDir = await steps.step(
    "bundle",
    async () =>
      writeBundle({
        clients,
        runId,
        sessionsDir: deps.sessionsDir,
        patch: attempt === undefined ? undefined : await readFile(patchFile(folder, attempt)),
        baseBundle:
          journal.current.base === undefined
            ? undefined
            : await readFile(join(workspaceFolder(folder), "base.bundle")),
        summary: {
          issue: request.issue,
          agentName: deps.agentOf(request.agent).name,
          checks: check?.commands ?? request.checks,
          problem: problem?.detail,
        },
        signal,
      }),
    (dir) => dir,
  );
  await journal.save({ bundleDir, bundleOpen: open });
}

/** The last attempt whose patch was checked, else the last that has a patch. */
export function bundledAttempt({ attempts }: Journal): number | undefined {
  const checked = attempts.findLastIndex(({ orders }) => orders.some(({ jobId }) => jobId !== undefined));
  const made =
    checked >= 0 ? checked : attempts.findLastIndex(({ patchSha256 }) => patchSha256 !== undefined);
  return made < 0 ? undefined : made + 1;
}

/** A plain folder and a clone of ours have no repository of the user's to put it into. */
async function makeBranch(session: Session): Promise<void> {
  const { journal, runId, steps } = session;
  const origin = journal.current.base?.origin;
  if (origin === undefined || bundledAttempt(journal.current) === undefined) return;
  const branch = branchOf(runId);
  await steps.step(
    "branch",
    () => commitResult(session, origin),
    (commit) => `${branch} at ${commit.slice(0, 12)}`,
  );
  await journal.save({ branch });
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
