// How a run ends: what is open is closed, the log says how it ended, the bundle
// is written, and a patch that holds becomes a branch. Each part is done once,
// also when the process is killed between any two of them.

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeBundle } from "../bundle/index.ts";
import { reading } from "../clients.ts";
import { isOriginHere } from "../workspace/index.ts";
import { closeOrder } from "./close-order.ts";
import { isRefusedAs } from "./executor.ts";
import { isOpen, type Ending } from "./journal.ts";
import { currentOrder } from "./order.ts";
import { publishRun } from "./publish-run.ts";
import { branchOf, bundledAttempt, commitResult } from "./result.ts";
import { patchFile, workspaceFolder } from "./run-files.ts";
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

/** A plain folder and a clone of ours have no repository of the user's to put it into. */
async function makeBranch(session: Session): Promise<void> {
  const { journal, runId, signal, steps } = session;
  const origin = journal.current.base?.origin;
  if (origin === undefined || bundledAttempt(journal.current) === undefined) return;
  // A run that another machine has begun may end where its repository is not.
  if (!(await isOriginHere(origin, signal))) return;
  const branch = branchOf(runId);
  await steps.step(
    "branch",
    () => commitResult(session, origin),
    (commit) => `${branch} at ${commit.slice(0, 12)}`,
  );
  await journal.save({ branch });
}
